//! How a connection leaves this computer: straight to the service, or through the proxy that the system names for it.
//!
//! Which of the two is decided when a connection is made. One that goes straight there is what it would be if there
//! were no proxies.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{
        Connected, Connection, HttpConnector,
        proxy::{SocksV4, SocksV5, Tunnel},
    },
    rt::TokioIo,
};
use model::{Proxies, Proxy};
use std::{
    io::{IoSlice, Result},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::TcpStream;
use tower::{Service, ServiceExt};

type Tcp = TokioIo<TcpStream>;
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Road {
    tcp: HttpConnector,
    /// To proxies that are spoken to in the clear or encrypted. What is sent through is encrypted in any case.
    to_proxy: HttpsConnector<HttpConnector>,
    proxies: Arc<dyn Proxies>,
}

/// No connection came about through the proxy at this place.
#[derive(Debug, thiserror::Error)]
#[error("through the proxy {place}")]
pub(crate) struct NotThrough {
    pub(crate) place: String,
    #[source]
    why: Failed,
}

/// A connection, to the service's own TLS or to a service on this computer.
pub(crate) enum Way {
    /// Straight there, or through a proxy that is spoken to in the clear.
    Plain(Tcp),
    /// Through a proxy that is spoken to encrypted.
    Encrypted(Box<MaybeHttpsStream<Tcp>>),
}

impl Road {
    /// `patience` is for one TCP connection; `tls` for proxies that want it.
    pub(crate) fn new(patience: Duration, tls: rustls::ClientConfig, proxies: Arc<dyn Proxies>) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(patience));
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        let to_proxy = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        Self { to_proxy: to_proxy.wrap_connector(tcp.clone()), tcp, proxies }
    }

    /// The proxy for an address. Plain http is for this computer alone.
    fn proxy(&self, to: &Uri) -> Option<Proxy> {
        if to.scheme_str() != Some("https") {
            return None;
        }
        self.proxies.to(to.host()?)
    }

    async fn through(self, proxy: Proxy, to: Uri) -> std::result::Result<Way, Failed> {
        let at: Uri = proxy.address.parse()?;
        let (tcp, login) = (self.tcp, proxy.login.as_ref());
        match proxy.scheme() {
            scheme @ ("socks5" | "socks5h") => {
                let mut socks = SocksV5::new(at, tcp).local_dns(scheme == "socks5");
                if let Some((user, password)) = login {
                    socks = socks.with_auth(user.clone(), password.expose().to_owned());
                }
                Ok(Way::Plain(socks.oneshot(to).await?))
            }
            scheme @ ("socks4" | "socks4a") => {
                let socks = SocksV4::new(at, tcp).local_dns(scheme == "socks4");
                Ok(Way::Plain(socks.oneshot(to).await?))
            }
            _ => {
                let mut tunnel = Tunnel::new(at, self.to_proxy);
                if let Some((user, password)) = login {
                    let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
                    let mut basic = HeaderValue::try_from(format!("Basic {pair}"))?;
                    basic.set_sensitive(true);
                    tunnel = tunnel.with_auth(basic);
                }
                Ok(match tunnel.oneshot(to).await? {
                    MaybeHttpsStream::Http(tcp) => Way::Plain(tcp),
                    encrypted => Way::Encrypted(Box::new(encrypted)),
                })
            }
        }
    }
}

impl Service<Uri> for Road {
    type Response = Way;
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Way, Failed>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<(), Failed>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        match self.proxy(&to) {
            None => {
                let straight = self.tcp.call(to);
                Box::pin(async move { Ok(Way::Plain(straight.await?)) })
            }
            Some(proxy) => {
                let place = proxy.place().to_owned();
                let through = self.clone().through(proxy, to);
                Box::pin(async move { through.await.map_err(|why| NotThrough { place, why }.into()) })
            }
        }
    }
}

impl Connection for Way {
    fn connected(&self) -> Connected {
        match self {
            Self::Plain(tcp) => tcp.connected(),
            Self::Encrypted(tls) => tls.connected(),
        }
    }
}

impl Read for Way {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: ReadBufCursor<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, into),
            Self::Encrypted(tls) => Pin::new(tls.as_mut()).poll_read(cx, into),
        }
    }
}

impl Write for Way {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Encrypted(tls) => Pin::new(tls.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Encrypted(tls) => Pin::new(tls.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Encrypted(tls) => Pin::new(tls.as_mut()).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::Encrypted(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, parts),
            Self::Encrypted(tls) => Pin::new(tls.as_mut()).poll_write_vectored(cx, parts),
        }
    }
}
