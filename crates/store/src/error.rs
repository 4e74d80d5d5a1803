use model::{Explain, Problem};
use std::path::PathBuf;

/// Why something could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file can't be opened, or its folder can't be used.
    #[error("{path} can't be opened")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A newer Bellhop wrote the file.
    #[error("{path} was written by a newer Bellhop")]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// SQLite's own check says that the file is damaged.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the check said.
        what: String,
    },
    /// The row has moved on: somebody stored a newer generation, or the person removed it.
    #[error("the row has changed meanwhile")]
    Superseded,
    /// A value in the file is none that this Bellhop writes.
    #[error("a stored value can't be read: {0}")]
    Value(&'static str),
    /// A sealed column doesn't open: another vault's, or the row was changed by somebody else.
    #[error("a sealed value doesn't open")]
    Sealed(#[from] vault::VaultError),
    /// The disk is full, the file is locked, and what else a database can say.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    /// The file's form could not be brought up to date.
    #[error("the file's form could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

impl Explain for StoreError {
    fn problem(&self) -> Problem {
        match self {
            Self::Open { path, source } => Problem::new(
                "store.open",
                format!("Bellhop can't open its file {}: {source}.", path.display()),
                "Check that the disk isn't full and the folder is yours.",
            ),
            Self::Newer { path } => Problem::new(
                "store.newer",
                format!("{} was written by a newer Bellhop.", path.display()),
                "Install the newest Bellhop. Nothing was changed.",
            ),
            Self::Damaged { path, .. } => Problem::new(
                "store.damaged",
                format!("Bellhop's file {} is damaged.", path.display()),
                "Put back a copy from a backup, or move the file away to start anew.",
            ),
            Self::Superseded => Problem::new(
                "store.superseded",
                "That has changed meanwhile.",
                "Look at it again, then try once more.",
            ),
            Self::Sealed(_) => Problem::new(
                "store.sealed",
                "A stored sign-in can't be opened with this key.",
                "Sign in to that service again.",
            ),
            Self::Value(_) | Self::Database(_) | Self::Migration(_) => Problem::new(
                "store.failed",
                "Bellhop could not read or write its own files.",
                "Check that the disk isn't full, then try again.",
            ),
        }
    }
}
