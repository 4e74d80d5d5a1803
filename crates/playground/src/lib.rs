//! The playground: a small MCP service with its own sign-in, so that a person can try Bellhop without an
//! account, and a test has a real service on the other side.
//!
//! It is what a service on the internet is, made small: a resource server at `/mcp` (Streamable HTTP of the
//! revisions 2025-11-25, 2025-06-18 and 2025-03-26) and an authorization server on the same origin (code grant
//! with PKCE, dynamic registration, rotating refresh tokens, revocation). It listens on 127.0.0.1 and calls
//! nobody.
//!
//! There is one made-up account and no password: whoever can open the page may press Allow. Nothing real is
//! behind it.

mod auth;
mod boundary;
mod jws;
mod mcp;
mod page;
mod state;

pub use state::StateError;

use crate::{
    auth::{Asked, Codes},
    jws::SigningKey,
    mcp::{Change, Sessions},
    state::Store,
};
use model::{Clock, Explain, Problem, Random};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::broadcast};
use tokio_util::sync::CancellationToken;

/// The account that everybody signs in to.
pub const ACCOUNT: &str = "you@playground.example";

/// How long answers under way may take once the end was asked for.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

/// How a playground is set up.
pub struct Options {
    /// The port on 127.0.0.1; 0 takes the port of last time when it is free, so that earlier sign-ins still
    /// name the right address, and else any.
    pub port: u16,
    /// The file that keeps key, sign-ins and notes; `None` forgets all at the end.
    pub state: Option<PathBuf>,
    /// How long an access token lives.
    pub access_life: Duration,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// Why a playground can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The file of `--state` can't be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The key in the file is none.
    #[error("the signing key can't be used")]
    Key(#[from] jws::KeyError),
    /// The port can't be had.
    #[error("can't listen on 127.0.0.1:{port}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
}

impl Explain for StartError {
    fn problem(&self) -> Problem {
        match self {
            Self::State(e) => e.problem(),
            Self::Key(_) => Problem::new(
                "playground.key",
                "The playground's file holds a key that can't be used.",
                "Delete the file; the playground then starts afresh.",
            ),
            Self::Listen { port, .. } => Problem::new(
                "playground.port",
                format!("The playground can't use port {port} of this computer."),
                "End the program that uses it, or start the playground with another --port.",
            )
            .with("port", port),
        }
    }
}

/// A playground that holds its port and is ready to serve.
pub struct Playground {
    listener: TcpListener,
    house: Arc<House>,
}

/// What every route shares.
struct House {
    /// `http://127.0.0.1:PORT`: the issuer, and the only origin that is answered.
    origin: String,
    access_life: Duration,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    store: Store,
    key: SigningKey,
    asked: Asked,
    codes: Codes,
    sessions: Sessions,
    changes: broadcast::Sender<Change>,
    stop: CancellationToken,
}

impl House {
    /// The address of the MCP endpoint, which is also the resource that access tokens are for.
    fn resource(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    /// 256 random bits, fit for a URL.
    fn secret(&self) -> String {
        let mut bytes = [0u8; 32];
        self.random.fill(&mut bytes);
        jws::encode(bytes)
    }
}

impl Playground {
    /// Read the state, and take the port.
    ///
    /// # Errors
    /// When the file can't be read or written, or the port can't be had.
    pub async fn open(options: Options) -> Result<Self, StartError> {
        let store = Store::open(options.state)?;
        let key = match store.read(|s| s.signing_key.clone()) {
            Some(key) => SigningKey::from_text(&key)?,
            None => {
                let text = SigningKey::generate()?;
                store.change(|s| s.signing_key = Some(text.clone()))?;
                SigningKey::from_text(&text)?
            }
        };
        let listener = listen(options.port, store.read(|s| s.port)).await?;
        let port =
            listener.local_addr().map_err(|source| StartError::Listen { port: options.port, source })?.port();
        store.change(|s| s.port = Some(port))?;
        let house = House {
            origin: format!("http://127.0.0.1:{port}"),
            access_life: options.access_life,
            clock: options.clock,
            random: options.random,
            store,
            key,
            asked: Asked::default(),
            codes: Codes::default(),
            sessions: Sessions::default(),
            changes: broadcast::channel(64).0,
            stop: CancellationToken::new(),
        };
        Ok(Self { listener, house: Arc::new(house) })
    }

    /// The address of the MCP endpoint.
    pub fn url(&self) -> String {
        self.house.resource()
    }

    /// Serve until `stop`; open streams end then too.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn serve(self, stop: CancellationToken) -> io::Result<()> {
        let house = Arc::clone(&self.house);
        let app = axum::Router::new()
            .merge(page::routes())
            .merge(auth::routes())
            .merge(mcp::routes(Arc::clone(&house)))
            .layer(axum::middleware::from_fn_with_state(Arc::clone(&house), boundary::check))
            .with_state(Arc::clone(&house));
        let stopped = stop.clone();
        let ending = async move {
            stopped.cancelled().await;
            // Event streams would otherwise keep their connections, and with them this future, alive.
            house.stop.cancel();
        };
        let overdue = async move {
            stop.cancelled().await;
            tokio::time::sleep(LAST_ANSWERS).await;
        };
        tokio::select! {
            result = axum::serve(self.listener, app).with_graceful_shutdown(ending) => result,
            () = overdue => Ok(()),
        }
    }
}

async fn listen(port: u16, last: Option<u16>) -> Result<TcpListener, StartError> {
    let bind = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    if let (0, Some(last)) = (port, last)
        && let Ok(listener) = bind(last).await
    {
        return Ok(listener);
    }
    bind(port).await.map_err(|source| StartError::Listen { port, source })
}
