//! The requests that are measured, made once and sent many times with another id.

use hyper::{HeaderMap, Uri};
use serde_json::{Value, json};
use std::sync::Arc;

/// Which generation of MCP a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// 2025-11-25: `initialize` and a session.
    Legacy,
    /// 2026-07-28: every request stands for itself.
    Modern,
}

/// The revision that a legacy client asks for.
pub(crate) const LEGACY: &str = "2025-11-25";
/// The revision of the modern era.
pub(crate) const MODERN: &str = "2026-07-28";

/// All ids have ten digits, so that a request's length doesn't depend on its id.
pub(crate) const FIRST_ID: u64 = 1_000_000_000;

/// The address and headers of an HTTP request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    /// The path.
    pub path: Uri,
    /// The headers.
    pub headers: HeaderMap,
}

/// A request. It is written anew each time it is sent, as apps do.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    json: Value,
    /// What an HTTP request with it says besides.
    head: Option<Arc<Head>>,
    /// Whether it is a line.
    line: bool,
    written: Vec<u8>,
}

impl Message {
    /// The JSON of a request of this era.
    pub(crate) fn json(era: Era, method: &str, mut params: Value) -> Self {
        if era == Era::Modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": { "name": "bellhop-bench", "version": "1" },
            });
        }
        let json = json!({ "jsonrpc": "2.0", "id": FIRST_ID, "method": method, "params": params });
        Self { json, head: None, line: false, written: Vec::new() }
    }

    /// The JSON of a notice.
    pub(crate) fn notice(method: &str) -> Self {
        let json = json!({ "jsonrpc": "2.0", "method": method });
        Self { json, head: None, line: false, written: Vec::new() }
    }

    /// The echo of so many bytes.
    pub(crate) fn echo(era: Era, tool: &str, size: usize) -> Self {
        Self::json(era, "tools/call", json!({ "name": tool, "arguments": { "text": "x".repeat(size) } }))
    }

    /// The same as the body of an HTTP request.
    pub(crate) fn under(self, head: Head) -> Self {
        Self { head: Some(Arc::new(head)), ..self }
    }

    /// What an HTTP request with it says besides.
    pub(crate) fn head(&self) -> Head {
        self.head.as_deref().cloned().unwrap_or_default()
    }

    /// The same as a line.
    pub(crate) fn line(self) -> Self {
        Self { line: true, ..self }
    }

    /// The bytes, with this id; and the id as it stands in them.
    pub(crate) fn with_id(&mut self, id: u64) -> (&[u8], u64) {
        let id = FIRST_ID + id;
        if self.json.get("id").is_some() {
            self.json["id"] = id.into();
        }
        self.written.clear();
        // Writing JSON to memory can't fail.
        let _ = serde_json::to_writer(&mut self.written, &self.json);
        if self.line {
            self.written.push(b'\n');
        }
        (&self.written, id)
    }
}

/// Whether an answer is the one to this id, and a result or an error. All of it is read, as apps do.
pub(crate) fn answers(body: &[u8], id: u64) -> Option<Answered> {
    let answer = value(body)?;
    if answer["id"] != id {
        return None;
    }
    Some(if answer.get("result").is_some() { Answered::Result } else { Answered::Error })
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered {
    /// It was done.
    Result,
    /// It was not.
    Error,
}

/// The JSON in a body, which may be an event stream.
pub(crate) fn value(body: &[u8]) -> Option<Value> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Some(value);
    }
    let text = std::str::from_utf8(body).ok()?;
    let mut found = text.lines().filter_map(|line| line.strip_prefix("data:"));
    found.rfind(|data| !data.trim().is_empty()).and_then(|data| serde_json::from_str(data).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_changes_nothing_else() {
        let mut message = Message::echo(Era::Modern, "echo", 64).line();
        let before = message.with_id(1).0.len();
        let (bytes, id) = message.with_id(7);
        assert_eq!(id, 1_000_000_007);
        assert_eq!(bytes.len(), before);
        let json = bytes.split(|b| *b == b'\n').rfind(|line| line.starts_with(b"{")).unwrap();
        let value: Value = serde_json::from_slice(json).unwrap();
        assert_eq!(value["id"], 1_000_000_007_u64);
        assert_eq!(value["params"]["arguments"]["text"].as_str().map(str::len), Some(64));
    }

    #[test]
    fn an_answer_to_another_id_is_not_ours() {
        let (_, ours) = Message::echo(Era::Legacy, "echo", 1).with_id(12);
        let answered = |text: &[u8]| answers(text, ours);
        assert_eq!(answered(br#"{"jsonrpc":"2.0","id":1000000012,"result":{}}"#), Some(Answered::Result));
        assert_eq!(answered(br#"{"jsonrpc":"2.0","id":1000000012,"error":{}}"#), Some(Answered::Error));
        assert_eq!(answered(br#"{"jsonrpc":"2.0","id":1000000013,"result":{}}"#), None);
    }

    #[test]
    fn the_last_event_of_a_stream_is_the_answer() {
        let body = b"event: message\ndata: {\"method\":\"x\"}\n\ndata: {\"id\":1}\n\ndata: \n\n";
        assert_eq!(value(body), Some(json!({ "id": 1 })));
    }
}
