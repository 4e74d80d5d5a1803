use crate::{VaultError, key::Key};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use model::Random;
use zeroize::Zeroizing;

/// The form of what is sealed: this byte, a nonce of 24 bytes, the ciphertext with its tag.
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// The place a sealed column belongs to. It opens nowhere else: not in another column, another row, an older
/// generation, or a row whose address was edited to lead the secret elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding<'a> {
    /// A constant tag of the column, independent of its name in SQL, so that migrations can rename it.
    pub field: &'static str,
    /// The row's id.
    pub row: &'a str,
    /// The row's generation.
    pub generation: u64,
    /// Who issued the secret.
    pub issuer: &'a str,
    /// The origin it may be sent to.
    pub origin: &'a str,
}

impl Binding<'_> {
    /// All of it, each text preceded by its length, so that no two bindings give the same bytes.
    fn associated(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.extend_from_slice(b"bellhop column 1");
        for text in [self.field, self.row, self.issuer, self.origin] {
            out.extend_from_slice(&(text.len() as u64).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(&self.generation.to_be_bytes());
        out
    }
}

#[allow(clippy::expect_used, reason = "XChaCha20-Poly1305 refuses only texts of 256 GiB")]
pub(crate) fn seal(key: &Key, random: &dyn Random, binding: &Binding<'_>, plain: &[u8]) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    random.fill(&mut nonce);
    let sealed = XChaCha20Poly1305::new(key.bytes().into())
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: &binding.associated() })
        .expect("a text of this size can be sealed");
    let mut out = Vec::with_capacity(1 + NONCE + sealed.len());
    out.push(VERSION);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    out
}

pub(crate) fn unseal(
    key: &Key,
    binding: &Binding<'_>,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let unsealable = || VaultError::Unsealable { field: binding.field };
    let (version, rest) = sealed.split_first().ok_or_else(unsealable)?;
    let (nonce, ciphertext) = rest.split_at_checked(NONCE).ok_or_else(unsealable)?;
    if *version != VERSION {
        return Err(unsealable());
    }
    XChaCha20Poly1305::new(key.bytes().into())
        .decrypt(XNonce::from_slice(nonce), Payload { msg: ciphertext, aad: &binding.associated() })
        .map(Zeroizing::new)
        .map_err(|_| unsealable())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{FixedRandom, SystemRandom};
    use proptest::prelude::*;

    const PLACE: Binding<'static> =
        Binding { field: "access", row: "r1", generation: 7, issuer: "https://i", origin: "https://o" };

    #[test]
    fn a_sealed_text_opens_in_its_own_place_alone() {
        let random = FixedRandom::default();
        let key = Key::fresh(&random);
        let sealed = seal(&key, &random, &PLACE, b"token");
        assert_eq!(&**unseal(&key, &PLACE, &sealed).unwrap(), b"token");
        for other in [
            Binding { field: "refresh", ..PLACE },
            Binding { row: "r2", ..PLACE },
            Binding { generation: 8, ..PLACE },
            Binding { issuer: "https://e", ..PLACE },
            Binding { origin: "https://e", ..PLACE },
            Binding { row: "r1h", issuer: "ttps://i", ..PLACE },
        ] {
            assert!(unseal(&key, &other, &sealed).is_err(), "{other:?}");
        }
        assert!(unseal(&Key::fresh(&random), &PLACE, &sealed).is_err());
    }

    #[test]
    fn the_same_text_is_sealed_differently_each_time_and_stays_unreadable() {
        let key = Key::fresh(&SystemRandom);
        let text = b"a token of some length";
        let (one, two) = (seal(&key, &SystemRandom, &PLACE, text), seal(&key, &SystemRandom, &PLACE, text));
        assert_ne!(one, two);
        assert!(!one.windows(text.len()).any(|w| w == text));
    }

    proptest! {
        #[test]
        fn any_damage_is_noticed_and_never_panics(at in 0usize..45, bit in 0u8..8, cut in 0usize..46) {
            let random = FixedRandom::default();
            let key = Key::fresh(&random);
            let sealed = seal(&key, &random, &PLACE, b"abcd");
            prop_assert_eq!(sealed.len(), 45);
            let mut flipped = sealed.clone();
            flipped[at] ^= 1 << bit;
            prop_assert!(unseal(&key, &PLACE, &flipped).is_err());
            if cut < sealed.len() {
                prop_assert!(unseal(&key, &PLACE, &sealed[..cut]).is_err());
            }
        }
    }
}
