//! The way out of this computer, as the environment and the system say it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use model::{Problem, Proxies, Proxy, Secret};
use std::{env, net::IpAddr};

/// The variables that name a proxy for encrypted connections, the one that counts first.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The proxies of this process: from `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` (as curl reads them, in either case),
/// else from the system's settings on macOS and Windows. Read once. `HTTP_PROXY` means nothing here: what is not
/// encrypted never leaves this computer.
pub(crate) struct SystemProxies {
    matcher: Matcher,
    /// A variable that is set to something that names no proxy. What it says is not kept: it may hold a password.
    unusable: Option<&'static str>,
}

impl SystemProxies {
    /// What this process was started with.
    pub(crate) fn of_process() -> Self {
        let set = VARIABLES.into_iter().find_map(|name| Some((name, env::var(name).ok()?)));
        let unusable = set.filter(|(_, value)| !names_a_proxy(value)).map(|(name, _)| name);
        let proxies = Self { matcher: Matcher::from_system(), unusable };
        if let Some(problem) = proxies.problem() {
            tracing::warn!("{}", problem.sentence);
        }
        proxies
    }

    /// What a variable says wrong.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let name = self.unusable?;
        let problem = Problem::new(
            "engine.proxy_setting",
            format!("{name} names no proxy that Bellhop can use, so Bellhop goes without one."),
            "Write it as http://proxy.example:3128, then start Bellhop again.",
        );
        Some(problem.with("name", name))
    }
}

impl Proxies for SystemProxies {
    fn to(&self, host: &str) -> Option<Proxy> {
        if is_here(host) {
            return None;
        }
        let host =
            if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        let uri: Uri = format!("https://{host}/").parse().ok()?;
        self.matcher.intercept(&uri).map(|found| proxy(&found))
    }

    fn usual(&self) -> Option<Proxy> {
        // A name that stands for no host (RFC 6761 §6.4), and that nobody excludes.
        self.to("bellhop.invalid")
    }
}

/// Whether a name or an address means this computer, whatever the variables say.
fn is_here(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback() || ip.to_canonical().is_unspecified(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Nothing is a word too: it switches a proxy off.
fn names_a_proxy(value: &str) -> bool {
    let any = Uri::from_static("https://bellhop.invalid/");
    value.is_empty() || Matcher::builder().all(value).build().intercept(&any).is_some()
}

fn proxy(found: &Intercept) -> Proxy {
    let uri = found.uri();
    let place = uri.authority().map_or("", |a| a.as_str());
    let address = format!("{}://{place}", uri.scheme_str().unwrap_or("http"));
    let basic = found.basic_auth().and_then(|value| {
        let pair = STANDARD.decode(value.as_bytes().strip_prefix(b"Basic ")?).ok()?;
        let (user, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
        Some((user.to_owned(), Secret::new(password)))
    });
    let raw = found.raw_auth().map(|(user, password)| (user.to_owned(), Secret::new(password)));
    Proxy { address, login: basic.or(raw) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(all: &str, no: &str) -> SystemProxies {
        SystemProxies { matcher: Matcher::builder().all(all).no(no).build(), unusable: None }
    }

    #[test]
    fn this_computer_is_never_reached_through_a_proxy() {
        let proxies = with("http://proxy.example:3128", "");
        for here in [
            "localhost",
            "LOCALHOST.",
            "playground.localhost",
            "127.0.0.1",
            "127.8.8.8",
            "::1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
        ] {
            assert!(proxies.to(here).is_none(), "{here}");
        }
        for there in ["mcp.example", "10.0.0.1", "[2001:db8::1]", "2001:db8::1", "localhost.example"] {
            assert_eq!(proxies.to(there).unwrap().place(), "proxy.example:3128", "{there}");
        }
    }

    #[test]
    fn names_that_are_excluded_are_reached_directly() {
        let proxies = with("http://proxy.example:3128", "corp.example, 10.0.0.0/8");
        for direct in ["corp.example", "mcp.corp.example", "10.1.2.3"] {
            assert!(proxies.to(direct).is_none(), "{direct}");
        }
        assert!(proxies.to("notcorp.example").is_some());
        assert!(with("http://proxy.example:3128", "*").to("mcp.example").is_none());
        assert!(with("", "").to("mcp.example").is_none());
    }

    #[test]
    fn a_proxys_login_is_read_and_kept_apart_from_its_address() {
        for (all, address) in [
            ("http://anna:t%3Ae%20a@proxy.example:3128", "http://proxy.example:3128"),
            ("socks5h://anna:t%3Ae%20a@proxy.example:1080", "socks5h://proxy.example:1080"),
        ] {
            let proxy = with(all, "").to("mcp.example").unwrap();
            assert_eq!(proxy.address, address);
            let (user, password) = proxy.login.as_ref().unwrap();
            assert_eq!((user.as_str(), password.expose()), ("anna", "t:e a"));
            assert!(!format!("{proxy:?}").contains("e a"));
        }
    }

    #[test]
    fn a_variable_that_names_no_proxy_is_said_without_what_it_holds() {
        for bad in ["ftp://anna:tea@proxy.example", "http://", "not a proxy", "quic://proxy.example"] {
            assert!(!names_a_proxy(bad), "{bad}");
        }
        for good in ["", "proxy.example:3128", "http://proxy.example", "socks5://10.0.0.1:1080"] {
            assert!(names_a_proxy(good), "{good}");
        }
        let problem = SystemProxies { unusable: Some("HTTPS_PROXY"), ..with("", "") }.problem().unwrap();
        assert!(problem.sentence.starts_with("HTTPS_PROXY names no proxy"));
    }
}
