use crate::{Answer, App, Events, Http, Tokens};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::cell::Cell;

/// An MCP session over HTTP, of the revision 2025-06-18.
pub struct Session {
    http: Http,
    endpoint: String,
    bearer: String,
    /// The id that the server gave it.
    pub id: String,
    /// The answer to `initialize`.
    pub hello: Value,
    next: Cell<u64>,
}

const REVISION: &str = "2025-06-18";

impl Session {
    /// The request that begins one.
    pub fn initialize(id: u64) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "method": "initialize", "params": {
            "protocolVersion": REVISION,
            "capabilities": {},
            "clientInfo": { "name": "bellhop-tests", "version": "1" },
        }})
    }

    /// Begin one.
    ///
    /// # Panics
    /// When that fails.
    pub async fn open(app: &App, tokens: &Tokens) -> Self {
        Self::at(&app.http, &app.endpoint, &tokens.access).await
    }

    /// Begin one at any endpoint.
    ///
    /// # Panics
    /// When that fails.
    pub async fn at(http: &Http, endpoint: &str, bearer: &str) -> Self {
        let mut session = Self {
            http: http.clone(),
            endpoint: endpoint.to_owned(),
            bearer: bearer.to_owned(),
            id: String::new(),
            hello: Value::Null,
            next: Cell::new(1),
        };
        let answer = session.post(&Self::initialize(0)).await;
        assert_eq!(answer.status, StatusCode::OK);
        session.id = answer.header("mcp-session-id").to_owned();
        session.hello = message(answer, &json!(0)).await["result"].clone();
        assert_eq!(session.hello["protocolVersion"], REVISION);
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(session.post(&ready).await.status, StatusCode::ACCEPTED);
        session
    }

    /// Send any message.
    pub async fn post(&self, message: &Value) -> Answer {
        self.send(Method::POST, &message.to_string()).await
    }

    /// Send anything.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(&self, method: Method, body: &str) -> Answer {
        self.try_send(method, body).await.unwrap_or_else(|e| panic!("{}: {e}", self.endpoint))
    }

    async fn try_send(&self, method: Method, body: &str) -> Result<Answer, String> {
        let bearer = format!("Bearer {}", self.bearer);
        let mut headers = vec![
            ("authorization", bearer.as_str()),
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
        ];
        if !self.id.is_empty() {
            headers.extend([("mcp-session-id", self.id.as_str()), ("mcp-protocol-version", REVISION)]);
        }
        self.http.try_send(method, &self.endpoint, &headers, body.to_owned()).await
    }

    /// A request's whole answer: with `result` or with `error`.
    ///
    /// # Panics
    /// When there is none.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let (id, answer) = self.begin(method, params).await;
        assert_eq!(answer.status, StatusCode::OK, "{method}");
        message(answer, &id).await
    }

    /// Send a request; its id, and the head of its answer.
    pub async fn begin(&self, method: &str, params: Value) -> (Value, Answer) {
        let id = json!(self.next.replace(self.next.get() + 1));
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        (id, self.post(&request).await)
    }

    /// Send a request, whose answer may as well never come.
    pub async fn begin_quietly(&self, method: &str, params: Value) {
        let id = json!(self.next.replace(self.next.get() + 1));
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let _ = self.try_send(Method::POST, &request.to_string()).await;
    }

    /// Call a tool; its result.
    ///
    /// # Panics
    /// When the answer is an error.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await;
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].clone()
    }

    /// Call a tool that tells how far it is; the id, and what it tells.
    pub async fn watch(&self, tool: &str, arguments: Value) -> (Value, Events) {
        let params = json!({ "name": tool, "arguments": arguments, "_meta": { "progressToken": "how far" } });
        let (id, answer) = self.begin("tools/call", params).await;
        (id, answer.events())
    }

    /// The names of all tools.
    ///
    /// # Panics
    /// When they are not listed.
    pub async fn tools(&self) -> Vec<String> {
        let answer = self.ask("tools/list", json!({})).await;
        let tools = answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("{answer}"));
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }
}

/// The answer to this id, in a body of either kind.
async fn message(answer: Answer, id: &Value) -> Value {
    if !answer.streams() {
        return answer.value().await;
    }
    let all = answer.events().rest().await;
    let found = all.iter().find(|m| m["id"] == *id && m.get("method").is_none());
    found.unwrap_or_else(|| panic!("no answer to {id}: {all:?}")).clone()
}
