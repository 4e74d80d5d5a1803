//! What must be so of the envelope, whatever bytes come.

use bellhop_protocol::{Flaw, Message, Notification, Object, Packet, Request, Response};
use serde_json::Value;

/// Reads the bytes as the body of a POST; and, where they are one, sends on what was read and lets another
/// reader say what it makes of both.
///
/// # Panics
/// When something is not so.
pub(crate) fn holds(bytes: &[u8]) {
    if let Ok(answer) = Message::peek(bytes) {
        let again = answer.to_bytes();
        assert!(Message::peek(&again).is_ok(), "what was passed on is no message any more: {again:?}");
    }
    match Packet::parse(bytes) {
        Ok(Packet::One(message)) => {
            assert!(Message::parse(bytes).is_ok() && Message::peek(bytes).is_ok());
            one(&message, second_reader(bytes).as_ref());
        }
        Ok(Packet::Batch(messages)) => {
            assert!(!messages.is_empty(), "an empty batch");
            let value = second_reader(bytes);
            if let Some(value) = &value {
                assert_eq!(value.as_array().map(Vec::len), Some(messages.len()));
            }
            for (at, message) in messages.iter().enumerate() {
                one(message, value.as_ref().map(|v| &v[at]));
            }
        }
        Err(flaw) => {
            let told = flaw.to_string();
            assert!(told.chars().count() < 120 && !told.chars().any(char::is_control), "{told:?}");
            if flaw == Flaw::Malformed {
                assert!(serde_json::from_slice::<Value>(bytes).is_err(), "JSON was taken for none");
            }
        }
    }
}

/// `came` is what the second reader makes of the message as it came.
fn one(message: &Message<'_>, came: Option<&Value>) {
    let bytes = message.to_bytes();
    let again =
        Message::parse(&bytes).unwrap_or_else(|e| panic!("what is sent on is refused: {e}: {bytes:?}"));
    assert_eq!(format!("{message:?}"), format!("{again:?}"), "read again, it is another message");
    assert_eq!(again.to_bytes(), bytes, "written again, it is another text");
    let sent = second_reader(&bytes);
    for (value, ours) in [(came, false), (sent.as_ref(), true)] {
        let Some(value) = value else { continue };
        agrees(message, value);
        let known = ["jsonrpc", "id", "method", "params", "result", "error"];
        let members = value.as_object().unwrap_or_else(|| panic!("no object"));
        assert!(
            !ours || members.keys().all(|name| known.contains(&name.as_str())),
            "unread members were sent on"
        );
    }
    if let (Some(came), Some(sent)) = (came, &sent) {
        let passed: &[&str] = match message {
            Message::Request(_) | Message::Notification(_) => &["params"],
            Message::Response(_) => &["result", "error"],
        };
        for name in passed {
            let (came, sent) = (came.get(name), sent.get(name));
            assert!(came == sent || came == Some(&Value::Null) && sent.is_none(), "{name} was changed");
        }
    }
}

/// Whether the second reader sees the same in the message as we do.
fn agrees(message: &Message<'_>, value: &Value) {
    assert_eq!(value["jsonrpc"], "2.0");
    let (method, params) = match message {
        Message::Request(Request { id, method, params }) => {
            assert_eq!(serde_json::from_str::<Value>(id.json()).ok().as_ref(), value.get("id"), "another id");
            assert_eq!(id.as_text().as_deref(), value["id"].as_str());
            (Some(method), params.as_ref())
        }
        Message::Notification(Notification { method, params }) => {
            assert!(value.get("id").is_none(), "a request was taken for a notification");
            (Some(method), params.as_ref())
        }
        Message::Response(Response { id, .. }) => {
            let id =
                id.as_ref().map_or(Value::Null, |id| serde_json::from_str(id.json()).unwrap_or_default());
            assert_eq!(&id, value.get("id").unwrap_or(&Value::Null), "another id");
            (None, None)
        }
    };
    assert_eq!(method.map(AsRef::as_ref), value.get("method").and_then(Value::as_str), "another method");
    if method.is_some() {
        for name in ["name", "uri"] {
            let ours = params.and_then(|p: &Object<'_>| p.text(name));
            assert_eq!(ours.as_deref(), value["params"][name].as_str(), "another {name}");
        }
    }
}

/// What serde_json's own values make of the bytes: other code than ours, and for a name that stands twice the
/// other choice. `None` for what they can't hold, numbers beyond a float and halves of a surrogate pair.
fn second_reader(bytes: &[u8]) -> Option<Value> {
    match serde_json::from_slice(bytes) {
        Ok(value) => Some(value),
        Err(e) => {
            let why = e.to_string();
            let known = ["number out of range", "surrogate", "unexpected end of hex escape"];
            assert!(known.iter().any(|k| why.contains(k)), "the second reader takes it for no JSON: {why}");
            None
        }
    }
}
