use crate::{Id, raw};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct Failure<'a> {
    jsonrpc: &'static str,
    id: Option<&'a Id>,
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: i64,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Success<'a, T> {
    jsonrpc: &'static str,
    id: &'a Id,
    result: T,
}

/// An error response. `None` for the id of a request that could not be read.
pub fn error(id: Option<&Id>, code: i64, message: &str) -> Bytes {
    error_with(id, code, message, None)
}

/// An error response with `data`.
pub fn error_with(id: Option<&Id>, code: i64, message: &str, data: Option<&RawValue>) -> Bytes {
    bytes_of(&Failure { jsonrpc: "2.0", id, error: Error { code, message, data } })
}

/// A result response.
pub fn result(id: &Id, result: impl Serialize) -> Bytes {
    bytes_of(&Success { jsonrpc: "2.0", id, result })
}

pub(crate) fn bytes_of<T: Serialize>(value: &T) -> Bytes {
    Bytes::from(String::from(Box::<str>::from(raw(value))))
}
