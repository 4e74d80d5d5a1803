use model::VaultId;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a database says about its vault. Holds no secret, and no key can be had from it alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultRecord {
    /// Names the item in the keychain, so that two homes never overwrite each other's.
    pub id: VaultId,
    /// Where the key is kept.
    pub kept: Kept,
    /// A code made with the key, in hexadecimal: tells the key from any other before anything is read with it.
    pub check: String,
}

/// Where a vault's key is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Kept {
    /// In the system's keychain.
    Keychain,
    /// Here, wrapped under a passphrase.
    Passphrase(Wrapped),
    /// In a file.
    File {
        /// Where it was when the vault was made; it may be named anew.
        path: PathBuf,
    },
    /// In memory only. Such a record is never written to a disk.
    Session,
}

/// A key under a passphrase: Argon2id (RFC 9106) gives the key that wraps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapped {
    /// 16 random bytes, in hexadecimal.
    pub salt: String,
    /// Argon2's memory, in KiB.
    pub memory: u32,
    /// Argon2's passes.
    pub passes: u32,
    /// Argon2's lanes.
    pub lanes: u32,
    /// The wrapped key, in hexadecimal.
    pub key: String,
}

impl Kept {
    /// `keychain`, `passphrase`, `file` or `session`: the word of `--keys`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::Passphrase(_) => "passphrase",
            Self::File { .. } => "file",
            Self::Session => "session",
        }
    }
}
