use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What a secret is, which says where it may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An access token.
    Access,
    /// A refresh token.
    Refresh,
    /// An authorization code.
    Code,
    /// A PKCE verifier.
    Verifier,
    /// The `state` of a sign-in.
    State,
    /// A client secret.
    ClientSecret,
    /// A registration access token (RFC 7592).
    RegistrationToken,
    /// A device code.
    DeviceCode,
    /// An API token.
    ApiToken,
    /// Anything that no provider may ever see, such as the tokens of Bellhop's own apps.
    Foreign,
}

/// The endpoints of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Metadata of any kind.
    Metadata,
    /// Where clients register.
    Register,
    /// A client's registration.
    Registration,
    /// The sign-in page.
    Authorize,
    /// Tokens.
    Token,
    /// Revocation.
    Revoke,
    /// Device authorization.
    Device,
    /// Whose sign-in it is.
    Userinfo,
    /// The MCP endpoint.
    Mcp,
    /// Anything else.
    Other,
}

/// The part of a request that something stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Address,
    Headers,
    Body,
}

struct Secret {
    kind: Kind,
    origin: String,
    text: String,
}

/// The refresh tokens of one grant, by number.
#[derive(Default)]
struct Family {
    /// The newest that was made.
    newest: u64,
    /// The newest that was seen in use, itself or its access token: Bellhop has stored it.
    stored: u64,
    /// How often each was presented after it was superseded.
    late: BTreeMap<u64, u32>,
    in_flight: u32,
}

#[derive(Default)]
struct Ledger {
    secrets: Vec<Secret>,
    families: BTreeMap<(String, u64), Family>,
    wrong: Vec<String>,
    retries: u32,
}

/// Watches what is sent to the providers that share it, and writes down what must never happen: a superseded refresh
/// token after its successor was stored, two renewals of a grant at once, a secret in a place that isn't its own.
#[derive(Clone, Default)]
pub struct Oracle(Arc<Mutex<Ledger>>);

impl fmt::Debug for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Oracle")
    }
}

/// How often a superseded refresh token may come while its successor is not stored: once again after the answer got
/// lost or Bellhop was killed, and the second look after that was answered with `invalid_grant`.
const LATE: u32 = 2;

impl Oracle {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was wrong so far.
    pub fn wrong(&self) -> Vec<String> {
        self.ledger().wrong.clone()
    }

    /// Nothing was wrong.
    ///
    /// # Panics
    /// When something was.
    #[track_caller]
    pub fn is_silent(&self) {
        let wrong = self.wrong();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// How often a superseded refresh token came before its successor was stored, which is allowed.
    pub fn retries(&self) -> u32 {
        self.ledger().retries
    }

    /// Everything secret that it knows of.
    pub fn secrets(&self) -> Vec<(Kind, String)> {
        self.ledger().secrets.iter().map(|s| (s.kind, s.text.clone())).collect()
    }

    /// Something that no provider may ever see.
    pub fn forbid(&self, text: &str) {
        self.know(Kind::Foreign, "", text);
    }

    /// A secret of the provider at this origin.
    pub(crate) fn know(&self, kind: Kind, origin: &str, text: &str) {
        let mut ledger = self.ledger();
        if !ledger.secrets.iter().any(|s| s.text == text) {
            ledger.secrets.push(Secret { kind, origin: origin.to_owned(), text: text.to_owned() });
        }
    }

    /// A request has come to an endpoint, with these texts in its parts: as they are, and decoded.
    pub(crate) fn saw(&self, origin: &str, endpoint: Endpoint, parts: &[(Part, String)]) {
        let mut ledger = self.ledger();
        let mut wrong = Vec::new();
        for secret in &ledger.secrets {
            for (part, text) in parts {
                if text.contains(&secret.text)
                    && !(secret.origin == origin && belongs(secret.kind, endpoint, *part))
                {
                    wrong.push(format!(
                        "{:?} of {} came to {origin}, {endpoint:?}, in its {part:?}",
                        secret.kind, secret.origin
                    ));
                }
            }
        }
        ledger.wrong.append(&mut wrong);
    }

    /// A refresh token with this number was made.
    pub(crate) fn made(&self, origin: &str, grant: u64, number: u64) {
        self.ledger().families.entry((origin.to_owned(), grant)).or_default().newest = number;
    }

    /// The tokens with this number are in use: they were stored.
    pub(crate) fn used(&self, origin: &str, grant: u64, number: u64) {
        let mut ledger = self.ledger();
        let family = ledger.families.entry((origin.to_owned(), grant)).or_default();
        family.stored = family.stored.max(number);
    }

    /// A refresh token with this number has come. The renewal lasts as long as what is returned.
    pub(crate) fn presented(&self, origin: &str, grant: u64, number: u64) -> Renewal {
        let key = (origin.to_owned(), grant);
        let mut ledger = self.ledger();
        let Ledger { families, wrong, .. } = &mut *ledger;
        let family = families.entry(key.clone()).or_default();
        if family.in_flight > 0 {
            wrong.push(format!("two renewals of grant {grant} at once"));
        }
        family.in_flight += 1;
        if number < family.stored {
            wrong.push(format!(
                "refresh token {number} of grant {grant} came after {} was stored",
                family.stored
            ));
        }
        Renewal { oracle: self.clone(), key }
    }

    /// A refresh token with this number is acted on: what was turned away before that leaves it as it was.
    pub(crate) fn acts(&self, origin: &str, grant: u64, number: u64) {
        let mut ledger = self.ledger();
        let Ledger { families, wrong, retries, .. } = &mut *ledger;
        let family = families.entry((origin.to_owned(), grant)).or_default();
        if number < family.newest && number >= family.stored {
            let late = family.late.entry(number).or_default();
            *late += 1;
            *retries += 1;
            if *late > LATE {
                wrong.push(format!("refresh token {number} of grant {grant} came {late} times too late"));
            }
        }
    }
}

/// A renewal under way.
pub(crate) struct Renewal {
    oracle: Oracle,
    key: (String, u64),
}

impl Drop for Renewal {
    fn drop(&mut self) {
        if let Some(family) = self.oracle.ledger().families.get_mut(&self.key) {
            family.in_flight -= 1;
        }
    }
}

/// Where a secret may stand at its own provider.
fn belongs(kind: Kind, endpoint: Endpoint, part: Part) -> bool {
    use Endpoint::{Authorize, Device, Mcp, Registration, Revoke, Token, Userinfo};
    match (kind, part) {
        (Kind::Access, Part::Headers) => matches!(endpoint, Mcp | Userinfo),
        (Kind::Access, Part::Body) => endpoint == Revoke,
        (Kind::Refresh, Part::Body) => matches!(endpoint, Token | Revoke),
        (Kind::Code | Kind::Verifier | Kind::DeviceCode, Part::Body) => endpoint == Token,
        (Kind::State, Part::Address) => endpoint == Authorize,
        (Kind::ClientSecret, Part::Headers | Part::Body) => matches!(endpoint, Token | Revoke | Device),
        (Kind::RegistrationToken, Part::Headers) => endpoint == Registration,
        (Kind::ApiToken, Part::Headers) => endpoint == Mcp,
        _ => false,
    }
}

/// Under this name they run with the stage that needs them.
#[cfg(test)]
mod faults {
    use super::*;

    #[test]
    fn a_superseded_token_is_flagged_once_its_successor_was_stored_and_a_retry_before_is_counted() {
        let oracle = Oracle::default();
        oracle.made("a", 1, 1);
        drop(oracle.presented("a", 1, 1));
        oracle.made("a", 1, 2);
        drop(oracle.presented("a", 1, 1));
        oracle.acts("a", 1, 1);
        oracle.is_silent();
        assert_eq!(oracle.retries(), 1);
        oracle.used("a", 1, 2);
        drop(oracle.presented("a", 1, 1));
        assert_eq!(oracle.wrong(), ["refresh token 1 of grant 1 came after 2 was stored"]);
    }

    #[test]
    fn a_superseded_token_may_come_twice_and_not_a_third_time() {
        let oracle = Oracle::default();
        oracle.made("a", 1, 2);
        oracle.acts("a", 1, 1);
        oracle.acts("a", 1, 1);
        oracle.is_silent();
        oracle.acts("a", 1, 1);
        assert_eq!(oracle.wrong().len(), 1);
    }

    #[test]
    fn two_renewals_at_once_are_flagged() {
        let oracle = Oracle::default();
        oracle.made("a", 1, 1);
        let first = oracle.presented("a", 1, 1);
        drop(oracle.presented("a", 1, 1));
        assert_eq!(oracle.wrong(), ["two renewals of grant 1 at once"]);
        drop(first);
        drop(oracle.presented("a", 1, 1));
        assert_eq!(oracle.wrong().len(), 1);
    }

    #[test]
    fn a_secret_belongs_to_its_own_provider_and_to_its_own_place_there() {
        let oracle = Oracle::default();
        oracle.know(Kind::Access, "a", "access-1");
        oracle.know(Kind::Refresh, "a", "refresh-1");
        let see = |origin, endpoint, part, text: &str| {
            oracle.saw(origin, endpoint, &[(part, format!("x {text} y"))]);
            std::mem::take(&mut oracle.ledger().wrong).len()
        };
        assert_eq!(see("a", Endpoint::Mcp, Part::Headers, "access-1"), 0);
        assert_eq!(see("a", Endpoint::Token, Part::Body, "refresh-1"), 0);
        assert_eq!(see("b", Endpoint::Mcp, Part::Headers, "access-1"), 1, "another service");
        assert_eq!(see("a", Endpoint::Mcp, Part::Address, "access-1"), 1, "an address");
        assert_eq!(see("a", Endpoint::Mcp, Part::Headers, "refresh-1"), 1, "another endpoint");
        assert_eq!(see("a", Endpoint::Mcp, Part::Body, "access-1"), 1, "another part");
        oracle.forbid("app-token");
        assert_eq!(see("a", Endpoint::Mcp, Part::Headers, "app-token"), 1);
    }
}
