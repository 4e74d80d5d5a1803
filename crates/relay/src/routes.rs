//! The endpoints `/mcp` and `/mcp/{service}`: what HTTP says of a message before anybody reads it.

use crate::{
    Caller, Leave, Relay,
    legacy::{self, listen, session::Session},
    local,
    modern::door,
    reply, resume,
    stream::Stream,
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use model::Resource;
use protocol::{Era, Message, Object, Packet, Revision, code, header as mcp, sse};
use std::sync::Arc;

/// Answer a request at an endpoint.
pub(crate) async fn endpoint(
    relay: Arc<Relay>,
    caller: Caller,
    endpoint: Resource,
    request: Request<Body>,
) -> Response {
    // A token for one service opens that one alone. The boundary says so better; this says so always.
    if let Some(Resource::One(_)) = &caller.resource
        && caller.resource.as_ref() != Some(&endpoint)
    {
        return StatusCode::FORBIDDEN.into_response();
    }
    caller.connection.touch(relay.clock.now());
    match *request.method() {
        Method::POST => post(relay, caller, endpoint, request).await,
        Method::GET | Method::HEAD => {
            get(&relay, &caller, &endpoint, request.method(), request.headers()).await
        }
        Method::DELETE => match found(&relay, &caller, &endpoint, request.headers()) {
            Ok(session) => {
                relay.end(&session);
                StatusCode::NO_CONTENT.into_response()
            }
            Err(refusal) => *refusal,
        },
        _ => not_allowed(),
    }
}

fn not_allowed() -> Response {
    let response = StatusCode::METHOD_NOT_ALLOWED.into_response();
    reply::with(response, header::ALLOW, "GET, HEAD, POST, DELETE")
}

fn header_text<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> Option<&'h str> {
    headers.get(name).map(|v| v.to_str().unwrap_or_default())
}

/// The session that the headers name, when it is this connection's and of this endpoint.
fn found(
    relay: &Relay,
    caller: &Caller,
    endpoint: &Resource,
    headers: &HeaderMap,
) -> Result<Arc<Session>, Box<Response>> {
    let refuse = |status, text| Box::new(reply::refuse(status, None, code::INVALID_REQUEST, text));
    let Some(id) = header_text(headers, &mcp::SESSION_ID) else {
        return Err(refuse(StatusCode::BAD_REQUEST, "Mcp-Session-Id is missing: send initialize first."));
    };
    // 404 is what tells an app to initialize again. Another connection's session is none.
    relay
        .session(id)
        .filter(|s| s.connection.id == caller.connection.id && &s.endpoint == endpoint)
        .inspect(|s| s.touch(relay.clock.as_ref()))
        .ok_or_else(|| refuse(StatusCode::NOT_FOUND, "There is no such session: send initialize again."))
}

/// Goes on with a stream that broke off. Bellhop may not have noticed yet that it did.
async fn go_on(session: &Arc<Session>, named: Option<(u64, u64)>) -> Response {
    for _ in 0..20 {
        let Some((stream, event)) = named else { break };
        if let Some(broken) = session.take_broken(stream, |b| b.said.has_all_after(event)) {
            return reply::stream(mcp::EVENT_STREAM, Stream::again(broken, event));
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    // Not 404, by which an app would take its session for gone.
    let text = "There is no such stream to go on with.";
    reply::refuse(StatusCode::BAD_REQUEST, None, code::INVALID_REQUEST, text)
}

/// The listening stream.
async fn get(
    relay: &Arc<Relay>,
    caller: &Caller,
    endpoint: &Resource,
    method: &Method,
    headers: &HeaderMap,
) -> Response {
    // Without a session there is nothing to listen to; 405 is how the transport says that.
    if !headers.contains_key(&mcp::SESSION_ID) {
        return not_allowed();
    }
    let session = match found(relay, caller, endpoint, headers) {
        Ok(session) => session,
        Err(refusal) => return *refusal,
    };
    if method == Method::HEAD {
        return reply::stream(mcp::EVENT_STREAM, Body::empty());
    }
    if let Some(id) = header_text(headers, &mcp::LAST_EVENT_ID) {
        return go_on(&session, resume::named(id)).await;
    }
    let left = session.listens();
    let stop = &session.connection.stop;
    let stream = session.inbox.listen(stop, &session.over, left, relay.limits.keep_alive);
    for link in session.links() {
        if link.opened().is_some()
            && let Some(left) = session.to_be_heard(&link)
        {
            listen::pass_on(relay, &session, link, left);
        }
    }
    reply::stream(mcp::EVENT_STREAM, stream)
}

async fn post(relay: Arc<Relay>, caller: Caller, endpoint: Resource, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    // Nothing is unpacked here: what is small when packed could be endless when not.
    if header_text(headers, &header::CONTENT_ENCODING).is_some_and(|v| !v.eq_ignore_ascii_case("identity")) {
        let text = "Send the message without a Content-Encoding.";
        return reply::refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, code::INVALID_REQUEST, text);
    }
    let is_json =
        header_text(headers, &header::CONTENT_TYPE).is_some_and(|v| mcp::is_media_type(v, mcp::JSON));
    if !is_json {
        let text = "Content-Type must be application/json.";
        return reply::refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, code::INVALID_REQUEST, text);
    }
    let body = match read(&relay, body).await {
        Ok(body) => body,
        Err((status, text)) => return reply::refuse(status, None, code::INVALID_REQUEST, text),
    };
    let packet = match Packet::parse(&body) {
        Ok(packet) => packet,
        Err(flaw) => return reply::refuse(StatusCode::BAD_REQUEST, None, flaw.code(), &flaw.to_string()),
    };
    let packet = match packet {
        Packet::One(message) if door::is_modern(headers, &message) => {
            return door::message(&relay, &caller, &endpoint, headers, message).await;
        }
        Packet::Batch(_) if door::names_modern(headers) => return no_batch(),
        packet => packet,
    };
    let known = |version: &str| version.parse::<Revision>().map(Revision::era);
    if let Packet::One(message @ Message::Request(r)) = &packet
        && door::is_initialize(message)
        && header_text(headers, &mcp::PROTOCOL_VERSION).is_none_or(|v| known(v).is_ok())
    {
        return local::initialize(&relay, &caller, &endpoint, r).await;
    }
    if let Some(version) = header_text(headers, &mcp::PROTOCOL_VERSION)
        && known(version) != Ok(Era::Legacy)
    {
        return unsupported(&packet, version);
    }
    let session = match found(&relay, &caller, &endpoint, headers) {
        Ok(session) => session,
        Err(refusal) => return *refusal,
    };
    match packet {
        Packet::One(message) => legacy::door::message(&relay, &session, &caller.leave(), message).await,
        Packet::Batch(messages) if session.revision.has_batches() => {
            batch(&relay, &session, &caller.leave(), messages).await
        }
        Packet::Batch(_) => no_batch(),
    }
}

/// Most revisions know no batches.
fn no_batch() -> Response {
    let text = "Several messages at once are not part of this revision.";
    reply::refuse(StatusCode::BAD_REQUEST, None, code::INVALID_REQUEST, text)
}

/// A revision that is not spoken here, and which are.
fn unsupported(packet: &Packet<'_>, version: &str) -> Response {
    let id = match packet {
        Packet::One(Message::Request(r)) => Some(&r.id),
        _ => None,
    };
    let data = Object::new()
        .with("supported", local::versions())
        .with("requested", version.chars().take(60).collect::<String>());
    let text = "This revision is not spoken here.";
    let body = protocol::error_with(id, code::UNSUPPORTED_VERSION, text, Some(&data.to_raw()));
    reply::message_with(StatusCode::BAD_REQUEST, body)
}

async fn read(relay: &Relay, body: Body) -> Result<Bytes, (StatusCode, &'static str)> {
    let reading = Limited::new(body, relay.limits.request_body).collect();
    match tokio::time::timeout(relay.limits.request_time, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(e)) if e.is::<LengthLimitError>() => {
            Err((StatusCode::PAYLOAD_TOO_LARGE, "The message is too large."))
        }
        Ok(Err(_)) => Err((StatusCode::BAD_REQUEST, "The message broke off.")),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "The message took too long to arrive.")),
    }
}

/// 2025-03-26 alone: the answers to several messages as one stream of events. They are handled one after the
/// other, which that revision leaves open, and what one of them brings passes as it comes: a question that it is
/// answered with must reach the app before its answer can.
async fn batch(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    scope: &Leave,
    messages: Vec<Message<'_>>,
) -> Response {
    let wants_answers = messages.iter().any(|m| matches!(m, Message::Request(_)));
    if !wants_answers {
        for message in messages {
            legacy::door::message(relay, session, scope, message).await;
        }
        return reply::taken();
    }
    let own: Vec<Bytes> = messages.iter().map(Message::to_bytes).collect();
    let (relay, session, scope) = (relay.clone(), session.clone(), scope.clone());
    let max = relay.limits.message;
    let answers = stream::iter(own).then(move |bytes| {
        let (relay, session, scope) = (relay.clone(), session.clone(), scope.clone());
        async move {
            match Message::peek(&bytes) {
                Ok(message) => legacy::door::message(&relay, &session, &scope, message).await,
                // Never so: it was read and written by us.
                Err(_) => reply::taken(),
            }
        }
    });
    let events = answers.flat_map(move |response| {
        let is_stream = header_text(response.headers(), &header::CONTENT_TYPE)
            .is_some_and(|v| mcp::is_media_type(v, mcp::EVENT_STREAM));
        let body = response.into_body();
        if is_stream {
            return StreamExt::boxed(body.into_data_stream());
        }
        let whole = async move {
            let body = Limited::new(body, max).collect().await.ok()?.to_bytes();
            (!body.is_empty()).then(|| Ok(sse::encode(&body)))
        };
        stream::once(whole).filter_map(std::future::ready).boxed()
    });
    reply::stream(mcp::EVENT_STREAM, Body::from_stream(events))
}
