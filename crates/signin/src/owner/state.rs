use model::{Problem, Timestamp};

/// How a credential is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialState {
    /// It can be used.
    Ready {
        /// When the current token ends; it is renewed before. `None` when nobody said.
        until: Option<Timestamp>,
    },
    /// It is being renewed. The current token may still be good.
    Refreshing,
    /// It was renewed and can be used, but the new tokens could not be stored yet: quitting now may lose them.
    Unsaved {
        /// When the current token ends.
        until: Option<Timestamp>,
        /// Why it could not be stored.
        problem: Problem,
        /// When storing is tried again.
        next_try: Timestamp,
    },
    /// It could not be renewed for now. The current token may still be good.
    Degraded {
        /// Why.
        problem: Problem,
        /// When it is tried again.
        next_try: Timestamp,
    },
    /// The person has to sign in again.
    NeedsSignIn {
        /// Why.
        problem: Problem,
    },
    /// Its task has ended: Bellhop is quitting, or the person removed the service.
    Stopped,
}
