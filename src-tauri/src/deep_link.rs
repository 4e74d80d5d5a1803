use crate::desk::{Wish, Wishes};
use model::RequestId;
use tauri::{AppHandle, Manager};
use tauri_plugin_deep_link::DeepLinkExt;
use url::Url;

/// Bellhop's own scheme.
pub(crate) const SCHEME: &str = "app.bellhop.desktop";

/// An address of Bellhop's scheme, sorted by what it asks for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Link {
    /// A sign-in came back. Holds a code: it goes to the engine and nowhere else.
    Redirect(String),
    /// Raise the window, with this request when there is one.
    Show(Option<RequestId>),
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Redirect(_) => f.write_str("Redirect(…)"),
            Self::Show(request) => f.debug_tuple("Show").field(request).finish(),
        }
    }
}

impl Link {
    /// What an address asks for; `None` for anything that is not ours. Both `scheme:/path` (RFC 8252, section
    /// 7.1) and `scheme://path`, which some browsers make of it, are understood.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        if url.scheme() != SCHEME || text.len() > 16 * 1024 {
            return None;
        }
        let path = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        match (parts.next(), parts.next(), parts.next()) {
            (Some("oauth"), Some("callback"), None) => Some(Self::Redirect(text.to_owned())),
            // The answer of a WordPress site's page, with a nonce in its path.
            (Some("wordpress"), Some(_), None) => Some(Self::Redirect(text.to_owned())),
            (Some("show"), None, None) => Some(Self::Show(None)),
            (Some("show"), Some(id), None) => Some(Self::Show(Some(request_id(id)?))),
            _ => None,
        }
    }
}

/// An id as Bellhop makes them: hexadecimal digits and no more than its own have.
pub(crate) fn request_id(text: &str) -> Option<RequestId> {
    let sound = !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    sound.then(|| RequestId::from(text))
}

/// Hand every address that reaches this process to the desk: the one it was started with, and those that
/// come while it runs. There is no web view in this process that could see them.
pub(crate) fn listen(app: &AppHandle, wishes: &Wishes) {
    // Started by a link, the event has fired before anybody could listen.
    if let Ok(Some(urls)) = app.deep_link().get_current() {
        wishes.follow(urls);
    }
    let later = wishes.clone();
    app.deep_link().on_open_url(move |event| later.follow(event.urls()));
}

impl Wishes {
    fn follow(&self, urls: Vec<Url>) {
        match urls.as_slice() {
            [url] => match Link::parse(url.as_str()) {
                Some(link) => self.send(Wish::Follow(link)),
                None => tracing::warn!("an address that is not Bellhop's was ignored"),
            },
            _ => tracing::warn!("several addresses at once were ignored"),
        }
    }
}

/// Make this build the handler of the scheme. An installed Bellhop needs none of that: its package says so.
pub(crate) fn register(app: &AppHandle) {
    if let Err(e) = app.deep_link().register_all() {
        tracing::warn!("the scheme {SCHEME} is not handled: {e}");
    }
}

/// Undo [`register`], and leave nothing behind.
pub(crate) fn unregister(app: &AppHandle) {
    if let Err(e) = app.deep_link().unregister(SCHEME) {
        tracing::warn!("the scheme {SCHEME} is still handled: {e}");
    }
    if let (Ok(data), Ok(config)) = (app.path().data_dir(), app.path().config_dir()) {
        crate::x::tidy_scheme(&data, &config);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_handed_on_as_it_came() {
        for text in [
            "app.bellhop.desktop:/oauth/callback?code=a%2Fb",
            "app.bellhop.desktop://oauth/callback?code=a",
            "app.bellhop.desktop://wordpress/nOnce?user_login=anna",
        ] {
            assert_eq!(Link::parse(text), Some(Link::Redirect(text.to_owned())));
        }
    }

    #[test]
    fn a_link_raises_a_request_by_its_id_alone() {
        assert_eq!(Link::parse("app.bellhop.desktop:/show"), Some(Link::Show(None)));
        assert_eq!(
            Link::parse("app.bellhop.desktop:/show/0aF1"),
            Some(Link::Show(Some(RequestId::from("0aF1"))))
        );
        assert_eq!(Link::parse("app.bellhop.desktop:/show/--window"), None);
        assert_eq!(Link::parse("app.bellhop.desktop:/show/0a/b"), None);
    }

    #[test]
    fn other_schemes_and_other_paths_are_nobody() {
        for text in [
            "https://oauth/callback",
            "app.bellhop.desktop:/",
            "app.bellhop.desktop:/run?x=1",
            "app.bellhop.desktop://wordpress/a/b",
            "",
            "--hidden",
        ] {
            assert_eq!(Link::parse(text), None, "{text}");
        }
    }

    #[test]
    fn debug_output_hides_the_code() {
        let link = Link::parse("app.bellhop.desktop:/oauth/callback?code=hunter2");
        assert!(!format!("{link:?}").contains("hunter2"));
    }
}
