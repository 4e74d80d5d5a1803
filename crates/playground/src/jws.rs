//! Signed tokens (RFC 7515): ES256 with the playground's one key, and nothing else.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// A key that can't be made or read.
#[derive(Debug, thiserror::Error)]
#[error("the key can't be made or read")]
pub struct KeyError;

/// Base64 as URLs take it, without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// SHA-256, encoded: what PKCE calls S256, and how secrets are kept.
pub(crate) fn sha256(text: &str) -> String {
    encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// The key that signs access tokens and id tokens.
pub(crate) struct SigningKey {
    pair: EcdsaKeyPair,
    /// Names the key in headers and in the key set: its thumbprint (RFC 7638).
    id: String,
}

impl SigningKey {
    /// A new key, as text to keep.
    pub(crate) fn generate() -> Result<String, KeyError> {
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map(encode)
            .map_err(|_| KeyError)
    }

    /// The key in this text.
    pub(crate) fn from_text(text: &str) -> Result<Self, KeyError> {
        let pkcs8 = URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new())
            .map_err(|_| KeyError)?;
        let (x, y) = point(&pair);
        let id = sha256(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        Ok(Self { pair, id })
    }

    /// The public half (RFC 7517).
    pub(crate) fn public(&self) -> Value {
        let (x, y) = point(&self.pair);
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": self.id })
    }

    fn header(&self, kind: &str) -> String {
        encode(format!(r#"{{"alg":"ES256","kid":"{}","typ":"{kind}"}}"#, self.id))
    }

    /// Sign `claims` as a token of this `typ`.
    pub(crate) fn sign(&self, kind: &str, claims: &impl Serialize) -> Result<String, KeyError> {
        let claims = serde_json::to_vec(claims).map_err(|_| KeyError)?;
        let signed = format!("{}.{}", self.header(kind), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| KeyError)?;
        Ok(format!("{signed}.{}", encode(signature)))
    }

    /// The claims of a token of this `typ` that was signed here; `None` for anything else.
    ///
    /// The header is compared with the one that would be written and never parsed, so that no token can choose
    /// its own algorithm.
    pub(crate) fn verify<T: DeserializeOwned>(&self, kind: &str, token: &str) -> Option<T> {
        let (signed, signature) = token.rsplit_once('.')?;
        let claims = signed.strip_prefix(&self.header(kind))?.strip_prefix('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

/// The coordinates of the public key. It is stored as one byte of form and 32 bytes each.
fn point(pair: &EcdsaKeyPair) -> (String, String) {
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    (encode(x), encode(y))
}
