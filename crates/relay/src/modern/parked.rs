use crate::{
    Relay,
    answer::Answer,
    app::{App, Visit},
    call, dispatch,
    modern::state::{self, Waits},
    problem::RelayError,
    told::Shape,
};
use axum::response::Response;
use bytes::Bytes;
use model::{ConnectionId, ServiceId};
use protocol::{Object, Request, header as mcp, raw};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};
use tokio_util::task::AbortOnDropHandle;

/// Calls at services of the legacy era that wait for answers of an app of the modern era, which gives them in a
/// request of its own. Until then they are held open.
#[derive(Default)]
pub(crate) struct Parked(Mutex<HashMap<u64, Waiting>>);

/// A call that waits, and the task that gives it up in the end.
struct Waiting {
    answer: Answer,
    /// Ends with this, so that nothing is left of a call that went on.
    _end: AbortOnDropHandle<()>,
}

impl Parked {
    fn all(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a call out, when it is this connection's.
    fn take(&self, number: u64, connection: &ConnectionId) -> Option<Answer> {
        let mut all = self.all();
        all.get(&number).filter(|w| &w.answer.flight.app.connection().id == connection)?;
        all.remove(&number).map(|w| w.answer)
    }
}

impl Relay {
    /// Gives up the calls that wait at a service which is gone.
    pub(crate) fn end_parked_at(&self, service: &ServiceId) {
        let gone: Vec<Waiting> = {
            let mut all = self.parked.all();
            let there: Vec<u64> =
                all.iter().filter(|(_, w)| w.answer.flight.service.id == *service).map(|(n, _)| *n).collect();
            there.into_iter().filter_map(|n| all.remove(&n)).collect()
        };
        // Not under the lock: each tells its service.
        drop(gone);
    }

    /// Holds a call open until the app answers the service's questions, and gives the result that asks them.
    pub(crate) fn park(self: &Arc<Self>, answer: Answer) -> Bytes {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let connection = answer.flight.app.connection().clone();
        let Some(digest) = answer.flight.digest else {
            // Only calls that have one are asked anything.
            return RelayError::GivenUp.reply(protocol::Era::Modern, &answer.shape.id);
        };
        let state = self.seal(&connection.id, &digest, Waits::Parked(number));
        let message = answer.questions_message(&state);
        let mut all = self.parked.all();
        let own = all.values().filter(|w| w.answer.flight.app.connection().id == connection.id).count();
        if own >= self.limits.parked {
            drop(all);
            return RelayError::TooMany.reply(protocol::Era::Modern, &answer.shape.id);
        }
        let relay = self.clone();
        let end = tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(relay.limits.park) => {}
                () = connection.stop.cancelled() => {}
            }
            // Whoever took it meanwhile has it.
            let left = relay.parked.all().remove(&number);
            if let Some(mut waiting) = left {
                let revoked = connection.stop.is_cancelled();
                waiting.answer.flight.given_up(if revoked { "revoked" } else { "cancelled" });
            }
        });
        all.insert(number, Waiting { answer, _end: AbortOnDropHandle::new(end) });
        drop(all);
        message
    }

    /// The sealed text for the app.
    pub(crate) fn seal(&self, connection: &ConnectionId, digest: &[u8; 32], waits: Waits) -> String {
        let end = self.clock.now() + self.limits.park;
        self.sealer.seal(self.random.as_ref(), connection, digest, waits, end)
    }
}

/// What a request of the modern era to a service of the legacy one is, as its `requestState` says.
pub(crate) enum Retry {
    /// A request that was not made before, or is to be made anew.
    Fresh,
    /// One whose call waits.
    Of(Box<Answer>),
}

/// Looks at the state that a request brings back.
///
/// # Errors
/// When it is none that was given to this app for this request.
pub(crate) fn retry(
    relay: &Relay,
    visit: &Visit,
    place: &dispatch::Place,
    public: &Request<'_>,
) -> Result<Retry, RelayError> {
    let Some(state) = public.params.as_ref().and_then(|p| p.get("requestState")) else {
        return Ok(Retry::Fresh);
    };
    let bad = || RelayError::BadState;
    let state: String = serde_json::from_str(state.get()).map_err(|_| bad())?;
    let digest = state::digest_of(&visit.endpoint, &place.service.id, public);
    let connection = &visit.connection.id;
    match relay.sealer.open(connection, &digest, &state, relay.clock.now()).ok_or_else(bad)? {
        Waits::Again => Ok(Retry::Fresh),
        Waits::Parked(number) => {
            // It waited too long, or somebody went on with it already.
            relay.parked.take(number, connection).map(|a| Retry::Of(Box::new(a))).ok_or_else(bad)
        }
    }
}

/// Gives a waiting call the app's answers and goes on with it.
pub(crate) async fn go_on(
    relay: &Arc<Relay>,
    visit: Arc<Visit>,
    mut answer: Answer,
    request: &Request<'_>,
    token: Option<Box<serde_json::value::RawValue>>,
) -> Response {
    let responses = request.params.as_ref().and_then(|p| p.object("inputResponses")).unwrap_or_default();
    let link = answer.flight.trip().link();
    let mut tell = Vec::new();
    answer.questions.retain(|(key, question)| {
        // One that is no object answers nothing.
        let response = responses.get(key).filter(|r| r.get().starts_with('{'));
        if let Some(response) = response {
            let said =
                Object::new().with("jsonrpc", "2.0").with("id", raw(&question.id)).with("result", response);
            tell.push(Bytes::from(said.to_raw().get().to_owned()));
        }
        response.is_none()
    });
    let shape = Shape { id: request.id.clone(), ..answer.shape.clone() };
    answer.go_on(App::Visit(visit), shape, token);
    if let Some(link) = link {
        let relay = relay.clone();
        // While they are told, the answer is listened to already.
        tokio::spawn(async move {
            for said in tell {
                relay.tell(&link, said).await;
            }
        });
    }
    let way = answer.way;
    call::begin(answer, mcp::EVENT_STREAM, way).await
}
