use crate::{
    Family, Grant, TokenKey, TokenProblem,
    deadline::Deadline,
    token::{Kind, Token},
};
use arc_swap::ArcSwap;
use model::{Clock, ConnectionId, Permit, Scope};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// How long an access token lives.
pub(crate) const ACCESS_LIFE: Duration = Duration::from_secs(60 * 60);
/// How long the previous refresh token still gets the newest pair: for an answer that was lost on its way.
pub(crate) const GRACE: Duration = Duration::from_secs(60);

/// The connections that have tokens, by the family in the token.
///
/// Read on every call, changed a few times a day: so the whole map is replaced on a change and read without a
/// lock.
#[derive(Default)]
pub(crate) struct Families(ArcSwap<HashMap<[u8; 16], Arc<Line>>>);

/// One connection's tokens.
pub(crate) struct Line {
    /// What the person allowed when the app was let in.
    pub(crate) grant: Grant,
    /// What its connection may do now, as far as the tokens know: the person may have allowed more since.
    granted: ArcSwap<Scope>,
    /// The family's id.
    pub(crate) id: [u8; 16],
    /// The pairs that may still be used.
    pairs: ArcSwap<Pairs>,
    /// Held while the number is counted up, so that two refreshes at once get one successor.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

/// The newest pair, and what is left of those before it.
///
/// An access token of an earlier pair stays good until its own end: an app may have calls under way with it, or
/// share it with a process of its own that did not refresh. After a restart only the newest pair is known.
#[derive(Clone)]
pub(crate) struct Pairs {
    pub(crate) newest: Pair,
    /// While the refresh token before the newest may be presented again; `None` when there is none before it.
    pub(crate) grace: Option<Deadline>,
    earlier: Vec<Pair>,
}

/// An access token and the refresh token issued with it.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) number: u32,
    /// What it may do, where the app asked for less than all.
    pub(crate) limit: Option<Arc<Scope>>,
    pub(crate) ends: Deadline,
}

impl Families {
    /// Take in a connection's tokens.
    pub(crate) fn insert(&self, line: Arc<Line>) {
        self.0.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.insert(line.id, line.clone());
            map
        });
    }

    /// Forget a connection's tokens: from now on none of them is known.
    pub(crate) fn forget(&self, connection: &ConnectionId) {
        self.0.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.retain(|_, line| &line.grant.connection != connection);
            map
        });
    }

    /// The family of that id, while its connection is allowed.
    pub(crate) fn get(&self, id: &[u8; 16]) -> Option<Arc<Line>> {
        self.0.load().get(id).cloned()
    }

    /// The family of this connection, while it is allowed.
    pub(crate) fn of(&self, connection: &ConnectionId) -> Option<Arc<Line>> {
        self.0.load().values().find(|line| &line.grant.connection == connection).cloned()
    }

    /// Whose access token this is, and what the token may do if that is less than all.
    pub(crate) fn recognise(
        &self,
        bearer: &str,
        key: &dyn TokenKey,
        clock: &dyn Clock,
    ) -> Result<(Arc<Line>, Option<Arc<Scope>>), TokenProblem> {
        let token =
            Token::read(bearer, key).filter(|t| t.kind == Kind::Access).ok_or(TokenProblem::Unknown)?;
        let line = self.get(&token.family).ok_or(TokenProblem::Revoked)?;
        let pairs = line.pairs.load();
        let pair = pairs.of(token.number).ok_or(TokenProblem::Ended)?;
        if pair.ends.passed(clock) {
            return Err(TokenProblem::Ended);
        }
        let limit = pair.limit.clone();
        drop(pairs);
        Ok((line, limit))
    }
}

impl Pairs {
    fn of(&self, number: u32) -> Option<&Pair> {
        if self.newest.number == number {
            return Some(&self.newest);
        }
        self.earlier.iter().find(|p| p.number == number)
    }
}

impl Line {
    /// A connection as it was stored.
    pub(crate) fn stored(grant: Grant, family: Family, clock: &dyn Clock) -> Self {
        let newest = Pair {
            number: family.number,
            limit: Self::limit(&family.scope, &grant.scope),
            ends: Deadline::at(clock, family.access_until, ACCESS_LIFE),
        };
        // The grace goes on over a restart: that is when an answer is most likely to be lost.
        let grace = (family.number > FIRST).then(|| Deadline::at(clock, family.issued_on + GRACE, GRACE));
        let pairs = Pairs { newest, grace, earlier: Vec::new() };
        Self {
            granted: ArcSwap::from_pointee(grant.scope.clone()),
            grant,
            id: family.id,
            pairs: ArcSwap::from_pointee(pairs),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// What limits tokens for this where this was granted; `None` when they may do all.
    fn limit(scope: &Scope, granted: &Scope) -> Option<Arc<Scope>> {
        (!scope.covers(granted)).then(|| Arc::new(scope.clone()))
    }

    /// What its connection may do now.
    pub(crate) fn granted(&self) -> Arc<Scope> {
        self.granted.load_full()
    }

    /// What this pair of its may do now.
    pub(crate) fn scope_of(&self, pair: &Pair) -> Scope {
        Scope::clone(pair.limit.as_ref().unwrap_or(&self.granted.load()))
    }

    /// The person allowed this too. Called while `turn` is held.
    pub(crate) fn widen(&self, permit: &Permit) {
        let more = Scope::new([permit.clone()]);
        self.granted.store(Arc::new(self.granted.load().union(&more)));
    }

    /// The pairs as they are now.
    pub(crate) fn pairs(&self) -> Arc<Pairs> {
        self.pairs.load_full()
    }

    /// A family that is one further than the newest, to be stored before it is published.
    pub(crate) fn next(&self, scope: Scope, clock: &dyn Clock) -> Option<Family> {
        let number = self.pairs.load().newest.number.checked_add(1)?;
        let now = clock.now();
        Some(Family { id: self.id, number, issued_on: now, access_until: now + ACCESS_LIFE, scope })
    }

    /// The family's new number was stored: its tokens are good from now on.
    pub(crate) fn publish(&self, family: &Family, clock: &dyn Clock) {
        let old = self.pairs.load_full();
        let mut earlier: Vec<Pair> = old.earlier.iter().cloned().chain([old.newest.clone()]).collect();
        earlier.retain(|p| !p.ends.passed(clock));
        // An app that refreshes without need gets no memory for it.
        let excess = earlier.len().saturating_sub(EARLIER);
        earlier.drain(..excess);
        let newest = Pair {
            number: family.number,
            limit: Self::limit(&family.scope, &self.granted.load()),
            ends: Deadline::at(clock, family.access_until, ACCESS_LIFE),
        };
        let grace = Some(Deadline::after(clock, GRACE));
        self.pairs.store(Arc::new(Pairs { newest, grace, earlier }));
    }
}

/// The number of a family's first pair.
pub(crate) const FIRST: u32 = 1;
/// How many earlier access tokens of a connection are known at most.
const EARLIER: usize = 8;
