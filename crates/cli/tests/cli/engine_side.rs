//! What stands opposite: a real HTTP server on the socket of a home.

use bytes::Bytes;
use engine::{Home, x};
use futures_util::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, body::Frame, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
};
use tokio::{sync::Notify, task::JoinSet};

pub type Body = BoxBody<Bytes, io::Error>;

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().unwrap())
    }

    /// The JSON-RPC method, or the HTTP method.
    pub fn what(&self) -> String {
        self.json()["method"].as_str().unwrap_or(self.method.as_str()).to_owned()
    }
}

#[derive(Default)]
pub struct Log {
    seen: Mutex<Vec<Seen>>,
    changed: Notify,
}

impl Log {
    pub fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn whats(&self) -> Vec<String> {
        self.all().iter().map(Seen::what).collect()
    }

    /// Wait until a request of this kind arrived.
    pub async fn until(&self, what: &str) -> Seen {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                if let Some(seen) = self.all().into_iter().find(|s| s.what() == what) {
                    return seen;
                }
                changed.await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.unwrap()
    }
}

/// A server on the socket. Dropped, it takes every connection with it.
pub struct Served {
    pub log: Arc<Log>,
    tasks: JoinSet<()>,
}

impl Served {
    /// Serve a home's socket with what `answer` says. A control upgrade goes to `control`.
    pub fn start<A>(home: &Home, answer: A) -> Self
    where
        A: Fn(Seen) -> Response<Body> + Send + Sync + 'static,
    {
        let listener = x::Listener::bind(&home.socket()).unwrap();
        let log = Arc::new(Log::default());
        let answer = Arc::new(answer);
        let mut tasks = JoinSet::new();
        let kept = Arc::clone(&log);
        tasks.spawn(async move {
            // Their own set, so that they end together with this task.
            let mut connections = JoinSet::new();
            loop {
                let stream = listener.accept().await.unwrap();
                let (log, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                connections.spawn(async move {
                    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                        let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                        async move {
                            let (head, body) = request.into_parts();
                            let Ok(body) = body.collect().await else { return Err(io::Error::other("gone")) };
                            let seen = Seen {
                                method: head.method,
                                path: head.uri.path().to_owned(),
                                headers: head.headers,
                                body: body.to_bytes(),
                            };
                            let response = answer(seen.clone());
                            log.seen.lock().unwrap().push(seen);
                            log.changed.notify_waiters();
                            Ok(response)
                        }
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { log, tasks }
    }

    /// End it, as a crash would.
    pub async fn crash(mut self) {
        self.tasks.shutdown().await;
    }
}

pub fn whole(status: StatusCode, kind: &str, body: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(body.into()).map_err(|never: Infallible| match never {}).boxed();
    Response::builder().status(status).header("content-type", kind).body(body).unwrap()
}

pub fn json(body: &Value) -> Response<Body> {
    whole(StatusCode::OK, "application/json", body.to_string())
}

pub fn empty(status: StatusCode) -> Response<Body> {
    whole(status, "text/plain", "")
}

/// An event stream of these messages, which then goes on as `rest` does.
pub fn events(
    messages: Vec<Value>,
    rest: impl Stream<Item = Result<Bytes, io::Error>> + Send + Sync + 'static,
) -> Response<Body> {
    let first = stream::iter(messages).map(|m| Ok(Bytes::from(format!("event: message\ndata: {m}\n\n"))));
    let body = StreamBody::new(first.chain(rest).map(|piece| piece.map(Frame::data)));
    Response::builder().header("content-type", "text/event-stream").body(BodyExt::boxed(body)).unwrap()
}
