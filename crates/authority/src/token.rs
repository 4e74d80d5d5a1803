//! What local tokens look like.
//!
//! `bha_` (access) or `bhr_` (refresh), then 52 bytes in base64url: the family's id (16), the number (4, big
//! endian) and a keyed hash (32) over kind, family and number. So a token is recognised without anything being
//! stored about it, and a lost one can be computed again. Codes have no family yet: they are random.

use crate::TokenKey;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::Secret;
use subtle::ConstantTimeEq;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Calling services, for an hour.
    Access,
    /// Getting the next pair, once.
    Refresh,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Access => "bha_",
            Self::Refresh => "bhr_",
        }
    }
}

/// A token that was made with our key: authentic, but perhaps over or revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) family: [u8; 16],
    pub(crate) number: u32,
}

const BYTES: usize = 16 + 4 + 32;
/// 52 bytes in base64 without padding.
const TEXT: usize = 70;

impl Token {
    /// The token as it is sent.
    pub(crate) fn write(&self, key: &dyn TokenKey) -> Secret {
        let mut bytes = [0u8; BYTES];
        bytes[..16].copy_from_slice(&self.family);
        bytes[16..20].copy_from_slice(&self.number.to_be_bytes());
        bytes[20..].copy_from_slice(&self.mac(key));
        let mut text = String::with_capacity(4 + TEXT);
        text.push_str(self.kind.prefix());
        URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        Secret::new(text)
    }

    /// Read a token and check its hash; `None` for everything that was not made with this key.
    pub(crate) fn read(text: &str, key: &dyn TokenKey) -> Option<Self> {
        let kind = [Kind::Access, Kind::Refresh].into_iter().find(|k| text.starts_with(k.prefix()))?;
        let text = &text[kind.prefix().len()..];
        if text.len() != TEXT {
            return None;
        }
        let mut bytes = [0u8; BYTES];
        // Strict: no padding, no other alphabet, no stray bits at the end, so each token has one spelling.
        if URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()? != BYTES {
            return None;
        }
        let mut family = [0u8; 16];
        family.copy_from_slice(&bytes[..16]);
        let mut number = [0u8; 4];
        number.copy_from_slice(&bytes[16..20]);
        let token = Self { kind, family, number: u32::from_be_bytes(number) };
        bool::from(token.mac(key).ct_eq(&bytes[20..])).then_some(token)
    }

    fn mac(&self, key: &dyn TokenKey) -> [u8; 32] {
        key.mac(&[self.kind.prefix().as_bytes(), &self.family, &self.number.to_be_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{Hmac, Mac};
    use proptest::prelude::*;
    use sha2::Sha256;

    struct Key(u8);

    impl TokenKey for Key {
        fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
            let mut mac = Hmac::<Sha256>::new_from_slice(&[self.0; 32]).unwrap();
            for part in parts {
                mac.update(&(part.len() as u64).to_be_bytes());
                mac.update(part);
            }
            mac.finalize().into_bytes().into()
        }
    }

    fn token(kind: Kind, family: [u8; 16], number: u32) -> Token {
        Token { kind, family, number }
    }

    proptest! {
        #[test]
        fn a_token_reads_as_what_was_written(family: [u8; 16], number: u32, refresh: bool) {
            let token = token(if refresh { Kind::Refresh } else { Kind::Access }, family, number);
            let text = token.write(&Key(1));
            prop_assert_eq!(Token::read(text.expose(), &Key(1)), Some(token));
            prop_assert_eq!(Token::read(text.expose(), &Key(2)), None);
        }

        #[test]
        fn any_text_is_read_without_a_panic_and_never_believed(text in ".{0,200}") {
            prop_assert_eq!(Token::read(&text, &Key(1)), None);
            prop_assert_eq!(Token::read(&format!("bha_{text}"), &Key(1)), None);
        }

        #[test]
        fn a_token_with_a_flipped_bit_is_never_believed(family: [u8; 16], number: u32, at in 0usize..74, bit in 0u8..7) {
            let text = token(Kind::Access, family, number).write(&Key(1));
            let mut bytes = text.expose().as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let flipped = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(Token::read(&flipped, &Key(1)), None);
        }
    }

    #[test]
    fn a_refresh_token_does_not_pass_as_an_access_token() {
        let text = token(Kind::Refresh, [7; 16], 3).write(&Key(1));
        let swapped = text.expose().replace("bhr_", "bha_");
        assert_eq!(Token::read(&swapped, &Key(1)), None);
    }
}
