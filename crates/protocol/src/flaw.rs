use crate::code;

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// No JSON, or not UTF-8.
    #[error("This is no JSON.")]
    Malformed,
    /// An object has two members of one name: two readers could understand it differently.
    #[error("The name “{0}” stands twice in one object.")]
    Duplicate(String),
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
