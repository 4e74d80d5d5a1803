//! Where an app may be answered.
//!
//! A registration is refused when one of its addresses is: an app would otherwise believe it can be answered
//! there. So the list is wide enough for all that known apps register together.

use crate::origin::is_loopback;
use url::{Url, form_urlencoded};

/// The https callbacks of apps that register one beside a loopback or private one; each hands over to the app on
/// this computer. Checked 2026-11.
const HTTPS: [&str; 4] = ["www.cursor.com", "vscode.dev", "insiders.vscode.dev", "antigravity.google"];

/// Private schemes of known apps. Any other one must be in reverse-domain form (RFC 8252 §7.1).
const SCHEMES: [&str; 11] = [
    "cursor",
    "vscode",
    "vscode-insiders",
    "vscodium",
    "windsurf",
    "antigravity",
    "zed",
    "claude",
    "kiro",
    "lmstudio",
    "goose",
];

/// The most characters of a redirect URI.
const LONGEST: usize = 2048;

/// A redirect URI that is acceptable, as the text the app sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redirect {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// `http` on this computer; any port is the app's (RFC 8252 §7.3).
    Loopback { port: u16, without_port: String },
    /// An app's own scheme.
    Private { scheme: String },
    /// One of [`HTTPS`].
    Web { host: String },
}

/// Why a redirect URI is not acceptable: the rule it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRedirect {
    #[error("a redirect URI is an absolute URI of at most 2048 printable ASCII characters")]
    Form,
    #[error("a redirect URI has no fragment")]
    Fragment,
    #[error("a redirect URI has no user name or password")]
    UserInfo,
    #[error("an http redirect URI is on 127.0.0.1, localhost or [::1]")]
    NotLoopback,
    #[error("an https redirect URI is on the list of known callbacks, without a port")]
    UnknownWeb,
    #[error("a private redirect scheme is in reverse-domain form, such as com.example.app, or a known one")]
    Scheme,
}

impl Redirect {
    /// Check a redirect URI against the rules.
    pub(crate) fn read(text: &str) -> Result<Self, BadRedirect> {
        // What isn't printable ASCII could not stand in a header, and could look like something else.
        if text.len() > LONGEST || !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains('\\') {
            return Err(BadRedirect::Form);
        }
        let url = Url::parse(text).map_err(|_| BadRedirect::Form)?;
        if url.fragment().is_some() {
            return Err(BadRedirect::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadRedirect::UserInfo);
        }
        let host = url.host_str().unwrap_or_default();
        let kind = match url.scheme() {
            "http" => {
                // The host as it is written, too: a browser would also take http://2130706433/ for loopback.
                let written = text.get("http://".len()..).unwrap_or_default();
                if !is_loopback(host) || !written.starts_with(host) {
                    return Err(BadRedirect::NotLoopback);
                }
                let port = url.port_or_known_default().unwrap_or(80);
                let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
                Kind::Loopback { port, without_port: format!("{host}{}{query}", url.path()) }
            }
            "https" => {
                if !HTTPS.contains(&host) || url.port().is_some() {
                    return Err(BadRedirect::UnknownWeb);
                }
                Kind::Web { host: host.to_owned() }
            }
            scheme => {
                let reverse_domain =
                    scheme.split('.').count() > 1 && scheme.split('.').all(|p| !p.is_empty());
                if !reverse_domain && !SCHEMES.contains(&scheme) {
                    return Err(BadRedirect::Scheme);
                }
                Kind::Private { scheme: scheme.to_owned() }
            }
        };
        Ok(Self { text: text.to_owned(), kind })
    }

    /// Whether this one, sent by an app, is the registered one: the same text, except that the port of a loopback
    /// one may be any. `localhost` and `127.0.0.1` are two.
    pub(crate) fn matches(&self, registered: &Self) -> bool {
        match (&self.kind, &registered.kind) {
            (Kind::Loopback { without_port: a, .. }, Kind::Loopback { without_port: b, .. }) => a == b,
            _ => self.text == registered.text,
        }
    }

    /// The text the app sent.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// What the person is shown: a host, or a scheme with its colon.
    pub(crate) fn shown(&self) -> String {
        match &self.kind {
            Kind::Loopback { without_port, .. } => {
                without_port.split('/').next().unwrap_or_default().to_owned()
            }
            Kind::Private { scheme } => format!("{scheme}:"),
            Kind::Web { host } => host.clone(),
        }
    }

    /// The port on this computer where the app listens; `None` for the other kinds.
    pub(crate) fn loopback_port(&self) -> Option<u16> {
        match &self.kind {
            Kind::Loopback { port, .. } => Some(*port),
            _ => None,
        }
    }

    /// Whether the browser asks the person before it goes there.
    pub(crate) fn is_private(&self) -> bool {
        matches!(self.kind, Kind::Private { .. })
    }

    /// The address with these parameters behind it. The app's own text stays as it is.
    pub(crate) fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut out = self.text.clone();
        let query = match self.text.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some((_, query)) if query.ends_with('&') => "",
            Some(_) => "&",
        };
        out.push_str(query);
        let mut tail = form_urlencoded::Serializer::new(String::new());
        tail.extend_pairs(parameters);
        out.push_str(&tail.finish());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_that_known_apps_register_are_acceptable() {
        for (good, shown) in [
            ("http://localhost:58084/callback", "localhost"),
            ("http://127.0.0.1:37449/", "127.0.0.1"),
            ("http://127.0.0.1/", "127.0.0.1"),
            ("http://127.0.0.1:37449", "127.0.0.1"),
            ("http://[::1]:1/cb?a=b", "[::1]"),
            ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor:"),
            ("com.example.app:/oauth/callback", "com.example.app:"),
            ("https://www.cursor.com/agents/mcp/oauth/callback", "www.cursor.com"),
            ("https://vscode.dev/redirect", "vscode.dev"),
            ("https://insiders.vscode.dev/redirect", "insiders.vscode.dev"),
        ] {
            assert_eq!(Redirect::read(good).unwrap().shown(), shown, "{good}");
        }
    }

    #[test]
    fn every_other_address_is_refused_with_the_rule_it_breaks() {
        let long = format!("http://127.0.0.1/{}", "a".repeat(2048));
        for (bad, rule) in [
            ("", BadRedirect::Form),
            ("/callback", BadRedirect::Form),
            (long.as_str(), BadRedirect::Form),
            ("http://127.0.0.1/\r\nX: y", BadRedirect::Form),
            ("http://127.0.0.1\\@evil.example/", BadRedirect::Form),
            ("http://127.0.0.1/é", BadRedirect::Form),
            ("http://127.0.0.1/#x", BadRedirect::Fragment),
            ("http://user@127.0.0.1/", BadRedirect::UserInfo),
            ("http://127.0.0.1@evil.example/", BadRedirect::UserInfo),
            ("http://evil.example/", BadRedirect::NotLoopback),
            ("http://localhost.evil.example/", BadRedirect::NotLoopback),
            ("http://2130706433/", BadRedirect::NotLoopback),
            ("http://127.1/", BadRedirect::NotLoopback),
            ("http://0.0.0.0/", BadRedirect::NotLoopback),
            ("https://localhost/", BadRedirect::UnknownWeb),
            ("https://vscode.dev.evil.example/", BadRedirect::UnknownWeb),
            ("https://vscode.dev:8443/redirect", BadRedirect::UnknownWeb),
            ("javascript:alert(1)", BadRedirect::Scheme),
            ("data:text/html,x", BadRedirect::Scheme),
            ("file:///etc/passwd", BadRedirect::Scheme),
            ("myapp://callback", BadRedirect::Scheme),
            ("urn:ietf:wg:oauth:2.0:oob", BadRedirect::Scheme),
        ] {
            assert_eq!(Redirect::read(bad), Err(rule), "{bad}");
        }
    }

    #[test]
    fn a_redirect_matches_exactly_but_for_the_port_of_a_loopback_one() {
        let matches = |sent: &str, registered: &str| {
            Redirect::read(sent).unwrap().matches(&Redirect::read(registered).unwrap())
        };
        for (sent, registered, expected) in [
            ("http://127.0.0.1:1/callback", "http://127.0.0.1:2/callback", true),
            ("http://127.0.0.1:1/callback", "http://127.0.0.1/callback", true),
            ("http://localhost:9/", "http://localhost", true),
            ("http://[::1]:9/a", "http://[::1]:8/a", true),
            ("http://localhost:1/callback", "http://127.0.0.1:1/callback", false),
            ("http://127.0.0.1:1/callback/", "http://127.0.0.1:1/callback", false),
            ("http://127.0.0.1:1/callback?x", "http://127.0.0.1:1/callback", false),
            ("cursor://a/b", "cursor://a/b", true),
            ("cursor://a/b", "cursor://a/c", false),
            ("https://vscode.dev/redirect", "https://vscode.dev/redirect", true),
            ("https://vscode.dev/redirect?x=1", "https://vscode.dev/redirect", false),
        ] {
            assert_eq!(matches(sent, registered), expected, "{sent} {registered}");
        }
    }

    #[test]
    fn parameters_are_added_behind_the_apps_own_text() {
        let with = |text: &str| Redirect::read(text).unwrap().with(&[("state", "a b&c"), ("code", "x")]);
        assert_eq!(with("http://127.0.0.1:1"), "http://127.0.0.1:1?state=a+b%26c&code=x");
        assert_eq!(with("cursor://a/b?x=1"), "cursor://a/b?x=1&state=a+b%26c&code=x");
        assert_eq!(with("com.example.app:/cb?"), "com.example.app:/cb?state=a+b%26c&code=x");
    }
}
