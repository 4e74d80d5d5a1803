use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};

/// The person's own short name for a service: the prefix of its tools and the first half of its scopes.
///
/// `^[a-z][a-z0-9_]{0,11}$`: every AI app accepts such a prefix, and the name is at most 12 characters because
/// some apps cut a tool's full name at 60.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ts_rs::TS)]
#[serde(try_from = "String", into = "String")]
#[ts(type = "string")]
pub struct ShortName(Arc<str>);

/// Why a text is no short name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” can't be a short name: it starts with a letter and has at most 12 of a–z, 0–9 and _")]
pub struct NameError(String);

impl ShortName {
    /// The most characters a short name may have.
    pub const MAX: usize = 12;

    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest short name to any text: a host name's telling label, a title, what a person typed.
    /// `None` when nothing usable is left.
    pub fn nearest(text: &str) -> Option<Self> {
        let mut out = String::new();
        for c in text.chars().flat_map(char::to_lowercase) {
            match c {
                'a'..='z' => out.push(c),
                '0'..='9' if !out.is_empty() => out.push(c),
                _ if !out.is_empty() && !out.ends_with('_') => out.push('_'),
                _ => {}
            }
            if out.len() == Self::MAX {
                break;
            }
        }
        out.trim_end_matches('_').parse().ok()
    }

    /// This name with a number behind it, shortened to fit: for the second service of that name.
    pub fn numbered(&self, n: u32) -> Self {
        let tail = n.to_string();
        let head: String = self.0.chars().take(Self::MAX.saturating_sub(tail.len())).collect();
        Self(format!("{head}{tail}").into())
    }
}

impl FromStr for ShortName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let good = text.len() <= Self::MAX
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if good { Ok(Self(text.into())) } else { Err(NameError(text.chars().take(40).collect())) }
    }
}

impl TryFrom<String> for ShortName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<ShortName> for String {
    fn from(name: ShortName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for ShortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ShortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_what_every_app_accepts_as_a_prefix() {
        assert!("mittwald".parse::<ShortName>().is_ok());
        for bad in ["", "Mittwald", "1st", "_a", "a-b", "a".repeat(13).as_str(), "ä"] {
            assert!(bad.parse::<ShortName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_nearest_name_of_any_text_is_valid_or_nothing() {
        assert_eq!(ShortName::nearest("My Blog!").unwrap().as_str(), "my_blog");
        assert_eq!(ShortName::nearest("9 lives").unwrap().as_str(), "lives");
        assert_eq!(ShortName::nearest("a very long host name").unwrap().as_str(), "a_very_long");
        assert_eq!(ShortName::nearest("日本"), None);
    }

    #[test]
    fn a_numbered_name_stays_within_the_limit() {
        let name: ShortName = "abcdefghijkl".parse().unwrap();
        assert_eq!(name.numbered(12).as_str(), "abcdefghij12");
    }
}
