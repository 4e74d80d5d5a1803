//! The sealed `requestState` by which an app of the modern era names a call that waits for its answers.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use model::{ConnectionId, Random, Resource, ServiceId, Timestamp};
use protocol::{Object, Request};
use sha2::{Digest, Sha256};

/// What a retry is a retry of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// The call of this number waits for answers.
    Parked(u64),
    /// Nothing waits: the person had to do something first, and the request is to be made anew.
    Again,
}

/// Seals and opens it. The key lives as long as the process, and so do the calls that wait.
pub(crate) struct Sealer {
    cipher: XChaCha20Poly1305,
}

const NONCE: usize = 24;
const PLAIN: usize = 17;

impl Sealer {
    pub(crate) fn new(random: &dyn Random) -> Self {
        let mut key = [0; 32];
        random.fill(&mut key);
        Self { cipher: XChaCha20Poly1305::new(&key.into()) }
    }

    /// The text for the app: good for this connection and this request, until `end`.
    pub(crate) fn seal(
        &self,
        random: &dyn Random,
        connection: &ConnectionId,
        digest: &[u8; 32],
        waits: Waits,
        end: Timestamp,
    ) -> String {
        let mut plain = Vec::with_capacity(PLAIN);
        let (kind, number) = match waits {
            Waits::Parked(number) => (1, number),
            Waits::Again => (2, 0),
        };
        plain.push(kind);
        plain.extend_from_slice(&number.to_be_bytes());
        plain.extend_from_slice(&end.millis().to_be_bytes());
        let mut nonce = [0; NONCE];
        random.fill(&mut nonce);
        let aad = bound(connection, digest);
        let payload = Payload { msg: &plain, aad: &aad };
        // Only a text of 256 GiB can't be sealed.
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// What the text names; `None` when it is not ours, of another connection or request, or too old.
    pub(crate) fn open(
        &self,
        connection: &ConnectionId,
        digest: &[u8; 32],
        text: &str,
        now: Timestamp,
    ) -> Option<Waits> {
        if text.len() > 256 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let aad = bound(connection, digest);
        let plain = self.cipher.decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: &aad }).ok()?;
        let (kind, rest) = plain.split_first()?;
        let number = u64::from_be_bytes(rest.get(..8)?.try_into().ok()?);
        let end = i64::from_be_bytes(rest.get(8..16)?.try_into().ok()?);
        if now.millis() > end {
            return None;
        }
        match kind {
            1 => Some(Waits::Parked(number)),
            2 => Some(Waits::Again),
            _ => None,
        }
    }
}

fn bound(connection: &ConnectionId, digest: &[u8; 32]) -> Vec<u8> {
    [digest, connection.as_str().as_bytes()].concat()
}

/// Which request of an app this is, at this endpoint and for this service.
pub(crate) fn digest_of(endpoint: &Resource, service: &ServiceId, request: &Request<'_>) -> [u8; 32] {
    let place = format!("{} {service}", endpoint.path());
    digest(&place, &request.method, request.params.as_ref())
}

/// Which request this is: where it goes and all it says, without what describes it and what a retry adds.
/// Written anew by the app, it is the same.
fn digest(place: &str, method: &str, params: Option<&Object<'_>>) -> [u8; 32] {
    let mut params = params.cloned().unwrap_or_default();
    for name in ["_meta", "inputResponses", "requestState"] {
        params.remove(name);
    }
    // In the order of names, so that the order in the text makes no difference. What no reader of values holds
    // (1e400) stands for itself.
    let value = serde_json::from_str::<serde_json::Value>(params.to_raw().get()).map(|mut v| {
        v.sort_all_objects();
        v.to_string()
    });
    let text = value.unwrap_or_else(|_| params.to_raw().get().to_owned());
    let mut hash = Sha256::new();
    for part in [place, method, &text] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::FixedRandom;

    #[test]
    fn a_state_opens_for_its_own_connection_and_request_until_its_end_and_nothing_else() {
        let random = FixedRandom::default();
        let sealer = Sealer::new(&random);
        let (a, b): (ConnectionId, ConnectionId) = ("a".into(), "b".into());
        let at = Timestamp::from_millis;
        let params = |json: &'static str| Object::parse(json).unwrap();
        let one = digest("s", "tools/call", Some(&params(r#"{"name":"t","arguments":{"a":1,"b":2}}"#)));
        let text = sealer.seal(&random, &a, &one, Waits::Parked(7), at(100));
        assert_eq!(sealer.open(&a, &one, &text, at(100)), Some(Waits::Parked(7)));
        // The same, as an app writes it when it comes back.
        let same = params(
            r#"{"requestState":"x","arguments":{"b":2,"a":1},"inputResponses":{},"name":"t","_meta":{"x":1}}"#,
        );
        assert_eq!(digest("s", "tools/call", Some(&same)), one);
        let other = digest("s", "tools/call", Some(&params(r#"{"name":"t","arguments":{"a":1,"b":3}}"#)));
        assert_eq!(sealer.open(&a, &other, &text, at(1)), None, "another request");
        assert_eq!(sealer.open(&b, &one, &text, at(1)), None, "another connection");
        assert_eq!(sealer.open(&a, &one, &text, at(101)), None, "too late");
        assert_eq!(sealer.open(&a, &one, &format!("{text}-TAMPERED"), at(1)), None);
        assert_eq!(sealer.open(&a, &one, "", at(1)), None);
        assert_eq!(Sealer::new(&random).open(&a, &one, &text, at(1)), None, "another process");
    }
}
