use super::message;
use crate::{House, auth::Caller};
use model::Timestamp;
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// Sessions beyond this push out the one that was idle for longest; its client then initializes again.
const MOST: usize = 500;

/// Something that clients are told of.
#[derive(Clone)]
pub(crate) enum Change {
    /// A note came or went.
    List,
    /// The note at this URI changed.
    Resource(String),
}

impl Change {
    pub(super) fn message(&self) -> Value {
        match self {
            Self::List => message::notification("notifications/resources/list_changed", json!({})),
            Self::Resource(uri) => {
                message::notification("notifications/resources/updated", json!({ "uri": uri }))
            }
        }
    }
}

/// The sessions, by id.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Arc<Session>>>);

impl Sessions {
    pub(super) fn start(&self, house: &House, caller: &Caller, version: &'static str) -> Arc<Session> {
        let session = Arc::new(Session {
            id: house.secret(),
            version,
            // Ends with the whole playground, too.
            stop: house.stop.child_token(),
            family: caller.family.clone(),
            used: AtomicI64::new(house.clock.now().millis()),
            running: Mutex::default(),
            subscribed: Mutex::default(),
            listening: AtomicBool::new(false),
        });
        let mut sessions = lock(&self.0);
        if sessions.len() >= MOST
            && let Some(idle) =
                sessions.values().min_by_key(|s| s.used.load(Ordering::Relaxed)).map(|s| s.id.clone())
            && let Some(idle) = sessions.remove(&idle)
        {
            idle.stop.cancel();
        }
        sessions.insert(session.id.clone(), Arc::clone(&session));
        session
    }

    /// The session of this id, if it is the caller's own.
    pub(super) fn find(&self, id: &str, caller: &Caller, now: Timestamp) -> Option<Arc<Session>> {
        let session = lock(&self.0).get(id).filter(|s| s.family == caller.family).cloned()?;
        session.used.store(now.millis(), Ordering::Relaxed);
        Some(session)
    }

    pub(super) fn end(&self, id: &str) {
        if let Some(session) = lock(&self.0).remove(id) {
            session.stop.cancel();
        }
    }

    /// End the sessions of a sign-in that is over, with all that runs in them.
    pub(crate) fn end_all_of(&self, family: &str) {
        lock(&self.0).retain(|_, session| {
            let keep = session.family != family;
            if !keep {
                session.stop.cancel();
            }
            keep
        });
    }
}

/// What a client began with `initialize`.
pub(super) struct Session {
    pub id: String,
    /// The revision they agreed on.
    pub version: &'static str,
    /// Cancelled when the session is over.
    pub stop: CancellationToken,
    family: String,
    /// When it was used last, in milliseconds since the epoch.
    used: AtomicI64,
    running: Mutex<HashMap<String, CancellationToken>>,
    subscribed: Mutex<BTreeSet<String>>,
    listening: AtomicBool,
}

impl Session {
    /// A request begins that can be cancelled until the returned guard is dropped.
    pub(super) fn begin(self: &Arc<Self>, id: &Value) -> Running {
        let stop = self.stop.child_token();
        lock(&self.running).insert(id.to_string(), stop.clone());
        Running { session: Arc::clone(self), id: id.to_string(), stop }
    }

    pub(super) fn cancel(&self, id: &Value) {
        if let Some(stop) = lock(&self.running).get(&id.to_string()) {
            stop.cancel();
        }
    }

    pub(super) fn subscribe(&self, uri: &str) {
        lock(&self.subscribed).insert(uri.to_owned());
    }

    pub(super) fn unsubscribe(&self, uri: &str) {
        lock(&self.subscribed).remove(uri);
    }

    /// Whether the client wants to hear of this.
    pub(super) fn concerns(&self, change: &Change) -> bool {
        match change {
            Change::List => true,
            Change::Resource(uri) => lock(&self.subscribed).contains(uri),
        }
    }
}

/// A request that can be cancelled.
pub(super) struct Running {
    session: Arc<Session>,
    id: String,
    pub stop: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.session.running).remove(&self.id);
    }
}

/// The session's one stream of its own, until it is dropped.
pub(super) struct Stream(Arc<Session>);

impl Stream {
    /// `None` while there is one.
    pub(super) fn open(session: &Arc<Session>) -> Option<Self> {
        (!session.listening.swap(true, Ordering::AcqRel)).then(|| Self(Arc::clone(session)))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.listening.store(false, Ordering::Release);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
