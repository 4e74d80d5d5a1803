use vault::SubKey;

/// The sub-key from which the local tokens follow.
pub(crate) struct TokenSubkey(pub(crate) SubKey);

impl authority::TokenKey for TokenSubkey {
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.0.mac(parts)
    }
}
