//! Holding a call while the person is asked: its sign-in has ended, or the app may not do this yet.

use crate::{
    About, Relay,
    answer::Out,
    carry::{self, Load},
    flight::Flight,
    problem::RelayError,
    source::Source,
};
use protocol::{Notification, Object, Request, method};
use serde_json::value::RawValue;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// How a held call keeps the app's own clock at bay, and when it ends.
pub(crate) struct Hold {
    until: Instant,
    next: Instant,
    /// The app's token for progress; without one the call can't be held for longer than apps wait.
    token: Option<Box<RawValue>>,
    title: String,
    told: u64,
}

/// Whether a call is held. It is once at most.
pub(crate) enum Held {
    NotYet,
    Now(Hold),
    Before,
}

/// How often an app that can be told is told that its call waits.
const EVERY: Duration = Duration::from_secs(5);

impl Hold {
    fn new(relay: &Relay, token: Option<Box<RawValue>>, title: String) -> Self {
        let now = Instant::now();
        let patience = if token.is_some() { relay.limits.hold_told } else { relay.limits.hold };
        Self { until: now + patience, next: now, token, title, told: 0 }
    }

    /// When something is to be done.
    pub(crate) fn next(&self) -> Instant {
        if self.token.is_some() { self.next.min(self.until) } else { self.until }
    }

    /// Does it: a notice for the app, or the end.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<Option<Out>, RelayError> {
        if now >= self.until {
            return Err(RelayError::NotInTime { title: self.title.clone() });
        }
        let Some(token) = self.token.as_ref().filter(|_| now >= self.next) else { return Ok(None) };
        self.next = now + EVERY;
        self.told += 1;
        let params = Object::new()
            .with("progressToken", token)
            .with("progress", self.told)
            .with("message", "Waiting for your answer in Bellhop.");
        Ok(Some(Out::Message(Notification::new(method::PROGRESS, Some(params)).to_bytes())))
    }
}

/// What is asked of the person when a call can't be made because of this; `None` when nothing they could do now
/// would help.
pub(crate) fn about(relay: &Relay, flight: &Flight, error: &RelayError) -> Option<About> {
    let service = flight.service.id.clone();
    let connection = flight.app.connection().id.clone();
    let about = match error {
        RelayError::Other(_) | RelayError::SignedOut { .. } => About::SignIn { service, connection },
        // One that doesn't say what it wants can't be allowed it.
        RelayError::Lacks { wanted, .. } if !wanted.is_empty() => {
            About::Permissions { service, connection, wanted: wanted.clone() }
        }
        RelayError::NotAllowed { permit, tool, .. } => {
            About::Permit { connection, permit: permit.clone(), tool: tool.clone() }
        }
        _ => return None,
    };
    relay.person.can_be_asked(&about).then_some(about)
}

/// A call that waits for the person, and what it then does.
pub(crate) fn until(
    relay: &Arc<Relay>,
    flight: &Flight,
    about: About,
    load: Load,
    request: Request<'static>,
) -> (Source, Hold) {
    flight.waits_here();
    let hold = Hold::new(relay, flight.token.clone(), flight.service.title.clone());
    let (relay, app) = (relay.clone(), flight.app.clone());
    let source = Source::Waiting(Box::pin(async move {
        relay.person.ask(about).await.map_err(RelayError::Other)?;
        // The service as it is now: it may have a new sign-in.
        let services = relay.access.services();
        let service = services.iter().find(|s| s.id == load.service.id).cloned();
        let name = load.service.name.to_string();
        let service = service.ok_or(RelayError::NoService { name })?;
        carry::carry(&relay, &app, &Load { service, ..load }, &request).await
    }));
    (source, hold)
}
