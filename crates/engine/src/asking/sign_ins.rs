//! Sign-ins that calls wait for: one that has ended, or one that the provider has not allowed enough.

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
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::watch;

/// How long the person is not brought the same question again, when they neither sign in nor decline.
const AGAIN: Duration = Duration::from_secs(10 * 60);
/// How long nobody is asked after the person declined.
const DECLINED: Duration = Duration::from_secs(10 * 60);

/// What a call waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Matter {
    service: ServiceId,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    SignIn,
    Permissions,
}

impl Matter {
    /// That somebody is signed in.
    pub(crate) fn sign_in(service: &ServiceId) -> Self {
        Self { service: service.clone(), what: What::SignIn }
    }

    /// That the provider allows more.
    pub(crate) fn permissions(service: &ServiceId) -> Self {
        Self { service: service.clone(), what: What::Permissions }
    }
}

/// How often within [`TRIES_WITHIN`] calls may have the person sign in for more permissions: a service that wants
/// another one each time is not to wear them out.
const MAX_TRIES: usize = 3;
const TRIES_WITHIN: Duration = Duration::from_secs(60 * 60);

/// The services whose sign-in calls wait for.
pub(crate) struct Awaited {
    clock: Arc<dyn Clock>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    questions: HashMap<Matter, Question>,
    /// Until when, by the boot clock, nobody is asked after a decline.
    declined: HashMap<Matter, Duration>,
    /// When, by the boot clock, the person signed in because a call waited for more permissions.
    widened: HashMap<ServiceId, Vec<Duration>>,
    /// The number of the next call that waits.
    next: u64,
}

/// One question, however many calls wait for its answer. It outlives them: the person may sign in later.
struct Question {
    /// When the person was last brought it, by the boot clock.
    asked: Duration,
    calls: Vec<(u64, ConnectionId)>,
    /// The permissions that the service wants, of all calls together.
    wanted: BTreeSet<String>,
    end: watch::Sender<End>,
}

/// A call that waits for a sign-in. It no longer shows as waiting when this is dropped.
pub(crate) struct Waiting {
    rooms: Weak<Rooms>,
    matter: Matter,
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
        if let Some(question) = rooms.awaited.table().questions.get_mut(&self.matter) {
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
    pub(super) fn can_be_asked(&self, matter: &Matter) -> bool {
        let now = self.clock.since_boot();
        let table = self.table();
        let tries = match matter.what {
            What::SignIn => 0,
            What::Permissions => table
                .widened
                .get(&matter.service)
                .map_or(0, |all| all.iter().filter(|at| now < **at + TRIES_WITHIN).count()),
        };
        tries < MAX_TRIES && table.declined.get(matter).is_none_or(|until| now >= *until)
    }

    /// Whether a call has brought this before the person lately.
    pub(crate) fn was_asked(&self, matter: &Matter) -> bool {
        self.table().questions.contains_key(matter)
    }

    /// Let a call wait; and whether the person has to be asked for it.
    fn wait(&self, matter: &Matter, connection: &ConnectionId, wanted: Vec<String>) -> (u64, Ending, bool) {
        let now = self.clock.since_boot();
        let mut table = self.table();
        let number = table.next;
        table.next += 1;
        let mut ask = false;
        let question = table.questions.entry(matter.clone()).or_insert_with(|| {
            ask = true;
            Question { asked: now, calls: Vec::new(), wanted: BTreeSet::new(), end: watch::Sender::new(None) }
        });
        if now >= question.asked + AGAIN {
            question.asked = now;
            ask = true;
        }
        question.calls.push((number, connection.clone()));
        question.wanted.extend(wanted);
        (number, question.end.subscribe(), ask)
    }

    /// The question is answered.
    fn settle(&self, matter: &Matter, end: Result<(), Problem>) {
        let mut table = self.table();
        if end.is_ok() {
            table.declined.remove(matter);
        }
        if let Some(question) = table.questions.remove(matter) {
            if end.is_ok() && matter.what == What::Permissions {
                let now = self.clock.since_boot();
                let widened = table.widened.entry(matter.service.clone()).or_default();
                widened.retain(|at| now < *at + TRIES_WITHIN);
                widened.push(now);
            }
            question.end.send_replace(Some(end));
        }
    }

    /// The question is answered with no, and is not brought up again for so long.
    pub(super) fn decline(&self, matter: &Matter, problem: Problem, quiet: Duration) {
        let until = self.clock.since_boot() + quiet;
        self.table().declined.insert(matter.clone(), until);
        self.settle(matter, Err(problem));
    }

    /// Whose calls wait for this service, each once.
    pub(crate) fn connections(&self, service: &ServiceId) -> Vec<ConnectionId> {
        let table = self.table();
        let questions = table.questions.iter().filter(|(matter, _)| matter.service == *service);
        let calls = questions.flat_map(|(_, question)| &question.calls);
        let all: BTreeSet<_> = calls.map(|(_, connection)| connection.clone()).collect();
        all.into_iter().collect()
    }

    /// The permissions that this service wants.
    pub(crate) fn wanted(&self, service: &ServiceId) -> Vec<String> {
        let table = self.table();
        let question = table.questions.get(&Matter::permissions(service));
        question.map(|q| q.wanted.iter().cloned().collect()).unwrap_or_default()
    }
}

/// Whether the provider has not granted all of this.
pub(super) fn lacks(entry: &Entry, wanted: &[String]) -> bool {
    let granted = entry.granted();
    wanted.iter().any(|w| !granted.contains(w))
}

impl Rooms {
    /// Let a call wait until the person has signed in again, and ask them unless they are asked already.
    pub(super) fn await_sign_in(
        self: &Arc<Self>,
        inner: &Inner,
        service: &ServiceId,
        connection: &ConnectionId,
    ) -> Result<Waiting, Problem> {
        self.wait_for(inner, Matter::sign_in(service), connection, Vec::new(), |app, title| Notice {
            title: format!("{app} waits for you to sign in to {title}"),
            body: "Sign in in Bellhop, and it goes on.".to_owned(),
            request: None,
        })
    }

    /// Let a call wait for this, and bring it before the person unless they have it before them.
    pub(super) fn wait_for(
        self: &Arc<Self>,
        inner: &Inner,
        matter: Matter,
        connection: &ConnectionId,
        wanted: Vec<String>,
        notice: impl FnOnce(&str, &str) -> Notice,
    ) -> Result<Waiting, Problem> {
        let service = matter.service.clone();
        let entry = self.registry.get(&service).ok_or_else(unknown_service)?;
        let (number, end, ask) = self.awaited.wait(&matter, connection, wanted);
        let waiting = Waiting { rooms: Arc::downgrade(self), matter, number, end };
        // It may have come, or the service may have gone, since the call looked.
        self.sign_in_moved(&service);
        self.show_awaited();
        if ask && waiting.end.borrow().is_none() {
            let app = self.connections.get(connection).map_or_else(|| "An app".to_owned(), |k| k.app);
            inner.raise(None);
            if let Some(desktop) = &inner.desktop {
                desktop.notify(notice(&app, &entry.row.title));
            }
        }
        Ok(waiting)
    }

    /// A service's sign-in has changed, or the service has gone: calls that wait for it may go on.
    pub(crate) fn sign_in_moved(&self, service: &ServiceId) {
        let (sign_in, permissions) = (Matter::sign_in(service), Matter::permissions(service));
        let Some(entry) = self.registry.get(service) else {
            self.awaited.settle(&sign_in, Err(unknown_service()));
            self.awaited.settle(&permissions, Err(unknown_service()));
            return;
        };
        if stand(&entry) == Stand::Good {
            self.awaited.settle(&sign_in, Ok(()));
        }
        let wanted = self.awaited.wanted(service);
        if !wanted.is_empty() && !lacks(&entry, &wanted) {
            self.awaited.settle(&permissions, Ok(()));
        }
    }

    /// The person broke off signing in again: no call waits for it, and none asks for a while.
    pub(crate) fn sign_in_declined(&self, service: &ServiceId) {
        let Some(entry) = self.registry.get(service) else { return };
        let title = &entry.row.title;
        let problem = Problem::new(
            "engine.sign_in_declined",
            format!("The sign-in to {title} was not finished."),
            "Sign in in Bellhop, then ask again.",
        );
        let problem = problem.with("service", title);
        if self.awaited.was_asked(&Matter::permissions(service)) {
            self.awaited.decline(&Matter::permissions(service), problem.clone(), DECLINED);
        }
        if stand(&entry) != Stand::Good {
            self.awaited.decline(&Matter::sign_in(service), problem, DECLINED);
        }
        self.show_awaited();
    }

    fn show_awaited(&self) {
        if let Some(inner) = self.house() {
            inner.mark(SectionName::Services);
            inner.mark(SectionName::Status);
        }
    }
}
