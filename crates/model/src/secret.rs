use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// A text that proves something: a token, a password, a code. Wiped from memory when dropped.
///
/// It has no readable `Debug`, no `Display` and no `Serialize`, so that it can't reach a log, an error or the
/// window by accident; whoever needs the text says so with [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Keep this text secret from now on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself. Every call is a place to look at in a review.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_text() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }
}
