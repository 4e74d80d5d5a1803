//! Answers to apps.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use protocol::{Id, header as mcp};

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

/// A body that goes on.
pub(crate) fn stream<B>(media_type: &'static str, body: B) -> Response
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    with_type(StatusCode::OK, media_type, Body::new(body))
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
