//! Requests and answers of the endpoints that apps call by themselves.

use crate::{RowsError, params::Params};
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Serialize;
use std::borrow::Cow;

/// The longest body of such a request, in bytes.
const LONGEST: usize = 64 * 1024;

/// An error in the words of RFC 6749 §5.2, RFC 7009 or RFC 7591 §3.2.2.
#[derive(Debug)]
pub(crate) struct OauthError {
    status: StatusCode,
    error: &'static str,
    description: Cow<'static, str>,
    retry_after: Option<u64>,
}

impl OauthError {
    /// 400 with this code. The description is for the app's developer: ASCII, no quotes, no secrets.
    pub(crate) fn bad(error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into(), retry_after: None }
    }

    /// The same with another status.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same with the seconds after which to try again.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Bellhop can't, for now; the same request may work later.
    pub(crate) fn trouble() -> Self {
        Self::bad("temporarily_unavailable", "Bellhop could not store this; try again")
            .status(StatusCode::SERVICE_UNAVAILABLE)
            .retry_after(2)
    }
}

impl From<RowsError> for OauthError {
    fn from(error: RowsError) -> Self {
        tracing::error!(%error, "the authority could not read or write");
        Self::trouble()
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a str,
            error_description: &'a str,
        }
        let mut response =
            json(self.status, &Body { error: self.error, error_description: &self.description });
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A JSON answer that nobody keeps.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let mut response = (status, bytes).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            no_store(headers);
            response
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// No cache keeps it.
pub(crate) fn no_store(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}

/// Whether the body is of this type, whatever parameters stand behind it.
fn is_of_type(headers: &HeaderMap, expected: &str) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(expected)
}

async fn bytes(body: Body, error: &'static str) -> Result<Bytes, OauthError> {
    to_bytes(body, LONGEST).await.map_err(|_| {
        OauthError::bad(error, "the body has at most 65536 bytes").status(StatusCode::PAYLOAD_TOO_LARGE)
    })
}

/// A form, with each parameter but `resource` once.
pub(crate) async fn form(headers: &HeaderMap, body: Body) -> Result<Params, OauthError> {
    if !is_of_type(headers, "application/x-www-form-urlencoded") {
        return Err(OauthError::bad("invalid_request", "send application/x-www-form-urlencoded"));
    }
    let params = Params::read(&bytes(body, "invalid_request").await?);
    if params.any_repeats() {
        return Err(OauthError::bad("invalid_request", "a parameter stands more than once"));
    }
    Ok(params)
}

/// The bytes of a JSON body.
pub(crate) async fn json_bytes(headers: &HeaderMap, body: Body) -> Result<Bytes, OauthError> {
    if !is_of_type(headers, "application/json") {
        return Err(OauthError::bad("invalid_client_metadata", "send application/json")
            .status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    bytes(body, "invalid_client_metadata").await
}
