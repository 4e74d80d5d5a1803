//! Messages of apps of the legacy era, on their sessions.

use crate::{
    Leave, Relay,
    app::App,
    call,
    compact::{self, Taken},
    dispatch,
    legacy::{
        link::Link,
        session::{Asker, Session},
        watch,
    },
    local,
    problem::RelayError,
    reply,
    shelf::Speaks,
};
use axum::response::Response;
use bytes::Bytes;
use model::{Access, Resource};
use protocol::{Era, Level, Message, Notification, Outcome, Request, Response as Answer, method};
use std::sync::Arc;

/// Handles one message on an open session, of a caller that may do `scope`.
pub(crate) async fn message(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    scope: &Leave,
    message: Message<'_>,
) -> Response {
    match message {
        Message::Request(r) => request(relay, session, scope, r).await,
        Message::Notification(n) => {
            notification(relay, session, scope, n).await;
            reply::taken()
        }
        Message::Response(r) => {
            answer(relay, session, r).await;
            reply::taken()
        }
    }
}

async fn request(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    scope: &Leave,
    request: Request<'_>,
) -> Response {
    let id = request.id.clone();
    if let Err(problem) = relay.admission.admit(&session.connection) {
        return reply::error(Era::Legacy, &RelayError::Other(problem), &id);
    }
    let handled = match request.method.as_ref() {
        method::PING => return local::done(&id),
        method::SET_LEVEL => set_level(relay, session, scope, &request).await,
        _ => answered(relay, session, scope, request).await,
    };
    handled.unwrap_or_else(|e| reply::error(Era::Legacy, &e, &id))
}

async fn answered(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    scope: &Leave,
    mut request: Request<'_>,
) -> Result<Response, RelayError> {
    let app = App::Session(session.clone());
    if let Some(list) = local::list(relay, &app, scope, &request).await {
        return Ok(list);
    }
    if let Taken::Answer(answer) = compact::take(relay, &app, scope, &mut request).await {
        return Ok(answer);
    }
    let called = request.param("uri").map(std::borrow::Cow::into_owned);
    let place = dispatch::locate(relay, &app, scope, &mut request).await?;
    let on = match request.method.as_ref() {
        method::SUBSCRIBE => Some(true),
        method::UNSUBSCRIBE => Some(false),
        _ => None,
    };
    if let (Some(on), Some(own)) = (on, &place.target)
        && place.refusal.is_none()
        && session.endpoint == Resource::All
    {
        session.called(&place.service.id, own, called.filter(|_| on));
    }
    if let Some(on) = on
        && place.refusal.is_none()
    {
        let uri = request.param("uri").ok_or(RelayError::BadParams { what: "“uri” is missing" })?;
        if relay.speaks(&place.service).await? == Speaks::Modern {
            // That era has subscriptions of another kind, which Bellhop holds for the app.
            watch::set(relay, session, &place.service, &uri, on);
            return Ok(local::done(&request.id));
        }
        session.subscribes(&place.service.id, &uri, on);
    }
    Ok(call::forward(relay, app, place, request).await)
}

/// The level is kept for the session: services of the legacy era are told where they are open already, else when
/// they are; those of the modern one with each call.
async fn set_level(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    scope: &Leave,
    request: &Request<'_>,
) -> Result<Response, RelayError> {
    let level = request.params.as_ref().and_then(|p| p.get("level")).and_then(Level::from_raw);
    let level = level.ok_or(RelayError::BadParams { what: "“level” is no level" })?;
    if let Resource::One(name) = &session.endpoint {
        let service = relay.one(name, scope)?;
        if !relay.inventory(&service).await?.can("logging") {
            return Err(RelayError::NoMethod { method: method::SET_LEVEL.to_owned() });
        }
    }
    session.set_level(level);
    for link in session.links() {
        let Some(pass) = session.connection.gate.enter() else { break };
        let relay = relay.clone();
        tokio::spawn(async move {
            link.set_level(&relay.http, &relay.limits, level).await;
            drop(pass);
        });
    }
    Ok(local::done(&request.id))
}

/// Passes a message on to services without waiting for it to arrive.
fn tell_all(relay: &Arc<Relay>, session: &Session, links: Vec<Arc<Link>>, message: &Bytes) {
    for link in links {
        let Some(pass) = session.connection.gate.enter() else { return };
        let (relay, message) = (relay.clone(), message.clone());
        tokio::spawn(async move {
            relay.tell(&link, message).await;
            drop(pass);
        });
    }
}

async fn notification(relay: &Arc<Relay>, session: &Arc<Session>, scope: &Leave, notice: Notification<'_>) {
    // While paused nothing reaches a service but that a call is given up.
    if notice.method != method::CANCELLED && relay.admission.admit(&session.connection).is_err() {
        return;
    }
    match notice.method.as_ref() {
        // Ours: each service was told when its session was opened.
        method::INITIALIZED => {}
        method::CANCELLED => {
            // The service knows the request by the same id.
            let link = notice.id_param("requestId").and_then(|id| session.give_up(&id));
            tell_all(relay, session, link.into_iter().collect(), &notice.to_bytes());
        }
        // About a question of a service; the token is the service's own.
        method::PROGRESS => tell_all(relay, session, session.asking(), &notice.to_bytes()),
        method::ROOTS_CHANGED => tell_all(relay, session, session.links(), &notice.to_bytes()),
        _ => {
            // One that nobody here knows: as with such a request, it takes an endpoint of one service.
            let Resource::One(name) = &session.endpoint else { return };
            if relay.one(name, scope).is_ok_and(|s| scope.allows(&s.name, Access::Write)) {
                tell_all(relay, session, session.links(), &notice.to_bytes());
            }
        }
    }
}

/// The app answers a question.
async fn answer(relay: &Arc<Relay>, session: &Arc<Session>, mut answer: Answer<'_>) {
    // An answer that comes too late, or twice, is nobody's fault.
    if relay.admission.admit(&session.connection).is_err() {
        return;
    }
    let Some(asker) = answer.id.as_ref().and_then(|id| session.answered(id)) else { return };
    let Some(_pass) = session.connection.gate.enter() else { return };
    match asker {
        Asker::Service(link, id) => {
            answer.id = Some(id);
            relay.tell(&link, answer.to_bytes()).await;
        }
        Asker::Call(tell) => {
            let said = match answer.outcome {
                Outcome::Result(value) => Ok(value.into_owned()),
                Outcome::Error(value) => Err(value.into_owned()),
            };
            // Nobody waits any more when the call has ended.
            let _ = tell.send(said);
        }
    }
}
