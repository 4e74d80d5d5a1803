use super::{APP_ID, Login};
use crate::redirect::{Reply, Word};
use model::Secret;
use std::collections::HashSet;
use url::{Url, form_urlencoded};

/// The scheme's place for answers. WordPress refuses an address without a host, so that this one has one.
const SCHEME: &str = "app.bellhop.desktop://wordpress/";
/// The path of the loopback answer.
pub(crate) const PATH: &str = "/wordpress/";
/// The longest answer that is read, in bytes.
const LONGEST: usize = 4 * 1024;

/// Where the desktop takes the answer: `app.bellhop.desktop://wordpress/<nonce>`. The page has no PKCE and no
/// `state`, and the password comes back in the address; the nonce's 256 bits are what tells a good answer.
pub(crate) fn scheme_place(nonce: &Secret) -> Secret {
    Secret::new(format!("{SCHEME}{}", nonce.expose()))
}

/// Where a loopback listener of this origin takes the answer: WordPress ≥ 7.0 lets it, where the address is a
/// literal one.
pub(crate) fn loopback_place(origin: &str, nonce: &Secret) -> Secret {
    Secret::new(format!("{origin}{PATH}{}", nonce.expose()))
}

/// The page where the person approves. Without `back` it shows the password, to be copied.
pub(crate) fn authorize_page(page: &Url, app_name: &str, back: Option<&Secret>) -> Url {
    let mut url = page.clone();
    let mut query = url.query_pairs_mut();
    query.append_pair("app_name", app_name).append_pair("app_id", APP_ID);
    if let Some(back) = back {
        query.append_pair("success_url", back.expose());
        // WordPress would make up the same; but with `&amp;` in it in some versions.
        query.append_pair("reject_url", &format!("{}?success=false", back.expose()));
    }
    drop(query);
    url
}

/// Read an answer that came to the scheme. `None` when it is none.
pub(crate) fn scheme_reply(url: &str) -> Option<Reply> {
    if url.chars().any(char::is_control) {
        return None;
    }
    let rest = url.strip_prefix(SCHEME)?;
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (nonce, query) = rest.split_once('?')?;
    // Some browsers put a slash behind a path that is all of an address.
    reply(nonce.trim_end_matches('/'), query)
}

/// Read an answer: the nonce of its path, and its query. `None` when it is no answer, or holds anything twice.
pub(crate) fn reply(nonce: &str, query: &str) -> Option<Reply> {
    if query.len() > LONGEST || nonce.is_empty() {
        return None;
    }
    let (mut seen, mut site, mut user, mut password, mut success, mut error) =
        (HashSet::new(), None, None, None, None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "site_url" => site = Some(value.into_owned()),
            "user_login" => user = Some(value.into_owned()),
            "password" => password = Some(Secret::new(value)),
            "success" => success = Some(value.into_owned()),
            "error" => error = Some(value.into_owned()),
            _ => {}
        }
        if !seen.insert(name) {
            return None;
        }
    }
    let state = Secret::new(nonce);
    match (site, user, password) {
        (Some(site), Some(user), Some(password)) if success.is_none() && error.is_none() => {
            let word = Word::Password(Login::new(user, &password)?);
            Some(Reply::new(state, Some(same_site(&site)), word))
        }
        (None, None, None) => {
            // Both come together when the site makes no passwords for this user.
            let code = match (success.as_deref(), error) {
                (_, Some(error)) => error,
                (Some("false"), None) => "access_denied".to_owned(),
                _ => return None,
            };
            Some(Reply::new(state, None, Word::Error(code)))
        }
        _ => None,
    }
}

/// A site's address in the form in which two are compared: WordPress writes http or https as it was asked, with or
/// without a slash behind.
pub(crate) fn same_site(url: &str) -> String {
    let bare = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let path = path.trim_end_matches('/');
    let host = host.to_ascii_lowercase();
    if path.is_empty() { host } else { format!("{host}/{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_holds_anything_twice_or_half_or_too_much_is_none() {
        let good = "site_url=https%3A%2F%2Fa.example&user_login=anna&password=abcd+efgh";
        assert!(reply("n", good).is_some());
        assert!(reply("n", "success=false").is_some());
        assert!(reply("n", "success=false&error=disabled").is_some());
        let long = format!("{good}&x={}", "x".repeat(LONGEST));
        for bad in [
            "",
            "success=true",
            "site_url=https://a.example&password=x",
            &format!("{good}&success=false"),
            &format!("{good}&password=other"),
            "site_url=https://a.example&user_login=an:na&password=x",
            "site_url=https://a.example&user_login=&password=x",
            &long,
        ] {
            assert!(reply("n", bad).is_none(), "{bad:.60}");
        }
        assert!(reply("", good).is_none());
    }

    #[test]
    fn only_our_own_scheme_and_host_are_an_answer() {
        let query = "site_url=https://a.example&user_login=anna&password=x";
        assert!(scheme_reply(&format!("app.bellhop.desktop://wordpress/n?{query}")).is_some());
        assert!(scheme_reply(&format!("app.bellhop.desktop://wordpress/n/?{query}#_")).is_some());
        for bad in [
            format!("app.bellhop.desktop:/wordpress/n?{query}"),
            format!("app.bellhop.desktop://other/n?{query}"),
            format!("app.bellhop.desktop://wordpress/?{query}"),
            format!("https://wordpress/n?{query}"),
            format!("app.bellhop.desktop://wordpress/n?{query}\n--flag"),
        ] {
            assert!(scheme_reply(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_same_site_is_known_by_http_and_https_with_and_without_a_slash() {
        for same in ["https://A.example/blog", "http://a.example/blog/"] {
            assert_eq!(same_site(same), "a.example/blog");
        }
        assert_eq!(same_site("https://a.example/"), "a.example");
        assert_ne!(same_site("https://a.example/Blog"), same_site("https://a.example/blog"));
        assert_ne!(same_site("https://a.example.evil.example"), same_site("https://a.example"));
    }

    #[test]
    fn the_page_keeps_what_its_own_address_says() {
        let page = Url::parse("https://a.example/wp-admin/authorize-application.php?lang=de").unwrap();
        let url = authorize_page(&page, "Bellhop on anna-laptop", Some(&scheme_place(&Secret::new("n"))));
        let get = |name: &str| url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned());
        assert_eq!(get("lang").as_deref(), Some("de"));
        assert_eq!(get("app_name").as_deref(), Some("Bellhop on anna-laptop"));
        assert_eq!(get("success_url").as_deref(), Some("app.bellhop.desktop://wordpress/n"));
        assert_eq!(get("reject_url").as_deref(), Some("app.bellhop.desktop://wordpress/n?success=false"));
        assert!(authorize_page(&page, "x", None).query_pairs().all(|(n, _)| n != "success_url"));
    }
}
