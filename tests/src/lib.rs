//! What the end-to-end tests are made with: a Bellhop in a home of its own, its command line, apps that sign in
//! to it over HTTP and over the bridge, a browser with a finger on the button, and the peers of `tests/peers`.
//!
//! Nothing here is a stand-in for a part of Bellhop: every process is one that a person would start. Each test has
//! its own homes and its own ports, so that they can all run at once, and whatever it started ends with it.
//!
//! A wait has a bound ([`PATIENCE`]) only so that a failure is one; no test measures time with it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of this is test code: what is not as expected ends the test, and the line says where"
)]

mod app;
mod bellhop;
mod bridge;
mod http;
mod peer;
mod process;
mod programs;
mod provider;
mod proxy;
mod raw;
mod session;
mod talk;

pub use app::{App, Asking, Tokens};
pub use bellhop::{Bellhop, Kept, PASSPHRASE, PIN, Run, Setup};
pub use bridge::Bridge;
pub use http::{Answer, Events, Http};
pub use peer::{Peer, approve, approve_with, driver};
pub use process::Process;
pub use programs::{node, peers, program, python};
pub use provider::{At, Endpoint, Fault, Kind, Oracle, Page, Provider, Seen, Ways, visit};
pub use proxy::{Certificates, PROXY_PASSWORD, Proxy};
pub use raw::Raw;
pub use session::Session;
pub use talk::{Heard, Talk};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{Random, SystemRandom};
use std::time::Duration;

/// How long anything may take before the test fails. Far more than it takes on a slow machine that does other
/// things as well.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Look at something again and again until it is as it should be.
///
/// # Panics
/// When it isn't within [`PATIENCE`].
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let end = std::time::Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(std::time::Instant::now() < end, "still not so: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// 256 random bits, as text that stands in an address as it is.
pub(crate) fn random() -> String {
    let mut bytes = [0; 32];
    SystemRandom.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
