use super::number::Number;
use crate::object::Text;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// An argument as its header sees it. What the schema says of its type is left to the service: the header
/// mirrors what is there.
pub(super) enum Argument<'a> {
    /// Not there, or null.
    None,
    Text(Cow<'a, str>),
    Flag(&'a str),
    Number(Number, &'a str),
    /// What no header can mirror.
    Other(&'a str),
}

impl<'a> Argument<'a> {
    pub(super) fn of(json: Option<&'a RawValue>) -> Self {
        let Some(json) = json.map(RawValue::get) else { return Self::None };
        match json.bytes().next() {
            Some(b'n') => Self::None,
            Some(b't' | b'f') => Self::Flag(json),
            Some(b'"') => match serde_json::from_str::<Text<'_>>(json) {
                Ok(text) => Self::Text(text.0),
                // Half of a surrogate pair: no text at all.
                Err(_) => Self::Other(json),
            },
            _ => match Number::parse(json) {
                Some(number) => Self::Number(number, json),
                None => Self::Other(json),
            },
        }
    }

    /// The text to put into a header.
    pub(super) fn mirrored(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Flag(json) => Some(Cow::Borrowed(json)),
            Self::Number(number, _) => number.safe_integer().map(|n| Cow::Owned(n.to_string())),
            Self::None | Self::Other(_) => None,
        }
    }

    /// Whether a header that says this mirrors it. A fraction or a large number need not be mirrored, but one
    /// that is must be right.
    pub(super) fn is(&self, said: &str) -> bool {
        match self {
            Self::Text(text) => text == said,
            Self::Flag(json) => *json == said,
            Self::Number(number, _) => Number::parse(said).is_some_and(|n| n == *number),
            Self::None | Self::Other(_) => false,
        }
    }

    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Flag(json) | Self::Number(_, json) | Self::Other(json) => json,
            Self::None => "null",
        }
    }
}
