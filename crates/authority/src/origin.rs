use std::{fmt, sync::Arc};

/// Where Bellhop was called: `http://` and the allow-listed host with its port, as the caller wrote it.
///
/// It is also the issuer (RFC 8414) of everything answered to that caller: no path, no trailing slash. Kept as a
/// text because a parsed URL would add a slash, and apps compare issuers as texts. The boundary layer puts it
/// into each request as an extension; a handler without it answers 500.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(Arc<str>);

impl Origin {
    /// The origin of a `Host` header: `127.0.0.1`, `localhost` or `[::1]`, with or without a port. `None` for
    /// every other host, for another spelling of one of these, and for a port that is no port.
    pub fn from_host(host: &str) -> Option<Self> {
        let (name, port) = match host.strip_prefix("[::1]") {
            Some(rest) => ("[::1]", rest),
            None => host.split_at(host.find(':').unwrap_or(host.len())),
        };
        if !is_loopback(name) {
            return None;
        }
        if !port.is_empty() {
            let digits = port.strip_prefix(':')?;
            let canonical = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
            if !canonical || digits.parse::<u16>().is_err() {
                return None;
            }
        }
        Some(Self(format!("http://{host}").into()))
    }

    /// The origin as it is written, such as `http://127.0.0.1:27440`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `host`, as a URL writes it, can only be this computer.
pub(crate) fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_made_from_the_three_loopback_names_alone() {
        for good in ["127.0.0.1:27440", "localhost:1", "[::1]:65535", "localhost"] {
            assert_eq!(Origin::from_host(good).unwrap().as_str(), format!("http://{good}"));
        }
        for bad in [
            "",
            "127.0.0.1:",
            "127.0.0.1:0",
            "127.0.0.1:065",
            "127.0.0.1:65536",
            "127.0.0.1:+1",
            "LOCALHOST:1",
            "127.1:1",
            "::1:1",
            "[::1]x",
            "evil.example:27440",
            "127.0.0.1.evil.example",
            "localhost:1@evil",
        ] {
            assert_eq!(Origin::from_host(bad), None, "{bad}");
        }
    }
}
