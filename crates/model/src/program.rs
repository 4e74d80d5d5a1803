use serde::{Deserialize, Serialize};

/// A program as the system shows it, observed and not claimed: the process behind a redirect port, a peer of
/// a socket, or what started the bridge.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Program {
    /// Process id at the time it was seen. Not part of its identity.
    pub pid: u32,
    /// What it is, to be compared later: the executable's path (`$APPIMAGE` for an AppImage), and for an
    /// interpreter the script's path behind it.
    pub identity: String,
    /// A short name to show, such as `Cursor.AppImage` or `codex`.
    pub name: String,
}

impl Program {
    /// Whether both are the same program, whatever their process ids.
    pub fn same(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}
