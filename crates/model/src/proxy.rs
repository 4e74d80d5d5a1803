use crate::Secret;

/// A proxy of the network this computer is in.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Its address without user name and password: `http://proxy.example:3128`. The scheme is `http` or `https` for
    /// one that tunnels (RFC 9110 §9.3.6), or `socks4`, `socks4a`, `socks5` or `socks5h`.
    pub address: String,
    /// The user name and the password it wants, where it wants any.
    pub login: Option<(String, Secret)>,
}

impl Proxy {
    /// Its scheme.
    pub fn scheme(&self) -> &str {
        self.address.split_once("://").map_or("http", |(scheme, _)| scheme)
    }

    /// Its host and port, as a person knows it.
    pub fn place(&self) -> &str {
        self.address.split_once("://").map_or(self.address.as_str(), |(_, place)| place)
    }

    /// Its host. An IPv6 address has its brackets.
    pub fn host(&self) -> &str {
        let place = self.place();
        match place.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => place,
        }
    }
}

/// Which way connections leave this computer. A port: the engine knows the system's settings.
pub trait Proxies: Send + Sync + 'static {
    /// The proxy for encrypted connections to a host (a name, an IPv4 address, or an IPv6 address with or without
    /// brackets); `None` to go straight there. For this computer itself it is always `None`.
    fn to(&self, host: &str) -> Option<Proxy>;

    /// The proxy that is used where nothing says otherwise.
    fn usual(&self) -> Option<Proxy>;
}

/// No proxies at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProxies;

impl Proxies for NoProxies {
    fn to(&self, _host: &str) -> Option<Proxy> {
        None
    }

    fn usual(&self) -> Option<Proxy> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_known_by_its_place_and_shows_no_password() {
        for (address, scheme, place, host) in [
            ("http://proxy.example:3128", "http", "proxy.example:3128", "proxy.example"),
            ("socks5h://10.0.0.1:1080", "socks5h", "10.0.0.1:1080", "10.0.0.1"),
            ("https://[2001:db8::1]:8080", "https", "[2001:db8::1]:8080", "[2001:db8::1]"),
            ("http://[2001:db8::1]", "http", "[2001:db8::1]", "[2001:db8::1]"),
            ("http://proxy", "http", "proxy", "proxy"),
        ] {
            let login = Some(("anna".to_owned(), Secret::new("tea")));
            let proxy = Proxy { address: address.to_owned(), login };
            assert_eq!((proxy.scheme(), proxy.place(), proxy.host()), (scheme, place, host));
            assert!(!format!("{proxy:?}").contains("tea"));
        }
    }
}
