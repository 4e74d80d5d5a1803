use crate::Flaw;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, sync::Arc};

/// A request's id, kept as the JSON text it came as: a string or a number. `1`, `1.0` and `"1"` are three
/// ids, and each comes back to who sent it exactly as it was.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Arc<str>);

impl Id {
    /// From JSON.
    ///
    /// # Errors
    /// When it is neither a string nor a number.
    pub fn from_raw(raw: &RawValue) -> Result<Self, Flaw> {
        match raw.get().bytes().next() {
            Some(b'"' | b'-' | b'0'..=b'9') => Ok(Self(raw.get().into())),
            _ => Err(Flaw::NoMessage("its id is neither a string nor a number")),
        }
    }

    /// An id that is this text.
    pub fn text(text: &str) -> Self {
        Self(serde_json::Value::from(text).to_string().into())
    }

    /// The JSON text.
    pub fn json(&self) -> &str {
        &self.0
    }

    /// The text of an id that is a string; `None` for a number.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        serde_json::from_str::<crate::object::Text<'_>>(&self.0).ok().map(|t| t.0)
    }
}

impl From<u64> for Id {
    fn from(n: u64) -> Self {
        Self(n.to_string().into())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(&self.0) {
            Ok(raw) => raw.serialize(s),
            Err(e) => Err(serde::ser::Error::custom(e)),
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
