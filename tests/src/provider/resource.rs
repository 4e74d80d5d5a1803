//! The MCP server: one tool that reads, without sessions, in the way of the legacy era.

use super::{
    Shared, lock,
    wire::{Reply, empty, json, whole},
};
use hyper::{HeaderMap, header};
use serde_json::{Value, json};

impl Shared {
    /// Answer a message, to somebody with a token.
    pub(super) fn mcp(&self, headers: &HeaderMap, body: &[u8]) -> Reply {
        let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
        let proof = text(header::AUTHORIZATION).and_then(|v| v.strip_prefix("Bearer "));
        if !self.admits(proof) {
            if proof.is_some() {
                self.seen.send_modify(|s| s.refused += 1);
            }
            let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", self.origin);
            let value = format!("Bearer resource_metadata=\"{metadata}\"");
            return whole(401, &[("www-authenticate", value)], "");
        }
        let Ok(message) = serde_json::from_slice::<Value>(body) else { return empty(400) };
        let Some(id) = message.get("id") else { return empty(202) };
        let result = match message["method"].as_str().unwrap_or_default() {
            "initialize" => json!({
                "protocolVersion": "2025-11-25",
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "faults", "title": "Faults", "version": "1" },
            }),
            "ping" => json!({}),
            "tools/list" => json!({ "tools": [{
                "name": "echo",
                "description": "Says it again",
                "inputSchema": { "type": "object", "properties": { "text": { "type": "string" } } },
                "annotations": { "readOnlyHint": true },
            }] }),
            "tools/call" => {
                self.seen.send_modify(|s| s.calls += 1);
                json!({ "content": [{ "type": "text", "text": message["params"]["arguments"]["text"] }] })
            }
            _ => {
                let error = json!({ "code": -32601, "message": "Method not found" });
                return json(200, &json!({ "jsonrpc": "2.0", "id": id, "error": error }));
            }
        };
        json(200, &json!({ "jsonrpc": "2.0", "id": id, "result": result }))
    }

    fn admits(&self, proof: Option<&str>) -> bool {
        let Some(token) = proof else { return false };
        {
            let ways = lock(&self.ways);
            if ways.refuses {
                return false;
            }
            if ways.api_tokens.iter().any(|t| t == token) {
                return true;
            }
        }
        let used = lock(&self.grants).of_access(token);
        if let Some((grant, number)) = used {
            self.oracle.used(&self.origin, grant, number);
        }
        used.is_some()
    }
}
