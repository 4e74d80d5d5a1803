use crate::{Desktop, x};
use async_trait::async_trait;
use std::sync::Arc;
use url::Url;

/// The person's browser: opened by the desktop where there is one, else by the system.
pub(crate) struct SystemBrowser(pub(crate) Option<Arc<dyn Desktop>>);

#[async_trait]
impl signin::Browser for SystemBrowser {
    async fn open(&self, address: &Url) -> Result<(), String> {
        match &self.0 {
            Some(desktop) => desktop.open(address).await,
            None => x::open_address(address).await,
        }
    }
}
