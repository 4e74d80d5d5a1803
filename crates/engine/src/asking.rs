//! Asking the person in the middle of an app's call.

use crate::rooms::Rooms;
use async_trait::async_trait;
use model::Problem;
use relay::{About, Person};
use std::sync::Weak;

/// The person, as the relay knows them.
pub(crate) struct Asking(pub(crate) Weak<Rooms>);

#[async_trait]
impl Person for Asking {
    fn can_be_asked(&self, _about: &About) -> bool {
        self.0.upgrade().is_none()
    }

    async fn ask(&self, _about: About) -> Result<(), Problem> {
        Err(Problem::new("engine.nobody", "There is nobody to ask.", "Open Bellhop."))
    }
}
