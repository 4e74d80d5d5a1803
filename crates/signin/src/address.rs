use model::{Explain, Problem};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// The longest address that is opened or asked, in bytes.
const LONGEST: usize = 8 * 1024;

/// Why an address may not be opened or asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no address at all.
    #[error("no address: {0}")]
    Malformed(String),
    /// It is longer than 8 KiB.
    #[error("the address is longer than 8 KiB")]
    TooLong,
    /// It is not https, nor http on this computer.
    #[error("the scheme is {0}")]
    Scheme(String),
    /// It holds a user name or a password.
    #[error("the address holds a user name or a password")]
    UserInfo,
    /// It leads into a private network that the person did not name.
    #[error("{0} is in a private network that nobody typed")]
    Private(String),
}

impl Explain for AddressError {
    fn problem(&self) -> Problem {
        match self {
            Self::Malformed(_) => Problem::new(
                "signin.address_malformed",
                "This is not an address Bellhop can use.",
                "Type it as https://example.com/mcp.",
            ),
            Self::TooLong => {
                Problem::new("signin.address_too_long", "This address is too long.", "Check what was pasted.")
            }
            Self::Scheme(scheme) => Problem::new(
                "signin.address_scheme",
                "Bellhop only uses addresses that start with https://.",
                "Type the address with https://; http:// is for services on this computer.",
            )
            .with("scheme", scheme),
            Self::UserInfo => Problem::new(
                "signin.address_user",
                "This address holds a user name or a password.",
                "Type the address without it; Bellhop signs in through the browser.",
            ),
            Self::Private(host) => Problem::new(
                "signin.address_private",
                format!("The service sent Bellhop to {host}, which is inside a private network."),
                "Bellhop goes there only if you type the address yourself.",
            )
            .with("host", host),
        }
    }
}

/// Check an address that is to be opened in a browser or asked over the network.
///
/// It has to be https, or http on this computer; have a host, no user name, no control character, and at most
/// 8 KiB. What comes back is to be used re-serialised, never the text that went in.
///
/// # Errors
/// Which of these it is not.
pub fn check_address(text: &str) -> Result<Url, AddressError> {
    if text.len() > LONGEST {
        return Err(AddressError::TooLong);
    }
    // The parser would silently drop tabs and line breaks, and trim the rest.
    if text.chars().any(|c| c.is_control() || c == ' ') {
        return Err(AddressError::Malformed("it holds spaces or control characters".to_owned()));
    }
    let url = Url::parse(text).map_err(|e| AddressError::Malformed(e.to_string()))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        other => return Err(AddressError::Scheme(other.to_owned())),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(AddressError::Malformed("it has no host".to_owned()));
    }
    // The standard for addresses lets a host hold quotes, backticks and other things that a shell acts on. No name
    // in the DNS has them.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if url.domain().is_some_and(|name| !name.chars().all(plain)) {
        return Err(AddressError::Malformed("its host is no name".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::UserInfo);
    }
    Ok(url)
}

/// Read an address as people type it: surrounding space is dropped, and `example.com/mcp` means https (http on
/// this computer). A fragment means nothing to a server and is dropped.
///
/// # Errors
/// As [`check_address`].
pub fn typed_address(text: &str) -> Result<Url, AddressError> {
    let text = text.trim();
    let mut url = if text.contains("://") {
        check_address(text)?
    } else {
        match check_address(&format!("https://{text}")) {
            Ok(url) if is_loopback(&url) => check_address(&format!("http://{text}"))?,
            other => other?,
        }
    };
    url.set_fragment(None);
    Ok(url)
}

/// Whether an address stays on this computer by its name alone.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// The address as the resource identifier it stands for (RFC 8707): a bare host has no slash behind it.
pub(crate) fn as_resource(url: &Url) -> String {
    let text = url.as_str();
    if url.path() == "/" && url.query().is_none() {
        text.trim_end_matches('/').to_owned()
    } else {
        text.to_owned()
    }
}

/// Scheme, host and port, without a slash behind them.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The host as a person would write it, for sentences.
pub(crate) fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// Whether an address of the network is in the public internet.
///
/// Addresses that carry an IPv4 address inside (mapped, NAT64, 6to4) are judged by that one too.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = match (a, b, c) {
        (0 | 10 | 127, ..) => true,
        (100, 64..=127, _) => true, // carrier-grade NAT, RFC 6598
        (169, 254, _) => true,      // link-local, and clouds' metadata
        (172, 16..=31, _) => true,
        (192, 0, 0 | 2) => true, // IETF protocol assignments, documentation
        (192, 88, 99) => true,   // 6to4 relays
        (192, 168, _) => true,
        (198, 18 | 19, _) => true,              // benchmarks
        (198, 51, 100) | (203, 0, 113) => true, // documentation
        (224.., ..) => true,                    // multicast, reserved, broadcast
        _ => false,
    };
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    let v4 = |hi: u16, lo: u16| {
        let ([a, b], [c, d]) = (hi.to_be_bytes(), lo.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, hi, lo] => is_public_v4(v4(hi, lo)), // mapped
        [0x64, 0xff9b, 0, 0, 0, 0, hi, lo] => is_public_v4(v4(hi, lo)), // NAT64
        [0x2002, hi, lo, ..] => is_public_v4(v4(hi, lo)),            // 6to4
        [0x2001, 0..=0x1ff, ..] => false,                            // Teredo and other assignments
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,      // documentation
        [first, ..] => first & 0xe000 == 0x2000,                     // global unicast is 2000::/3
    }
}
