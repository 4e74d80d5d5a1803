//! HTTP/1.1 on the owner-only socket.

use super::session::Headers;
use bytes::Bytes;
use engine::Home;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, StatusCode,
    body::{Body, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{self, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use model::Problem;
use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};

/// Names the app that the bridge was started for.
const BRIDGE: HeaderName = HeaderName::from_static("bellhop-bridge");
/// An app that says no name.
const UNNAMED: HeaderValue = HeaderValue::from_static("app");
/// How long to wait for a Bellhop that was just started.
const START: Duration = Duration::from_secs(10);
/// How often to look whether it is there.
const LOOK: Duration = Duration::from_millis(50);
/// Connections that are kept for later. Each holds some tens of kilobytes.
const KEPT: usize = 8;
/// How long a request waits for one of so many to be free again before it opens one more. Most calls are over by
/// then; those that aren't hold up each further one by this at most, and once.
const PATIENCE: Duration = Duration::from_millis(50);
/// The largest piece that is read at once.
const PIECE: usize = 64 * 1024;
/// The largest answer that is no stream, in bytes.
pub(super) const LARGEST: usize = 64 * 1024 * 1024;

/// Why an exchange failed.
pub(super) enum WireError {
    /// Bellhop isn't there, and has not got the message.
    NotThere,
    /// Bellhop went away, and may have got the message.
    Broken,
}

/// Speaks with Bellhop.
pub(super) struct Wire {
    home: Home,
    /// Whom the bridge was started for. Stays the same, since a person let in what has this name.
    app: OnceLock<HeaderValue>,
    start: bool,
    idle: Mutex<Vec<Connection>>,
    /// One came back to `idle`, or is no more.
    free: Arc<Notify>,
}

/// A connection to Bellhop, which carries one exchange at a time.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    _open: Open,
}

/// Says that a connection is no more.
struct Open(Arc<Notify>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Wire {
    pub(super) fn new(home: Home, app: Option<HeaderValue>, start: bool) -> Self {
        let app = app.map(OnceLock::from).unwrap_or_default();
        Self { home, app, start, idle: Mutex::default(), free: Arc::default() }
    }

    /// Settle whom the bridge was started for, if nobody said.
    pub(super) fn name(&self, app: impl FnOnce() -> Option<HeaderValue>) {
        self.app.get_or_init(|| app().unwrap_or(UNNAMED));
    }

    /// Send the app's message.
    pub(super) async fn post(&self, session: Headers, message: Bytes) -> Result<Answer<'_>, WireError> {
        let mut request = self.request(Method::POST, session, "application/json, text/event-stream", message);
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(request).await
    }

    /// Open the stream on which Bellhop speaks of itself.
    pub(super) async fn listen(&self, session: Headers) -> Result<Answer<'_>, WireError> {
        self.send(self.request(Method::GET, session, "text/event-stream", Bytes::new())).await
    }

    /// End the session. Whether it was one makes no difference any more.
    pub(super) async fn end(&self, session: Headers) {
        let _ = self.send(self.request(Method::DELETE, session, "*/*", Bytes::new())).await;
    }

    /// Whether Bellhop takes connections. Starts nothing.
    pub(super) async fn is_there(&self) -> bool {
        self.home.connect().await.is_ok()
    }

    /// Wait until Bellhop takes connections; start it when it doesn't.
    pub(super) async fn reach(&self) -> Result<(), Problem> {
        if self.is_there().await {
            return Ok(());
        }
        if self.start {
            engine::start_in_background(&self.home)?;
        }
        let end = Instant::now() + START;
        while Instant::now() < end {
            sleep(LOOK).await;
            if self.is_there().await {
                return Ok(());
            }
        }
        Err(crate::problem::not_answering())
    }

    fn request(
        &self,
        method: Method,
        session: Headers,
        accept: &'static str,
        body: Bytes,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = hyper::Uri::from_static("/mcp");
        let headers = request.headers_mut();
        headers.insert(header::HOST, HeaderValue::from_static("bellhop"));
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        headers.insert(BRIDGE, self.app.get().cloned().unwrap_or(UNNAMED));
        if let Some(id) = session.id {
            headers.insert(protocol::header::SESSION_ID, id);
        }
        if let Some(version) = session.version {
            headers.insert(protocol::header::PROTOCOL_VERSION, version);
        }
        request
    }

    async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Answer<'_>, WireError> {
        loop {
            let kept = self.kept().await;
            let was_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            match connection.sender.try_send_request(request).await {
                Ok(response) => return Ok(Answer { response, wire: self, connection: Some(connection) }),
                // A kept connection that was closed just now: the message was not sent, and comes back.
                Err(mut error) => match error.take_message() {
                    Some(unsent) if was_kept => request = unsent,
                    Some(_) => return Err(WireError::NotThere),
                    None => return Err(WireError::Broken),
                },
            }
        }
    }

    /// A connection that is free; `None` when it is time for one more.
    async fn kept(&self) -> Option<Connection> {
        let take = || {
            let mut idle = self.idle();
            std::iter::from_fn(|| idle.pop()).find(|c| !c.sender.is_closed())
        };
        if let Some(connection) = take() {
            return Some(connection);
        }
        let freed = async {
            // All that are open carry something.
            while self.open() >= KEPT {
                self.free.notified().await;
                let connection = take();
                if connection.is_some() {
                    return connection;
                }
            }
            None
        };
        timeout(PATIENCE, freed).await.ok().flatten()
    }

    async fn connect(&self) -> Result<Connection, WireError> {
        let open = Open(Arc::clone(&self.free));
        let stream = self.home.connect().await.map_err(|_| WireError::NotThere)?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(PIECE)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| WireError::NotThere)?;
        tokio::spawn(async move {
            // How it ends, the sender hears as well.
            let _ = connection.await;
        });
        Ok(Connection { sender, _open: open })
    }

    /// How many connections there are.
    fn open(&self) -> usize {
        // Each has a share of it, and so has this.
        Arc::strong_count(&self.free) - 1
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that arrives. Dropped before its end, it takes its connection with it.
pub(super) struct Answer<'a> {
    response: hyper::Response<Incoming>,
    wire: &'a Wire,
    connection: Option<Connection>,
}

impl Answer<'_> {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The session that its head names.
    pub(super) fn session(&self) -> Option<HeaderValue> {
        self.response.headers().get(protocol::header::SESSION_ID).cloned()
    }

    pub(super) fn is(&self, media_type: &str) -> bool {
        let said = self.response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        said.is_some_and(|v| protocol::header::is_media_type(v, media_type))
    }

    /// The next piece of the body; `None` at its end.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, WireError> {
        loop {
            match self.response.body_mut().frame().await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Ok(Some(data)),
                    Err(_) => continue,
                },
                Some(Err(_)) => return Err(WireError::Broken),
                None => {
                    self.keep();
                    return Ok(None);
                }
            }
        }
    }

    /// The whole body.
    pub(super) async fn whole(&mut self) -> Result<Bytes, WireError> {
        let expected = usize::try_from(self.response.body().size_hint().lower()).unwrap_or(0);
        let Some(first) = self.piece().await? else { return Ok(Bytes::new()) };
        if first.len() == expected {
            // All of it, and no copy.
            self.piece().await?;
            return Ok(first);
        }
        let mut body = Vec::with_capacity(expected.min(LARGEST));
        body.extend_from_slice(&first);
        while let Some(piece) = self.piece().await? {
            if body.len() + piece.len() > LARGEST {
                return Err(WireError::Broken);
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.into())
    }

    /// The connection can carry another exchange.
    fn keep(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let mut idle = self.wire.idle();
        if !connection.sender.is_closed() && idle.len() < KEPT {
            idle.push(connection);
            self.wire.free.notify_one();
        }
    }
}
