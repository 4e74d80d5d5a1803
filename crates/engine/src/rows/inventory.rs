use async_trait::async_trait;
use model::ServiceId;
use relay::InventoryRows;
use std::sync::Arc;
use store::Store;

/// Where the relay keeps inventories.
pub(crate) struct Inventories(pub(crate) Arc<Store>);

#[async_trait]
impl InventoryRows for Inventories {
    async fn load(&self, service: &ServiceId) -> Option<String> {
        self.0.inventory(service).await.unwrap_or_else(|e| {
            tracing::warn!(error = %e, %service, "an inventory could not be read");
            None
        })
    }

    async fn save(&self, service: &ServiceId, inventory: &str) {
        if let Err(e) = self.0.save_inventory(service, inventory).await {
            tracing::warn!(error = %e, %service, "an inventory could not be kept");
        }
    }
}
