//! What Bellhop keeps on the disk: SQLite rows, and the migrations that make room for them.
//!
//! There are two files. `bellhop.db` is small and never loses a commit (`synchronous=FULL`): services,
//! credentials, connections, settings. `activity.db` is the log of what happened; it is written in batches by a
//! task of its own and may lose the last moments before a power cut. What must not be missing there (sign-ins,
//! revocations) goes through an outbox in the first file, in the same transaction as the change it speaks of.
//!
//! A [`Database`] can be opened without the vault, for its [`Database::vault_record`] tells how to open that.
//! With the vault open it becomes a [`Store`]. Secrets are sealed column by column: nothing readable of them is
//! ever in a file. The rows here are this room's own types; whoever uses them converts.
//!
//! | file | holds |
//! |---|---|
//! | `database.rs`, `open.rs` | [`Database`]: the two files, their checks, backups and migrations |
//! | `store.rs` | [`Store`], settings |
//! | `services.rs`, `credentials.rs`, `refresh.rs` | services and what proves us to them |
//! | `grants.rs`, `access_keys.rs`, `standing.rs` | apps: clients, connections, families of tokens, access keys |
//! | `activity.rs`, `log.rs` | the log, and the task that writes it |

mod access_keys;
mod activity;
mod column;
mod credentials;
mod database;
mod error;
mod fixed;
mod grants;
mod log;
mod open;
mod receipts;
mod refresh;
mod services;
mod standing;
mod store;

#[cfg(test)]
mod tests;

pub use access_keys::AccessKeyRow;
pub use activity::{ActivityPage, ActivityRow, NewActivity};
pub use credentials::{ClientAuth, ClientSource, CredentialRow, OauthRow, TokensRow};
pub use database::Database;
pub use error::StoreError;
pub use fixed::{FixedKind, FixedRow};
pub use grants::{BearerRow, ClientRow, ConnectionMethod, ConnectionRow, FamilyRow};
pub use receipts::ReceiptRow;
pub use services::{ServiceMethod, ServiceRow};
pub use store::Store;
