use crate::RowsError;
use model::{Explain, Problem, RequestId};

/// Why a token lets nobody in. All of them are `invalid_token` to the app (RFC 6750).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    /// It is no access token of ours, or not one made with this key.
    #[error("no access token of this Bellhop")]
    Unknown,
    /// It was good once; its hour is over and a refresh gets the next one.
    #[error("the access token has ended")]
    Ended,
    /// Its connection was cut off.
    #[error("the connection was cut off")]
    Revoked,
}

/// Why an answer to a request was not taken. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// It was answered already, or never was there.
    #[error("that request is not waiting")]
    Gone,
    /// Nobody answered within ten minutes.
    #[error("that request has ended")]
    Expired,
    /// The person saw something else than what now waits.
    #[error("the request is not the one that was shown")]
    Changed,
    /// More than what is offered was to be allowed.
    #[error("more than what is offered")]
    NotOffered,
    /// Nothing was to be allowed.
    #[error("nothing was chosen")]
    Nothing,
}

impl Explain for DecideError {
    fn problem(&self) -> Problem {
        let (code, sentence, next) = match self {
            Self::Gone => (
                "authority.request_gone",
                "This app isn't waiting for an answer any more.",
                "Connect from the app again if you want to let it in.",
            ),
            Self::Expired => (
                "authority.request_expired",
                "This app waited ten minutes and gave up.",
                "Connect from the app again if you want to let it in.",
            ),
            Self::Changed => (
                "authority.request_changed",
                "What the app asks for is not what you were shown.",
                "Look at the request again, then decide.",
            ),
            Self::NotOffered => (
                "authority.not_offered",
                "One of the things you chose isn't there to be allowed.",
                "Look at the request again, then decide.",
            ),
            Self::Nothing => (
                "authority.nothing_chosen",
                "Nothing is chosen, so there is nothing to allow.",
                "Choose at least one thing the app may do, or deny it.",
            ),
        };
        Problem::new(code, sentence, next)
    }
}

/// Why an app can't wait for an answer now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The same app waits already, with this request.
    #[error("the app waits already")]
    Waiting(RequestId),
    /// It was denied a moment ago.
    #[error("the app was denied; it may ask again in {seconds} s")]
    Denied {
        /// How long it has to wait, in seconds.
        seconds: u64,
    },
    /// The person cut it off and has not asked it back.
    #[error("the app was cut off, and not asked back")]
    TurnedAway,
    /// Too many apps wait.
    #[error("too many apps wait")]
    Full,
    /// There is no service that it could be allowed to use.
    #[error("no service is there to be used")]
    NothingOffered,
}

impl Explain for AskError {
    fn problem(&self) -> Problem {
        match self {
            Self::Waiting(_) => Problem::new(
                "authority.already_waiting",
                "This app already waits for your answer.",
                "Answer in Bellhop.",
            ),
            Self::Denied { seconds } => Problem::new(
                "authority.denied_recently",
                "You denied this app a moment ago.",
                format!("It can ask again in {seconds} seconds."),
            )
            .with("seconds", seconds),
            Self::TurnedAway => Problem::new(
                "authority.turned_away",
                "You cut this app off in Bellhop.",
                "Choose Connect for it there if it may ask again.",
            ),
            Self::Full => Problem::new(
                "authority.too_many_waiting",
                "Too many apps are waiting for your answer.",
                "Answer those in Bellhop first, then connect again.",
            ),
            Self::NothingOffered => Problem::new(
                "authority.nothing_offered",
                "Bellhop has no service this app could use yet.",
                "Connect a service in Bellhop first, then connect the app again.",
            ),
        }
    }
}

impl Explain for RowsError {
    fn problem(&self) -> Problem {
        Problem::new(
            "authority.rows",
            "Bellhop could not read or write its own files.",
            "Check that the disk is not full, then try again.",
        )
    }
}
