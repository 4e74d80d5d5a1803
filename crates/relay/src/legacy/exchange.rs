//! Bellhop's own requests to a service of the legacy era: opening a session, lists, notices.

use crate::{
    Limits, Service,
    client::{Head, Http},
    legacy::events::EventWire,
    pool::Incoming,
    problem::RelayError,
};
use bytes::{Bytes, BytesMut};
use http::{Method, Response, StatusCode, header};
use http_body_util::BodyExt;
use protocol::{
    Id, Message, Notification, Object, Outcome, Request, Revision, header as mcp, method, raw, sse,
};
use serde_json::value::RawValue;

/// An open session of a service.
pub(crate) struct Opened {
    /// How messages get there and back.
    pub(crate) wire: Wire,
    /// The revision both sides speak.
    pub(crate) revision: Revision,
    /// What the service can do.
    pub(crate) capabilities: Box<RawValue>,
    /// Who it says it is.
    pub(crate) server: Box<RawValue>,
    /// What it tells models about itself.
    pub(crate) instructions: Option<String>,
}

/// How messages of a session get to the service and back.
pub(crate) enum Wire {
    /// Streamable HTTP: answers come back on the request's own response. With the session's id; `None` for a
    /// service that keeps none.
    Streamable(Option<String>),
    /// The transport of 2024-11-05: answers come back on one long event stream.
    Events(EventWire),
}

impl Opened {
    pub(crate) fn head(&self) -> Head<'_> {
        let head = Head { revision: Some(self.revision), ..Head::default() };
        match &self.wire {
            Wire::Streamable(session) => Head { session: session.as_deref(), ..head },
            Wire::Events(wire) => Head { post: Some(wire.post()), revision: None, ..head },
        }
    }

    /// Whether the service could forget this session.
    pub(crate) fn has_session(&self) -> bool {
        match &self.wire {
            Wire::Streamable(session) => session.is_some(),
            Wire::Events(_) => true,
        }
    }

    /// Whether there may be a stream to listen to beside the calls' own.
    pub(crate) fn has_listening_stream(&self) -> bool {
        matches!(&self.wire, Wire::Streamable(Some(_)))
    }
}

/// `initialize` and `notifications/initialized`, with what the app declared. Where the service does not take
/// that as streamable HTTP, as the transport before it.
pub(crate) async fn open(
    http: &Http,
    limits: &Limits,
    service: &Service,
    revision: Revision,
    declared: &RawValue,
) -> Result<Opened, RelayError> {
    let params = Object::new()
        .with("protocolVersion", revision.as_str())
        .with("capabilities", declared)
        .with("clientInfo", crate::local::us());
    let request = Request::new(Id::text("bellhop-initialize"), method::INITIALIZE, Some(params));
    let (wire, result) = match begin(http, limits, service, &request).await {
        Ok((session, result)) => (Wire::Streamable(session), result),
        Err(RelayError::Status { status: status @ (400 | 404 | 405), title }) => {
            let wire = EventWire::open(http, limits, service).await;
            let wire = wire.map_err(|_| RelayError::Status { title, status })?;
            let result = wire.ask(http, limits, service, &request).await?;
            (Wire::Events(wire), result)
        }
        Err(e) => return Err(e),
    };
    let no_mcp = || RelayError::NoMcp { title: service.title.clone() };
    let result = Object::parse(result.get()).map_err(|_| no_mcp())?;
    let revision = result
        .text("protocolVersion")
        .and_then(|v| v.parse::<Revision>().ok())
        .filter(|r| r.era() == protocol::Era::Legacy)
        .ok_or_else(no_mcp)?;
    let member = |name: &str| result.get(name).map_or_else(|| raw(&Object::new()), ToOwned::to_owned);
    let opened = Opened {
        wire,
        revision,
        capabilities: member("capabilities"),
        server: member("serverInfo"),
        instructions: result.text("instructions").map(std::borrow::Cow::into_owned),
    };
    let initialized = Notification::new(method::INITIALIZED, None);
    tell(http, limits, service, opened.head(), initialized.to_bytes()).await?;
    Ok(opened)
}

/// `initialize`; also says which session the answer named.
async fn begin(
    http: &Http,
    limits: &Limits,
    service: &Service,
    request: &Request<'_>,
) -> Result<(Option<String>, Box<RawValue>), RelayError> {
    let asking = async {
        let head = Head::default();
        let response = http.send(service, Method::POST, head, request.to_bytes()).await?;
        let response = accepted(service, head, response)?;
        let session =
            response.headers().get(mcp::SESSION_ID).and_then(|v| v.to_str().ok()).map(ToOwned::to_owned);
        let answer = answer_of(limits, service, response, &request.id).await?;
        Ok((session, answer))
    };
    in_time(limits, service, asking).await
}

/// Within the time that a service has for what is not the app's own call.
pub(crate) async fn in_time<T>(
    limits: &Limits,
    service: &Service,
    work: impl Future<Output = Result<T, RelayError>>,
) -> Result<T, RelayError> {
    let late = |_| Err(RelayError::TimedOut { title: service.title.clone() });
    tokio::time::timeout(limits.handshake, work).await.unwrap_or_else(late)
}

/// Sends a request of our own on an open session and waits for its result.
pub(crate) async fn ask(
    http: &Http,
    limits: &Limits,
    service: &Service,
    opened: &Opened,
    request: &Request<'_>,
) -> Result<Box<RawValue>, RelayError> {
    match &opened.wire {
        Wire::Events(wire) => wire.ask(http, limits, service, request).await,
        Wire::Streamable(_) => ask_at(http, limits, service, opened.head(), request).await,
    }
}

/// Sends a request of our own and waits for its result, which comes on its own response.
pub(crate) async fn ask_at(
    http: &Http,
    limits: &Limits,
    service: &Service,
    head: Head<'_>,
    request: &Request<'_>,
) -> Result<Box<RawValue>, RelayError> {
    let asking = async {
        let response = http.send(service, Method::POST, head, request.to_bytes()).await?;
        let response = accepted(service, head, response)?;
        answer_of(limits, service, response, &request.id).await
    };
    in_time(limits, service, asking).await
}

/// Sends a notification, or an answer to a question, of which only the arrival matters.
pub(crate) async fn tell(
    http: &Http,
    limits: &Limits,
    service: &Service,
    head: Head<'_>,
    message: Bytes,
) -> Result<(), RelayError> {
    let sending = async {
        let response = http.send(service, Method::POST, head, message).await?;
        let response = accepted(service, head, response)?;
        // Read to the end, so that the connection can be used again.
        let _ = http_body_util::Limited::new(response.into_body(), 64 << 10).collect().await;
        Ok(())
    };
    in_time(limits, service, sending).await
}

/// Ends a session of ours. A service may refuse (405), forget or be gone: all the same to us.
pub(crate) async fn close(http: &Http, limits: &Limits, service: &Service, opened: &Opened) {
    if matches!(opened.wire, Wire::Streamable(Some(_))) {
        let closing = http.send(service, Method::DELETE, opened.head(), Bytes::new());
        let _ = tokio::time::timeout(limits.handshake, closing).await;
    }
}

/// The response when its status says that the message was taken; else what the status means.
pub(crate) fn accepted<B>(
    service: &Service,
    head: Head<'_>,
    response: Response<B>,
) -> Result<Response<B>, RelayError> {
    let title = service.title.clone();
    match response.status() {
        status if status.is_success() => Ok(response),
        StatusCode::NOT_FOUND if head.session.is_some() => Err(RelayError::SessionGone { title }),
        StatusCode::UNAUTHORIZED => Err(RelayError::SignedOut { title }),
        StatusCode::FORBIDDEN => Err(match lacks(service, response.headers()) {
            Some(wanted) => RelayError::Lacks { title, wanted },
            None => RelayError::Status { title, status: StatusCode::FORBIDDEN.as_u16() },
        }),
        StatusCode::TOO_MANY_REQUESTS => {
            let wait = response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok());
            // A number of seconds or a date; anything longer is not repeated.
            Err(RelayError::Busy { title, wait: wait.filter(|w| w.len() <= 40).map(ToOwned::to_owned) })
        }
        status => Err(RelayError::Status { title, status: status.as_u16() }),
    }
}

/// What a service that answers 403 wants to be allowed, in so many words.
fn lacks(service: &Service, headers: &http::HeaderMap) -> Option<Vec<String>> {
    service.proof.as_ref()?.lacks(headers)
}

/// Whether a response is an event stream, one message, or neither.
pub(crate) enum Kind {
    Events,
    Json,
    Other,
}

pub(crate) fn kind<B>(response: &Response<B>) -> Kind {
    match response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()) {
        Some(v) if mcp::is_media_type(v, mcp::EVENT_STREAM) => Kind::Events,
        Some(v) if mcp::is_media_type(v, mcp::JSON) => Kind::Json,
        _ => Kind::Other,
    }
}

pub(crate) async fn answer_of(
    limits: &Limits,
    service: &Service,
    response: Response<Incoming>,
    id: &Id,
) -> Result<Box<RawValue>, RelayError> {
    let title = || service.title.clone();
    let died = |_| RelayError::Died { title: title() };
    let result = |data: &[u8]| match Message::peek(data) {
        Ok(Message::Response(r)) if r.id.as_ref() == Some(id) => match r.outcome {
            Outcome::Result(value) => Some(Ok(value.into_owned())),
            Outcome::Error(_) => Some(Err(RelayError::Declined { title: title() })),
        },
        _ => None,
    };
    let kind = kind(&response);
    let mut body = response.into_body();
    match kind {
        Kind::Json => {
            let mut all = BytesMut::new();
            while let Some(frame) = body.frame().await {
                if let Some(data) = frame.map_err(died)?.data_ref() {
                    all.extend_from_slice(data);
                }
                if all.len() > limits.message {
                    return Err(RelayError::TooLarge { title: title() });
                }
            }
            result(&all).unwrap_or_else(|| Err(RelayError::NoMcp { title: title() }))
        }
        Kind::Events => {
            let mut events = sse::Decoder::new(limits.message);
            while let Some(frame) = body.frame().await {
                events.push(frame.map_err(died)?.data_ref().map_or(&[][..], |d| d));
                while let Some(event) =
                    events.next_event().map_err(|_| RelayError::TooLarge { title: title() })?
                {
                    if let Some(answer) = result(event.data.as_bytes()) {
                        return answer;
                    }
                }
            }
            Err(RelayError::Died { title: title() })
        }
        Kind::Other => Err(RelayError::NoMcp { title: title() }),
    }
}
