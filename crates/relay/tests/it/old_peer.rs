//! A small MCP server of the transport of 2024-11-05: one long event stream, and an address to post to.

use crate::{
    said::{Events, answer, until},
    service::value,
    support::LONG,
};
use axum::{
    Router,
    body::Bytes,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::sync::mpsc;

pub(crate) struct Switches {
    /// Where messages are to be posted, before the number of the stream.
    pub(crate) endpoint: String,
    /// The streams by their numbers.
    streams: HashMap<usize, Events>,
    next: usize,
    pub(crate) got: Vec<Value>,
    calls: mpsc::UnboundedSender<(usize, Value)>,
}

pub(crate) struct OldPeer {
    pub(crate) state: Arc<Mutex<Switches>>,
    pub(crate) address: SocketAddr,
    calls: tokio::sync::Mutex<mpsc::UnboundedReceiver<(usize, Value)>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for OldPeer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl OldPeer {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tx, rx) = mpsc::unbounded_channel();
        let state = Arc::new(Mutex::new(Switches {
            endpoint: "/messages?stream=".into(),
            streams: HashMap::new(),
            next: 0,
            got: Vec::new(),
            calls: tx,
        }));
        let app = Router::new()
            .route("/sse", get(open))
            .route("/messages", post(message))
            .with_state(state.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { state, address, calls: tokio::sync::Mutex::new(rx), task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/sse", self.address)
    }

    /// The next request for the test to answer, and the stream to do it on.
    pub(crate) async fn call(&self) -> (usize, Value) {
        let mut calls = self.calls.lock().await;
        tokio::time::timeout(LONG, calls.recv()).await.expect("a call in time").unwrap()
    }

    /// Says something on a stream; whether somebody reads it.
    pub(crate) fn say(&self, stream: usize, message: impl ToString) -> bool {
        self.state.lock().unwrap().streams.get(&stream).is_some_and(|s| s.say(message))
    }

    pub(crate) fn result(&self, stream: usize, id: &Value, result: &Value) {
        self.say(stream, answer(id, &result.to_string()));
    }

    /// The stream breaks.
    pub(crate) fn cut(&self, stream: usize) {
        self.state.lock().unwrap().streams.remove(&stream);
    }

    /// How many streams somebody reads.
    pub(crate) fn streams(&self) -> usize {
        self.state.lock().unwrap().streams.values().filter(|s| s.is_open()).count()
    }

    pub(crate) fn got(&self, method: &str) -> Vec<Value> {
        let state = self.state.lock().unwrap();
        state.got.iter().filter(|m| m["method"].as_str().unwrap_or_default() == method).cloned().collect()
    }

    pub(crate) async fn wait_for(&self, method: &str, n: usize) -> Vec<Value> {
        until(|| Some(self.got(method)).filter(|g| g.len() >= n), method).await
    }
}

async fn open(State(state): State<Arc<Mutex<Switches>>>) -> Response {
    let (events, response) = Events::new();
    let mut s = state.lock().unwrap();
    s.next += 1;
    let number = s.next;
    events.write(format!("event: endpoint\ndata: {}{number}\n\n", s.endpoint));
    s.streams.insert(number, events);
    response
}

async fn message(
    State(state): State<Arc<Mutex<Switches>>>,
    Query(query): Query<HashMap<String, usize>>,
    body: Bytes,
) -> Response {
    let message = value(std::str::from_utf8(&body).unwrap()).unwrap();
    let stream = query["stream"];
    let mut s = state.lock().unwrap();
    s.got.push(message.clone());
    let Some(events) = s.streams.get(&stream) else { return StatusCode::NOT_FOUND.into_response() };
    let result = match message["method"].as_str() {
        Some("initialize") => {
            json!({"protocolVersion":"2024-11-05","serverInfo":{"name":"old","version":"1"},
            "capabilities":{"tools":{},"resources":{"subscribe":true},"logging":{}}})
        }
        Some("tools/list") => json!({"tools":[{"name":"work","inputSchema":{"type":"object"}}]}),
        Some("resources/list") => json!({"resources":[{"uri":"x://one","name":"one"}]}),
        Some("resources/templates/list") => json!({"resourceTemplates":[]}),
        Some("logging/setLevel" | "resources/subscribe") => json!({}),
        Some("server/discover") => {
            let error = json!({"code":-32601,"message":"no such method"});
            events.say(json!({"jsonrpc":"2.0","id":message["id"],"error":error}));
            return StatusCode::ACCEPTED.into_response();
        }
        Some(_) if !message["id"].is_null() => {
            let _ = s.calls.send((stream, message));
            return StatusCode::ACCEPTED.into_response();
        }
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    events.say(answer(&message["id"], &result.to_string()));
    StatusCode::ACCEPTED.into_response()
}
