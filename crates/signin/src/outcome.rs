use http::{HeaderMap, StatusCode, header};
use model::Secret;
use serde_json::Value;
use std::time::Duration;

/// What an answer of a token endpoint means.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It gave a token.
    Granted(Box<Granted>),
    /// It said no, in OAuth's own words. Nothing else counts as a no.
    Refused(Refusal),
    /// Anything else: overload, maintenance, a captive portal, nonsense. What we hold is as good as before.
    Later {
        /// How long the server asks us to wait.
        retry_after: Option<Duration>,
        /// What the answer was, for the log. Nothing of its text.
        why: String,
    },
}

/// A no of a token endpoint (RFC 6749 §5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// `invalid_grant`: this code or refresh token is not, or no longer, good.
    InvalidGrant,
    /// `invalid_client` or `unauthorized_client`: our registration is not, or no longer, good.
    InvalidClient,
    /// Another error code, shortened to what such codes may hold.
    Other(String),
}

impl Refusal {
    /// The error code.
    pub fn code(&self) -> &str {
        match self {
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidClient => "invalid_client",
            Self::Other(code) => code,
        }
    }
}

/// What a token endpoint gave. Fields nobody knows are ignored.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The access token.
    pub access: Secret,
    /// The refresh token, if it gave one; if not, the one we have stays good.
    pub refresh: Option<Secret>,
    /// How long the access token lives, in seconds from when the request was sent.
    pub lifetime: Option<u64>,
    /// How long the refresh token lives, in seconds, if it said. No specification has a word for this; what is
    /// read are those in use: `refresh_token_expires_in` and `refresh_expires_in`.
    pub refresh_lifetime: Option<u64>,
    /// The scope that was granted, if it said.
    pub scope: Option<String>,
    /// Who signed in, as a JSON web token (OpenID Connect).
    pub id_token: Option<Secret>,
}

/// Read an answer of a token endpoint: first what kind of answer it is, then what is in it.
///
/// Only a 4xx (or, as some servers do, a 200) that is a JSON object with a known form of `error` is a no. A
/// 5xx is none, whatever it says; nor is a page of HTML, nor a redirect.
pub fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Outcome {
    let later = |why: String| Outcome::Later { retry_after: retry_after(headers), why };
    let busy = matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error();
    if busy || !(status.is_success() || status.is_client_error()) {
        return later(status.to_string());
    }
    let Ok(Value::Object(answer)) = serde_json::from_slice(body) else {
        return later(format!("{status}, not as JSON"));
    };
    let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    if let Some(code) = text("error") {
        return match code {
            "temporarily_unavailable" | "server_error" | "slow_down" => later(format!("{status}, {code}")),
            "invalid_grant" => Outcome::Refused(Refusal::InvalidGrant),
            "invalid_client" | "unauthorized_client" => Outcome::Refused(Refusal::InvalidClient),
            other => Outcome::Refused(Refusal::Other(error_code(other))),
        };
    }
    if !status.is_success() {
        return later(format!("{status}, without an error code"));
    }
    // Left away by some servers; anything but a bearer token is one we can't use.
    if text("token_type").is_some_and(|t| !t.eq_ignore_ascii_case("bearer")) {
        return Outcome::Refused(Refusal::Other("unsupported_token_type".to_owned()));
    }
    let Some(access) = text("access_token") else {
        return later(format!("{status}, without a token"));
    };
    Outcome::Granted(Box::new(Granted {
        access: Secret::new(access),
        refresh: text("refresh_token").map(Secret::new),
        lifetime: answer.get("expires_in").and_then(seconds),
        refresh_lifetime: ["refresh_token_expires_in", "refresh_expires_in"]
            .iter()
            .find_map(|name| answer.get(*name).and_then(seconds)),
        scope: answer.get("scope").and_then(scope),
        id_token: text("id_token").map(Secret::new),
    }))
}

/// An error code as RFC 6749 allows it, and no longer than a line: it goes into logs.
pub(crate) fn error_code(text: &str) -> String {
    let good = |c: &char| matches!(c, '!' | '#'..='[' | ']'..='~');
    let code: String = text.chars().filter(good).take(60).collect();
    if code.is_empty() { "unknown".to_owned() } else { code }
}

/// A lifetime, which some servers write as a text or with a fraction. Zero and
/// less say nothing that could be true; some servers mean by it that there is no end.
fn seconds(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(n) => n.as_f64()?,
        Value::String(s) => s.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    if !number.is_finite() || number < 1.0 {
        return None;
    }
    // A hundred years, so that no sum of it and a moment overflows. The cast is exact within that.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and what fits")]
    Some(number.min(3.2e9) as u64)
}

fn scope(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        _ => None,
    }
}

/// `Retry-After` in its form of seconds; its other form, a date, is left to our own back-off.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    /// What an outcome is, as one word and what matters of it.
    fn said(outcome: &Outcome) -> String {
        match outcome {
            Outcome::Granted(g) => format!("granted {:?}", g.lifetime),
            Outcome::Refused(r) => format!("refused {}", r.code()),
            Outcome::Later { retry_after, .. } => format!("later {:?}", retry_after.map(|d| d.as_secs())),
        }
    }

    #[test]
    fn only_an_oauth_error_is_a_no_and_all_other_trouble_is_passing() {
        let token = r#"{"access_token":"a","token_type":"bEaReR","expires_in":3600,"new":{"x":1}}"#;
        let table: &[(u16, &str, &str)] = &[
            (200, token, "granted Some(3600)"),
            (201, token, "granted Some(3600)"),
            (200, r#"{"access_token":"a"}"#, "granted None"),
            (200, r#"{"access_token":"a","expires_in":"60"}"#, "granted Some(60)"),
            (200, r#"{"access_token":"a","expires_in":59.9}"#, "granted Some(59)"),
            (200, r#"{"access_token":"a","expires_in":-5}"#, "granted None"),
            (200, r#"{"access_token":"a","expires_in":0}"#, "granted None"),
            (200, r#"{"access_token":"a","expires_in":1e300}"#, "granted Some(3200000000)"),
            (200, r#"{"access_token":"a","expires_in":null}"#, "granted None"),
            (200, r#"{"access_token":"a","token_type":"DPoP"}"#, "refused unsupported_token_type"),
            (200, r#"{"access_token":""}"#, "later None"),
            (200, r#"{"access_token":17}"#, "later None"),
            (200, r#"{"error":"invalid_grant"}"#, "refused invalid_grant"),
            (200, "<html>Welcome to the hotel</html>", "later None"),
            (200, "", "later None"),
            (200, r#"["access_token"]"#, "later None"),
            (302, "", "later None"),
            (400, r#"{"error":"invalid_grant"}"#, "refused invalid_grant"),
            (401, r#"{"error":"invalid_client"}"#, "refused invalid_client"),
            (400, r#"{"error":"unauthorized_client"}"#, "refused invalid_client"),
            (400, r#"{"error":"invalid_scope"}"#, "refused invalid_scope"),
            (400, r#"{"error":"<b>\u0000"}"#, "refused <b>"),
            (400, r#"{"error":"temporarily_unavailable"}"#, "later None"),
            (400, r#"{"error":{"code":"invalid_grant"}}"#, "later None"),
            (400, "<h1>Bad Request</h1>", "later None"),
            (400, token, "later None"),
            (403, "blocked", "later None"),
            (404, "", "later None"),
            (408, r#"{"error":"invalid_grant"}"#, "later None"),
            (429, r#"{"error":"invalid_grant"}"#, "later None"),
            (500, r#"{"error":"invalid_grant"}"#, "later None"),
            (503, "<html>", "later None"),
        ];
        for (status, body, expected) in table {
            let status = StatusCode::from_u16(*status).unwrap();
            let outcome = classify(status, &HeaderMap::new(), body.as_bytes());
            assert_eq!(said(&outcome), *expected, "{status} {body}");
        }
    }

    #[test]
    fn the_wait_a_server_asks_for_is_read_in_seconds() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(" 30 "));
        let outcome = classify(StatusCode::TOO_MANY_REQUESTS, &headers, b"");
        assert_eq!(said(&outcome), "later Some(30)");
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("Fri, 31 Dec 1999 23:59:59 GMT"));
        assert_eq!(said(&classify(StatusCode::SERVICE_UNAVAILABLE, &headers, b"")), "later None");
    }

    proptest::proptest! {
        #[test]
        fn no_answer_whatever_makes_it_panic(status in 100u16..=999, body: Vec<u8>, wait in "\\PC{0,20}") {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_str(&wait) {
                headers.insert(header::RETRY_AFTER, value);
            }
            if let Ok(status) = StatusCode::from_u16(status) {
                let outcome = classify(status, &headers, &body);
                if status.is_server_error() {
                    let later = matches!(outcome, Outcome::Later { .. });
                    proptest::prop_assert!(later);
                }
            }
        }
    }

    #[test]
    fn a_tokens_debug_output_shows_none_of_it() {
        let outcome = classify(
            StatusCode::OK,
            &HeaderMap::new(),
            br#"{"access_token":"hunter2","refresh_token":"hunter2","id_token":"hunter2"}"#,
        );
        assert!(!format!("{outcome:?}").contains("hunter2"));
    }
}
