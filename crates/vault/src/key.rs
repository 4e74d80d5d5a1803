use base64::{Engine, engine::general_purpose::STANDARD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use model::{Random, Secret};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// A key's length in bytes.
pub(crate) const LENGTH: usize = 32;

/// 32 secret bytes: on the heap, so that moving the value leaves no copy behind, and wiped when dropped.
pub(crate) struct Key(Box<Zeroizing<[u8; LENGTH]>>);

impl Key {
    pub(crate) fn zero() -> Self {
        Self(Box::new(Zeroizing::new([0; LENGTH])))
    }

    pub(crate) fn fresh(random: &dyn Random) -> Self {
        let mut key = Self::zero();
        random.fill(key.bytes_mut());
        key
    }

    pub(crate) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; LENGTH] {
        &mut self.0
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Self::zero();
        if bytes.len() != LENGTH {
            return None;
        }
        key.bytes_mut().copy_from_slice(bytes);
        Some(key)
    }

    /// As text: some keychains take nothing but UTF-8.
    pub(crate) fn to_text(&self) -> Secret {
        Secret::new(STANDARD.encode(self.bytes()))
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        Self::from_slice(&Zeroizing::new(STANDARD.decode(text.trim()).ok()?))
    }

    /// A key of its own for one purpose: knowing it tells nothing about this one or about its siblings.
    #[allow(clippy::expect_used, reason = "HKDF-SHA-256 refuses only outputs longer than 8,160 bytes")]
    pub(crate) fn derive(&self, label: &str) -> Self {
        let mut out = Self::zero();
        Hkdf::<Sha256>::new(Some(b"bellhop/1"), self.bytes())
            .expand(label.as_bytes(), out.bytes_mut())
            .expect("32 bytes can be derived");
        out
    }
}

/// A key for one purpose of one room, derived from the vault's (HKDF-SHA-256, RFC 5869).
pub struct SubKey(Key);

impl SubKey {
    pub(crate) fn new(key: Key) -> Self {
        Self(key)
    }

    /// HMAC-SHA-256 of these parts. Each part is preceded by its length (64 bits, big-endian), so that moving a
    /// byte from one part to the next gives another code.
    #[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.bytes()).expect("a key of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for SubKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::FixedRandom;

    #[test]
    fn a_code_tells_where_one_part_ends_and_the_next_begins() {
        let key = SubKey::new(Key::fresh(&FixedRandom::default()));
        assert_eq!(key.mac(&[b"ab", b"c"]), key.mac(&[b"ab", b"c"]));
        assert_ne!(key.mac(&[b"ab", b"c"]), key.mac(&[b"a", b"bc"]));
        assert_ne!(key.mac(&[b"ab", b"c"]), key.mac(&[b"abc"]));
    }

    #[test]
    fn keys_of_two_labels_or_two_vaults_differ() {
        let random = FixedRandom::default();
        let (one, two) = (Key::fresh(&random), Key::fresh(&random));
        assert_ne!(one.derive("a").bytes(), one.derive("b").bytes());
        assert_ne!(one.derive("a").bytes(), two.derive("a").bytes());
        assert_eq!(one.derive("a").bytes(), one.derive("a").bytes());
    }

    #[test]
    fn a_key_reads_the_text_it_writes_and_no_other_length() {
        let key = Key::fresh(&FixedRandom::default());
        assert_eq!(Key::from_text(key.to_text().expose()).unwrap().bytes(), key.bytes());
        assert!(Key::from_text("c2hvcnQ=").is_none());
        assert!(Key::from_text("?").is_none());
    }
}
