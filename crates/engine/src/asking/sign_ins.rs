//! Sign-ins that calls wait for.

use super::{End, Ending};
use crate::{
    Notice,
    commands::unknown_service,
    inner::Inner,
    registry::{Entry, Held},
    rooms::Rooms,
};
use control::SectionName;
use model::{Clock, ConnectionId, Problem, ServiceId};
use signin::CredentialState;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::watch;

/// How long the person is not brought the same question again, when they neither sign in nor decline.
const AGAIN: Duration = Duration::from_secs(10 * 60);
/// How long nobody is asked after the person declined.
const DECLINED: Duration = Duration::from_secs(10 * 60);

/// The services whose sign-in calls wait for.
pub(crate) struct Awaited {
    clock: Arc<dyn Clock>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    questions: HashMap<ServiceId, Question>,
    /// Until when, by the boot clock, nobody is asked after a decline.
    declined: HashMap<ServiceId, Duration>,
    /// The number of the next call that waits.
    next: u64,
}

/// One question, however many calls wait for its answer. It outlives them: the person may sign in later.
struct Question {
    /// When the person was last brought it, by the boot clock.
    asked: Duration,
    calls: Vec<(u64, ConnectionId)>,
    end: watch::Sender<End>,
}

/// A call that waits for a sign-in. It no longer shows as waiting when this is dropped.
pub(crate) struct Waiting {
    rooms: Weak<Rooms>,
    service: ServiceId,
    number: u64,
    end: Ending,
}

impl Waiting {
    pub(crate) fn end(&self) -> Ending {
        self.end.clone()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(rooms) = self.rooms.upgrade() else { return };
        if let Some(question) = rooms.awaited.table().questions.get_mut(&self.service) {
            question.calls.retain(|(number, _)| *number != self.number);
        }
        rooms.show_awaited();
    }
}

/// What a sign-in is worth to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    /// It is good.
    Good,
    /// Only a new one helps, which is the person's to do.
    Needed,
    /// It is being renewed, or something is wrong that may pass by itself.
    Changing,
}

/// How the sign-in of a service stands.
pub(crate) fn stand(entry: &Entry) -> Stand {
    let states = match &entry.credential {
        Held::Owned { owner, .. } => owner.states(),
        Held::Fixed(handle) => handle.states(),
        Held::Sealed(_) => return Stand::Needed,
        Held::None => {
            return match entry.row.method {
                store::ServiceMethod::None => Stand::Good,
                _ => Stand::Needed,
            };
        }
    };
    let state = states.borrow();
    match &*state {
        CredentialState::Ready { .. } | CredentialState::Unsaved { .. } => Stand::Good,
        CredentialState::NeedsSignIn { .. } => Stand::Needed,
        CredentialState::Refreshing | CredentialState::Degraded { .. } | CredentialState::Stopped => {
            Stand::Changing
        }
    }
}

impl Awaited {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, table: Mutex::default() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the person has not just declined.
    pub(super) fn can_be_asked(&self, service: &ServiceId) -> bool {
        let now = self.clock.since_boot();
        self.table().declined.get(service).is_none_or(|until| now >= *until)
    }

    /// Whether a call has brought this before the person lately.
    pub(crate) fn was_asked(&self, service: &ServiceId) -> bool {
        self.table().questions.contains_key(service)
    }

    /// Let a call wait; and whether the person has to be asked for it.
    fn wait(&self, service: &ServiceId, connection: &ConnectionId) -> (u64, Ending, bool) {
        let now = self.clock.since_boot();
        let mut table = self.table();
        let number = table.next;
        table.next += 1;
        let mut ask = false;
        let question = table.questions.entry(service.clone()).or_insert_with(|| {
            ask = true;
            Question { asked: now, calls: Vec::new(), end: watch::Sender::new(None) }
        });
        if now >= question.asked + AGAIN {
            question.asked = now;
            ask = true;
        }
        question.calls.push((number, connection.clone()));
        (number, question.end.subscribe(), ask)
    }

    /// The question is answered.
    fn settle(&self, service: &ServiceId, end: Result<(), Problem>) {
        let mut table = self.table();
        if end.is_ok() {
            table.declined.remove(service);
        }
        if let Some(question) = table.questions.remove(service) {
            question.end.send_replace(Some(end));
        }
    }

    /// Whose calls wait for this service, each once.
    pub(crate) fn connections(&self, service: &ServiceId) -> Vec<ConnectionId> {
        let mut all: Vec<_> = match self.table().questions.get(service) {
            Some(question) => question.calls.iter().map(|(_, connection)| connection.clone()).collect(),
            None => Vec::new(),
        };
        all.sort();
        all.dedup();
        all
    }
}

impl Rooms {
    /// Let a call wait until the person has signed in again, and ask them unless they are asked already.
    pub(super) fn await_sign_in(
        self: &Arc<Self>,
        inner: &Inner,
        service: &ServiceId,
        connection: &ConnectionId,
    ) -> Result<Waiting, Problem> {
        let entry = self.registry.get(service).ok_or_else(unknown_service)?;
        let (number, end, ask) = self.awaited.wait(service, connection);
        let waiting = Waiting { rooms: Arc::downgrade(self), service: service.clone(), number, end };
        // It may have come, or the service may have gone, since the call looked.
        self.sign_in_moved(service);
        self.show_awaited();
        if ask && waiting.end.borrow().is_none() {
            let app = self.connections.get(connection).map_or_else(|| "An app".to_owned(), |k| k.app);
            inner.raise(None);
            if let Some(desktop) = &inner.desktop {
                desktop.notify(Notice {
                    title: format!("{app} waits for you to sign in to {}", entry.row.title),
                    body: "Sign in in Bellhop, and it goes on.".to_owned(),
                    request: None,
                });
            }
        }
        Ok(waiting)
    }

    /// A service's sign-in has changed, or the service has gone: calls that wait for it may go on.
    pub(crate) fn sign_in_moved(&self, service: &ServiceId) {
        match self.registry.get(service) {
            None => self.awaited.settle(service, Err(unknown_service())),
            Some(entry) if stand(&entry) == Stand::Good => self.awaited.settle(service, Ok(())),
            Some(_) => {}
        }
    }

    /// The person broke off signing in again: no call waits for it, and none asks for a while.
    pub(crate) fn sign_in_declined(&self, service: &ServiceId) {
        let Some(entry) = self.registry.get(service) else { return };
        if stand(&entry) == Stand::Good {
            return;
        }
        let until = self.clock().since_boot() + DECLINED;
        self.awaited.table().declined.insert(service.clone(), until);
        let title = &entry.row.title;
        let problem = Problem::new(
            "engine.sign_in_declined",
            format!("The sign-in to {title} was not finished."),
            "Sign in in Bellhop, then ask again.",
        );
        self.awaited.settle(service, Err(problem.with("service", title)));
        self.show_awaited();
    }

    fn show_awaited(&self) {
        if let Some(inner) = self.house() {
            inner.mark(SectionName::Services);
            inner.mark(SectionName::Status);
        }
    }
}
