//! The requests that are measured, made once and sent many times with another id.

use serde_json::{Value, json};

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
const FIRST_ID: u64 = 1_000_000_000;

/// A request in bytes, whose id can be changed in place.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    bytes: Vec<u8>,
    id_at: usize,
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
        let before = r#"{"jsonrpc":"2.0","id":"#;
        let text = format!(r#"{before}{FIRST_ID},"method":"{method}","params":{params}}}"#);
        Self { id_at: before.len(), bytes: text.into_bytes() }
    }

    /// The echo of so many bytes.
    pub(crate) fn echo(era: Era, tool: &str, size: usize) -> Self {
        Self::json(era, "tools/call", json!({ "name": tool, "arguments": { "text": "x".repeat(size) } }))
    }

    /// The same with something before it, such as the head of an HTTP request.
    pub(crate) fn after(self, head: &str) -> Self {
        let id_at = self.id_at + head.len();
        Self { bytes: [head.as_bytes(), &self.bytes].concat(), id_at }
    }

    /// The same as a line.
    pub(crate) fn line(mut self) -> Self {
        self.bytes.push(b'\n');
        self
    }

    /// How long it is.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes, with this id; and the id as it stands in them.
    pub(crate) fn with_id(&mut self, id: u64) -> (&[u8], [u8; 10]) {
        let mut digits = [0; 10];
        let mut rest = FIRST_ID + id;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        self.bytes[self.id_at..self.id_at + 10].copy_from_slice(&digits);
        (&self.bytes, digits)
    }
}

/// Whether an answer is the one to this id: it stands in the envelope, which is at one of the two ends.
pub(crate) fn answers(body: &[u8], id: &[u8; 10]) -> bool {
    const NEAR: usize = 160;
    let ends = [&body[..body.len().min(NEAR)], &body[body.len().saturating_sub(NEAR)..]];
    ends.iter().any(|end| end.windows(10).any(|window| window == id))
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
        let mut message = Message::echo(Era::Modern, "echo", 64).after("POST / HTTP/1.1\r\n\r\n").line();
        let before = message.len();
        let (bytes, digits) = message.with_id(7);
        assert_eq!(&digits, b"1000000007");
        assert_eq!(bytes.len(), before);
        let json = bytes.split(|b| *b == b'\n').rfind(|line| line.starts_with(b"{")).unwrap();
        let value: Value = serde_json::from_slice(json).unwrap();
        assert_eq!(value["id"], 1_000_000_007_u64);
        assert_eq!(value["params"]["arguments"]["text"].as_str().map(str::len), Some(64));
    }

    #[test]
    fn an_answer_to_another_id_is_not_ours() {
        let (_, ours) = Message::echo(Era::Legacy, "echo", 1).with_id(12);
        assert!(answers(br#"{"jsonrpc":"2.0","id":1000000012,"result":{}}"#, &ours));
        assert!(!answers(br#"{"jsonrpc":"2.0","id":1000000013,"result":{}}"#, &ours));
    }

    #[test]
    fn the_last_event_of_a_stream_is_the_answer() {
        let body = b"event: message\ndata: {\"method\":\"x\"}\n\ndata: {\"id\":1}\n\ndata: \n\n";
        assert_eq!(value(body), Some(json!({ "id": 1 })));
    }
}
