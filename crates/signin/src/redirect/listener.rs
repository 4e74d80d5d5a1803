use super::{
    CALLBACK,
    desk::{Desk, Intake, Reply, Via},
    page::{Page, plain},
};
use crate::wordpress;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The longest a browser may take over its one request.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most requests at once; more wait.
const AT_ONCE: usize = 32;

/// A port of this computer where the browser comes back to (RFC 8252 §7.3). Bound before the browser opens, and
/// closed when dropped; answers that are being written get finished.
pub(crate) struct Listener {
    address: SocketAddr,
    _open: DropGuard,
}

impl Listener {
    /// Bind a port that the system chooses, on the first of `addresses` that can be bound, and on the others too
    /// as far as the same port is free there; and take in replies at `desk`.
    ///
    /// # Errors
    /// Why none of them could be bound.
    pub(crate) async fn bind(addresses: &[IpAddr], desk: &Desk) -> io::Result<Self> {
        let mut first = None;
        let mut error = io::ErrorKind::AddrNotAvailable.into();
        for ip in addresses {
            match TcpListener::bind((*ip, 0)).await {
                Ok(socket) => {
                    first = Some((*ip, socket));
                    break;
                }
                Err(e) => error = e,
            }
        }
        let Some((ip, socket)) = first else { return Err(error) };
        let address = socket.local_addr()?;
        let mut sockets = vec![socket];
        for other in addresses.iter().filter(|other| **other != ip) {
            // The redirect names the first address literally. The others are for browsers that change it.
            sockets.extend(TcpListener::bind((*other, address.port())).await.ok());
        }
        let stop = CancellationToken::new();
        let room = Arc::new(Semaphore::new(AT_ONCE));
        for socket in sockets {
            tokio::spawn(accept(socket, desk.clone(), address.port(), room.clone(), stop.clone()));
        }
        Ok(Self { address, _open: stop.drop_guard() })
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The redirect URI, with the address as a literal: a name could be made to point elsewhere.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}", self.origin())
    }

    /// The same without a path.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn accept(socket: TcpListener, desk: Desk, port: u16, room: Arc<Semaphore>, stop: CancellationToken) {
    loop {
        let next = async {
            let seat = room.clone().acquire_owned().await.ok();
            (seat, socket.accept().await)
        };
        let (seat, accepted) = tokio::select! {
            () = stop.cancelled() => return,
            next = next => next,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, most likely. Nothing to do but to let others finish.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let desk = desk.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = answer(&request, &desk, port);
                async { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .max_buf_size(16 * 1024)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            let _ = tokio::time::timeout(PATIENCE, connection).await;
            drop(seat);
        });
    }
}

fn answer(request: &Request<Incoming>, desk: &Desk, port: u16) -> Response<Full<Bytes>> {
    let host = request.headers().get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let ours = ["127.0.0.1", "[::1]", "localhost"].iter().any(|name| host == format!("{name}:{port}"));
    if !ours {
        return plain(StatusCode::FORBIDDEN, String::new());
    }
    let path = request.uri().path();
    let nonce = path.strip_prefix(wordpress::PATH);
    if path != CALLBACK && nonce.is_none() {
        return plain(StatusCode::NOT_FOUND, String::new());
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, String::new());
    }
    let query = request.uri().query();
    let reply = match nonce {
        Some(nonce) => query.and_then(|query| wordpress::reply(nonce, query)),
        None => query.and_then(Reply::from_query),
    };
    let page = match reply.map(|reply| desk.take_in(reply, Via::Port(port))) {
        Some(Intake::Taken(_)) => Page::Done,
        Some(Intake::WrongIssuer(_)) => Page::WrongIssuer,
        Some(Intake::Unknown) | None => Page::Unknown,
    };
    page.response(request.headers())
}
