use super::handle::Shared;
use crate::{
    HttpError, Outcome, Refusal, RowsError, Tokens, address::check_address, http::Guarded, moment::Moment,
    outcome::classify, token::prove,
};
use model::{Clock, Random, Timestamp};
use std::{sync::Arc, time::Duration};

/// The shortest time between two renewals that nobody asked for.
const SHORTEST: Duration = Duration::from_secs(10);
/// How long before its end a token is renewed at the latest.
const MARGIN: Duration = Duration::from_secs(60);
/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// The longest wait that a server may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// How long a refresh token may lie unused when its server says nothing of that: some are lost after seven days.
const UNUSED: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// How a renewal ended.
pub(super) enum Landed {
    /// With new tokens.
    Renewed {
        tokens: Tokens,
        /// When the new access token ends; the time counts from when the request was sent.
        ends: Option<Moment>,
        renew_at: Option<Moment>,
        /// The generation under which they are stored, or why they are not.
        stored: Result<u64, RowsError>,
    },
    /// With a no.
    Refused(Refusal),
    /// With an answer that means nothing.
    Later { retry_after: Option<Duration>, why: String },
    /// Without an answer.
    Unanswered(HttpError),
    /// It was not begun, since that could not be written down.
    NotBegun(RowsError),
}

/// What a renewal is made with.
pub(super) struct Renewal {
    pub(super) shared: Arc<Shared>,
    pub(super) rows: Arc<dyn crate::CredentialRows>,
    pub(super) random: Arc<dyn Random>,
    pub(super) web: Guarded,
    pub(super) tokens: Arc<Tokens>,
    /// The generation that is stored.
    pub(super) row: u64,
    pub(super) journal: Journal,
}

/// Whether the intent is written down first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Journal {
    Keep,
    /// The stored tokens are superseded already by ones that could not be stored: a note about those would help
    /// nobody.
    Skip,
}

impl Renewal {
    /// Note the intent, ask, store what came.
    pub(super) async fn run(self) -> Landed {
        let Self { shared, rows, random, web, tokens, row, journal } = self;
        let clock = &*shared.clock;
        if journal == Journal::Keep
            && let Err(e) = rows.begin_refresh(&shared.id, row, clock.now()).await
        {
            return Landed::NotBegun(e);
        }
        let sent = Moment::after(clock, Duration::ZERO);
        let landed = ask(&shared, &web, &tokens).await;
        let granted = match landed {
            Ok(Outcome::Granted(granted)) => granted,
            Ok(Outcome::Refused(refusal)) => {
                abandon(&*rows, &shared, row).await;
                return Landed::Refused(refusal);
            }
            Ok(Outcome::Later { retry_after, why }) => {
                abandon(&*rows, &shared, row).await;
                return Landed::Later { retry_after, why };
            }
            Err(e) => {
                // Without an answer the note stands: the server may have acted.
                if e.nothing_sent() {
                    abandon(&*rows, &shared, row).await;
                }
                return Landed::Unanswered(e);
            }
        };
        let new = Tokens::from_granted(*granted, sent.wall, Some(&tokens));
        let life = new.lifetime.map(Duration::from_secs);
        let stored = rows.commit_refresh(&shared.id, row, &new).await;
        Landed::Renewed {
            ends: life.map(|life| sent.later(life)),
            renew_at: first(
                life.map(|life| sent.later(renew_after(life, &*random))),
                Some(sent.later(unused_for(&new, &*random))),
            ),
            tokens: new,
            stored,
        }
    }
}

async fn ask(shared: &Shared, web: &Guarded, tokens: &Tokens) -> Result<Outcome, HttpError> {
    let url = check_address(&shared.server.token_endpoint)?;
    let refresh = tokens.refresh.as_ref().map(|t| t.expose()).unwrap_or_default();
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh)];
    if let Some(resource) = &shared.resource {
        fields.push(("resource", resource));
    }
    let answer = web.send(prove(url, fields, &shared.registration)).await?;
    Ok(classify(answer.status, &answer.headers, &answer.body))
}

/// Note that the old tokens stand. If that can't be written, a restart tries them once, which does no harm.
async fn abandon(rows: &dyn crate::CredentialRows, shared: &Shared, row: u64) {
    if let Err(e) = rows.abandon_refresh(&shared.id, row).await {
        tracing::warn!(credential = %shared.id, "{e}");
    }
}

/// How long after its issue a token is renewed: at 80 % of its life or 60 s before its end, whichever is first,
/// though not in the first half; and up to 5 % sooner, so that many don't come at once.
fn renew_after(life: Duration, random: &dyn Random) -> Duration {
    let early = life.mul_f64(0.8).min(life.saturating_sub(MARGIN)).max(life / 2);
    early.saturating_sub(life.mul_f64(0.05 * fraction(random))).max(SHORTEST)
}

/// How long after its issue a refresh token is used at the latest.
fn unused_for(tokens: &Tokens, random: &dyn Random) -> Duration {
    tokens.refresh_lifetime.map_or(UNUSED, |life| renew_after(Duration::from_secs(life), random).min(UNUSED))
}

fn first(a: Option<Moment>, b: Option<Moment>) -> Option<Moment> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.at_most(b)),
        (a, b) => a.or(b),
    }
}

/// When tokens that were stored are to be renewed, and when they end.
pub(super) fn schedule(
    tokens: &Tokens,
    clock: &dyn Clock,
    random: &dyn Random,
) -> (Option<Moment>, Option<Moment>) {
    let unused = unused_for(tokens, random);
    let by = match tokens.issued_at {
        Some(issued) => Moment::at(clock, issued + unused, Some(unused)),
        None => Moment::after(clock, unused),
    };
    let Some(end) = tokens.expires_at else { return (Some(by), None) };
    let life = tokens.lifetime.map(Duration::from_secs);
    let before: Duration = life.map_or(MARGIN, |life| life.saturating_sub(renew_after(life, random)));
    let renew: Timestamp = end - before;
    (first(Some(Moment::at(clock, renew, life)), Some(by)), Some(Moment::at(clock, end, life)))
}

/// The pause after so many failures in a row, and how soon within it somebody who needs a token may have it tried
/// again.
pub(super) fn pause(failures: u32, asked: Option<Duration>, random: &dyn Random) -> (Duration, Duration) {
    let base = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
    let pause = base.mul_f64(0.75 + 0.5 * fraction(random));
    match asked.map(|asked| asked.min(LONGEST_ASKED)) {
        Some(asked) => (pause.max(asked), asked.max(SHORTEST)),
        None => (pause, pause.min(SHORTEST)),
    }
}

/// Between 0 and 1.
fn fraction(random: &dyn Random) -> f64 {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ManualClock, Secret, SystemRandom};

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_token_is_renewed_in_time_whatever_its_life() {
        for _ in 0..50 {
            for (life, from, to) in
                [(3600, 2700, 2880), (600, 450, 480), (120, 54, 60), (60, 27, 30), (5, 10, 10)]
            {
                let at = renew_after(secs(life), &SystemRandom);
                assert!(at >= secs(from) && at <= secs(to), "{life}: {at:?}");
            }
        }
    }

    #[test]
    fn pauses_grow_to_a_limit_and_honour_what_the_server_asks() {
        let at = |failures, asked| pause(failures, asked, &SystemRandom);
        for (failures, base) in [(1, 5), (2, 10), (5, 80), (7, 300), (1000, 300)] {
            let (pause, _) = at(failures, None);
            assert!(pause >= secs(base) * 3 / 4 && pause <= secs(base) * 5 / 4, "{failures}: {pause:?}");
        }
        assert_eq!(at(1, Some(secs(120))), (secs(120), secs(120)));
        assert_eq!(at(1, Some(secs(999_999))).0, LONGEST_ASKED);
        assert!(at(9, None).1 <= SHORTEST, "somebody who waits is not held up for the whole of a long pause");
    }

    #[test]
    fn stored_tokens_are_renewed_when_they_would_have_been_without_the_restart() {
        let clock = ManualClock::at(Timestamp::from_millis(0) + secs(100_000));
        let tokens = |expires_at, lifetime| Tokens {
            access: Secret::new("a"),
            refresh: None,
            expires_at,
            lifetime,
            scope: None,
            issued_at: None,
            refresh_lifetime: None,
        };
        let issued_40_minutes_ago = tokens(Some(clock.now() + secs(1200)), Some(3600));
        let (renew, end) = schedule(&issued_40_minutes_ago, &clock, &SystemRandom);
        let renew = renew.unwrap().left(&clock);
        assert!(renew >= secs(300) && renew <= secs(480), "{renew:?}");
        assert_eq!(end.unwrap().left(&clock), secs(1200));
        assert_eq!(schedule(&tokens(None, None), &clock, &SystemRandom).1, None);
        let (renew, _) = schedule(&tokens(Some(clock.now() + secs(90)), None), &clock, &SystemRandom);
        assert_eq!(renew.unwrap().left(&clock), secs(30));
    }

    #[test]
    fn a_refresh_token_is_used_before_it_is_lost_however_long_the_access_token_lives() {
        let clock = ManualClock::at(Timestamp::from_millis(0) + secs(100_000_000));
        let day = 24 * 3600;
        for (lifetime, refresh_lifetime, at_most) in [
            (None, None, 3 * day),
            (Some(30 * day), None, 3 * day),
            (Some(30 * day), Some(day), day * 8 / 10),
            (Some(30 * day), Some(90 * day), 3 * day),
            (Some(3600), Some(1800), 1440),
        ] {
            let issued = clock.now();
            let tokens = Tokens {
                access: Secret::new("a"),
                refresh: Some(Secret::new("r")),
                expires_at: lifetime.map(|life| issued + secs(life)),
                lifetime,
                scope: None,
                issued_at: Some(issued),
                refresh_lifetime,
            };
            let left = schedule(&tokens, &clock, &SystemRandom).0.unwrap().left(&clock);
            assert!(left <= secs(at_most) && left >= secs(at_most * 9 / 10), "{lifetime:?}: {left:?}");
        }
    }
}
