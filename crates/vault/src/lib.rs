//! One key, and the sealing of columns with it.
//!
//! A [`Vault`] holds 32 random bytes that were read once, from where the person chose to keep them (a
//! [`KeySource`]): the system's keychain, under a passphrase, in a file, or nowhere. Columns are sealed with a
//! key derived from them and bound to their place by a [`Binding`]; other rooms get a [`SubKey`] of their own.
//! What is needed to find the key again, and to tell it from a wrong one, is a [`VaultRecord`]: no secret, kept
//! in the database.
//!
//! | file | holds |
//! |---|---|
//! | `vault.rs` | [`Vault`]: create, open |
//! | `record.rs` | [`VaultRecord`], [`Kept`] |
//! | `key.rs` | the 32 bytes, [`SubKey`] |
//! | `seal.rs` | [`Binding`], the sealed form |
//! | `passphrase.rs`, `file.rs`, `keychain.rs` | the places a key can be kept in |
//! | `x.rs` | what differs from system to system |

mod error;
mod file;
mod key;
mod keychain;
mod passphrase;
mod record;
mod seal;
mod vault;
mod x;

pub use error::VaultError;
pub use key::SubKey;
pub use keychain::{Keychain, SystemKeychain};
pub use record::{Kept, VaultRecord, Wrapped};
pub use seal::Binding;
pub use vault::{KeySource, Vault};
