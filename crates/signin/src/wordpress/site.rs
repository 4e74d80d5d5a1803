use super::{WordPressError, endpoint, rest::Rest};
use crate::{
    SignInError,
    account::label,
    address::{check_address, host, is_loopback},
    http::{Ask, Guarded, HttpError},
    probe::Seen,
};
use http::{HeaderMap, Method, header};
use serde_json::Value;
use url::Url;

/// The relation of the REST API's root in a `Link` header.
const RELATION: &str = "https://api.w.org/";
/// What is read of the index. All of it would be hundreds of kilobytes on a site with a few plugins.
const FIELDS: &str = "name,url,home,namespaces,authentication";
/// How many folders of an address are looked at, from the deepest on.
const DEEPEST: usize = 4;

/// What a WordPress site says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// Its name, fit for the screen.
    pub(crate) name: Option<String>,
    /// Where WordPress lies (`site_url()`), as the site writes it. The page that makes passwords names it.
    pub(crate) url: String,
    /// Its REST API.
    pub(crate) rest: Rest,
    /// Its MCP server.
    pub(crate) server: Seen,
    /// The page where a person makes a password for an app; `None` when the site offers none.
    pub(crate) authorize: Option<Url>,
}

impl Site {
    /// The page where the person sees their passwords, and can delete them.
    pub(super) fn profile(&self) -> Option<Url> {
        self.authorize.as_ref()?.join("profile.php#application-passwords-section").ok()
    }

    /// Where XML-RPC is answered, if it is.
    pub(super) fn other_door(&self) -> Option<Url> {
        self.authorize.as_ref()?.join("../xmlrpc.php").ok()
    }

    /// What stands in the way of a password, if anything.
    pub(crate) fn hindrance(&self) -> Option<WordPressError> {
        self.page().err()
    }

    /// The site's host, for sentences.
    pub(crate) fn host(&self) -> String {
        host(self.rest.root())
    }

    /// The page for approving Bellhop.
    ///
    /// # Errors
    /// Why the site makes no application passwords.
    pub(super) fn page(&self) -> Result<&Url, WordPressError> {
        let root = self.rest.root();
        self.authorize.as_ref().ok_or_else(|| {
            let host = host(root);
            if root.scheme() == "http" {
                WordPressError::NeedsHttps { host }
            } else {
                WordPressError::Forbidden { host }
            }
        })
    }
}

/// Find a WordPress site by any of its addresses.
///
/// # Errors
/// That there is none, that it could not be reached, or that it has no MCP server.
pub(crate) async fn find(web: &Guarded, typed: &Url) -> Result<Site, SignInError> {
    let (rest, index) = index(web, typed).await?;
    let text = |name: &str| index.get(name).and_then(Value::as_str);
    let named = |name: &str| text(name).and_then(|t| Url::parse(t).ok());
    // What is sent to a site goes to where it answered. If it says that it is at home elsewhere, its links, and the
    // address that its page will name, lead there: the person should know, and type that one.
    // Nor may a site name another one's page: the password made there would be sent to this one.
    let elsewhere = |named: &Url| !same_host(named, rest.root());
    let differs = |named: &Url| -> SignInError {
        WordPressError::AddressDiffers { host: host(rest.root()), named: named.to_string() }.into()
    };
    if let Some(named) = ["home", "url"].into_iter().filter_map(named).find(elsewhere) {
        return Err(differs(&named));
    }
    let authorize = index
        .pointer("/authentication/application-passwords/endpoints/authorization")
        .and_then(Value::as_str)
        .and_then(|text| check_address(text).ok())
        .filter(|page| web.check(page).is_ok());
    if let Some(page) = authorize.as_ref().filter(|page| elsewhere(page)) {
        return Err(differs(page));
    }
    let server = endpoint::find(web, &rest, &index, typed).await?;
    let url = text("url").or_else(|| text("home")).unwrap_or_default().to_owned();
    Ok(Site { name: text("name").and_then(|name| label(&plain(name))), url, rest, server, authorize })
}

/// A site's name, which WordPress keeps with the references of HTML in it.
fn plain(name: &str) -> String {
    let mut text = String::new();
    let mut rest = name;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let known = from.split_once(';').and_then(|(reference, after)| Some((character(reference)?, after)));
        rest = match known {
            Some((c, after)) => {
                text.push(c);
                after
            }
            None => {
                text.push('&');
                &from[1..]
            }
        };
    }
    text + rest
}

/// The character of a reference such as `&amp` or `&#039`.
fn character(reference: &str) -> Option<char> {
    match reference {
        "&amp" => Some('&'),
        "&lt" => Some('<'),
        "&gt" => Some('>'),
        "&quot" => Some('"'),
        _ => char::from_u32(reference.strip_prefix("&#")?.parse().ok()?),
    }
}

/// `www.` makes no other site: both names are usually one.
fn same_host(a: &Url, b: &Url) -> bool {
    let bare = |url: &Url| host(url).trim_start_matches("www.").to_owned();
    bare(a) == bare(b) || (is_loopback(a) && is_loopback(b))
}

/// The REST API of the site that `typed` belongs to, and its index.
async fn index(web: &Guarded, typed: &Url) -> Result<(Rest, Value), SignInError> {
    let mut front = Ask::get(typed.clone());
    front.method = Method::HEAD;
    let (linked, page) = match web.follow(front.clone()).await {
        Ok(answer) => (link(&answer.headers, &answer.url), answer.url),
        // A site that is at home elsewhere sends its visitors there, whether or not anybody is there.
        Err(cause) if cause.nothing_sent() => {
            if let Err(cause) = web.send(front).await {
                return Err(SignInError::Http { host: host(typed), cause });
            }
            (None, typed.clone())
        }
        Err(_) => (None, typed.clone()),
    };
    let mut roots: Vec<Url> = linked.into_iter().collect();
    for folder in folders(&page) {
        roots.extend(folder.join("wp-json/").ok());
        roots.extend(folder.join("?rest_route=/").ok());
    }
    let mut trouble = None;
    for root in roots {
        let asked = Rest::at(root);
        let ask = Ask::get(asked.route("/", &[("_fields", FIELDS)])).accept("application/json");
        match web.follow(ask).await {
            Ok(answer) => {
                if let Some(index) = read(&answer.body) {
                    return Ok((Rest::at(bare(answer.url)), index));
                }
                if answer.status.is_server_error() {
                    trouble = Some(HttpError::Unusable(answer.status.to_string()));
                }
            }
            Err(e) => trouble = Some(e),
        }
    }
    let host = host(&page);
    Err(match trouble {
        Some(cause) => SignInError::Http { host, cause },
        None => WordPressError::NotWordPress { host }.into(),
    })
}

/// The index, if that is what it is.
fn read(body: &[u8]) -> Option<Value> {
    // A plugin that prints a warning in front of everything is common enough; a byte-order mark is, too.
    let start = body.iter().position(|b| *b == b'{')?;
    let index: Value = serde_json::from_slice(body.get(start..)?).ok()?;
    let namespaces = index.get("namespaces")?.as_array()?;
    namespaces.iter().any(|n| n == "wp/v2").then_some(index)
}

/// The address without what was asked for.
fn bare(mut url: Url) -> Url {
    let routed = url.query_pairs().any(|(name, _)| name == "rest_route");
    url.set_query(routed.then_some("rest_route=/"));
    url
}

/// The folders of an address, the deepest first. Those of the REST API itself are none of a site's.
fn folders(page: &Url) -> Vec<Url> {
    let path = page.path().split("/wp-json").next().unwrap_or_default();
    let path = path.split("/wp-admin").next().unwrap_or_default();
    let mut parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    if parts.last().is_some_and(|p| p.contains('.')) {
        parts.pop();
    }
    let mut folders = Vec::new();
    loop {
        let mut folder = page.clone();
        folder.set_query(None);
        folder.set_path(&if parts.is_empty() { "/".to_owned() } else { format!("/{}/", parts.join("/")) });
        folders.push(folder);
        if parts.pop().is_none() {
            break;
        }
    }
    // The root is looked at in any case.
    if folders.len() > DEEPEST {
        folders.drain(DEEPEST - 1..folders.len() - 1);
    }
    folders
}

/// The REST API that a page's `Link` headers (RFC 8288) name, on the page's own host.
fn link(headers: &HeaderMap, page: &Url) -> Option<Url> {
    let values = headers.get_all(header::LINK);
    let targets =
        values.iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(",")).filter_map(|link| {
            let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
            let ours = parameters.split(';').any(|p| {
                let relation = p.trim().strip_prefix("rel=").map(|r| r.trim_matches(['"', '\'']));
                relation == Some(RELATION)
            });
            ours.then(|| page.join(target).ok()).flatten()
        });
    let mut targets = targets.filter_map(|t| check_address(t.as_str()).ok());
    targets.find(|t| same_host(t, page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_as_the_person_wrote_it() {
        for (kept, shown) in [
            ("Anna&#039;s &amp; Bo&#8217;s", "Anna's & Bo’s"),
            ("a & b &nbsp; &#x; &#99999999;", "a & b &nbsp; &#x; &#99999999;"),
            ("&amp;lt;", "&lt;"),
        ] {
            assert_eq!(plain(kept), shown);
        }
    }

    #[test]
    fn the_folders_of_an_address_end_at_the_root() {
        let folders = |text: &str| {
            let folders = folders(&Url::parse(text).unwrap());
            folders.iter().map(|f| f.path().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(folders("https://a.example"), ["/"]);
        assert_eq!(folders("https://a.example/blog/2024/index.php"), ["/blog/2024/", "/blog/", "/"]);
        assert_eq!(folders("https://a.example/blog/wp-json/mcp/x"), ["/blog/", "/"]);
        assert_eq!(folders("https://a.example/a/b/c/d/e/"), ["/a/b/c/d/e/", "/a/b/c/d/", "/a/b/c/", "/"]);
    }

    #[test]
    fn the_rest_api_is_taken_from_a_link_to_the_same_host_alone() {
        let page = Url::parse("https://a.example/blog/").unwrap();
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LINK, text.parse().unwrap());
            link(&headers, &page).map(String::from)
        };
        let good = "<https://a.example/blog/wp-json/>; rel=\"https://api.w.org/\"";
        assert_eq!(of(good).as_deref(), Some("https://a.example/blog/wp-json/"));
        let two = format!("<https://a.example/?p=1>; rel=shortlink, {good}");
        assert_eq!(of(&two).as_deref(), Some("https://a.example/blog/wp-json/"));
        assert_eq!(of("<https://b.example/wp-json/>; rel=\"https://api.w.org/\""), None);
        assert_eq!(of("<http://a.example/wp-json/>; rel=\"https://api.w.org/\""), None);
        assert_eq!(of("nonsense"), None);
    }
}
