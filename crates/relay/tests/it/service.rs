//! A small MCP server of the legacy era whose behaviour tests switch.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// One request the server got.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        value(&self.text).unwrap_or(Value::Null)
    }
}

/// JSON to look into. The number that no reader of values holds, which tests use to see whether anybody on the
/// way read it as one, reads as 0.
pub(crate) fn value(text: &str) -> Option<Value> {
    serde_json::from_str(&text.replace("1e400", "0")).ok()
}

#[derive(Default)]
pub(crate) struct Switches {
    /// The only token that is good; any when `None`.
    pub(crate) token: Option<String>,
    pub(crate) tools: Vec<Value>,
    pub(crate) got: Vec<Got>,
    sessions: HashSet<String>,
    next: usize,
    answers: HashMap<String, oneshot::Sender<Value>>,
    listeners: Vec<mpsc::UnboundedSender<String>>,
    /// Slow calls run until this says go on.
    pub(crate) slow: Vec<mpsc::UnboundedSender<String>>,
    pub(crate) silent: bool,
    /// The call whose answer waits for whoever resumes its stream.
    resumable: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) state: Arc<Mutex<Switches>>,
    pub(crate) address: SocketAddr,
    task: Arc<tokio::task::JoinHandle<()>>,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if Arc::strong_count(&self.task) == 1 {
            self.task.abort();
        }
    }
}

pub(crate) fn tools() -> Vec<Value> {
    let reads =
        |name: &str| json!({"name":name,"inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}});
    let names = [
        "echo",
        "slow",
        "dies",
        "dies_json",
        "ask",
        "fail",
        "html",
        "busy",
        "broken",
        "big",
        "silent",
        "quiet_end",
    ];
    let mut tools: Vec<Value> = names.iter().map(|n| reads(n)).collect();
    tools.push(json!({"name":"write","inputSchema":{"type":"object"},"future":{"a":[1.10]}}));
    tools
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into()).await
    }

    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(Switches { tools: tools(), ..Switches::default() }));
        let app = Router::new().route("/mcp", any(handle)).with_state(state.clone());
        let task = Arc::new(tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }));
        Self { state, address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// All sessions are forgotten, as by a restart.
    pub(crate) fn forget(&self) {
        self.state.lock().unwrap().sessions.clear();
    }

    pub(crate) fn sessions(&self) -> usize {
        self.state.lock().unwrap().sessions.len()
    }

    /// What it got of this JSON-RPC method.
    pub(crate) fn got(&self, method: &str) -> Vec<Got> {
        let state = self.state.lock().unwrap();
        state.got.iter().filter(|g| g.json()["method"] == method).cloned().collect()
    }

    /// Waits until it got `n` of this method.
    pub(crate) async fn wait_for(&self, method: &str, n: usize) -> Vec<Got> {
        for _ in 0..1000 {
            let got = self.got(method);
            if got.len() >= n {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{method} did not arrive {n} times");
    }

    /// Says something on all listening streams.
    pub(crate) fn say(&self, message: &Value) {
        let mut state = self.state.lock().unwrap();
        state.listeners.retain(|l| l.send(event(&message.to_string())).is_ok());
    }

    pub(crate) fn listeners(&self) -> usize {
        let mut state = self.state.lock().unwrap();
        state.listeners.retain(|l| !l.is_closed());
        state.listeners.len()
    }

    /// Sends an event on the slow calls' streams.
    pub(crate) fn slow(&self, message: &str) {
        for s in &self.state.lock().unwrap().slow {
            let _ = s.send(event(message));
        }
    }
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

fn answer(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

fn json_body(text: String) -> Response {
    ([("content-type", "application/json; charset=utf-8")], text).into_response()
}

fn events(rx: mpsc::UnboundedReceiver<String>) -> Response {
    let stream =
        stream::unfold(rx, |mut rx| async move { rx.recv().await.map(|t| (Ok::<_, io::Error>(t), rx)) });
    ([("content-type", "text/event-stream")], Body::from_stream(stream)).into_response()
}

fn dying(media: &str, first: String) -> Response {
    let stream = stream::iter([Ok(first)]).chain(stream::once(async {
        // Or the first part would never be sent.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::other("gone"))
    }));
    ([("content-type", media)], Body::from_stream(stream)).into_response()
}

async fn handle(
    State(state): State<Arc<Mutex<Switches>>>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let message = value(&text).unwrap_or(Value::Null);
    let (wait, silent) = {
        let mut s = state.lock().unwrap();
        s.got.push(Got { headers: headers.clone(), text: text.clone() });
        if let Some(token) = &s.token
            && headers.get("authorization").and_then(|v| v.to_str().ok()) != Some(&format!("Bearer {token}"))
        {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let session = headers.get("mcp-session-id").map(|v| v.to_str().unwrap().to_owned());
        if message["method"] != "initialize" && !session.as_ref().is_some_and(|id| s.sessions.contains(id)) {
            return StatusCode::NOT_FOUND.into_response();
        }
        if method == Method::DELETE {
            s.sessions.remove(&session.unwrap());
            return StatusCode::OK.into_response();
        }
        if method == Method::GET && headers.contains_key("last-event-id") {
            let id = s.resumable.take().unwrap();
            let text = event(&answer(&id, r#"{"resumed":true}"#));
            return ([("content-type", "text/event-stream")], text).into_response();
        }
        if method == Method::GET {
            let (tx, rx) = mpsc::unbounded_channel();
            s.listeners.push(tx);
            return events(rx);
        }
        (message["method"] == "tools/call" && message["params"]["name"] == "ask", s.silent)
    };
    if silent {
        std::future::pending::<()>().await;
    }
    if let (Some(id), None) = (message["id"].as_str(), message["method"].as_str()) {
        if let Some(tx) = state.lock().unwrap().answers.remove(id) {
            let _ = tx.send(message.clone());
        }
        return StatusCode::ACCEPTED.into_response();
    }
    if message["id"].is_null() {
        return StatusCode::ACCEPTED.into_response();
    }
    // The id as it was written.
    let raw: HashMap<String, Box<serde_json::value::RawValue>> = serde_json::from_str(&text).unwrap();
    let id = raw["id"].get().to_owned();
    if wait {
        return ask(&state, id);
    }
    let mut s = state.lock().unwrap();
    match message["method"].as_str().unwrap() {
        "initialize" => {
            s.next += 1;
            let session = format!("upstream-{}", s.next);
            s.sessions.insert(session.clone());
            let result = json!({"protocolVersion": message["params"]["protocolVersion"],
                "capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"prompts":{},"logging":{},"completions":{},"experimental":{"x":{}}},
                "serverInfo":{"name":"fixture","version":"1"},"instructions":"Be kind."});
            ([("mcp-session-id", session)], json_body(answer(&id, &result.to_string()))).into_response()
        }
        "tools/list" => {
            // Two pages.
            let half = s.tools.len() / 2;
            let (page, next) = match message["params"]["cursor"].as_str() {
                None => (&s.tools[..half], Some("2")),
                Some(_) => (&s.tools[half..], None),
            };
            let mut result = json!({"tools": page});
            if let Some(next) = next {
                result["nextCursor"] = next.into();
            }
            json_body(answer(&id, &result.to_string()))
        }
        "prompts/list" => json_body(answer(&id, r#"{"prompts":[{"name":"greet","arguments":[]}]}"#)),
        "resources/list" => json_body(answer(&id, r#"{"resources":[{"uri":"x://shared","name":"s"}]}"#)),
        "resources/templates/list" => json_body(answer(&id, r#"{"resourceTemplates":[]}"#)),
        "tools/call" => call(&mut s, &id, &message, &text),
        // Everything else is shown back as it came.
        _ => json_body(answer(&id, &json!({"saw": message}).to_string())),
    }
}

fn call(s: &mut Switches, id: &str, message: &Value, text: &str) -> Response {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1,"new":1e400}}"#;
    match message["params"]["name"].as_str().unwrap() {
        "echo" => {
            let text = serde_json::to_string(text).unwrap();
            json_body(answer(
                id,
                &format!(
                    r#"{{"content":[{{"type":"text","text":{text}}}],"new":{{"n":1e400,"u":"\u00e4","m":123456789012345678901234567890}}}}"#
                ),
            ))
        }
        "slow" => {
            let (tx, rx) = mpsc::unbounded_channel();
            tx.send(event(progress)).unwrap();
            s.slow.push(tx);
            events(rx)
        }
        "dies" => dying("text/event-stream", event(progress)),
        "dies_json" => dying("application/json", answer(id, "{").replace("}}", "")),
        "quiet_end" => ([("content-type", "text/event-stream")], event(progress)).into_response(),
        "polls" => {
            s.resumable = Some(id.to_owned());
            let text = format!("id: e1\nretry: 1\ndata:\n\n{}", event(progress));
            ([("content-type", "text/event-stream")], text).into_response()
        }
        "fail" => json_body(answer(id, r#"{"content":[],"isError":true}"#)),
        "html" => ([("content-type", "text/html")], "<h1>Hello</h1>").into_response(),
        "busy" => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "17")], "no").into_response(),
        "broken" => (StatusCode::BAD_GATEWAY, "oops").into_response(),
        "big" => {
            let big = "x".repeat(3 << 20);
            json_body(answer(id, &format!(r#"{{"content":[{{"type":"text","text":"{big}"}}]}}"#)))
        }
        _ => json_body(answer(id, r#"{"content":[],"done":true}"#)),
    }
}

/// Asks the client something on the call's stream and answers with what it said.
fn ask(state: &Arc<Mutex<Switches>>, id: String) -> Response {
    let (tx, rx) = mpsc::unbounded_channel();
    let (answered, answer_rx) = oneshot::channel();
    let question = {
        let mut s = state.lock().unwrap();
        s.next += 1;
        let question = format!("q{}", s.next);
        s.answers.insert(question.clone(), answered);
        question
    };
    let request = json!({"jsonrpc":"2.0","id":question,"method":"elicitation/create","params":{"message":"Sure?","new":1}});
    tx.send(event(&request.to_string())).unwrap();
    tokio::spawn(async move {
        if let Ok(said) = answer_rx.await {
            let _ = tx.send(event(&answer(&id, &json!({"said": said}).to_string())));
        }
    });
    events(rx)
}
