use crate::{bridge, registry::Registry, x};
use async_trait::async_trait;
use authority::{CallSite, Offered};
use model::Program;
use std::sync::Arc;

/// What the authority can see: the services, and who listens on a port.
pub(crate) struct Around(pub(crate) Arc<Registry>);

#[async_trait]
impl authority::Surroundings for Around {
    fn offered(&self) -> Vec<Offered> {
        self.0.all().into_iter().map(|e| Offered { name: e.row.name, title: e.row.title }).collect()
    }

    async fn listens_on(&self, port: u16) -> Option<Program> {
        // Reading all of /proc takes milliseconds: not on a thread that carries calls.
        tokio::task::spawn_blocking(move || x::listener_program(port)).await.ok().flatten()
    }

    async fn calls_from(&self, site: CallSite) -> Option<Program> {
        let looking = move || match site {
            CallSite::Loopback { peer, local } => x::peer_program(peer, local),
            // Over the socket it is Bellhop's own program that speaks, for whoever started it.
            CallSite::Process(pid) => bridge::started_by(pid),
        };
        tokio::task::spawn_blocking(looking).await.ok().flatten()
    }
}
