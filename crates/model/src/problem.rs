use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// What went wrong, in words a person can act on.
///
/// The window translates by `code` and `values`; the terminal prints `sentence` and `next`. None of the
/// fields ever holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Problem {
    /// Stable, in `room.what` form, such as `signin.denied`.
    #[ts(type = "string")]
    pub code: Cow<'static, str>,
    /// One sentence that says what happened.
    pub sentence: String,
    /// One sentence that says what to do next.
    pub next: String,
    /// The names and numbers in the sentence, for translations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
}

impl Problem {
    /// A problem with its sentence and its next step.
    pub fn new(code: &'static str, sentence: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code: code.into(), sentence: sentence.into(), next: next.into(), values: BTreeMap::new() }
    }

    /// The same problem with one more named value for translations.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.values.insert(name.to_owned(), value.to_string());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.sentence)?;
        if self.next.is_empty() { Ok(()) } else { write!(f, " {}", self.next) }
    }
}

impl std::error::Error for Problem {}

/// Every error of a room can say itself as a [`Problem`].
pub trait Explain {
    /// The code, the sentence and the next step. Holds no secret.
    fn problem(&self) -> Problem;
}

impl Explain for Problem {
    fn problem(&self) -> Problem {
        self.clone()
    }
}
