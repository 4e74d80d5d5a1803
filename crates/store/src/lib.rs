//! What Bellhop keeps, as rows of SQLite.
//!
//! Two files: `bellhop.db` is small and must lose nothing (`synchronous=FULL`: what was said to be stored
//! survives a power cut); `activity.db` is the log and may lose its last moments. What the log must not miss
//! goes through an outbox in the first file, in the transaction of the change it speaks of.
//!
//! [`Database`] is the open files; a [`Store`] is a database with the [`vault::Vault`] that seals its secrets.

mod activity;
mod clients;
mod connections;
mod credentials;
mod database;
mod error;
mod services;
mod settings;
mod store;

pub use activity::{Activity, ActivityRow};
pub use clients::ClientRow;
pub use connections::{ConnectionRow, FamilyRow};
pub use credentials::{CredentialRow, TokensRow};
pub use database::Database;
pub use error::StoreError;
pub use services::{ServiceMethod, ServiceRow};
pub use store::Store;
