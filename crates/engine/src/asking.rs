//! Asking the person in the middle of an app's call: to sign in again, or to let the app do more.

use crate::{inner::Inner, rooms::Rooms};
use async_trait::async_trait;
use awaited::Matter;
use model::{ConnectionId, Problem, ServiceId};
use relay::{About, Admission, Person};
use std::sync::{Arc, Weak};
use tokio::sync::watch;

pub(crate) mod awaited;
pub(crate) mod permissions;
pub(crate) mod permits;
pub(crate) mod sign_ins;
pub(crate) mod wish;

/// How a question ended; `None` while it waits.
type End = Option<Result<(), Problem>>;

/// How a question ends, for a call that waits for it.
type Ending = watch::Receiver<End>;

/// The person, as the relay knows them.
pub(crate) struct Asking(pub(crate) Weak<Rooms>);

#[async_trait]
impl Person for Asking {
    fn can_be_asked(&self, about: &About) -> bool {
        let Some((rooms, inner)) = self.there() else { return false };
        match about {
            About::SignIn { service, .. } => rooms.only_sign_in_helps(service),
            About::Permissions { service, wanted, .. } => rooms.more_permissions_help(service, wanted),
            About::Permit { connection, permit, .. } => {
                let answerable = inner.desktop.is_some() || rooms.has_pin();
                // Where the connection may already, it is the app's own token that may not.
                let lacks = rooms
                    .connections
                    .live(connection)
                    .is_some_and(|c| !c.grant.load().scope.allows(&permit.service, permit.access));
                answerable && lacks && rooms.permits.can_be_asked(connection, permit)
            }
        }
    }

    async fn ask(&self, about: About) -> Result<(), Problem> {
        let (rooms, inner) = self.there().ok_or_else(ending)?;
        match about {
            About::SignIn { service, connection } => {
                let waiting = rooms.await_sign_in(&inner, &service, &connection)?;
                until(&rooms, &inner, &connection, waiting.end()).await
            }
            About::Permissions { service, connection, wanted } => {
                let waiting = rooms.await_permissions(&inner, &service, &connection, wanted)?;
                until(&rooms, &inner, &connection, waiting.end()).await
            }
            About::Permit { connection, permit, tool } => {
                let end = rooms.ask_permit(&connection, permit, tool)?;
                until(&rooms, &inner, &connection, end).await
            }
        }
    }
}

impl Asking {
    fn there(&self) -> Option<(Arc<Rooms>, Arc<Inner>)> {
        let rooms = self.0.upgrade()?;
        let inner = rooms.house()?;
        Some((rooms, inner))
    }
}

/// Wait until a question has ended. A pause, and Bellhop's own end, end the call and leave the question.
async fn until(
    rooms: &Rooms,
    inner: &Inner,
    connection: &ConnectionId,
    mut end: Ending,
) -> Result<(), Problem> {
    // One that was revoked is ended by its own means.
    let admit = || rooms.connections.live(connection).map_or(Ok(()), |live| inner.pause.admit(&live));
    let mut pauses = inner.pause.changes();
    let mut ended = std::pin::pin!(async move {
        match end.wait_for(Option::is_some).await {
            Ok(end) => end.clone().unwrap_or_else(|| Err(ending())),
            Err(_) => Err(ending()),
        }
    });
    loop {
        admit()?;
        tokio::select! {
            ended = &mut ended => {
                // No call begins while Bellhop is paused, this one's second beginning included.
                admit()?;
                return ended;
            }
            _ = pauses.changed() => {}
            () = inner.ending.cancelled() => return Err(ending()),
        }
    }
}

fn ending() -> Problem {
    Problem::new("engine.ending", "Bellhop ended before you answered.", "Ask again in a moment.")
}

impl Rooms {
    /// Whether a call to this service waits, or would wait in vain, for a sign-in that only the person can do.
    fn only_sign_in_helps(&self, service: &ServiceId) -> bool {
        let needs =
            self.registry.get(service).is_some_and(|e| sign_ins::stand(&e) == sign_ins::Stand::Needed);
        needs && self.awaited.can_be_asked(&Matter::sign_in(service))
    }
}
