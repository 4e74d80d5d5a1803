use crate::{Access, Admission, InventoryRows, Limits, Record};
use model::{Clock, ConnectionId, Problem, Random, ServiceId};
use std::sync::Arc;

/// A tool as the window shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolSeen {
    /// Its name at the service.
    pub name: String,
    /// Its title, where it has one.
    pub title: Option<String>,
    /// Whether the service says that it only reads.
    pub reads: bool,
}

/// The room: sessions, inventories and the routes under `/mcp`.
pub struct Relay {
    pub(crate) access: Arc<dyn Access>,
    pub(crate) admission: Arc<dyn Admission>,
    pub(crate) record: Arc<dyn Record>,
    pub(crate) rows: Arc<dyn InventoryRows>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) limits: Limits,
}

impl Relay {
    /// The room, without sessions. Makes no request until it is asked something.
    pub fn new(
        access: Arc<dyn Access>,
        admission: Arc<dyn Admission>,
        record: Arc<dyn Record>,
        inventories: Arc<dyn InventoryRows>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        limits: Limits,
    ) -> Arc<Self> {
        Arc::new(Self { access, admission, record, rows: inventories, clock, random, limits })
    }

    /// `/mcp` and `/mcp/{service}`. The handlers take `Extension<Caller>`, which a boundary layer must have
    /// put there; without one they answer 500.
    pub fn routes(self: &Arc<Self>) -> axum::Router {
        axum::Router::new()
    }

    /// The connection is gone: drops its sessions and tells the services. Ends within the limits of a notice.
    pub async fn forget(&self, _connection: &ConnectionId) {}

    /// Fetches what a service offers, now.
    ///
    /// # Errors
    /// Why it can't be fetched.
    pub async fn refresh_inventory(&self, _service: &ServiceId) -> Result<(), Problem> {
        Ok(())
    }

    /// The tools of a service as last seen, in its order. Empty when it was never reached.
    pub fn tools(&self, _service: &ServiceId) -> Vec<ToolSeen> {
        Vec::new()
    }

    /// A service was removed or signed out: drops its sessions and what was known of it.
    pub async fn service_removed(&self, _service: &ServiceId) {}
}
