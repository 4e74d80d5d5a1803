//! A relay with services behind it and an app before it.

use crate::service::{Fixture, value};
use async_trait::async_trait;
use bellhop_relay::{
    About, Access, Admission, CallRecord, Caller, Connection, Door, Grant, InventoryRows, Limits, Person,
    Proof, ProofSource, Record, Relay, Service,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use model::{Problem, Secret, ServiceId, SystemClock, SystemRandom};
use protocol::sse::{Decoder, Event};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Long enough for anything that should happen on a busy machine; only a test that fails waits for it.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// What the person is asked, and where to put their answer.
pub(crate) type Question = (About, tokio::sync::oneshot::Sender<Result<(), Problem>>);

#[derive(Default)]
pub(crate) struct Engine {
    /// Who answers for the person; nobody when `None`.
    pub(crate) asked: Mutex<Option<tokio::sync::mpsc::UnboundedSender<Question>>>,
    pub(crate) services: Mutex<Arc<Vec<Arc<Service>>>>,
    pub(crate) paused: AtomicBool,
    pub(crate) calls: Mutex<Vec<CallRecord>>,
    pub(crate) rows: Mutex<HashMap<ServiceId, String>>,
}

impl Access for Engine {
    fn services(&self) -> Arc<Vec<Arc<Service>>> {
        self.services.lock().unwrap().clone()
    }
}

impl Admission for Engine {
    fn admit(&self, _: &Connection) -> Result<(), Problem> {
        if self.paused.load(Ordering::SeqCst) {
            return Err(Problem::new("engine.paused", "Bellhop is paused.", "Resume it."));
        }
        Ok(())
    }
}

impl Record for Engine {
    fn call(&self, call: CallRecord) {
        self.calls.lock().unwrap().push(call);
    }

    fn inventory_changed(&self, _: &ServiceId) {}
}

#[async_trait]
impl Person for Engine {
    fn can_be_asked(&self, _: &About) -> bool {
        self.asked.lock().unwrap().is_some()
    }

    async fn ask(&self, about: About) -> Result<(), Problem> {
        let tell = self.asked.lock().unwrap().clone();
        let (answer, wait) = tokio::sync::oneshot::channel();
        tell.unwrap().send((about, answer)).unwrap();
        wait.await.unwrap_or_else(|_| Err(Problem::new("test.denied", "The person said no.", "Ask them.")))
    }
}

#[async_trait]
impl InventoryRows for Engine {
    async fn load(&self, service: &ServiceId) -> Option<String> {
        self.rows.lock().unwrap().get(service).cloned()
    }

    async fn save(&self, service: &ServiceId, inventory: &str) {
        self.rows.lock().unwrap().insert(service.clone(), inventory.to_owned());
    }
}

/// Hands out `token-<generation>`.
#[derive(Default)]
pub(crate) struct Tokens {
    pub(crate) generation: AtomicU64,
    pub(crate) refusals: AtomicU64,
}

impl Tokens {
    fn now(&self) -> Arc<Proof> {
        let generation = self.generation.load(Ordering::SeqCst);
        Arc::new(Proof {
            header: http::header::AUTHORIZATION,
            value: Secret::new(format!("Bearer token-{generation}")),
            generation,
        })
    }
}

#[async_trait]
impl ProofSource for Tokens {
    fn ready(&self) -> Option<Arc<Proof>> {
        Some(self.now())
    }

    async fn wait(&self) -> Result<Arc<Proof>, Problem> {
        Ok(self.now())
    }

    async fn refused(&self, generation: u64) -> Result<Arc<Proof>, Problem> {
        self.refusals.fetch_add(1, Ordering::SeqCst);
        let _ =
            self.generation.compare_exchange(generation, generation + 1, Ordering::SeqCst, Ordering::SeqCst);
        Ok(self.now())
    }
}

pub(crate) struct House {
    pub(crate) engine: Arc<Engine>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) connection: Arc<Connection>,
    pub(crate) address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(crate) fn limits() -> Limits {
    Limits { merge: Duration::from_secs(2), ..Limits::default() }
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        value(&self.text).unwrap_or_else(|| panic!("no JSON: {} {}", self.status, self.text))
    }

    pub(crate) fn code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {}", self.text))
    }
}

impl House {
    /// One service, `a`, which the app may write to.
    pub(crate) async fn one(fixture: &Fixture) -> Self {
        Self::new(&[("a", fixture.url())], "a:write", limits()).await
    }

    pub(crate) async fn new(services: &[(&str, String)], scope: &str, limits: Limits) -> Self {
        let tokens = Arc::new(Tokens::default());
        let list: Vec<_> = services
            .iter()
            .map(|(name, url)| {
                Arc::new(Service {
                    id: format!("id-{name}").into(),
                    name: name.parse().unwrap(),
                    title: format!("Service {name}"),
                    url: url.as_str().into(),
                    reads: [].into(),
                    proof: Some(tokens.clone()),
                })
            })
            .collect();
        let engine = Arc::new(Engine { services: Mutex::new(Arc::new(list)), ..Engine::default() });
        let relay = Relay::new(
            engine.clone(),
            engine.clone(),
            engine.clone(),
            engine.clone(),
            engine.clone(),
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
            Arc::new(model::NoProxies),
            limits,
        );
        let connection = connection("connection-1", scope);
        let (address, server) = serve(&relay, &connection).await;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { engine, relay, tokens, connection, address, server, client }
    }

    /// Another app before the same relay.
    pub(crate) async fn beside(&self, id: &str, scope: &str) -> Self {
        let connection = connection(id, scope);
        let (address, server) = serve(&self.relay, &connection).await;
        let (engine, relay) = (self.engine.clone(), self.relay.clone());
        Self {
            engine,
            relay,
            tokens: self.tokens.clone(),
            connection,
            address,
            server,
            client: self.client.clone(),
        }
    }

    /// The same app, by the bridge.
    pub(crate) async fn by_the_bridge(&self) -> Self {
        let (address, server) = serve_at(&self.relay, &self.connection, Door::Bridge).await;
        let (engine, relay) = (self.engine.clone(), self.relay.clone());
        let (tokens, connection) = (self.tokens.clone(), self.connection.clone());
        Self { engine, relay, tokens, connection, address, server, client: self.client.clone() }
    }

    /// The person revokes the connection.
    pub(crate) fn revoke(&self) {
        self.connection.gate.close();
        self.connection.stop.cancel();
    }

    /// A request exactly as written.
    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> http::Response<Incoming> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = self.client.request(request.body(Full::new(body.into())).unwrap());
        tokio::time::timeout(LONG, request).await.expect("an answer in time").unwrap()
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let response = self.raw(method, path, headers, body.to_owned()).await;
        let (parts, body) = response.into_parts();
        let body = tokio::time::timeout(LONG, body.collect()).await.expect("an end in time").unwrap();
        let text = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        Reply { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn post(&self, path: &str, session: &str, body: &str) -> Reply {
        let headers = [("content-type", "application/json"), ("mcp-session-id", session)];
        self.send(Method::POST, path, &headers, body).await
    }

    /// Opens a session and gives its id.
    pub(crate) async fn open(&self, path: &str) -> String {
        self.open_as(path, "2025-11-25").await.0
    }

    pub(crate) async fn open_as(&self, path: &str, revision: &str) -> (String, Value) {
        let body = json!({"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":revision,
            "capabilities":{"elicitation":{},"new":{"x":1}},"clientInfo":{"name":"test","version":"1"}}});
        let reply =
            self.send(Method::POST, path, &[("content-type", "application/json")], &body.to_string()).await;
        let id = reply.headers.get("mcp-session-id").unwrap().to_str().unwrap().to_owned();
        let told = self.post(path, &id, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        assert_eq!(told.status, StatusCode::ACCEPTED);
        (id, reply.json()["result"].clone())
    }

    pub(crate) async fn call(&self, path: &str, session: &str, tool: &str) -> Reply {
        self.post(path, session, &call(1, tool)).await
    }

    /// A call whose answer is a stream.
    pub(crate) async fn stream(&self, path: &str, session: &str, body: String) -> Stream {
        let headers = [("content-type", "application/json"), ("mcp-session-id", session)];
        let response = self.raw(Method::POST, path, &headers, body).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream::new(response.into_body())
    }

    pub(crate) async fn listen(&self, path: &str, session: &str) -> Stream {
        let response = self.raw(Method::GET, path, &[("mcp-session-id", session)], "").await;
        assert_eq!(response.status(), StatusCode::OK);
        Stream::new(response.into_body())
    }

    /// Waits for the log's line of a call.
    pub(crate) async fn logged(&self, n: usize) -> CallRecord {
        for _ in 0..1000 {
            if let Some(call) = self.engine.calls.lock().unwrap().get(n).cloned() {
                return call;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("no line {n} in the log");
    }
}

pub(crate) fn call(id: u32, tool: &str) -> String {
    json!({"jsonrpc":"2.0","id":id,"method":"tools/call","params":{"name":tool,"arguments":{}}}).to_string()
}

pub(crate) fn connection(id: &str, scope: &str) -> Arc<Connection> {
    let grant = Grant { name: "Test".into(), scope: scope.parse().unwrap() };
    Connection::new(id.into(), grant, None, 0)
}

/// The routes behind a boundary that knows everybody as this connection.
pub(crate) async fn serve(
    relay: &Arc<Relay>,
    connection: &Arc<Connection>,
) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    serve_at(relay, connection, Door::Http).await
}

async fn serve_at(
    relay: &Arc<Relay>,
    connection: &Arc<Connection>,
    door: Door,
) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let caller = Caller { connection: connection.clone(), resource: None, limit: None, door };
    let relay = relay.clone();
    let app = axum::Router::new().fallback(move |request: http::Request<axum::body::Body>| {
        let (relay, caller) = (relay.clone(), caller.clone());
        async move {
            match model::Resource::from_path(request.uri().path()) {
                Some(endpoint) => relay.answer(caller, endpoint, request).await,
                None => axum::response::IntoResponse::into_response(http::StatusCode::NOT_FOUND),
            }
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }))
}

pub(crate) struct Stream {
    body: Incoming,
    decoder: Decoder,
}

impl Stream {
    pub(crate) fn new(body: Incoming) -> Self {
        Self { body, decoder: Decoder::new(1 << 20) }
    }

    /// The next message; `None` at the stream's end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        self.event().await.map(|e| value(&e.data).unwrap_or_else(|| panic!("no JSON: {}", e.data)))
    }

    /// Reads until there is a comment.
    pub(crate) async fn comment(&mut self) {
        loop {
            let frame = tokio::time::timeout(LONG, self.body.frame()).await.expect("something in time");
            let frame = frame.expect("no end").unwrap();
            if frame.data_ref().unwrap().starts_with(b":") {
                return;
            }
        }
    }

    /// The next event with data.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.decoder.next_event().unwrap() {
                return Some(event);
            }
            let frame = tokio::time::timeout(LONG, self.body.frame()).await.expect("something in time")?;
            self.decoder.push(frame.unwrap().data_ref().unwrap());
        }
    }
}
