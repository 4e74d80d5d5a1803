mod handle;
pub(crate) mod problems;
mod renewal;
mod state;
mod task;

pub use handle::{CredentialHandle, Current};
pub use state::CredentialState;
pub use task::Owner;
