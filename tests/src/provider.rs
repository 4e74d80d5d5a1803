//! A provider whose faults can be played: an authorization server and the MCP server it is for, in this process and
//! on a thread of its own, so that a test that blocks holds nothing up.
//!
//! It signs people in without asking them, rotates refresh tokens, and ends a grant whose superseded refresh token
//! comes back. All that comes to it is shown to an [`Oracle`].

mod endpoints;
mod grants;
mod oracle;
mod resource;
mod token;
mod ways;
mod wire;

pub use oracle::{Endpoint, Kind, Oracle};
pub use ways::{Fault, Page, Ways};

use crate::{Bellhop, Http, PATIENCE, Process, Run, bellhop};
use grants::Grants;
use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    sync::{Notify, oneshot, watch},
    task::JoinHandle,
};

/// A moment of a renewal at which a test can stop the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The request is there, and nothing was done.
    Arrived,
    /// It was acted on, and nothing was answered.
    Acted,
    /// The answer is about to be sent. The provider goes on.
    Answered,
}

/// What has come to a provider so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Renewals, whatever became of them.
    pub renewals: u32,
    /// Codes that were exchanged, or tried to be.
    pub exchanges: u32,
    /// The registrations.
    pub registrations: u32,
    /// Registrations that were read or changed (RFC 7592).
    pub updates: u32,
    /// Registrations that were deleted.
    pub deleted: u32,
    /// The `token_type_hint` of each revocation.
    pub revoked: Vec<String>,
    /// Browsers at the sign-in page.
    pub visits: u32,
    /// Tool calls that were answered.
    pub calls: u32,
    /// Requests to MCP with a token that was refused.
    pub refused: u32,
    /// The requests to each path.
    pub paths: Vec<String>,
}

struct Shared {
    origin: String,
    oracle: Oracle,
    ways: Mutex<Ways>,
    grants: Mutex<Grants>,
    seen: watch::Sender<Seen>,
    /// The next renewal says when it is there, and waits.
    stop: Mutex<Option<(At, oneshot::Sender<()>)>>,
    go_on: Notify,
}

/// A provider on loopback. Ends when it is dropped.
pub struct Provider {
    /// Its origin, which is the issuer too.
    pub origin: String,
    /// What watches it.
    pub oracle: Oracle,
    shared: Arc<Shared>,
    port: u16,
    runtime: Option<Runtime>,
    listening: Mutex<Option<JoinHandle<()>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Provider {
    /// One with an oracle of its own.
    pub async fn start() -> Self {
        Self::watched(Oracle::default()).await
    }

    /// One that shares an oracle with others: what is theirs must not come here.
    ///
    /// # Panics
    /// When it can't listen.
    pub async fn watched(oracle: Oracle) -> Self {
        let port = bellhop::free_port();
        let origin = format!("http://127.0.0.1:{port}");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shared = Arc::new(Shared {
            origin: origin.clone(),
            oracle: oracle.clone(),
            ways: Mutex::default(),
            grants: Mutex::default(),
            seen: watch::Sender::default(),
            stop: Mutex::default(),
            go_on: Notify::new(),
        });
        let provider =
            Self { origin, oracle, shared, port, runtime: Some(runtime), listening: Mutex::default() };
        provider.come_back().await;
        provider
    }

    /// The address of its MCP endpoint.
    pub fn url(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    /// Change how it is.
    pub fn ways(&self, change: impl FnOnce(&mut Ways)) {
        change(&mut lock(&self.shared.ways));
    }

    /// What the token endpoint does with the next renewals.
    pub fn faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.ways(|w| w.faults.extend(faults));
    }

    /// What has come to it so far.
    pub fn seen(&self) -> Seen {
        self.shared.seen.borrow().clone()
    }

    /// Wait until what has come to it is as it should be.
    ///
    /// # Panics
    /// When it isn't in time.
    pub async fn until(&self, what: &str, fits: impl FnMut(&Seen) -> bool) -> Seen {
        let mut seen = self.shared.seen.subscribe();
        match tokio::time::timeout(PATIENCE, seen.wait_for(fits)).await {
            Ok(Ok(seen)) => seen.clone(),
            _ => panic!("still not so: {what}: {:?}", self.seen()),
        }
    }

    /// Stop the next renewal at this moment. What is returned says when it is there; it goes on with
    /// [`Provider::go_on`].
    pub fn stop_at(&self, at: At) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        *lock(&self.shared.stop) = Some((at, sender));
        receiver
    }

    /// Let the renewal that was stopped go on.
    pub fn go_on(&self) {
        self.shared.go_on.notify_one();
    }

    /// End all access tokens now, as if their time were over.
    pub fn end_access_tokens(&self) {
        lock(&self.shared.grants).end_access_tokens();
    }

    /// End all grants, as a person does at the provider.
    pub fn end_grants(&self) {
        lock(&self.shared.grants).end_all();
    }

    /// Forget all registrations.
    pub fn forget_clients(&self) {
        lock(&self.shared.grants).forget_clients();
    }

    /// Whether any grant is alive.
    pub fn any_alive(&self) -> bool {
        lock(&self.shared.grants).any_alive()
    }

    /// Hang up on everybody, and be reached by nobody.
    pub async fn go_away(&self) {
        let listening = lock(&self.listening).take();
        if let Some(listening) = listening {
            listening.abort();
            let _ = listening.await;
        }
    }

    /// Listen (again).
    ///
    /// # Panics
    /// When somebody else does.
    pub async fn come_back(&self) {
        let runtime = self.runtime.as_ref().unwrap();
        let (shared, port) = (Arc::clone(&self.shared), self.port);
        let (ready, listens) = oneshot::channel();
        let listening = runtime.spawn(async move {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
            let _ = ready.send(());
            wire::serve(listener, shared).await;
        });
        listens.await.unwrap();
        *lock(&self.listening) = Some(listening);
    }

    /// Sign in to it with Bellhop, under this name: the person's browser opens the page and comes back.
    pub async fn sign_in(&self, bellhop: &Bellhop, name: &str) -> Run {
        visit(bellhop, &["services", "add", &self.url(), "--name", name, "--no-browser"]).await
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Run a command that signs in, with a browser that follows where the address leads, up to Bellhop's own page.
///
/// # Panics
/// When the page doesn't send the browser anywhere.
pub async fn visit(bellhop: &Bellhop, args: &[&str]) -> Run {
    let mut process = Process::start(bellhop.command(args));
    process.close();
    if let Some(address) = process.maybe(|line| line.starts_with("http").then(|| line.to_owned())).await {
        let http = Http::default();
        let answer = http.get(&address).await;
        let back = answer.header("location").to_owned();
        assert!(!back.is_empty(), "{address}: {}", answer.status);
        http.get(&back).await.text().await;
    }
    bellhop::run(process).await
}
