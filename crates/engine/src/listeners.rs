//! The accept loops: loopback TCP for apps, the owner-only socket for the bridge and the person's faces.
//!
//! Our own loops over hyper's HTTP/1 builder and not a framework's, because limits and time-outs on the head of
//! a request, and a look at who is at the other end before a byte is read, are what a local port needs.

use crate::{boundary, boundary::hosts::Hosts, bridge::Peer, inner::Inner, patient::Patient, wire::Wire, x};
use authority::CallSite;
use axum::body::Body;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use model::Problem;
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Semaphore,
};

/// How long a peer has to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at a time, on each listener.
const CONNECTIONS: usize = 1024;
/// How long connections have to end by themselves when the engine finishes.
const FAREWELL: Duration = Duration::from_secs(1);

/// The loopback listeners of one port.
pub(crate) struct Loopback {
    pub(crate) port: u16,
    listeners: Vec<TcpListener>,
}

impl Loopback {
    /// Hold the port on 127.0.0.1 and, where the machine has it, on [::1].
    ///
    /// # Errors
    /// When somebody else holds it: the sentence names the owner. It never moves to another port silently, for
    /// the apps' configs name this one, and whoever sits there now would get their calls.
    pub(crate) fn bind(port: u16) -> Result<Self, Problem> {
        let taken = |port: u16, e: &io::Error| {
            if e.kind() != io::ErrorKind::AddrInUse {
                return Problem::new(
                    "engine.port",
                    format!("Bellhop can't listen on port {port} of this computer: {e}."),
                    "Choose another port with --port or BELLHOP_PORT.",
                );
            }
            let owner = x::port_owner(port).unwrap_or_else(|| "another program".to_owned());
            Problem::new(
                "engine.port_in_use",
                format!("Port {port} is in use by {owner}."),
                "Quit that program, or choose another port with --port or BELLHOP_PORT.",
            )
            .with("port", port)
            .with("owner", owner)
        };
        let four = bind((Ipv4Addr::LOCALHOST, port).into()).map_err(|e| taken(port, &e))?;
        let port = four.local_addr().map_err(|e| taken(port, &e))?.port();
        let mut listeners = vec![four];
        match bind((Ipv6Addr::LOCALHOST, port).into()) {
            Ok(six) => listeners.push(six),
            Err(e) if e.kind() == io::ErrorKind::AddrInUse => return Err(taken(port, &e)),
            Err(e) => tracing::info!("no IPv6 loopback on this machine: {e}"),
        }
        Ok(Self { port, listeners })
    }

    /// Accept until the engine finishes.
    pub(crate) fn serve(self, inner: &Arc<Inner>) {
        let hosts = Arc::new(Hosts::of(self.port));
        for listener in self.listeners {
            let (inner, hosts) = (Arc::clone(inner), Arc::clone(&hosts));
            inner.doors.clone().spawn(async move {
                let room = Arc::new(Semaphore::new(CONNECTIONS));
                loop {
                    let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
                    let accepted = tokio::select! {
                        accepted = listener.accept() => accepted,
                        () = inner.ending.cancelled() => return,
                    };
                    let (stream, peer) = match accepted {
                        Ok(accepted) => accepted,
                        Err(e) => {
                            // Out of descriptors, most likely: trying again at once would only spin.
                            tracing::warn!("a connection could not be accepted: {e}");
                            tokio::time::sleep(Duration::from_millis(100)).await;
                            continue;
                        }
                    };
                    let (inner, hosts) = (Arc::clone(&inner), Arc::clone(&hosts));
                    tokio::spawn(async move {
                        if may_speak(&stream, peer).await {
                            let site =
                                stream.local_addr().ok().map(|local| CallSite::Loopback { peer, local });
                            let answering = Arc::clone(&inner);
                            one(&inner, stream, move |wire, request| {
                                boundary::tcp::answer(
                                    Arc::clone(&answering),
                                    Arc::clone(&hosts),
                                    wire,
                                    site,
                                    request,
                                )
                            })
                            .await;
                        }
                        drop(place);
                    });
                }
            });
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // So that a restart doesn't wait for old connections. On Windows the option means that others may take the
    // port too, so it stays off there.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(1024)?;
    if !listener.local_addr()?.ip().is_loopback() {
        return Err(io::Error::other("the system bound another address than the loopback one"));
    }
    Ok(listener)
}

/// Loopback is open to all users of the machine: only this one's programs are listened to.
async fn may_speak(stream: &TcpStream, peer: SocketAddr) -> bool {
    let Ok(local) = stream.local_addr() else { return false };
    if !peer.ip().is_loopback() {
        return false;
    }
    // Small packets both ways: waiting to fill them costs 40 ms a call.
    let _ = stream.set_nodelay(true);
    if x::tcp_peer_is_surely_ours(peer, local) {
        return true;
    }
    match tokio::task::spawn_blocking(move || x::tcp_peer_is_ours(peer, local)).await {
        Ok(Some(false)) => {
            tracing::warn!("a program of another user of this computer was refused");
            false
        }
        Ok(_) => true,
        Err(_) => false,
    }
}

/// Serve the owner-only socket until the engine finishes.
pub(crate) fn serve_socket(inner: &Arc<Inner>, listener: x::Listener) {
    let inner = Arc::clone(inner);
    inner.doors.clone().spawn(async move {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = inner.ending.cancelled() => return,
            };
            let stream = match accepted {
                Ok(stream) => stream,
                Err(e) => {
                    tracing::warn!("a connection on the socket could not be accepted: {e}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Some(pid) = x::peer_pid(&stream) else { continue };
            let inner = Arc::clone(&inner);
            tokio::spawn(async move {
                let (answering, peer) = (Arc::clone(&inner), Arc::new(Peer::new(pid)));
                one(&inner, stream, move |wire, request| {
                    boundary::socket::answer(Arc::clone(&answering), Arc::clone(&peer), wire, request)
                })
                .await;
                drop(place);
            });
        }
    });
}

/// Speak HTTP/1.1 on one connection until it closes, is hung up, or the engine finishes.
async fn one<S, F, T>(inner: &Arc<Inner>, stream: S, answer: F)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    F: Fn(Arc<Wire>, Request<Body>) -> T,
    T: Future<Output = Result<axum::response::Response, std::convert::Infallible>>,
{
    let wire = Arc::new(Wire::default());
    let service = service_fn(|request: Request<Incoming>| answer(Arc::clone(&wire), request.map(Body::new)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(100)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(Patient::new(stream)), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = wire.cut() => return,
        () = inner.ending.cancelled() => None,
    };
    match ended {
        Some(Ok(())) => return,
        Some(Err(e)) => {
            tracing::debug!("a connection broke: {e}");
            return;
        }
        None => {}
    }
    let _ = tokio::time::timeout(FAREWELL, async {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    })
    .await;
}
