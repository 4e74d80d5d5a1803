use authority::Origin;
use http::{HeaderMap, Method, header, request::Parts};

/// Why a request on loopback TCP is refused before anything of it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The Host is not one of ours: a name that a web page's owner made point here (DNS rebinding).
    Host,
    /// The Origin is foreign: a web page asks.
    Origin,
    /// The browser says that another site caused the request.
    Site,
}

/// The names under which one port of this computer is reached.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    allowed: [String; 3],
}

/// The origin of a host of [`Hosts`]. Every one of them is one that [`Origin::from_host`] knows.
fn origin_of(host: &str) -> Result<Origin, Refusal> {
    Origin::from_host(host).ok_or(Refusal::Host)
}

impl Hosts {
    pub(crate) fn of(port: u16) -> Self {
        Self { allowed: [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")] }
    }

    /// The origin that the request was sent to, if it may be looked at.
    pub(crate) fn check(&self, head: &Parts) -> Result<Origin, Refusal> {
        let host = only(&head.headers, &header::HOST).ok_or(Refusal::Host)?;
        // HTTP compares host names without case; an absolute target must not say something else.
        let name = self.allowed.iter().find(|a| a.eq_ignore_ascii_case(host)).ok_or(Refusal::Host)?;
        if head.uri.authority().is_some_and(|a| !a.as_str().eq_ignore_ascii_case(name)) {
            return Err(Refusal::Host);
        }
        let origin = origin_of(name)?;
        if head.headers.contains_key(header::ORIGIN) {
            let said = only(&head.headers, &header::ORIGIN).ok_or(Refusal::Origin)?;
            if said != origin.as_str() {
                return Err(Refusal::Origin);
            }
        }
        if let Some(site) = head.headers.get("sec-fetch-site")
            && !matches!(site.as_bytes(), b"same-origin" | b"none")
            && !is_visit_of_authorize(head)
        {
            return Err(Refusal::Site);
        }
        Ok(origin)
    }
}

/// A header that must be there once.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}

/// An app's page may send the person to the authorize page: a whole page, in the open, with GET.
fn is_visit_of_authorize(head: &Parts) -> bool {
    let says = |name: &str, value: &str| head.headers.get(name).is_some_and(|v| v == value);
    head.method == Method::GET
        && (head.uri.path() == "/authorize" || head.uri.path().starts_with("/authorize/wait/"))
        && says("sec-fetch-mode", "navigate")
        && says("sec-fetch-dest", "document")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<Origin, Refusal> {
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Hosts::of(27440).check(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn only_our_own_names_with_our_port_are_answered() {
        for good in ["127.0.0.1:27440", "localhost:27440", "LOCALHOST:27440", "[::1]:27440"] {
            assert!(check("POST", "/mcp", &[("host", good)]).is_ok(), "{good}");
        }
        let bad = [
            "evil.example:27440",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1.evil.example:27440",
            "localhost.:27440",
            "0.0.0.0:27440",
            "",
        ];
        for bad in bad {
            assert_eq!(check("POST", "/mcp", &[("host", bad)]), Err(Refusal::Host), "{bad}");
        }
        assert_eq!(check("POST", "/mcp", &[]), Err(Refusal::Host));
        let twice = [("host", "127.0.0.1:27440"), ("host", "127.0.0.1:27440")];
        assert_eq!(check("POST", "/mcp", &twice), Err(Refusal::Host));
        let other = check("GET", "http://evil.example/mcp", &[("host", "127.0.0.1:27440")]);
        assert_eq!(other, Err(Refusal::Host));
    }

    #[test]
    fn a_foreign_origin_is_refused_and_none_at_all_passes() {
        let host = ("host", "127.0.0.1:27440");
        assert!(check("POST", "/mcp", &[host, ("origin", "http://127.0.0.1:27440")]).is_ok());
        for foreign in
            ["http://localhost:27440", "https://127.0.0.1:27440", "null", "http://evil.example", ""]
        {
            assert_eq!(
                check("POST", "/mcp", &[host, ("origin", foreign)]),
                Err(Refusal::Origin),
                "{foreign}"
            );
        }
    }

    #[test]
    fn another_site_may_only_send_the_person_to_the_authorize_page() {
        let host = ("host", "127.0.0.1:27440");
        let site = ("sec-fetch-site", "cross-site");
        let visit = [host, site, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert!(check("GET", "/authorize?client_id=x", &visit).is_ok());
        assert_eq!(check("POST", "/authorize", &visit), Err(Refusal::Site));
        assert_eq!(check("GET", "/mcp", &visit), Err(Refusal::Site));
        let framed = [host, site, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
        assert_eq!(check("GET", "/authorize", &framed), Err(Refusal::Site));
        assert_eq!(check("GET", "/authorize", &[host, ("sec-fetch-site", "same-site")]), Err(Refusal::Site));
        assert!(check("GET", "/authorize", &[host, ("sec-fetch-site", "none")]).is_ok());
    }
}
