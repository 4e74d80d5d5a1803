//! Whole sign-ins and renewals, against a real server on loopback that can be told to misbehave.

mod leaving;
mod methods;
mod owner;
mod reach;
mod rows;
mod server;
mod sign_in;
mod site;
mod trouble;
mod wordpress;

use crate::{Attempt, Browser, Http, Phase, SignIn};
use async_trait::async_trait;
use model::{Clock, ManualClock, SystemRandom, Timestamp};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::sync::mpsc;
use url::Url;

/// The longest a test waits for what has to happen.
const SOON: Duration = Duration::from_secs(20);

/// A browser that only says what it was asked to open.
struct Opened(mpsc::UnboundedSender<String>);

#[async_trait]
impl Browser for Opened {
    async fn open(&self, address: &Url) -> Result<(), String> {
        self.0.send(address.to_string()).map_err(|e| e.to_string())
    }
}

/// A person at a computer: Bellhop, a browser, a clock.
struct Desktop {
    sign_in: SignIn,
    opened: mpsc::UnboundedReceiver<String>,
    clock: Arc<ManualClock>,
}

impl Desktop {
    fn new() -> Self {
        let (sender, opened) = mpsc::unbounded_channel();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        let http = Http::new(Arc::new(model::NoProxies)).unwrap();
        let sign_in = SignIn::new(
            http,
            clock.clone() as Arc<dyn Clock>,
            Arc::new(SystemRandom),
            Arc::new(Opened(sender)),
            "Bellhop on anna-laptop",
        );
        Self { sign_in, opened, clock }
    }

    /// The address that the browser was sent to.
    async fn opened(&mut self) -> String {
        tokio::time::timeout(SOON, self.opened.recv()).await.unwrap().unwrap()
    }
}

/// Wait until an attempt is in a phase.
async fn phase(attempt: &Attempt, wanted: impl FnMut(&Phase) -> bool) -> Phase {
    let mut phases = attempt.phases.clone();
    tokio::time::timeout(SOON, phases.wait_for(wanted)).await.unwrap().unwrap().clone()
}

/// A browser of its own for each visit: no connection is kept, since each test has a runtime of its own.
static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    let _ = Http::new(Arc::new(model::NoProxies)).unwrap();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    client.pool_max_idle_per_host(0).build().unwrap()
});

/// Open an address as a browser does, and follow nothing.
async fn visit(address: &str) -> reqwest::Response {
    CLIENT.get(address).send().await.unwrap()
}

/// Where a page sends the browser.
async fn sent_to(address: &str) -> String {
    let response = visit(address).await;
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// One parameter of an address.
fn parameter(address: &str, name: &str) -> Option<String> {
    let url = Url::parse(address).unwrap();
    url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
}
