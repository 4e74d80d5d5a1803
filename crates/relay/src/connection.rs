use crate::Gate;
use arc_swap::ArcSwap;
use model::{ConnectionId, Listing, Scope, Timestamp};
use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};
use tokio_util::sync::CancellationToken;

/// What a connection is called and may do: replaced as a whole when the person changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its name, such as "Cursor on anna-laptop".
    pub name: String,
    /// What it may do.
    pub scope: Scope,
}

/// A live connection of an app. The engine keeps the table of them; calls hold it by `Arc`.
///
/// To revoke: close the gate, then cancel `stop`, then wait for [`Gate::drained`], then
/// [`crate::Relay::forget`].
#[derive(Debug)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Its name and scope, as of now.
    pub grant: ArcSwap<Grant>,
    /// Cancelled when it is revoked: running streams end with an error.
    pub stop: CancellationToken,
    /// Entered by every call just before its first upstream byte, left when its answer has ended.
    pub gate: Gate,
    shows: ArcSwap<Shows>,
    paused_on: AtomicI64,
    last_active: AtomicI64,
    calls: AtomicU64,
}

/// Stands for no moment at all.
const NEVER: i64 = i64::MIN;

fn moment(millis: i64) -> Option<Timestamp> {
    (millis != NEVER).then(|| Timestamp::from_millis(millis))
}

/// How tools are shown to a connection's app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shows {
    /// What the person chose.
    pub listing: Listing,
    /// How many tools the app can hold; see [`crate::most_tools`].
    pub most: usize,
}

impl Default for Shows {
    fn default() -> Self {
        Self { listing: Listing::Auto, most: crate::most_tools("") }
    }
}

impl Connection {
    /// A connection that is allowed and idle. `last_active` and `calls` come from before a restart.
    pub fn new(id: ConnectionId, grant: Grant, last_active: Option<Timestamp>, calls: u64) -> Arc<Self> {
        Arc::new(Self {
            id,
            grant: ArcSwap::from_pointee(grant),
            stop: CancellationToken::new(),
            gate: Gate::new(),
            shows: ArcSwap::default(),
            paused_on: AtomicI64::new(NEVER),
            last_active: AtomicI64::new(last_active.map_or(NEVER, Timestamp::millis)),
            calls: AtomicU64::new(calls),
        })
    }

    /// How tools are shown to its app.
    pub fn shows(&self) -> Shows {
        **self.shows.load()
    }

    /// Show tools so from now on. An app that is to hear of it is told with [`crate::Relay::shown_anew`].
    pub fn show(&self, shows: Shows) {
        self.shows.store(Arc::new(shows));
    }

    /// When it last sent anything; `None` when it never did.
    pub fn last_active(&self) -> Option<Timestamp> {
        moment(self.last_active.load(Ordering::Relaxed))
    }

    /// Since when the person lets none of its calls pass; `None` while they may. [`crate::Admission`] looks at it.
    pub fn paused_on(&self) -> Option<Timestamp> {
        moment(self.paused_on.load(Ordering::Acquire))
    }

    /// Let none of its calls pass, since then; or let them pass again. Calls under way go on.
    pub fn pause(&self, on: Option<Timestamp>) {
        self.paused_on.store(on.map_or(NEVER, Timestamp::millis), Ordering::Release);
    }

    /// How many requests of it went to services.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// It sent something now.
    pub(crate) fn touch(&self, now: Timestamp) {
        self.last_active.fetch_max(now.millis(), Ordering::Relaxed);
    }

    /// One more request of it goes to a service.
    pub(crate) fn count(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}
