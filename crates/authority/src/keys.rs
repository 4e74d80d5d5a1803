//! Access keys: fixed, scoped secrets for clients that can't sign in.
//!
//! `bhk_`, then 32 random bytes in base64url. What is kept of one is a keyed hash over these bytes, so that the files
//! alone neither hold it nor tell a right guess from a wrong one.

use crate::{
    AccessKey, Authority, Bearer, DecideError, Grant, Method, Offered, RowsError, TokenKey, TokenProblem,
    deadline::Deadline, label, request::all,
};
use arc_swap::ArcSwap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{Access, Clock, ConnectionId, Explain, Problem, Random, Resource, Scope, Secret, Timestamp};
use std::{collections::HashMap, time::Duration};

const PREFIX: &str = "bhk_";
/// 32 bytes in base64 without padding.
const TEXT: usize = 43;

/// The keys that let somebody in, by their hash. Read on every call, changed a few times a year: replaced whole, and
/// read without a lock. Looking up the hash takes no longer for a better guess.
#[derive(Default)]
pub(crate) struct Keys(ArcSwap<HashMap<[u8; 32], Known>>);

#[derive(Clone)]
struct Known {
    connection: ConnectionId,
    /// `None` for one without an end.
    ends: Option<Deadline>,
}

/// Whether a bearer could only be an access key.
pub(crate) fn looks_like_one(bearer: &str) -> bool {
    bearer.starts_with(PREFIX)
}

/// The keyed hash of a key; `None` for a text that is none. Each key has one spelling.
fn hash(text: &str, key: &dyn TokenKey) -> Option<[u8; 32]> {
    let text = text.strip_prefix(PREFIX).filter(|t| t.len() == TEXT)?;
    let mut bytes = [0u8; 32];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (length == bytes.len()).then(|| key.mac(&[PREFIX.as_bytes(), &bytes]))
}

fn make(random: &dyn Random) -> Secret {
    let mut bytes = [0u8; 32];
    random.fill(&mut bytes);
    let mut text = String::with_capacity(PREFIX.len() + TEXT);
    text.push_str(PREFIX);
    URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
    Secret::new(text)
}

impl Keys {
    /// Take in a key.
    pub(crate) fn insert(&self, connection: ConnectionId, key: &AccessKey, clock: &dyn Clock) {
        let ends = key.ends.map(|at| Deadline::at(clock, at, Duration::MAX));
        self.0.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.insert(key.hash, Known { connection: connection.clone(), ends });
            map
        });
    }

    /// Forget a connection's key.
    pub(crate) fn forget(&self, connection: &ConnectionId) {
        if !self.0.load().values().any(|known| &known.connection == connection) {
            return;
        }
        self.0.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.retain(|_, known| &known.connection != connection);
            map
        });
    }

    /// Whose key this is.
    pub(crate) fn recognise(
        &self,
        text: &str,
        key: &dyn TokenKey,
        clock: &dyn Clock,
    ) -> Result<ConnectionId, TokenProblem> {
        let hash = hash(text, key).ok_or(TokenProblem::Unknown)?;
        let map = self.0.load();
        let known = map.get(&hash).ok_or(TokenProblem::Unknown)?;
        match known.ends {
            Some(ends) if ends.passed(clock) => Err(TokenProblem::Ended),
            _ => Ok(known.connection.clone()),
        }
    }

    /// The connections whose keys have ended.
    fn ended(&self, clock: &dyn Clock) -> Vec<ConnectionId> {
        let over = |known: &&Known| known.ends.is_some_and(|ends| ends.passed(clock));
        self.0.load().values().filter(over).map(|known| known.connection.clone()).collect()
    }
}

/// A key that was just made.
#[derive(Debug)]
pub struct NewKey {
    /// The connection that it opens.
    pub connection: ConnectionId,
    /// The key itself, which is nowhere else and can't be had again.
    pub key: Secret,
}

/// Why no key was made. Nothing changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    /// It has no name, or none that can be seen.
    #[error("an access key needs a name")]
    Nameless,
    /// It would have ended already.
    #[error("that end is in the past")]
    Past,
    /// It would allow nothing, or more than there is.
    #[error(transparent)]
    Scope(#[from] DecideError),
    /// It can't be kept.
    #[error(transparent)]
    Rows(#[from] RowsError),
}

impl Explain for KeyError {
    fn problem(&self) -> Problem {
        match self {
            Self::Nameless => Problem::new(
                "authority.key_nameless",
                "An access key needs a name, so that you know later what it is for.",
                "Give it the name of the program that will use it.",
            ),
            Self::Past => Problem::new(
                "authority.key_past",
                "That day is over, so the key would never work.",
                "Choose a day that is still to come.",
            ),
            Self::Scope(DecideError::Nothing) => DecideError::Nothing.problem(),
            Self::Scope(_) => Problem::new(
                "authority.key_scope",
                "One of the things you chose isn't there to be allowed.",
                "Look at the list of services, then choose again.",
            ),
            Self::Rows(error) => error.problem(),
        }
    }
}

fn allowed(scope: &Scope, offered: &[Offered]) -> Result<(), DecideError> {
    if scope.is_empty() {
        return Err(DecideError::Nothing);
    }
    if all(offered, Access::Write).covers(scope) { Ok(()) } else { Err(DecideError::NotOffered) }
}

impl Authority {
    /// Make an access key: a connection that whoever has the key may use. Only ever called for a person.
    ///
    /// # Errors
    /// When it has no name, has ended already, would allow nothing or what isn't there, or can't be kept.
    pub async fn add_key(
        &self,
        name: &str,
        scope: Scope,
        ends: Option<Timestamp>,
    ) -> Result<NewKey, KeyError> {
        let app = label::plain_name(name).ok_or(KeyError::Nameless)?;
        let now = self.clock.now();
        if ends.is_some_and(|at| at <= now) {
            return Err(KeyError::Past);
        }
        allowed(&scope, &self.surroundings.offered())?;
        let key = make(&*self.random);
        let hash = hash(key.expose(), &*self.key).ok_or(RowsError("the key could not be made".to_owned()))?;
        let kept = AccessKey { hash, ends };
        let grant = Grant {
            connection: ConnectionId::new(&*self.random),
            client: None,
            app,
            method: Method::AccessKey,
            scope,
            resource: Resource::All,
            program: None,
            allowed_on: now,
        };
        // Known before it is stored, so that a revocation that comes in between finds it; nobody has the key yet.
        self.keys.insert(grant.connection.clone(), &kept, &*self.clock);
        if let Err(error) = self.rows.allow(&grant, &Bearer::Key(kept)).await {
            self.keys.forget(&grant.connection);
            return Err(error.into());
        }
        Ok(NewKey { connection: grant.connection, key })
    }

    /// The connections whose access keys have ended and which are still to be cut off.
    pub fn ended_keys(&self) -> Vec<ConnectionId> {
        self.keys.ended(&*self.clock)
    }
}
