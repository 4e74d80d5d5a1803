//! Connections that want to do more: each asks the person with one question at a time.

use super::{
    End, Ending,
    wish::{Wish, denied, plain, unanswered},
};
use crate::{commands::unknown_request, rooms::Rooms};
use control::{ActivityKind, SectionName};
use model::{Clock, ConnectionId, Permit, Problem, Random, RequestId, Scope, ShortName, Timestamp};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// How long a question waits for an answer: as long as that of an app that wants to be let in.
const WAIT: Duration = Duration::from_secs(10 * 60);
/// How long the same is not asked again after the person said no.
const DENIED: Duration = Duration::from_secs(10 * 60);

/// The questions that wait, and the answers that hold for a while.
pub(crate) struct Permits {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    table: Mutex<Table>,
    shown: watch::Sender<Arc<Vec<Wish>>>,
}

#[derive(Default)]
struct Table {
    /// Oldest first; one a connection.
    waiting: Vec<Waiting>,
    /// Until when, by the boot clock, the same is not asked again.
    denied: HashMap<(ConnectionId, Permit), Duration>,
}

struct Waiting {
    wish: Wish,
    /// When it ends unanswered, by the boot clock.
    ends: Duration,
    end: watch::Sender<End>,
}

impl Permits {
    pub(crate) fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, table: Mutex::default(), shown: watch::Sender::new(Arc::default()) }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What waits, oldest first; a new list with each change.
    pub(crate) fn shown(&self) -> watch::Receiver<Arc<Vec<Wish>>> {
        self.shown.subscribe()
    }

    /// Whether this question may be put to the person now: it is being asked already, or nothing else is of this
    /// connection, and the person has not just said no.
    pub(super) fn can_be_asked(&self, connection: &ConnectionId, permit: &Permit) -> bool {
        let mut table = self.table();
        self.expire(&mut table);
        match table.waiting.iter().find(|w| w.wish.connection == *connection) {
            Some(waiting) => waiting.wish.permit == *permit,
            None => !table.denied.contains_key(&(connection.clone(), permit.clone())),
        }
    }

    /// The question of a connection that waits.
    pub(crate) fn find(&self, id: &RequestId) -> Option<Wish> {
        let mut table = self.table();
        self.expire(&mut table);
        table.waiting.iter().find(|w| w.wish.id == *id).map(|w| w.wish.clone())
    }

    /// Whether exactly this is asked for.
    pub(crate) fn wants(&self, connection: &ConnectionId, permit: &Permit) -> bool {
        let mut table = self.table();
        self.expire(&mut table);
        table.waiting.iter().any(|w| w.wish.connection == *connection && w.wish.permit == *permit)
    }

    /// Join the question that waits, or put it. `draft` is all of it but what is filled in here.
    fn join(&self, draft: Wish) -> Result<(Ending, Option<RequestId>), Problem> {
        let mut table = self.table();
        self.expire(&mut table);
        if let Some(waiting) = table.waiting.iter().find(|w| w.wish.connection == draft.connection) {
            // Two different calls came at the same time, and one was quicker.
            return match waiting.wish.permit == draft.permit {
                true => Ok((waiting.end.subscribe(), None)),
                false => Err(denied(&draft)),
            };
        }
        if table.denied.contains_key(&(draft.connection.clone(), draft.permit.clone())) {
            return Err(denied(&draft));
        }
        let asked_on = self.clock.now();
        let wish = Wish { id: RequestId::new(&*self.random), asked_on, until: asked_on + WAIT, ..draft };
        let (wish, end) = (wish.sealed(), watch::Sender::new(None));
        let (id, ending) = (wish.id.clone(), end.subscribe());
        table.waiting.push(Waiting { wish, ends: self.clock.since_boot() + WAIT, end });
        self.show(&table);
        Ok((ending, Some(id)))
    }

    /// End what waited too long.
    fn sweep(&self) {
        let mut table = self.table();
        self.expire(&mut table);
    }

    fn expire(&self, table: &mut Table) {
        let now = self.clock.since_boot();
        table.denied.retain(|_, until| now < *until);
        self.end(table, |w| now >= w.ends, &|w| Err(unanswered(&w.wish)));
    }

    fn end(
        &self,
        table: &mut Table,
        which: impl Fn(&Waiting) -> bool,
        end: &dyn Fn(&Waiting) -> Result<(), Problem>,
    ) {
        let before = table.waiting.len();
        table.waiting.retain(|waiting| {
            let over = which(waiting);
            if over {
                waiting.end.send_replace(Some(end(waiting)));
            }
            !over
        });
        if table.waiting.len() != before {
            self.show(table);
        }
    }

    fn show(&self, table: &Table) {
        self.shown.send_replace(Arc::new(table.waiting.iter().map(|w| w.wish.clone()).collect()));
    }

    /// What was asked has been allowed. What was denied to this connection before may be asked again.
    fn allowed(&self, wish: &Wish) {
        let mut table = self.table();
        table.denied.retain(|(connection, _), _| *connection != wish.connection);
        self.end(&mut table, |w| w.wish.id == wish.id, &|_| Ok(()));
    }

    /// The person said no: `None` when nothing of that id waits.
    fn deny(&self, id: &RequestId) -> Option<Wish> {
        let until = self.clock.since_boot() + DENIED;
        let mut table = self.table();
        self.expire(&mut table);
        let wish = table.waiting.iter().find(|w| w.wish.id == *id)?.wish.clone();
        table.denied.insert((wish.connection.clone(), wish.permit.clone()), until);
        self.end(&mut table, |w| w.wish.id == *id, &|w| Err(denied(&w.wish)));
        Some(wish)
    }

    /// A connection was revoked: nothing of it is asked any more.
    pub(crate) fn forget(&self, connection: &ConnectionId) {
        let mut table = self.table();
        table.denied.retain(|(denied, _), _| denied != connection);
        self.end(&mut table, |w| w.wish.connection == *connection, &|w| Err(unanswered(&w.wish)));
    }

    /// A service is gone: nobody wants anything of it any more.
    pub(crate) fn forget_service(&self, service: &ShortName) {
        let mut table = self.table();
        table.denied.retain(|(_, permit), _| permit.service != *service);
        self.end(&mut table, |w| w.wish.permit.service == *service, &|_| {
            Err(crate::commands::unknown_service())
        });
    }
}

impl Rooms {
    /// Put before the person that a connection wants to do more, or join the question that waits already.
    pub(super) fn ask_permit(
        self: &Arc<Self>,
        connection: &ConnectionId,
        permit: Permit,
        tool: Option<String>,
    ) -> Result<Ending, Problem> {
        let known = self.connections.get(connection).filter(|k| k.live_id().is_some());
        let known = known.ok_or_else(crate::rooms::unknown_connection)?;
        let services = self.registry.all();
        let service = services.iter().find(|e| e.row.name == permit.service);
        let title = service.ok_or_else(crate::commands::unknown_service)?.row.title.clone();
        let draft = Wish {
            id: RequestId::from(""),
            snapshot: String::new(),
            connection: connection.clone(),
            computer: known.computer.clone(),
            method: known.method(),
            app: known.app,
            program: known.grant.program,
            permit,
            title,
            tool: tool.map(|t| plain(&t)).filter(|t| !t.trim().is_empty()),
            asked_on: Timestamp::default(),
            until: Timestamp::default(),
        };
        let (end, put) = self.permits.join(draft)?;
        if put.is_some() {
            if self.connections.live(connection).is_none() {
                // It was revoked a moment ago, before its question was there to vanish.
                self.permits.forget(connection);
            }
            let rooms = Arc::downgrade(self);
            tokio::spawn(async move {
                tokio::time::sleep(WAIT).await;
                if let Some(rooms) = rooms.upgrade() {
                    rooms.permits.sweep();
                }
            });
        }
        Ok(end)
    }

    /// Let a connection do what the person was shown.
    pub(crate) async fn allow_more(
        &self,
        id: &RequestId,
        snapshot: &str,
        scope: &Scope,
    ) -> Result<(), Problem> {
        let wish = self.permits.find(id).ok_or_else(unknown_request)?;
        if wish.snapshot != snapshot {
            return Err(Problem::new(
                "engine.request_changed",
                "What is asked is no longer what you were shown.",
                "Look at it again.",
            ));
        }
        if *scope != wish.asked() {
            return Err(Problem::new(
                "engine.not_asked",
                format!("{} asked for “{}”, which can be allowed or denied.", wish.app, wish.permit),
                "Allow exactly that, or deny it.",
            )
            .with("app", &wish.app)
            .with("permit", &wish.permit));
        }
        self.authority.widen(&wish.connection, &wish.permit).await.map_err(|e| {
            Problem::new(
                "engine.not_widened",
                format!("{} could not be allowed that: {}.", wish.app, e.0.trim_end_matches('.')),
                "Try again.",
            )
            .with("app", &wish.app)
        })?;
        self.permits.allowed(&wish);
        Ok(())
    }

    /// Refuse it; `false` when no such question waits.
    pub(crate) fn deny_more(&self, id: &RequestId) -> bool {
        let Some(wish) = self.permits.deny(id) else { return false };
        let name = self.connections.get(&wish.connection).map(|k| k.name());
        let service = Some(wish.permit.service.to_string());
        self.log.note(ActivityKind::WideningDenied, name, service, "denied");
        if let Some(inner) = self.house() {
            inner.mark(SectionName::Requests);
        }
        true
    }
}

#[cfg(test)]
#[path = "permits_tests.rs"]
mod tests;
