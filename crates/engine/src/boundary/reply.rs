//! Answers that a boundary layer gives by itself.

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};
use model::Problem;

/// An answer with a problem as JSON. `error` is the OAuth error code where one applies (RFC 6750 §3.1).
pub(crate) fn problem(status: StatusCode, error: &str, problem: &Problem) -> Response {
    let body = serde_json::json!({
        "error": error,
        "error_description": problem.to_string(),
        "code": problem.code,
        "sentence": problem.sentence,
        "next": problem.next,
    });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 408, and the connection closes with what is still to come on it.
pub(crate) fn too_slow() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// 403 without a word about why: whoever asks from another site learns nothing.
pub(crate) fn forbidden() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}
