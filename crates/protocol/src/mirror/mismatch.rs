use crate::flaw::short;

/// What of a request's headers contradicts its body. Its text is the sentence for the app, which may see what
/// it sent itself, but never much of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The body has a value that the header must mirror.
    #[error("Header mismatch: {0} is missing.")]
    Missing(Box<str>),
    /// The header is there more than once.
    #[error("Header mismatch: {0} is there more than once.")]
    Repeated(Box<str>),
    /// Characters that no header may hold, or a base64 that is none.
    #[error("Header mismatch: the value of {0} is malformed.")]
    Malformed(Box<str>),
    /// The header says one thing, the body another.
    #[error("Header mismatch: {header} says “{said}”, the body says “{body}”.")]
    Different {
        /// The header's name.
        header: Box<str>,
        /// The start of its value, decoded.
        said: Box<str>,
        /// The start of the body's.
        body: Box<str>,
    },
    /// The header says something of which the body has nothing.
    #[error("Header mismatch: {header} says “{said}”, the body has no such value.")]
    Unmatched {
        /// The header's name.
        header: Box<str>,
        /// The start of its value, decoded.
        said: Box<str>,
    },
}

impl Mismatch {
    pub(super) fn missing(header: &str) -> Self {
        Self::Missing(short(header))
    }

    pub(super) fn repeated(header: &str) -> Self {
        Self::Repeated(short(header))
    }

    pub(super) fn malformed(header: &str) -> Self {
        Self::Malformed(short(header))
    }

    pub(super) fn different(header: &str, said: &str, body: &str) -> Self {
        Self::Different { header: short(header), said: short(said), body: short(body) }
    }

    pub(super) fn unmatched(header: &str, said: &str) -> Self {
        Self::Unmatched { header: short(header), said: short(said) }
    }
}
