//! What must be so of foreign bytes that a sign-in reads: bodies of the fuzz targets (`cargo xtask fuzz`), which the
//! tests replay on the inputs that are kept in `fuzz/corpus`.
//!
//! Compiled for tests and fuzzers alone, since these readers are nobody else's business.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a target ends where it finds something amiss")]

use crate::{
    SCHEME_REDIRECT,
    address::{check_address, origin},
    discovery::{Metadata, covers},
    outcome::{Outcome, classify},
    probe::{Challenge, bearer_challenge},
    redirect::{Reply, Word},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::collections::HashSet;
use url::form_urlencoded;

/// A callback's query, as it reaches the loopback listener, and the same by the custom scheme.
///
/// # Panics
/// When a reply is read that a plain reader sees otherwise.
pub fn callback(bytes: &[u8]) {
    let Ok(query) = std::str::from_utf8(bytes) else { return };
    if let Some(reply) = Reply::from_query(query) {
        let pairs: Vec<_> = form_urlencoded::parse(bytes).collect();
        let names: HashSet<_> = pairs.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), pairs.len(), "a parameter came twice");
        let has = |name: &str| pairs.iter().any(|(n, _)| n == name);
        assert!(has("state"), "a reply without state");
        match reply.word() {
            Word::Code(_) => assert!(has("code") && !has("error")),
            Word::Error(_) => assert!(has("error") && !has("code")),
            Word::Password(_) => panic!("a password came where codes come"),
        }
    }
    let by_scheme = Reply::from_scheme(query);
    assert!(by_scheme.is_none() || query.starts_with("app.bellhop.desktop:/"), "another scheme was taken");
    let address = format!("{SCHEME_REDIRECT}?{query}");
    if Reply::from_scheme(&address).is_some() {
        assert!(!address.chars().any(char::is_control), "a control character passed");
    }
}

/// A `WWW-Authenticate` value.
///
/// # Panics
/// When a challenge is found that is none.
pub fn challenge(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|b| *b == b'\n').take(20) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(header::WWW_AUTHENTICATE, value);
        }
    }
    let Some(Challenge { resource_metadata, scope, .. }) = bearer_challenge(&headers) else { return };
    let all = headers.get_all(header::WWW_AUTHENTICATE);
    let says = |word: &str| {
        all.iter()
            .any(|v| v.as_bytes().to_ascii_lowercase().windows(word.len()).any(|w| w == word.as_bytes()))
    };
    assert!(says("bearer"), "a challenge of another scheme");
    assert!(resource_metadata.is_none() || says("resource_metadata"));
    assert!(scope.is_none() || says("scope"));
}

/// Metadata of an authorization server, and a resource identifier behind a line break.
///
/// # Panics
/// When an address passes that may not be opened, or a resource covers what is elsewhere.
pub fn metadata(bytes: &[u8]) {
    let at = bytes.iter().rposition(|b| *b == b'\n').unwrap_or(bytes.len());
    if let Ok(read) = serde_json::from_slice::<Metadata>(&bytes[..at]) {
        let _ = read.host();
        for text in [&read.issuer, &read.authorization_endpoint, &read.token_endpoint] {
            address(text);
        }
    }
    let Ok(resource) = std::str::from_utf8(bytes.get(at + 1..).unwrap_or_default()) else { return };
    address(resource);
    let endpoint = check_address("https://service.example/v1/mcp").expect("an address");
    if covers(resource, &endpoint) {
        let resource = check_address(resource).expect("what covers is an address");
        assert_eq!(origin(&resource), origin(&endpoint));
    }
}

/// What may be opened is https or on this computer, has a host and nobody's name, and stays what it is.
fn address(text: &str) {
    let Ok(url) = check_address(text) else { return };
    let host = url.host_str().expect("a host");
    let here =
        host == "localhost" || host == "[::1]" || host.starts_with("127.") || host.ends_with(".localhost");
    assert!(url.scheme() == "https" || url.scheme() == "http" && here, "{url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{url}");
    let again = url.as_str();
    assert!(again.is_ascii() && !again.bytes().any(|b| b <= b' ' || b == b'"' || b == 0x7f), "{again:?}");
    // What is opened is the re-serialised form, which may be longer than what came.
    if again.len() <= 8 * 1024 {
        assert_eq!(check_address(again).as_ref(), Ok(&url));
    }
}

/// A status as a number, a line break, and an answer of a token endpoint.
///
/// # Panics
/// When trouble is taken for a no, or a lifetime is beyond reason.
pub fn token(bytes: &[u8]) {
    let at = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
    let status = std::str::from_utf8(&bytes[..at]).ok().and_then(|s| s.parse().ok());
    let status = status.and_then(|s| StatusCode::from_u16(s).ok()).unwrap_or(StatusCode::OK);
    let body = bytes.get(at + 1..).unwrap_or_default();
    match classify(status, &HeaderMap::new(), body) {
        Outcome::Granted(granted) => {
            assert!(status.is_success() && !granted.access.expose().is_empty());
            let sane = |life: Option<u64>| life.is_none_or(|s| (1..=3_200_000_000).contains(&s));
            assert!(sane(granted.lifetime) && sane(granted.refresh_lifetime));
            let shown = format!("{granted:?}");
            let secret = granted.access.expose();
            assert!(secret.len() < 24 || !shown.contains(secret), "a token can be read in a log");
        }
        Outcome::Refused(refusal) => {
            assert!(status.is_success() || status.is_client_error());
            let code = refusal.code();
            assert!(!code.is_empty() && code.len() <= 60 && code.bytes().all(|b| b.is_ascii_graphic()));
        }
        Outcome::Later { why, .. } => assert!(why.len() < 120, "an answer's text got into the log"),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, panic, path::Path};

    fn replay(target: &str, holds: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let mut inputs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        inputs.sort();
        assert!(inputs.len() >= 8, "{} inputs in {}", inputs.len(), folder.display());
        let failed: Vec<_> = inputs
            .iter()
            .filter(|input| {
                let bytes = fs::read(input).unwrap();
                panic::catch_unwind(|| holds(&bytes)).is_err()
            })
            .collect();
        assert!(failed.is_empty(), "{failed:?}");
    }

    #[test]
    fn a_host_that_a_shell_would_act_on_is_no_address() {
        for host in
            ["a\"b.example", "a`id`.example", "$(id).example", "a;b.example", "a&b.example", "a'b.example"]
        {
            let address = format!("https://{host}/authorize");
            assert!(crate::check_address(&address).is_err(), "{address}");
        }
        for host in
            ["a-b.example", "a_b.example", "xn--bcher-kva.example", "bücher.example", "[::1]", "10.0.0.1"]
        {
            let address = format!("https://{host}/authorize");
            assert!(crate::check_address(&address).is_ok(), "{address}");
        }
    }

    #[test]
    fn whatever_callback_comes_only_an_unambiguous_reply_is_read() {
        replay("callback", super::callback);
    }

    #[test]
    fn whatever_www_authenticate_comes_only_a_bearer_challenge_is_found() {
        replay("challenge", super::challenge);
    }

    #[test]
    fn whatever_metadata_comes_no_address_passes_that_may_not_be_opened() {
        replay("metadata", super::metadata);
    }

    #[test]
    fn whatever_token_response_comes_trouble_is_no_refusal_and_lifetimes_are_sane() {
        replay("token", super::token);
    }
}
