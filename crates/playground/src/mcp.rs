//! The MCP endpoint: Streamable HTTP of the revisions 2025-11-25, 2025-06-18 and 2025-03-26.

mod count;
mod message;
mod methods;
mod notes;
mod sessions;
mod tools;

pub(crate) use sessions::{Change, Sessions};

use crate::{
    House,
    auth::{self, Caller, NOTES},
};
use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::post,
};
use futures_util::{Stream, StreamExt, future, stream};
use message::{Message, RpcError};
use serde_json::{Value, json};
use sessions::{Session, Stream as SessionStream};
use std::{convert::Infallible, sync::Arc};
use tokio::sync::{broadcast::error::RecvError, mpsc};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// The revisions that are spoken, newest first.
const VERSIONS: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];
/// What a client speaks that doesn't say (2025-06-18, Transports).
const UNSAID: &str = "2025-03-26";
/// The largest message, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

pub(crate) fn routes(house: Arc<House>) -> Router<Arc<House>> {
    Router::new()
        .route("/mcp", post(take).get(listen).delete(finish))
        // Who calls is settled before anything of the message is read.
        .layer(from_fn_with_state(house, admit))
        .layer(DefaultBodyLimit::max(LARGEST))
}

async fn admit(State(house): State<Arc<House>>, mut request: Request, next: Next) -> Response {
    match auth::caller(&house, request.headers()) {
        Ok(caller) if caller.may(NOTES) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(_) => auth::Challenge::Scope(NOTES).respond(&house),
        Err(challenge) => challenge.respond(&house),
    }
}

/// A message, or several of the revision that allowed it.
async fn take(
    State(house): State<Arc<House>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let media =
        text(&headers, &header::CONTENT_TYPE).split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if media != "application/json" {
        return Err(Refused::Http(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the message has to be application/json",
        ));
    }
    let accept = text(&headers, &header::ACCEPT);
    if !accept.contains("application/json") || !accept.contains("text/event-stream") {
        let why = "Accept has to name application/json and text/event-stream";
        return Err(Refused::Http(StatusCode::NOT_ACCEPTABLE, why));
    }
    match serde_json::from_slice(&body).map_err(|_| Refused::Message(RpcError::parse(), Value::Null))? {
        Value::Array(messages) => take_batch(house, &caller, &headers, messages),
        message => take_one(house, &caller, &headers, message),
    }
}

fn take_one(
    house: Arc<House>,
    caller: &Caller,
    headers: &HeaderMap,
    message: Value,
) -> Result<Response, Refused> {
    let response = match Message::parse(message).map_err(Refused::invalid)? {
        Message::Request { id, method, params } if method == "initialize" => {
            let (version, result) = methods::initialize(&params);
            let session = house.sessions.start(&house, caller, version);
            let answer = Json(message::answer(&id, Ok(result)));
            ([(SESSION, session.id.clone())], answer).into_response()
        }
        // A client of a newer era learns from this, with no session, that it has to initialize.
        Message::Request { id, method, .. } if !methods::KNOWN.contains(&method.as_str()) => {
            Json(RpcError::method(&method).answer(id)).into_response()
        }
        Message::Request { id, method, params } => {
            let session = session(&house, caller, headers)?;
            if tools::streams(&method, &params) {
                events(house, session, vec![(id, method, params)])
            } else {
                let result = methods::request(&house, &session, &method, &params);
                Json(message::answer(&id, result)).into_response()
            }
        }
        Message::Notification { method, params } => {
            methods::notification(&*session(&house, caller, headers)?, &method, &params);
            StatusCode::ACCEPTED.into_response()
        }
        // The playground asks its clients nothing, so an answer is to nobody's question.
        Message::Answer => StatusCode::ACCEPTED.into_response(),
    };
    Ok(response)
}

fn take_batch(
    house: Arc<House>,
    caller: &Caller,
    headers: &HeaderMap,
    messages: Vec<Value>,
) -> Result<Response, Refused> {
    let session = session(&house, caller, headers)?;
    if session.version != UNSAID || messages.is_empty() {
        return Err(Refused::Http(StatusCode::BAD_REQUEST, "one message at a time in this revision"));
    }
    let messages: Vec<_> =
        messages.into_iter().map(Message::parse).collect::<Result<_, _>>().map_err(Refused::invalid)?;
    let mut requests = Vec::new();
    for message in messages {
        match message {
            Message::Request { id, method, params } => requests.push((id, method, params)),
            Message::Notification { method, params } => methods::notification(&session, &method, &params),
            Message::Answer => {}
        }
    }
    Ok(if requests.is_empty() {
        StatusCode::ACCEPTED.into_response()
    } else {
        events(house, session, requests)
    })
}

/// Answer on an event stream, which ends with the last answer.
///
/// The work does not hang on the stream: in these revisions a client that goes away has cancelled nothing, only
/// `notifications/cancelled` does (2025-06-18, Transports).
fn events(house: Arc<House>, session: Arc<Session>, requests: Vec<(Value, String, Value)>) -> Response {
    let (out, receiver) = mpsc::channel(16);
    for (id, method, params) in requests {
        let (house, session, out) = (Arc::clone(&house), Arc::clone(&session), out.clone());
        // Before the client hears anything, so that no cancellation can come too early.
        let running = session.begin(&id);
        tokio::spawn(async move {
            let answer = if tools::streams(&method, &params) {
                count::run(&running, &params, &out).await
            } else {
                Some(methods::request(&house, &session, &method, &params))
            };
            // A cancelled request gets no answer.
            if let Some(result) = answer {
                let _ = out.send(message::answer(&id, result)).await;
            }
        });
    }
    let messages = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|message| (message, receiver))
    });
    sse(messages)
}

/// The stream on which the server speaks of itself.
async fn listen(
    State(house): State<Arc<House>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    if !text(&headers, &header::ACCEPT).contains("text/event-stream") {
        return Err(Refused::Http(StatusCode::NOT_ACCEPTABLE, "Accept has to name text/event-stream"));
    }
    let session = session(&house, &caller, &headers)?;
    // Two streams would each get what belongs on one; the specification lets a server refuse the second.
    let Some(open) = SessionStream::open(&session) else {
        return Err(Refused::Http(StatusCode::CONFLICT, "this session has a stream already"));
    };
    let changes = stream::unfold((house.changes.subscribe(), open), |(mut changes, open)| async move {
        let change = match changes.recv().await {
            Ok(change) => change,
            // Too slow for all of them: the list may have changed, and that is what to say.
            Err(RecvError::Lagged(_)) => Change::List,
            Err(RecvError::Closed) => return None,
        };
        Some((change, (changes, open)))
    });
    let ended = Arc::clone(&session);
    let messages = changes
        .filter_map(move |change| future::ready(session.concerns(&change).then(|| change.message())))
        .take_until(async move { ended.stop.cancelled().await });
    Ok(sse(messages))
}

/// The client is done with its session.
async fn finish(
    State(house): State<Arc<House>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<StatusCode, Refused> {
    house.sessions.end(&session(&house, &caller, &headers)?.id);
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's session that the headers name.
fn session(house: &House, caller: &Caller, headers: &HeaderMap) -> Result<Arc<Session>, Refused> {
    let version = text(headers, &VERSION);
    if !version.is_empty() && !VERSIONS.contains(&version) {
        return Err(Refused::Http(StatusCode::BAD_REQUEST, "this revision is not spoken here"));
    }
    let id = text(headers, &SESSION);
    if id.is_empty() {
        return Err(Refused::Http(StatusCode::BAD_REQUEST, "Mcp-Session-Id is missing: initialize first"));
    }
    house
        .sessions
        .find(id, caller, house.clock.now())
        .ok_or_else(|| Refused::Http(StatusCode::NOT_FOUND, "there is no such session: initialize again"))
}

fn sse(messages: impl Stream<Item = Value> + Send + 'static) -> Response {
    let events = messages.map(|m| Ok::<_, Infallible>(Event::default().event("message").data(m.to_string())));
    ([(header::CACHE_CONTROL, "no-store")], Sse::new(events).keep_alive(KeepAlive::default())).into_response()
}

/// What is refused before any method is looked at.
enum Refused {
    /// By HTTP's rules; why, in a body that MCP clients can show.
    Http(StatusCode, &'static str),
    /// It is no message. With the id to answer to, or null.
    Message(RpcError, Value),
}

impl Refused {
    fn invalid(id: Value) -> Self {
        Self::Message(RpcError::invalid(), id)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Http(status, why) => {
                let error = json!({ "code": -32000, "message": why });
                (status, Json(json!({ "jsonrpc": "2.0", "id": null, "error": error }))).into_response()
            }
            Self::Message(error, id) => (StatusCode::BAD_REQUEST, Json(error.answer(id))).into_response(),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
}
