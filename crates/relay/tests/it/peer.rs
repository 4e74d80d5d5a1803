//! A small MCP server that speaks the era a test wants. What belongs to the conversation it answers itself; every
//! other request it hands to the test, which answers as it likes.

use crate::{
    service::{Got, value},
    support::LONG,
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use futures_util::stream;
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Modern,
    Legacy,
}

pub(crate) struct Switches {
    pub(crate) speaks: Speaks,
    /// What it answers to `server/discover` instead of what its era does.
    pub(crate) discover: Option<(u16, String)>,
    pub(crate) capabilities: Value,
    pub(crate) tools: Vec<Value>,
    pub(crate) got: Vec<(Method, Got)>,
    sessions: HashSet<String>,
    next: usize,
    listeners: Vec<Events>,
    calls: mpsc::UnboundedSender<Call>,
}

/// A request that waits for what the test answers.
pub(crate) struct Call {
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    answer: oneshot::Sender<Response>,
}

/// A stream that the test says something on.
pub(crate) struct Events(mpsc::UnboundedSender<String>);

impl Events {
    pub(crate) fn new() -> (Self, Response) {
        let (tx, rx) = mpsc::unbounded_channel::<String>();
        let body =
            stream::unfold(rx, |mut rx| async move { rx.recv().await.map(|t| (Ok::<_, io::Error>(t), rx)) });
        let response = ([("content-type", "text/event-stream")], Body::from_stream(body)).into_response();
        (Self(tx), response)
    }

    /// A message; whether somebody reads still.
    pub(crate) fn say(&self, message: impl ToString) -> bool {
        self.write(format!("data: {}\n\n", message.to_string()))
    }

    /// Bytes as they are.
    pub(crate) fn write(&self, text: String) -> bool {
        self.0.send(text).is_ok()
    }

    /// Waits until nobody reads any more.
    pub(crate) async fn closed(&self) {
        tokio::time::timeout(LONG, self.0.closed()).await.expect("the stream is closed in time");
    }
}

impl Call {
    /// What it says, to look at after it was answered.
    pub(crate) fn clone_of(other: &Self) -> Self {
        Self { headers: other.headers.clone(), text: other.text.clone(), answer: oneshot::channel().0 }
    }

    pub(crate) fn json(&self) -> Value {
        value(&self.text).unwrap()
    }

    pub(crate) fn id(&self) -> Value {
        self.json()["id"].clone()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().unwrap())
    }

    /// A response of its own.
    pub(crate) fn respond(self, response: impl IntoResponse) {
        let _ = self.answer.send(response.into_response());
    }

    pub(crate) fn message(self, status: u16, text: String) {
        let status = StatusCode::from_u16(status).unwrap();
        self.respond((status, [("content-type", "application/json")], text));
    }

    pub(crate) fn result(self, result: impl ToString) {
        let text = answer(&self.id(), &result.to_string());
        self.message(200, text);
    }

    pub(crate) fn error(self, status: u16, error: &Value) {
        let text = json!({"jsonrpc":"2.0","id":self.id(),"error":error}).to_string();
        self.message(status, text);
    }

    /// The answer is a stream; also gives the request's id.
    pub(crate) fn stream(self) -> (Events, Value) {
        let (events, response) = Events::new();
        let id = self.id();
        self.respond(response);
        (events, id)
    }
}

/// A response with this id.
pub(crate) fn answer(id: &Value, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

pub(crate) struct Peer {
    pub(crate) state: Arc<Mutex<Switches>>,
    pub(crate) address: SocketAddr,
    calls: tokio::sync::Mutex<mpsc::UnboundedReceiver<Call>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    pub(crate) async fn modern() -> Self {
        Self::start(Speaks::Modern).await
    }

    pub(crate) async fn legacy() -> Self {
        Self::start(Speaks::Legacy).await
    }

    async fn start(speaks: Speaks) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tx, rx) = mpsc::unbounded_channel();
        let reads = json!({"readOnlyHint":true});
        let state = Arc::new(Mutex::new(Switches {
            speaks,
            discover: None,
            capabilities: json!({"tools":{"listChanged":true},"resources":{"subscribe":true},"prompts":{},"logging":{},"completions":{}}),
            tools: vec![
                json!({"name":"work","inputSchema":{"type":"object"},"annotations":reads}),
                json!({"name":"write","inputSchema":{"type":"object"}}),
            ],
            got: Vec::new(),
            sessions: HashSet::new(),
            next: 0,
            listeners: Vec::new(),
            calls: tx,
        }));
        let app = Router::new().route("/mcp", any(handle)).with_state(state.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { state, address, calls: tokio::sync::Mutex::new(rx), task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.state.lock().unwrap());
    }

    /// The next request that waits for an answer.
    pub(crate) async fn call(&self) -> Call {
        let mut calls = self.calls.lock().await;
        tokio::time::timeout(LONG, calls.recv()).await.expect("a call in time").unwrap()
    }

    /// What it got of this JSON-RPC method; `""` for answers to its questions.
    pub(crate) fn got(&self, method: &str) -> Vec<Got> {
        let state = self.state.lock().unwrap();
        let is = |g: &Got| g.json()["method"].as_str().unwrap_or_default() == method && !g.text.is_empty();
        state.got.iter().map(|(_, g)| g).filter(|g| is(g)).cloned().collect()
    }

    /// How often it got this HTTP method.
    pub(crate) fn times(&self, method: &Method) -> usize {
        self.state.lock().unwrap().got.iter().filter(|(m, _)| m == method).count()
    }

    pub(crate) async fn wait_for(&self, method: &str, n: usize) -> Vec<Got> {
        until(|| Some(self.got(method)).filter(|g| g.len() >= n), method).await
    }

    pub(crate) fn sessions(&self) -> usize {
        self.state.lock().unwrap().sessions.len()
    }

    pub(crate) async fn wait_for_sessions(&self, n: usize) {
        until(|| (self.sessions() == n).then_some(()), &format!("{n} sessions")).await;
    }

    pub(crate) fn forget(&self) {
        self.state.lock().unwrap().sessions.clear();
    }

    /// Says something on all listening streams and subscriptions.
    pub(crate) fn say(&self, message: &Value) {
        self.state.lock().unwrap().listeners.retain(|l| l.say(message));
    }

    pub(crate) async fn wait_for_listeners(&self, n: usize) {
        let listeners = || {
            let mut s = self.state.lock().unwrap();
            s.listeners.retain(|l| !l.0.is_closed());
            (s.listeners.len() == n).then_some(())
        };
        until(listeners, &format!("{n} listeners")).await;
    }
}

/// Looks until it is there.
pub(crate) async fn until<T>(mut look: impl FnMut() -> Option<T>, what: &str) -> T {
    for _ in 0..2000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what}: did not come");
}

fn said(status: u16, text: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/json")], text).into_response()
}

async fn handle(
    State(state): State<Arc<Mutex<Switches>>>,
    http: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let message = value(&text).unwrap_or(Value::Null);
    let method = message["method"].as_str().unwrap_or_default().to_owned();
    let own = {
        let mut s = state.lock().unwrap();
        s.got.push((http.clone(), Got { headers: headers.clone(), text: text.clone() }));
        match s.speaks {
            Speaks::Modern => modern(&mut s, &http, &headers, &method, &message),
            Speaks::Legacy => legacy(&mut s, &http, &headers, &method, &message),
        }
    };
    if let Some(own) = own {
        return own;
    }
    let (tx, rx) = oneshot::channel();
    let _ = state.lock().unwrap().calls.send(Call { headers, text, answer: tx });
    rx.await.unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())
}

fn list(s: &Switches, method: &str) -> Option<Value> {
    Some(match method {
        "tools/list" => json!({"tools": s.tools}),
        "prompts/list" => json!({"prompts":[{"name":"greet"}]}),
        "resources/list" => json!({"resources":[{"uri":"x://one","name":"one"}]}),
        "resources/templates/list" => json!({"resourceTemplates":[]}),
        _ => return None,
    })
}

fn modern(
    s: &mut Switches,
    http: &Method,
    headers: &HeaderMap,
    method: &str,
    message: &Value,
) -> Option<Response> {
    if *http != Method::POST {
        return Some(StatusCode::METHOD_NOT_ALLOWED.into_response());
    }
    if headers.get("mcp-protocol-version").is_none_or(|v| v != "2026-07-28") {
        let error = json!({"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}});
        return Some(said(400, json!({"jsonrpc":"2.0","id":message["id"],"error":error}).to_string()));
    }
    if message["id"].is_null() {
        return Some(StatusCode::ACCEPTED.into_response());
    }
    if let Some(mut list) = list(s, method) {
        list["resultType"] = "complete".into();
        list["ttlMs"] = 0.into();
        list["cacheScope"] = "public".into();
        return Some(said(200, answer(&message["id"], &list.to_string())));
    }
    match method {
        "server/discover" => {
            if let Some((status, text)) = s.discover.clone() {
                return Some(said(status, text));
            }
            let result = json!({"resultType":"complete","supportedVersions":["2026-07-28"],"ttlMs":0,"cacheScope":"public",
                "capabilities":s.capabilities,"instructions":"Be kind.",
                "_meta":{"io.modelcontextprotocol/serverInfo":{"name":"peer","version":"1"}}});
            Some(said(200, answer(&message["id"], &result.to_string())))
        }
        "subscriptions/listen" => {
            let (events, response) = Events::new();
            let about = json!({"io.modelcontextprotocol/subscriptionId": message["id"]});
            events.say(json!({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged",
                "params":{"notifications":message["params"]["notifications"],"_meta":about}}));
            s.listeners.push(events);
            Some(response)
        }
        _ => None,
    }
}

fn legacy(
    s: &mut Switches,
    http: &Method,
    headers: &HeaderMap,
    method: &str,
    message: &Value,
) -> Option<Response> {
    if method == "server/discover"
        && let Some((status, text)) = s.discover.clone()
    {
        return Some(said(status, text));
    }
    let id = &message["id"];
    if method == "initialize" {
        s.next += 1;
        let session = format!("upstream-{}", s.next);
        s.sessions.insert(session.clone());
        let result = json!({"protocolVersion":message["params"]["protocolVersion"],"capabilities":s.capabilities,
            "serverInfo":{"name":"peer","version":"1"},"instructions":"Be kind."});
        let response = said(200, answer(id, &result.to_string()));
        return Some(([("mcp-session-id", session)], response).into_response());
    }
    let session = headers.get("mcp-session-id").map(|v| v.to_str().unwrap());
    match session {
        // As the official TypeScript SDK's server does.
        None => {
            let error = json!({"code":-32000,"message":"Bad Request: No valid session ID provided"});
            return Some(said(400, json!({"jsonrpc":"2.0","id":null,"error":error}).to_string()));
        }
        Some(session) if !s.sessions.contains(session) => {
            return Some(StatusCode::NOT_FOUND.into_response());
        }
        Some(_) => {}
    }
    match *http {
        Method::DELETE => {
            s.sessions.remove(session.unwrap());
            return Some(StatusCode::OK.into_response());
        }
        Method::GET => {
            let (events, response) = Events::new();
            s.listeners.push(events);
            return Some(response);
        }
        _ => {}
    }
    if id.is_null() || method.is_empty() {
        return Some(StatusCode::ACCEPTED.into_response());
    }
    if let Some(list) = list(s, method) {
        return Some(said(200, answer(id, &list.to_string())));
    }
    match method {
        "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => {
            Some(said(200, answer(id, "{}")))
        }
        _ => None,
    }
}
