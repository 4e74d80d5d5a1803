use async_trait::async_trait;
use model::ServiceId;
use std::sync::Arc;
use store::Store;

/// What services offer, kept across restarts.
pub(crate) struct Inventories(Arc<Store>);

impl Inventories {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self(store)
    }
}

#[async_trait]
impl relay::InventoryRows for Inventories {
    async fn load(&self, service: &ServiceId) -> Option<String> {
        self.0.inventory(service).await.unwrap_or_else(|e| {
            tracing::warn!("an inventory could not be read: {e}");
            None
        })
    }

    async fn save(&self, service: &ServiceId, inventory: &str) {
        if let Err(e) = self.0.save_inventory(service, inventory).await {
            tracing::warn!("an inventory could not be stored: {e}");
        }
    }
}
