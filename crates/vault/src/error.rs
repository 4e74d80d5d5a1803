use model::{Explain, Problem};
use std::{io, path::PathBuf};

/// Why a vault could not be made or opened, or a column not read. In no case was anything overwritten.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The system's keychain is there but locked, and nobody may be asked now or nobody answered.
    #[error("the keychain is locked")]
    Locked,
    /// The keychain did not answer in time, or still hangs in an earlier question.
    #[error("the keychain does not answer")]
    Hung,
    /// There is no keychain that would keep anything.
    #[error("no usable keychain: {0}")]
    NoKeychain(String),
    /// The passphrase does not open this vault.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// A vault under an empty passphrase would be an open one.
    #[error("empty passphrase")]
    EmptyPassphrase,
    /// The key is not where it was kept.
    #[error("the key is not in {kept}")]
    KeyMissing {
        /// Where it was kept, as [`crate::Kept::name`] says it.
        kept: &'static str,
    },
    /// A key is there, but it is another vault's.
    #[error("the key in {kept} is not the one of this vault")]
    KeyMismatch {
        /// Where it was kept, as [`crate::Kept::name`] says it.
        kept: &'static str,
    },
    /// This vault's key is kept in another way than the one that was asked for.
    #[error("the key is kept by {kept}, not by {asked}")]
    KeptElsewhere {
        /// How it is kept.
        kept: &'static str,
        /// How it was looked for.
        asked: &'static str,
    },
    /// Others than the owner can read the key file.
    #[error("{} has mode {mode:o}", path.display())]
    FileMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file belongs to somebody else.
    #[error("{} belongs to user {owner}", path.display())]
    FileOwner {
        /// The file.
        path: PathBuf,
        /// Whose it is: a user id.
        owner: u32,
    },
    /// The key file holds no key.
    #[error("{} holds no key", path.display())]
    FileForm {
        /// The file.
        path: PathBuf,
    },
    /// The key file can't be read or made.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The record in the database is damaged.
    #[error("the vault's record is damaged: {0}")]
    Record(&'static str),
    /// A sealed column is damaged, stands in another place than it was sealed for, or its row was edited.
    #[error("the sealed column {field} does not open")]
    Unsealable {
        /// The column's tag.
        field: &'static str,
    },
}

/// Where the key is kept, in a sentence.
fn place(kept: &str) -> &'static str {
    match kept {
        "keychain" => "the system's keychain",
        "passphrase" => "a passphrase",
        "file" => "a key file",
        _ => "memory only",
    }
}

impl Explain for VaultError {
    fn problem(&self) -> Problem {
        match self {
            Self::Locked => Problem::new(
                "vault.locked",
                "Your keychain is locked, so Bellhop can't open its keys.",
                "Choose Unlock, and type the password of your keychain when the system asks.",
            ),
            Self::Hung => Problem::new(
                "vault.hung",
                "Your keychain does not answer.",
                "Answer the question it may be showing, then choose Unlock.",
            ),
            Self::NoKeychain(_) => Problem::new(
                "vault.no_keychain",
                "This computer has no keychain that Bellhop could keep its key in.",
                "Choose a passphrase, or keep the keys only until Bellhop ends.",
            ),
            Self::WrongPassphrase => {
                Problem::new("vault.wrong_passphrase", "That is not the passphrase.", "Type it again.")
            }
            Self::EmptyPassphrase => Problem::new(
                "vault.empty_passphrase",
                "The passphrase is empty.",
                "Type one with some length.",
            ),
            Self::KeyMissing { kept } => Problem::new(
                "vault.key_missing",
                format!("The key to Bellhop's files is not where it was kept: {}.", place(kept)),
                "Put it back, for example from a backup; your sign-ins are kept as they are.",
            )
            .with("kept", kept),
            Self::KeyMismatch { kept } => Problem::new(
                "vault.key_mismatch",
                format!("The key found in {} does not open Bellhop's files.", place(kept)),
                "Put the right one back, for example from a backup; your sign-ins are kept as they are.",
            )
            .with("kept", kept),
            Self::KeptElsewhere { kept, asked } => Problem::new(
                "vault.kept_elsewhere",
                format!("The key to Bellhop's files is kept by {}, not by {}.", place(kept), place(asked)),
                format!("Start Bellhop with `--keys {kept}`."),
            )
            .with("kept", kept)
            .with("asked", asked),
            Self::FileMode { path, mode } => Problem::new(
                "vault.file_mode",
                format!("Others can read the key file {} (mode {mode:o}).", path.display()),
                format!("Run `chmod 600 {}`.", path.display()),
            )
            .with("path", path.display()),
            Self::FileOwner { path, .. } => Problem::new(
                "vault.file_owner",
                format!("The key file {} belongs to somebody else.", path.display()),
                "Name a file of your own.",
            )
            .with("path", path.display()),
            Self::FileForm { path } => Problem::new(
                "vault.file_form",
                format!("The file {} holds no key of Bellhop.", path.display()),
                "Name the right file, or one that isn't there yet to have it made.",
            )
            .with("path", path.display()),
            Self::File { path, source } => Problem::new(
                "vault.file",
                format!("The key file {} can't be used: {source}.", path.display()),
                "Check the path and its permissions.",
            )
            .with("path", path.display()),
            Self::Record(_) => Problem::new(
                "vault.record",
                "Bellhop's own file is damaged where it says how its key is kept.",
                "Restore Bellhop's folder from a backup.",
            ),
            Self::Unsealable { .. } => Problem::new(
                "vault.unsealable",
                "A stored sign-in is damaged or was changed by something other than Bellhop.",
                "Sign in to that service again.",
            ),
        }
    }
}
