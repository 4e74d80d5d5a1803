use crate::Method;
use std::{fmt, path::PathBuf};

/// What connecting or disconnecting an app changes, or would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How the app reaches Bellhop, or reached it before it was disconnected.
    pub method: Method,
    /// Each file that changes; empty when all is as it should be.
    pub changes: Vec<Change>,
    /// What the person does afterwards, such as restarting the app; empty when nothing changes.
    pub next: String,
}

/// A change of one config file.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// The file, as the app names it (a symbolic link is not resolved here).
    pub file: PathBuf,
    /// Whether the file is made new.
    pub created: bool,
    /// The change as a unified diff with three lines around it. For showing: very long lines are cut.
    pub diff: String,
}

impl fmt::Debug for Change {
    /// Without the diff: the lines around a change are the person's own and may hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("file", &self.file)
            .field("created", &self.created)
            .field("diff", &format_args!("{} bytes", self.diff.len()))
            .finish()
    }
}
