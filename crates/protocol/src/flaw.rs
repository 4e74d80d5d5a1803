use crate::code;

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// No JSON, or not UTF-8.
    #[error("This is no JSON.")]
    Malformed,
    /// An object has two members of one name: two readers could understand it differently.
    #[error("The name “{0}” stands twice in one object.")]
    Duplicate(Box<str>),
    /// Nested deeper than [`crate::MAX_DEPTH`].
    #[error("The JSON is nested too deeply.")]
    TooDeep,
    /// JSON, but no JSON-RPC 2.0 message.
    #[error("This is no JSON-RPC 2.0 message: {0}.")]
    NoMessage(&'static str),
}

impl Flaw {
    /// The JSON-RPC code to answer with.
    pub fn code(&self) -> i64 {
        match self {
            Self::Malformed => code::PARSE,
            Self::Duplicate(_) | Self::TooDeep | Self::NoMessage(_) => code::INVALID_REQUEST,
        }
    }
}

/// The start of a text, fit for a line of a log: no more than 60 characters, none of them a control character.
pub(crate) fn short(text: &str) -> Box<str> {
    const MAX: usize = 60;
    let mut chars = text.chars();
    let mut start: String = chars
        .by_ref()
        .take(MAX)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    if chars.next().is_some() {
        start.push('…');
    }
    start.into()
}
