use crate::{ClientAuth, Registration, Tokens, http::Ask, outcome::Granted};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::header;
use model::{Secret, Timestamp};
use std::time::Duration;
use url::{Url, form_urlencoded};

/// A form for the token endpoint or the revocation endpoint, with the proof of who we are.
pub(crate) fn prove<'a>(
    url: Url,
    mut fields: Vec<(&'a str, &'a str)>,
    registration: &'a Registration,
) -> Ask {
    let secret = registration.client_secret.as_ref().map(Secret::expose);
    let basic = match (registration.auth, secret) {
        (ClientAuth::Basic, Some(secret)) => Some(basic(&registration.client_id, secret)),
        (ClientAuth::Post, Some(secret)) => {
            fields.push(("client_id", &registration.client_id));
            fields.push(("client_secret", secret));
            None
        }
        _ => {
            fields.push(("client_id", &registration.client_id));
            None
        }
    };
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut ask =
        Ask::post(url, "application/x-www-form-urlencoded", form).accept("application/json").for_tokens();
    if let Some(mut value) = basic.and_then(|b| header::HeaderValue::from_str(&b).ok()) {
        value.set_sensitive(true);
        ask.headers.insert(header::AUTHORIZATION, value);
    }
    ask
}

/// Both halves are form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

impl Tokens {
    /// The tokens of an answer to a request that was sent at `sent_at`. A server that gives no new refresh token
    /// means us to keep the `old` one.
    pub(crate) fn from_granted(granted: Granted, sent_at: Timestamp, old: Option<&Self>) -> Self {
        Self {
            access: granted.access,
            refresh: granted.refresh.or_else(|| old.and_then(|t| t.refresh.clone())),
            expires_at: granted.lifetime.map(|s| sent_at + Duration::from_secs(s)),
            lifetime: granted.lifetime,
            scope: granted.scope.or_else(|| old.and_then(|t| t.scope.clone())),
            issued_at: Some(sent_at),
            refresh_lifetime: granted.refresh_lifetime.or_else(|| old.and_then(|t| t.refresh_lifetime)),
        }
    }
}
