//! Sign-ins that calls wait for: one that has ended, or one that the provider has not allowed enough.

use super::{Ending, awaited::Matter};
use crate::{
    Notice,
    commands::unknown_service,
    inner::Inner,
    registry::{Entry, Held},
    rooms::Rooms,
};
use control::SectionName;
use model::{ConnectionId, Problem, ServiceId};
use signin::CredentialState;
use std::sync::{Arc, Weak};

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
        rooms.awaited.leave(&self.matter, self.number);
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
        self.awaited.granted(service, &entry.granted());
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
            self.awaited.decline(&Matter::permissions(service), problem.clone());
        }
        if stand(&entry) != Stand::Good {
            self.awaited.decline(&Matter::sign_in(service), problem);
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
