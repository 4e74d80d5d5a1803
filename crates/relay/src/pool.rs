//! Connections to services, each driven by whoever uses it.
//!
//! hyper gives a connection and a handle to it, and the usual way is to let a task of its own drive the first.
//! Then every call is handed from task to task twice, which on a loaded machine is most of what it costs. Here the
//! call that uses a connection drives it: the request future until the head of the answer is there, and its body
//! until it has ended. A body that is dropped before takes its connection with it, which is how a service notices.

use crate::road::{NotThrough, Road, Way};
use bytes::Bytes;
use futures_util::task::noop_waker_ref;
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use std::{
    collections::HashMap,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::Instant;
use tower::ServiceExt;

type Connector = HttpsConnector<Road>;
type Io = MaybeHttpsStream<Way>;

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);
/// How many are kept for one service.
const KEPT: usize = 256;

/// Connections that are kept for the next call, by scheme and authority.
pub(crate) struct Pool {
    connector: Connector,
    /// How long connecting may take.
    patience: Duration,
    idle: Mutex<HashMap<String, Vec<(Wire, Instant)>>>,
}

/// One connection.
struct Wire {
    sender: SendRequest<Full<Bytes>>,
    /// `None` when it has ended.
    driver: Option<Box<Connection<Io, Full<Bytes>>>>,
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// There is no connection, so nothing was sent.
    #[error("{0}")]
    Connecting(String),
    /// The same, and it was to go through the proxy at this place.
    #[error("{why}")]
    Proxy { place: String, why: String },
    /// The connection broke before the head of the answer was there.
    #[error("it broke before the answer: {0}")]
    Broken(String),
}

impl Wire {
    /// Goes on with what there is to read and write.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && let Poll::Ready(ended) = Pin::new(driver.as_mut()).poll(cx)
        {
            if let Err(error) = ended {
                tracing::trace!(%error, "a connection to a service ended");
            }
            self.driver = None;
        }
    }

    /// Whether it can take a request now; one that the service closed meanwhile can't.
    fn is_ready(&mut self) -> bool {
        let mut cx = Context::from_waker(noop_waker_ref());
        self.drive(&mut cx);
        self.driver.is_some() && self.sender.is_ready()
    }
}

impl Pool {
    pub(crate) fn new(connector: Connector, patience: Duration) -> Arc<Self> {
        Arc::new(Self { connector, patience, idle: Mutex::default() })
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<String, Vec<(Wire, Instant)>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, key: &str) -> Option<Wire> {
        loop {
            // Not under the lock: a look at a connection may read from it.
            let (mut wire, _) = self.idle().get_mut(key)?.pop()?;
            if wire.is_ready() {
                return Some(wire);
            }
        }
    }

    fn keep(self: &Arc<Self>, key: String, wire: Wire) {
        let mut idle = self.idle();
        let first = idle.is_empty();
        let kept = idle.entry(key).or_default();
        if kept.len() < KEPT {
            kept.push((wire, Instant::now()));
        }
        drop(idle);
        if first && let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(sweep(Arc::downgrade(self)));
        }
    }

    async fn connect(&self, uri: &Uri) -> Result<Wire, Failed> {
        // Names and encryption included, which the connector's own limit does not cover.
        tokio::time::timeout(self.patience, self.connect_now(uri))
            .await
            .unwrap_or_else(|_| Err(Failed::Connecting("it took too long".to_owned())))
    }

    async fn connect_now(&self, uri: &Uri) -> Result<Wire, Failed> {
        let io = self.connector.clone().oneshot(uri.clone()).await.map_err(|e| {
            let why = chain(e.as_ref());
            match e.downcast_ref::<NotThrough>() {
                Some(NotThrough { place, .. }) => Failed::Proxy { place: place.clone(), why },
                None => Failed::Connecting(why),
            }
        })?;
        let (sender, driver) = http1::handshake(io).await.map_err(|e| Failed::Connecting(chain(&e)))?;
        Ok(Wire { sender, driver: Some(Box::new(driver)) })
    }

    /// Sends a request and gives the head of its answer.
    pub(crate) async fn request(
        self: &Arc<Self>,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failed> {
        let uri = request.uri().clone();
        let key = format!(
            "{}://{}",
            uri.scheme_str().unwrap_or_default(),
            uri.authority().map_or("", |a| a.as_str())
        );
        // A request to the service itself names the path alone (RFC 9112 §3.2.1) and the host beside it.
        let path = uri.path_and_query().map_or("/", |p| p.as_str());
        *request.uri_mut() =
            path.parse().map_err(|e: http::uri::InvalidUri| Failed::Connecting(e.to_string()))?;
        loop {
            let (mut wire, fresh) = match self.kept(&key) {
                Some(wire) => (wire, false),
                None => (self.connect(&uri).await?, true),
            };
            match wire.exchange(request).await {
                Ok(response) => {
                    let pool = self.clone();
                    return Ok(response.map(|incoming| Incoming { incoming, wire: Some((wire, pool, key)) }));
                }
                // It was closed just now, before anything was sent on it.
                Err((Some(unsent), _)) if !fresh => request = unsent,
                Err((_, why)) => return Err(Failed::Broken(why)),
            }
        }
    }
}

impl Wire {
    /// Sends a request on this connection. Gives it back when nothing of it was sent.
    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<hyper::body::Incoming>, (Option<Request<Full<Bytes>>>, String)> {
        if !self.sender.is_ready() {
            let ready = std::future::poll_fn(|cx| {
                self.drive(cx);
                self.sender.poll_ready(cx)
            });
            if let Err(error) = ready.await {
                return Err((Some(request), error.to_string()));
            }
        }
        let mut sending = pin!(self.sender.try_send_request(request));
        let sent = std::future::poll_fn(|cx| {
            if let Poll::Ready(sent) = sending.as_mut().poll(cx) {
                return Poll::Ready(sent);
            }
            self.drive(cx);
            // What was just driven may have brought the answer.
            sending.as_mut().poll(cx)
        });
        sent.await.map_err(|mut error| {
            let why = chain(error.error());
            (error.take_message(), why)
        })
    }
}

/// Drops what nobody used for a while, as long as there is anything.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE / 2).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        for kept in idle.values_mut() {
            kept.retain(|(_, since)| since.elapsed() < IDLE);
        }
        idle.retain(|_, kept| !kept.is_empty());
        if idle.is_empty() {
            return;
        }
    }
}

/// An error with its causes, for the log: hosts and reasons, never headers.
fn chain(error: &dyn std::error::Error) -> String {
    let mut why = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        why = format!("{why}: {cause}");
        source = cause.source();
    }
    why
}

/// The body of an answer, with the connection that brings it.
pub(crate) struct Incoming {
    incoming: hyper::body::Incoming,
    wire: Option<(Wire, Arc<Pool>, String)>,
}

impl Incoming {
    /// The connection is free for the next call, when the answer was read to its end.
    fn release(&mut self, cx: &mut Context<'_>) {
        if let Some((mut wire, pool, key)) = self.wire.take() {
            wire.drive(cx);
            if wire.driver.is_some() && !wire.sender.is_closed() {
                pool.keep(key, wire);
            }
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        // First what is there already: then the connection is driven no further than the reader goes.
        let mut frame = Pin::new(&mut this.incoming).poll_frame(cx);
        if frame.is_pending() {
            if let Some((wire, ..)) = &mut this.wire {
                wire.drive(cx);
            }
            frame = Pin::new(&mut this.incoming).poll_frame(cx);
        }
        let frame = ready!(frame);
        match &frame {
            None => this.release(cx),
            Some(Err(_)) => this.wire = None,
            Some(Ok(_)) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        // Not before it was read: reading the end is what frees the connection.
        self.wire.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use hyper_rustls::HttpsConnectorBuilder;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// Answers `each` requests on every connection and then closes it; says how many connections came.
    async fn server(each: usize) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/x?y", listener.local_addr().unwrap());
        let came = Arc::new(AtomicUsize::new(0));
        let count = came.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut read = vec![0; 4096];
                    for _ in 0..each {
                        let n = stream.read(&mut read).await.unwrap();
                        if n == 0 {
                            return;
                        }
                        assert!(read.starts_with(b"POST /x?y HTTP/1.1\r\n"));
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                    }
                });
            }
        });
        (address, came)
    }

    fn pool() -> Arc<Pool> {
        let config =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
        let road = Road::new(Duration::from_secs(5), config.clone(), Arc::new(model::NoProxies));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(road);
        Pool::new(https, Duration::from_secs(10))
    }

    async fn ask(pool: &Arc<Pool>, address: &str) -> Response<Incoming> {
        let request = Request::builder().method("POST").uri(address).header("host", "x");
        pool.request(request.body(Full::new(Bytes::from_static(b"{}"))).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_connection_is_used_again_when_its_answer_was_read_and_not_when_it_was_dropped() {
        let (address, came) = server(100).await;
        let pool = pool();
        for _ in 0..5 {
            let body = ask(&pool, &address).await.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(&body[..], b"ok");
        }
        assert_eq!(came.load(Ordering::SeqCst), 1);
        drop(ask(&pool, &address).await);
        ask(&pool, &address).await.into_body().collect().await.unwrap();
        assert_eq!(came.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_connection_that_the_service_closed_meanwhile_is_not_used() {
        let (address, came) = server(1).await;
        let pool = pool();
        for _ in 0..3 {
            ask(&pool, &address).await.into_body().collect().await.unwrap();
            // Its end arrives.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(came.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn nobody_there_is_told_from_an_answer_that_broke() {
        let pool = pool();
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let request = Request::builder().uri(format!("http://{free}/")).body(Full::default()).unwrap();
        assert!(matches!(pool.request(request).await, Err(Failed::Connecting(_))));
        let (address, _) = server(0).await;
        let request = Request::builder().method("POST").uri(address).body(Full::default()).unwrap();
        assert!(matches!(pool.request(request).await, Err(Failed::Broken(_))));
    }
}
