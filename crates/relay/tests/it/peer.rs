//! A small MCP server that speaks the era a test wants. What belongs to the conversation it answers itself; every
//! other request it hands to the test, which answers as it likes.

use crate::{
    said::{Call, Events, answer, until},
    service::{Got, value},
    support::LONG,
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
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
    pub(crate) templates: Vec<Value>,
    /// There is always another page of tools.
    pub(crate) endless: bool,
    pub(crate) got: Vec<Got>,
    sessions: HashSet<String>,
    next: usize,
    listeners: Vec<Events>,
    /// How often the listening stream is refused by what stands before the server.
    pub(crate) stumbles: usize,
    calls: mpsc::UnboundedSender<Call>,
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
            templates: Vec::new(),
            endless: false,
            got: Vec::new(),
            sessions: HashSet::new(),
            next: 0,
            listeners: Vec::new(),
            stumbles: 0,
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
        state.got.iter().filter(|g| is(g)).cloned().collect()
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

    /// What stands between ends all streams on which it listens.
    pub(crate) fn cut(&self) {
        self.state.lock().unwrap().listeners.clear();
    }

    pub(crate) async fn wait_for_listeners(&self, n: usize) {
        let listeners = || {
            let mut s = self.state.lock().unwrap();
            s.listeners.retain(|l| l.is_open());
            (s.listeners.len() == n).then_some(())
        };
        until(listeners, &format!("{n} listeners")).await;
    }
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
        s.got.push(Got { headers: headers.clone(), text: text.clone() });
        match s.speaks {
            Speaks::Modern => modern(&mut s, &http, &headers, &method, &message),
            Speaks::Legacy => legacy(&mut s, &http, &headers, &method, &message),
        }
    };
    if let Some(own) = own {
        return own;
    }
    let (tx, rx) = oneshot::channel();
    let _ = state.lock().unwrap().calls.send(Call::new(headers, text, tx));
    rx.await.unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())
}

fn list(s: &Switches, method: &str) -> Option<Value> {
    Some(match method {
        "tools/list" if s.endless => json!({"tools": s.tools, "nextCursor": "more"}),
        "tools/list" => json!({"tools": s.tools}),
        "prompts/list" => json!({"prompts":[{"name":"greet"}]}),
        "resources/list" => json!({"resources":[{"uri":"x://one","name":"one"}]}),
        "resources/templates/list" => json!({"resourceTemplates": s.templates}),
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
        Method::GET if s.stumbles > 0 => {
            s.stumbles -= 1;
            return Some(StatusCode::BAD_GATEWAY.into_response());
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
