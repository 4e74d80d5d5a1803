use crate::{Answer, Http};
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::cell::Cell;

/// A conversation with an MCP server in either era, of which every message is kept as it came. Whatever the server
/// asks is answered.
pub struct Talk {
    http: Http,
    url: String,
    bearer: Option<String>,
    era: Era,
    /// The answer to the first request: `initialize` or `server/discover`.
    pub hello: Value,
    next: Cell<u64>,
}

enum Era {
    Legacy { session: String },
    Modern,
}

/// What came of a request.
#[derive(Debug)]
pub struct Heard {
    /// The status of the first answer.
    pub status: StatusCode,
    /// All messages in their order, questions included; the answer is the last.
    pub messages: Vec<Value>,
}

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

impl Talk {
    /// One of the old era.
    ///
    /// # Panics
    /// When the server has no such session.
    pub async fn legacy(http: &Http, url: &str, bearer: Option<&str>) -> Self {
        let mut talk = Self::new(http, url, bearer, Era::Legacy { session: String::new() });
        let params = json!({
            "protocolVersion": LEGACY, "capabilities": capabilities(), "clientInfo": about(),
        });
        let answer = talk.send("initialize", Some(json!(0)), params).await;
        assert_eq!(answer.status, StatusCode::OK);
        talk.era = Era::Legacy { session: answer.header("mcp-session-id").to_owned() };
        talk.hello = talk.read(answer, &json!(0)).await.pop().unwrap()["result"].clone();
        assert_eq!(talk.hello["protocolVersion"], LEGACY);
        let ready = talk.send("notifications/initialized", None, json!({})).await;
        assert_eq!(ready.status, StatusCode::ACCEPTED);
        talk
    }

    /// One of the new era.
    pub async fn modern(http: &Http, url: &str, bearer: Option<&str>) -> Self {
        let mut talk = Self::new(http, url, bearer, Era::Modern);
        talk.hello = talk.ask("server/discover", json!({})).await.answer()["result"].clone();
        talk
    }

    fn new(http: &Http, url: &str, bearer: Option<&str>, era: Era) -> Self {
        let (url, bearer) = (url.to_owned(), bearer.map(str::to_owned));
        Self { http: http.clone(), url, bearer, era, hello: Value::Null, next: Cell::new(1) }
    }

    /// Send a request, and answer whatever is asked until it is done.
    ///
    /// # Panics
    /// When it never is.
    pub async fn ask(&self, method: &str, params: Value) -> Heard {
        let mut heard = self.once(method, &params).await;
        while let Some(answers) = heard.asked() {
            let mut again = params.clone();
            again["inputResponses"] = answers;
            if let Some(state) = heard.answer()["result"].get("requestState") {
                again["requestState"] = state.clone();
            }
            heard.messages.extend(self.once(method, &again).await.messages);
            assert!(heard.messages.len() < 100, "it asks and asks: {heard:?}");
        }
        heard
    }

    /// Send a request; what is heard until its answer, which may be a question.
    pub async fn once(&self, method: &str, params: &Value) -> Heard {
        let id = json!(self.next.replace(self.next.get() + 1));
        let answer = self.send(method, Some(id.clone()), params.clone()).await;
        let status = answer.status;
        Heard { status, messages: self.read(answer, &id).await }
    }

    async fn send(&self, method: &str, id: Option<Value>, mut params: Value) -> Answer {
        let mut message = json!({ "jsonrpc": "2.0", "method": method });
        if let Some(id) = id {
            message["id"] = id;
        }
        let name = params.get("name").or_else(|| params.get("uri")).cloned();
        if matches!(self.era, Era::Modern) {
            let meta = params.as_object_mut().unwrap().entry("_meta").or_insert(json!({}));
            for (key, value) in [
                ("protocolVersion", json!(MODERN)),
                ("clientCapabilities", capabilities()),
                ("clientInfo", about()),
                ("logLevel", json!("debug")),
            ] {
                meta[format!("io.modelcontextprotocol/{key}")] = value;
            }
        }
        let mirrored = matches!(method, "tools/call" | "prompts/get" | "resources/read");
        let name = name.as_ref().and_then(Value::as_str).filter(|_| mirrored);
        let city =
            params["arguments"]["city"].as_str().filter(|_| name == Some("test_headers")).map(str::to_owned);
        message["params"] = params.clone();
        self.post(&message, method, name, city.as_deref()).await
    }

    async fn post(&self, message: &Value, method: &str, name: Option<&str>, city: Option<&str>) -> Answer {
        let bearer = self.bearer.as_ref().map(|bearer| format!("Bearer {bearer}"));
        let mut headers =
            vec![("accept", "application/json, text/event-stream"), ("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        match &self.era {
            Era::Legacy { session } if session.is_empty() => {}
            Era::Legacy { session } => {
                headers.extend([("mcp-session-id", session.as_str()), ("mcp-protocol-version", LEGACY)]);
            }
            Era::Modern => {
                headers.extend([("mcp-method", method), ("mcp-protocol-version", MODERN)]);
                headers.extend(name.map(|name| ("mcp-name", name)));
                headers.extend(city.map(|city| ("mcp-param-city", city)));
            }
        }
        self.http.send(Method::POST, &self.url, &headers, message.to_string()).await
    }

    /// All messages up to the answer to this id. Questions are answered as they come.
    async fn read(&self, answer: Answer, id: &Value) -> Vec<Value> {
        if !answer.streams() {
            let value = answer.value().await;
            assert_eq!(value["id"], *id, "{value}");
            return vec![value];
        }
        let mut events = answer.events();
        let mut messages = Vec::new();
        while let Some(message) = events.next().await {
            let is_request = message.get("method").is_some() && message.get("id").is_some();
            let is_answer = message["id"] == *id && message.get("method").is_none();
            if is_request {
                let reply = json!({
                    "jsonrpc": "2.0", "id": message["id"], "result": reply(&message),
                });
                let taken = self.post(&reply, "", None, None).await;
                assert_eq!(taken.status, StatusCode::ACCEPTED, "{reply}");
            }
            messages.push(message);
            if is_answer {
                return messages;
            }
        }
        panic!("no answer to {id}: {messages:?}");
    }
}

impl Heard {
    /// The answer.
    ///
    /// # Panics
    /// When nothing was heard.
    pub fn answer(&self) -> &Value {
        self.messages.last().unwrap()
    }

    /// The answers to what the service asks in its result; `None` when it asks nothing.
    fn asked(&self) -> Option<Value> {
        let result = &self.answer()["result"];
        if result["resultType"] != "input_required" {
            return None;
        }
        let questions = result["inputRequests"].as_object().unwrap();
        Some(
            questions
                .iter()
                .map(|(key, question)| (key.clone(), reply(question)))
                .collect::<Map<_, _>>()
                .into(),
        )
    }
}

fn about() -> Value {
    json!({ "name": "bellhop-tests", "version": "1" })
}

fn capabilities() -> Value {
    json!({ "sampling": {}, "elicitation": { "form": {}, "url": {} }, "roots": { "listChanged": true } })
}

/// What is answered to a question.
fn reply(question: &Value) -> Value {
    match question["method"].as_str().unwrap() {
        "elicitation/create" => {
            let fields = question["params"]["requestedSchema"]["properties"].as_object().cloned();
            let content: Map<_, _> =
                fields.unwrap_or_default().into_iter().map(|(name, field)| (name, filled(&field))).collect();
            json!({ "action": "accept", "content": content })
        }
        "sampling/createMessage" => json!({
            "role": "assistant",
            "content": { "type": "text", "text": "Two of Assam" },
            "model": "tests",
            "stopReason": "endTurn",
        }),
        "roots/list" => json!({ "roots": [{ "uri": "file:///srv/tea", "name": "tea" }] }),
        other => panic!("it asks {other}"),
    }
}

/// A word for a field of a form.
fn filled(field: &Value) -> Value {
    let first = |kind: &Value| {
        let titled = kind["oneOf"].as_array().or_else(|| kind["anyOf"].as_array());
        kind["enum"].get(0).cloned().or_else(|| titled.map(|all| all[0]["const"].clone()))
    };
    match field["type"].as_str() {
        Some("array") => json!([first(&field["items"])]),
        Some("boolean") => json!(true),
        Some("integer") => json!(7),
        Some("number") => json!(7.5),
        _ => first(field).unwrap_or_else(|| json!("Anna")),
    }
}
