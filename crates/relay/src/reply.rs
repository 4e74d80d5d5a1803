//! Answers to apps.

use crate::problem::RelayError;
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use protocol::{Era, Id, Message, Object, Outcome, code, header as mcp};

fn with_type(status: StatusCode, media_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// One message.
pub(crate) fn message(message: Bytes) -> Response {
    with_type(StatusCode::OK, mcp::JSON, Body::from(message))
}

/// One message with a status of its own.
pub(crate) fn message_with(status: StatusCode, message: Bytes) -> Response {
    with_type(status, mcp::JSON, Body::from(message))
}

/// An error of ours, as an app of this era gets it.
pub(crate) fn error(era: Era, error: &RelayError, id: &Id) -> Response {
    let message = error.reply(era, id);
    message_with(status_of(era, &message), message)
}

/// The status that goes with a message. The modern era gives one to some errors (2026-07-28, "Streamable HTTP");
/// apps of the legacy era read the body of a 200 for sure.
pub(crate) fn status_of(era: Era, message: &[u8]) -> StatusCode {
    if era == Era::Legacy {
        return StatusCode::OK;
    }
    let Ok(Message::Response(response)) = Message::peek(message) else { return StatusCode::OK };
    let Outcome::Error(error) = response.outcome else { return StatusCode::OK };
    let number = Object::parse(error.get()).ok().and_then(|e| e.get("code")?.get().parse::<i64>().ok());
    match number {
        Some(code::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        Some(code::HEADER_MISMATCH | code::MISSING_CAPABILITY | code::UNSUPPORTED_VERSION) => {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::OK,
    }
}

/// A body that goes on.
pub(crate) fn stream<B>(media_type: &'static str, body: B) -> Response
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let mut response = with_type(StatusCode::OK, media_type, Body::new(body));
    if media_type == mcp::EVENT_STREAM {
        // Whoever stands between passes each event on as it comes.
        response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    }
    response
}

/// Taken, with nothing to say.
pub(crate) fn taken() -> Response {
    StatusCode::ACCEPTED.into_response()
}

/// Refused for how it was sent: a status, and for an app that reads bodies a JSON-RPC error.
pub(crate) fn refuse(status: StatusCode, id: Option<&Id>, code: i64, text: &str) -> Response {
    with_type(status, mcp::JSON, Body::from(protocol::error(id, code, text)))
}

/// The same with one more header.
pub(crate) fn with(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
