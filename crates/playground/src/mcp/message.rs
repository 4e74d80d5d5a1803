//! JSON-RPC 2.0, as MCP narrows it.

use serde_json::{Value, json};

/// A message from a client.
pub(super) enum Message {
    Request {
        id: Value,
        method: String,
        params: Value,
    },
    Notification {
        method: String,
        params: Value,
    },
    /// An answer to a question of ours.
    Answer,
}

impl Message {
    /// The message in this JSON; the id to answer to (null when there is none) when it is no message.
    pub(super) fn parse(value: Value) -> Result<Self, Value> {
        let Value::Object(mut fields) = value else { return Err(Value::Null) };
        let id = match fields.remove("id") {
            None => None,
            Some(id) if id.is_string() || id.is_i64() || id.is_u64() => Some(id),
            Some(_) => return Err(Value::Null),
        };
        if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(id.unwrap_or(Value::Null));
        }
        let params = match fields.remove("params") {
            None => json!({}),
            Some(params) if params.is_object() => params,
            Some(_) => return Err(id.unwrap_or(Value::Null)),
        };
        match (fields.remove("method"), id) {
            (Some(Value::String(method)), Some(id)) => Ok(Self::Request { id, method, params }),
            (Some(Value::String(method)), None) => Ok(Self::Notification { method, params }),
            (None, Some(_)) if fields.contains_key("result") || fields.contains_key("error") => {
                Ok(Self::Answer)
            }
            (_, id) => Err(id.unwrap_or(Value::Null)),
        }
    }
}

/// What stands in the way of a request.
#[derive(Debug)]
pub(super) struct RpcError {
    code: i32,
    message: String,
}

impl RpcError {
    pub(super) fn parse() -> Self {
        Self { code: -32700, message: "this is no JSON".to_owned() }
    }

    pub(super) fn invalid() -> Self {
        Self { code: -32600, message: "this is no message".to_owned() }
    }

    pub(super) fn method(name: &str) -> Self {
        Self { code: -32601, message: format!("there is no method {name}") }
    }

    pub(super) fn params(why: impl Into<String>) -> Self {
        Self { code: -32602, message: why.into() }
    }

    /// No such resource, as these revisions number it.
    pub(super) fn resource(uri: &str) -> Self {
        Self { code: -32002, message: format!("there is no resource {uri}") }
    }

    pub(super) fn answer(&self, id: Value) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "error": { "code": self.code, "message": self.message } })
    }
}

/// The answer to the request `id`.
pub(super) fn answer(id: &Value, result: Result<Value, RpcError>) -> Value {
    match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => error.answer(id.clone()),
    }
}

/// A notification to the client.
pub(super) fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}
