use super::{VERSIONS, message::RpcError, notes, sessions::Session, tools};
use crate::House;
use serde_json::{Value, json};

/// The methods that need a session.
pub(super) const KNOWN: [&str; 10] = [
    "ping",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
];

/// The revision to speak, and what `initialize` answers.
pub(super) fn initialize(params: &Value) -> (&'static str, Value) {
    let asked = params["protocolVersion"].as_str().unwrap_or_default();
    let version = VERSIONS.into_iter().find(|v| *v == asked).unwrap_or(VERSIONS[0]);
    let result = json!({
        "protocolVersion": version,
        "capabilities": {
            "tools": {},
            "resources": { "subscribe": true, "listChanged": true },
            "prompts": {},
        },
        "serverInfo": { "name": "bellhop-playground", "title": "Playground", "version": env!("CARGO_PKG_VERSION") },
        "instructions": "A practice service with a few notes. Nothing here is real.",
    });
    (version, result)
}

/// Answer a request that takes no time.
pub(super) fn request(
    house: &House,
    session: &Session,
    method: &str,
    params: &Value,
) -> Result<Value, RpcError> {
    match method {
        "ping" => Ok(json!({})),
        "tools/list" => Ok(tools::list()),
        "tools/call" => tools::call(house, params),
        "resources/list" => Ok(notes::list(house)),
        "resources/templates/list" => Ok(notes::templates()),
        "resources/read" => notes::read(house, uri(params)?),
        "resources/subscribe" => {
            let uri = uri(params)?;
            notes::read(house, uri)?;
            session.subscribe(uri);
            Ok(json!({}))
        }
        "resources/unsubscribe" => {
            session.unsubscribe(uri(params)?);
            Ok(json!({}))
        }
        "prompts/list" => Ok(notes::prompts()),
        "prompts/get" => notes::prompt(house, params),
        _ => Err(RpcError::method(method)),
    }
}

/// Hear a notification. Unknown ones are ignored, as JSON-RPC has it.
pub(super) fn notification(session: &Session, method: &str, params: &Value) {
    if method == "notifications/cancelled" {
        session.cancel(&params["requestId"]);
    }
}

fn uri(params: &Value) -> Result<&str, RpcError> {
    params["uri"].as_str().ok_or_else(|| RpcError::params("uri is missing"))
}
