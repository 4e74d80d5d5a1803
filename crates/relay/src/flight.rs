use crate::{
    CallRecord, Pass, Relay, Service,
    app::App,
    legacy::{link::Link, translate},
    modern::links::Lease,
};
use protocol::{Id, Level, Request};
use serde_json::value::RawValue;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A call on its way. Whatever ends it — an answer, an error, the app going away — ends it here, once: its id
/// is free again, the service is told when it did not finish, the log gets its line, the gate its pass.
pub(crate) struct Flight {
    pub(crate) relay: Arc<Relay>,
    pub(crate) app: App,
    pub(crate) service: Arc<Service>,
    /// The app's id for it.
    pub(crate) id: Id,
    /// Whether its result may be kept by the app for a while.
    pub(crate) cacheable: bool,
    /// The app's token for its progress, as it came.
    pub(crate) token: Option<Box<RawValue>>,
    /// Which request this is, for what is sealed until it is retried; `None` when it can't be asked anything.
    pub(crate) digest: Option<[u8; 32]>,
    /// Cancelled when the app gives it up by a message, which the legacy era alone has.
    pub(crate) cancel: Option<CancellationToken>,
    trip: Trip,
    record: Option<CallRecord>,
    started: Duration,
    /// Held until everything above is done.
    _pass: Pass,
}

/// Where a call is, for those who carry it while somebody else holds it.
#[derive(Clone)]
pub(crate) struct Trip(Arc<Mutex<Place>>);

struct Place {
    stage: Stage,
    /// The id that the service knows it by.
    sent: Id,
    /// The session at the service that this call has to itself.
    lease: Option<Lease>,
}

enum Stage {
    /// Nothing was sent.
    Ready,
    /// The service may be at work on it, and is told when it is given up.
    Sent(Arc<Link>),
    /// The service may be at work on it, and notices by itself when nobody reads its answer.
    Open,
    /// The service is done with it, or never began.
    Over,
}

impl Trip {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first byte goes to a service of the legacy era.
    pub(crate) fn sent(&self, link: &Arc<Link>, id: &Id) {
        let mut place = self.place();
        place.stage = Stage::Sent(link.clone());
        if place.sent != *id {
            place.sent = id.clone();
        }
    }

    /// The first byte goes to a service of the modern era.
    pub(crate) fn open(&self, id: &Id) {
        let mut place = self.place();
        place.stage = Stage::Open;
        if place.sent != *id {
            place.sent = id.clone();
        }
    }

    /// Keeps the session that the call has to itself.
    pub(crate) fn keep(&self, lease: Lease) {
        self.place().lease = Some(lease);
    }

    /// The service refused it or was sent nothing: it has begun nothing.
    fn back(&self) {
        self.place().stage = Stage::Ready;
    }

    /// The id that the service knows it by.
    pub(crate) fn sent_id(&self) -> Id {
        self.place().sent.clone()
    }

    /// The session it went to.
    pub(crate) fn link(&self) -> Option<Arc<Link>> {
        match &self.place().stage {
            Stage::Sent(link) => Some(link.clone()),
            Stage::Ready | Stage::Open | Stage::Over => None,
        }
    }
}

impl Flight {
    /// The id must have been begun on the session, where there is one.
    pub(crate) fn new(
        relay: &Arc<Relay>,
        app: App,
        service: &Arc<Service>,
        request: &Request<'_>,
        record: CallRecord,
        pass: Pass,
    ) -> Self {
        let place = Place { stage: Stage::Ready, sent: request.id.clone(), lease: None };
        Self {
            relay: relay.clone(),
            app,
            service: service.clone(),
            id: request.id.clone(),
            cacheable: protocol::method::is_cacheable(&request.method),
            token: None,
            digest: None,
            cancel: None,
            trip: Trip(Arc::new(Mutex::new(place))),
            record: Some(record),
            started: relay.clock.since_boot(),
            _pass: pass,
        }
    }

    pub(crate) fn trip(&self) -> &Trip {
        &self.trip
    }

    /// From which level on the app hears what the service logs; `None` for nothing.
    pub(crate) fn level(&self) -> Option<Level> {
        self.app.level()
    }

    /// It waits here before it is made again: whoever gives it up gives it up here, and the service, which has
    /// begun nothing, is told nothing.
    pub(crate) fn waits_here(&self) {
        self.trip.back();
        if let App::Session(session) = &self.app {
            session.came_back(&self.id);
        }
    }

    fn leave(&mut self) {
        if let App::Session(session) = &self.app {
            session.ended(&self.id);
        }
    }

    /// The service is done with it.
    pub(crate) fn over(&mut self, outcome: &'static str) {
        let lease = {
            let mut place = self.trip.place();
            place.stage = Stage::Over;
            place.lease.take()
        };
        if let Some(lease) = lease {
            lease.give_back();
        }
        self.leave();
        self.log(outcome);
    }

    /// It ends without the service: that is told, where something was sent and the era wants it told.
    pub(crate) fn given_up(&mut self, outcome: &'static str) {
        let (stage, sent, lease) = {
            let mut place = self.trip.place();
            let stage = std::mem::replace(&mut place.stage, Stage::Over);
            (stage, place.sent.clone(), place.lease.take())
        };
        if let Stage::Sent(link) = stage
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let relay = self.relay.clone();
            let reason = match outcome {
                "revoked" => "The person revoked the connection.",
                _ => "The app no longer waits for the answer.",
            };
            let notice = translate::cancelled(&sent, reason);
            let telling = match &self.app {
                App::Session(session) => session.notices.enter(),
                App::Visit(_) => None,
            };
            runtime.spawn(async move {
                let _telling = telling;
                relay.tell(&link, notice).await;
                // Only now, so that the service hears of the call's end before the session's.
                drop(lease);
            });
        }
        // After the notice was begun, so that whoever ends the session sees the one or the other.
        self.leave();
        self.log(outcome);
    }

    fn is_over(&self) -> bool {
        matches!(self.trip.place().stage, Stage::Over)
    }

    fn log(&mut self, outcome: &'static str) {
        if let Some(mut record) = self.record.take() {
            record.outcome = outcome;
            record.took = self.relay.clock.since_boot().saturating_sub(self.started);
            self.relay.record.call(record);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.is_over() {
            self.given_up("cancelled");
        }
    }
}
