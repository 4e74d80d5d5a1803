//! What a person reads about a credential.

use crate::{HttpError, Refusal, RowsError};
use model::Problem;

const BY_ITSELF: &str = "Bellhop tries again by itself.";
const SIGN_IN: &str = "Sign in to the service again.";

pub(super) const UNREGISTERED: &str = "signin.unregistered";
pub(super) const REVOKED: &str = "signin.revoked";
pub(super) const INTERRUPTED: &str = "signin.interrupted";
pub(super) const EXPIRED: &str = "signin.expired";
pub(crate) const REFUSED: &str = "signin.not_accepted";

/// The problem that a stored reason stands for.
pub(crate) fn needs_sign_in(code: &str, host: &str) -> Problem {
    let problem = match code {
        INTERRUPTED => Problem::new(
            INTERRUPTED,
            format!("Bellhop was interrupted while it renewed the sign-in at {host}, and it was lost."),
            SIGN_IN,
        ),
        EXPIRED => Problem::new(EXPIRED, format!("The sign-in at {host} has ended."), SIGN_IN),
        UNREGISTERED => Problem::new(
            UNREGISTERED,
            format!("{host} no longer knows Bellhop."),
            "Sign in to the service again: that registers Bellhop anew. If you gave a client id of your own, check it at the provider first.",
        ),
        REFUSED => Problem::new(REFUSED, format!("{host} no longer accepts the sign-in."), SIGN_IN),
        // The most likely reason, and the one to fall back on for a reason of a later Bellhop.
        _ => Problem::new(
            REVOKED,
            format!("The sign-in at {host} was ended there, or by a long pause."),
            SIGN_IN,
        ),
    };
    problem.with("host", host)
}

/// The task has ended.
pub(super) fn stopped() -> Problem {
    Problem::new(
        "signin.stopped",
        "Bellhop no longer uses this sign-in.",
        "Try again; if it happens again, open Bellhop and connect the service.",
    )
}

/// The service refuses each new token.
pub(super) fn refused_again(host: &str) -> Problem {
    Problem::new(
        "signin.refused_again",
        format!("The service refuses the sign-in at {host}, although it was renewed just now."),
        "Try again in a minute; if it happens again, sign in to the service again.",
    )
    .with("host", host)
}

/// The first `invalid_grant`: it is tried once more.
pub(super) fn doubted(host: &str) -> Problem {
    Problem::new(
        "signin.doubted",
        format!("{host} did not renew the sign-in; Bellhop asks once more before it bothers you."),
        BY_ITSELF,
    )
    .with("host", host)
}

/// A no other than about the grant itself.
pub(super) fn renewal_refused(refusal: &Refusal, host: &str) -> Problem {
    match refusal {
        Refusal::InvalidClient => {
            Problem::new(UNREGISTERED, format!("{host} no longer knows Bellhop."), SIGN_IN)
        }
        other => Problem::new(
            "signin.renewal_refused",
            format!("{host} refuses to renew the sign-in."),
            "Bellhop tries again by itself; if it stays so, sign in to the service again.",
        )
        .with("answer", other.code()),
    }
    .with("host", host)
}

/// The answer was none that means anything.
pub(super) fn renewal_failed(host: &str) -> Problem {
    Problem::new("signin.renewal_failed", format!("{host} could not renew the sign-in just now."), BY_ITSELF)
        .with("host", host)
}

/// No answer came.
pub(super) fn unanswered(error: &HttpError, host: &str) -> Problem {
    Problem { next: BY_ITSELF.to_owned(), ..error.explain(host) }
}

/// It could not be written down.
pub(super) fn unsaved(_: &RowsError, host: &str) -> Problem {
    Problem::new(
        "signin.unsaved",
        format!("The renewed sign-in at {host} could not be saved on this computer."),
        "Check that the disk isn't full, and don't quit Bellhop until this is gone.",
    )
    .with("host", host)
}

/// A renewal was not begun because that could not be written down.
pub(super) fn unprepared(_: &RowsError, host: &str) -> Problem {
    Problem::new(
        "signin.unprepared",
        format!("Bellhop could not renew the sign-in at {host}, because it can't save anything."),
        "Check that the disk isn't full; Bellhop tries again by itself.",
    )
    .with("host", host)
}
