//! One request to a service, and its answer back.

use crate::{
    CallRecord, Relay, Service,
    flight::Flight,
    legacy::{
        exchange::{self, Kind},
        listen,
        session::Session,
        translate,
    },
    problem::RelayError,
    reply,
    stream::Stream,
};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use protocol::{Id, Message, Outcome, Request, code};
use std::{collections::VecDeque, sync::Arc};

/// What came of a request.
enum Carried {
    /// A whole message, and what the log calls it.
    Message(Bytes, &'static str),
    /// The beginning of a body that goes on.
    Body(Incoming, Kind, VecDeque<Bytes>),
}

/// Sends an authorised request to a service and gives what it answers. `target` is the tool, prompt or
/// resource, for the log.
pub(crate) async fn forward(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    service: &Arc<Service>,
    request: Request<'_>,
    target: Option<String>,
) -> Response {
    let Some(pass) = session.connection.gate.enter() else {
        return reply::message(RelayError::Revoked.reply(&request.id));
    };
    if !session.begin(&request.id) {
        let text = "A request with this id is under way.";
        return reply::refuse(StatusCode::BAD_REQUEST, Some(&request.id), code::INVALID_REQUEST, text);
    }
    session.connection.count();
    let record = record(relay, session, Some(service), &request, target);
    let mut flight = Flight::new(relay, session, request.id.clone(), record, pass);
    let stop = &session.connection.stop;
    let carried = tokio::select! {
        biased;
        () = stop.cancelled() => Err(RelayError::Revoked),
        carried = carry(&mut flight, service, &request) => carried,
    };
    match carried {
        Ok(Carried::Message(message, outcome)) => {
            flight.over(outcome);
            reply::message(message)
        }
        Ok(Carried::Body(body, kind, first)) => {
            let media = kind.media_type();
            reply::stream(media, Stream::new(flight, body, &kind, first, service.title.clone()))
        }
        Err(error) => {
            match error {
                // It may be at work still.
                RelayError::Revoked | RelayError::TimedOut { .. } | RelayError::TooLarge { .. } => {
                    flight.given_up(error.outcome());
                }
                _ => flight.over(error.outcome()),
            }
            reply::message(error.reply(&request.id))
        }
    }
}

/// The log's line of a request.
pub(crate) fn record(
    relay: &Relay,
    session: &Session,
    service: Option<&Arc<Service>>,
    request: &Request<'_>,
    target: Option<String>,
) -> CallRecord {
    CallRecord {
        at: relay.clock.now(),
        connection: session.connection.id.clone(),
        service: service.map(|s| s.name.clone()),
        method: request.method.chars().take(128).collect(),
        target: target.map(|t| t.chars().take(128).collect()),
        took: std::time::Duration::ZERO,
        outcome: "ok",
    }
}

async fn carry(
    flight: &mut Flight,
    service: &Arc<Service>,
    request: &Request<'_>,
) -> Result<Carried, RelayError> {
    let (relay, session) = (flight.relay.clone(), flight.session.clone());
    let title = || service.title.clone();
    // What was authorised is what is sent.
    let body = request.to_bytes();
    let mut link = session.link(service);
    let mut renewed = false;
    loop {
        let opened = session.open(&link, &relay.http, &relay.limits).await?;
        if let Some(left) = session.to_be_heard(&link) {
            listen::pass_on(&relay, &session, link.clone(), left);
        }
        flight.sent(&link);
        let sent = relay.http.send(service, Method::POST, opened.head(), body.clone());
        let response = sent.await?;
        if response.status().is_success() {
            let kind = exchange::kind(&response);
            let body = response.into_body();
            return match kind {
                Kind::Events => Ok(Carried::Body(body, kind, VecDeque::new())),
                Kind::Json => collect(&relay, body, &request.id, &title()).await,
                Kind::Other => Err(RelayError::NoMcp { title: title() }),
            };
        }
        let (parts, body) = response.into_parts();
        let said = said(&relay, body).await;
        let status = http::Response::from_parts(parts, ());
        let mut error = match exchange::accepted(service, opened.head(), status) {
            Err(error) => error,
            Ok(_) => RelayError::NoMcp { title: title() },
        };
        if opened.session.is_some() && matches!(error, RelayError::Status { .. }) && names_session(&said) {
            error = RelayError::SessionGone { title: title() };
        }
        // It forgot the session and so has begun nothing: once more, on a new one.
        if matches!(error, RelayError::SessionGone { .. }) && !renewed {
            renewed = true;
            link = session.renew(&link);
            continue;
        }
        tracing::debug!(service = %service.name, %error, "a service refused a request");
        // An answer to the request is one whatever its status; a sign-in and a pause are ours to explain.
        return match error {
            RelayError::Status { .. } => whole_answer(said, &request.id, &title()).map_err(|_| error),
            _ => Err(error),
        };
    }
}

/// What a refusal says, as far as it is short.
async fn said(relay: &Relay, body: Incoming) -> Bytes {
    let short = http_body_util::Limited::new(body, 64 << 10).collect();
    match tokio::time::timeout(relay.limits.handshake, short).await {
        Ok(Ok(said)) => said.to_bytes(),
        _ => Bytes::new(),
    }
}

/// Whether a refusal is about the session: servers made with the TypeScript SDK's examples answer 400 with
/// -32000 and not 404 for one they don't know.
fn names_session(said: &[u8]) -> bool {
    let Ok(Message::Response(response)) = Message::peek(said) else { return false };
    let Outcome::Error(error) = response.outcome else { return false };
    let Ok(error) = protocol::Object::parse(error.get()) else { return false };
    error.get("code").is_some_and(|c| c.get() == "-32000")
        && error.text("message").is_some_and(|m| m.to_ascii_lowercase().contains("session"))
}

/// Collects an answer of one message as far as the limits let it.
async fn collect(relay: &Relay, mut body: Incoming, id: &Id, title: &str) -> Result<Carried, RelayError> {
    let died = || RelayError::Died { title: title.to_owned() };
    let mut parts: VecDeque<Bytes> = VecDeque::new();
    let mut size = 0;
    loop {
        let frame = tokio::time::timeout(relay.limits.answer, body.frame())
            .await
            .map_err(|_| RelayError::TimedOut { title: title.to_owned() })?;
        let Some(frame) = frame else { break };
        if let Ok(data) = frame.map_err(|_| died())?.into_data() {
            size += data.len();
            parts.push_back(data);
        }
        if size > relay.limits.collect {
            return Ok(Carried::Body(body, Kind::Json, parts));
        }
    }
    let whole = join(parts);
    whole_answer(whole, id, title)
}

/// One message that must be the answer to `id`.
fn whole_answer(whole: Bytes, id: &Id, title: &str) -> Result<Carried, RelayError> {
    let own = match Message::peek(&whole) {
        Ok(Message::Response(response)) if response.id.as_ref() == Some(id) => {
            return Ok(Carried::Message(whole.clone(), translate::outcome(&response.outcome)));
        }
        // It could not read the request's id, so it names none: the app is told which it was.
        Ok(Message::Response(mut response))
            if response.id.is_none() && matches!(response.outcome, Outcome::Error(_)) =>
        {
            response.id = Some(id.clone());
            Some(response.to_bytes())
        }
        _ => None,
    };
    own.map(|bytes| Carried::Message(bytes, "error"))
        .ok_or_else(|| RelayError::NoMcp { title: title.to_owned() })
}

fn join(mut parts: VecDeque<Bytes>) -> Bytes {
    if parts.len() == 1 {
        return parts.pop_front().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    for part in parts {
        whole.extend_from_slice(&part);
    }
    whole.freeze()
}
