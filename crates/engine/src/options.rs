use crate::{Desktop, Home};
use model::Secret;
use std::{path::PathBuf, sync::Arc};

/// The loopback port, unless `BELLHOP_PORT` or `--port` says otherwise.
pub const DEFAULT_PORT: u16 = 27440;

/// How an engine starts.
pub struct Options {
    /// Where all its files are.
    pub home: Home,
    /// The loopback port; `None` for `BELLHOP_PORT`, the one of last time, or [`DEFAULT_PORT`]. 0 for any
    /// free one.
    pub port: Option<u16>,
    /// Where the vault's key is kept; `None` for what this home's vault says, and nothing chosen in a new one.
    pub keys: Option<Keys>,
    /// The desktop that holds the engine; `None` for `bellhop serve`.
    pub desktop: Option<Arc<dyn Desktop>>,
    /// Whether the system may ask the person for a password now: not when started with `--hidden`.
    pub may_prompt: bool,
    /// Whether this is a build from the tree, which leaves nothing behind outside its home.
    pub from_tree: bool,
}

impl Options {
    /// The options of `bellhop serve` in this home.
    pub fn headless(home: Home) -> Self {
        Self { home, port: None, keys: None, desktop: None, may_prompt: true, from_tree: false }
    }
}

/// Where the vault's key is kept, and what opens it.
#[derive(Debug, Clone)]
pub enum Keys {
    /// The system's keychain.
    Keychain,
    /// Under a passphrase.
    Passphrase(Secret),
    /// In a file of mode 0600.
    File(PathBuf),
    /// Nowhere: no secret is written, and everything is forgotten when the engine ends.
    Session,
}
