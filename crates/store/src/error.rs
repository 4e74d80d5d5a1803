use model::{Explain, Problem};
use std::{io, path::PathBuf};
use vault::VaultError;

/// Why something could not be read or written. Whatever was stored before is still there.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A newer Bellhop wrote this file.
    #[error("{} has schema {found}; this version knows {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The newest migration that was applied to it.
        found: i64,
        /// The newest one that this program has.
        known: i64,
    },
    /// The file is no intact database.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the check said.
        what: String,
    },
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The row has moved on: somebody stored a newer generation, or it was removed.
    #[error("the row has changed meanwhile")]
    Superseded,
    /// Another service has that short name.
    #[error("a service of that name is there already")]
    NameTaken,
    /// A sealed column does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A column holds what it should not.
    #[error("the column {0} is damaged")]
    Column(&'static str),
    /// A folder or file can't be made or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The migrations did not go through; none of them is half applied.
    #[error("the migration failed: {0}")]
    Migration(String),
    /// Anything else that SQLite said. Never holds a value of a row.
    #[error("the database: {0}")]
    Sql(sqlx::Error),
}

/// SQLite's primary result code (<https://sqlite.org/rescode.html>), out of the extended one.
pub(crate) fn code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?.parse::<i32>().ok()?;
    Some(code & 0xff)
}

/// SQLITE_FULL.
const FULL: i32 = 13;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if code(&error) == Some(FULL) { Self::Full } else { Self::Sql(error) }
    }
}

impl Explain for StoreError {
    fn problem(&self) -> Problem {
        match self {
            Self::Newer { path, .. } => Problem::new(
                "store.newer",
                "A newer version of Bellhop has used these files.",
                "Install that version again, or a later one.",
            )
            .with("path", path.display()),
            Self::Damaged { path, .. } => Problem::new(
                "store.damaged",
                format!("Bellhop's file {} is damaged.", path.display()),
                "Restore it from a backup, or move it away to start anew.",
            )
            .with("path", path.display()),
            Self::Full => Problem::new(
                "store.full",
                "The disk is full, so Bellhop can't keep its changes.",
                "Make room on the disk; Bellhop tries again by itself.",
            ),
            Self::Superseded => Problem::new(
                "store.superseded",
                "That was changed or removed in the meantime.",
                "Look at it again.",
            ),
            Self::NameTaken => Problem::new(
                "store.name_taken",
                "Another service has that short name already.",
                "Choose another name.",
            ),
            Self::Vault(e) => e.problem(),
            Self::Io { path, source } => Problem::new(
                "store.io",
                format!("Bellhop can't use {}: {source}.", path.display()),
                "Check the path and its permissions.",
            )
            .with("path", path.display()),
            Self::Column(_) | Self::Migration(_) | Self::Sql(_) => Problem::new(
                "store.failed",
                "Bellhop could not read or write its own files.",
                "Start Bellhop again; run `bellhop doctor` if that doesn't help.",
            ),
        }
    }
}
