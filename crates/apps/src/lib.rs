//! The AI apps on this computer: find them, write Bellhop into their configs, take it out again.
//!
//! What is known of an app stands in one file under `data/`: where it is found, where its config lies, what
//! an entry looks like there. [`Apps`] reads those files against the [`Surroundings`] it is given and never
//! looks elsewhere, so that a test can hand it a folder and call that a computer.
//!
//! A config belongs to the person and to the app. Bellhop writes one entry, named [`ENTRY`], as an edit of the
//! text: everything else keeps its bytes, its order, its comments and its line ends. What can't be parsed is
//! not touched.

mod apps;
mod config;
mod diff;
mod edit;
mod error;
mod found;
mod known;
mod plan;
mod shape;
mod surroundings;
mod undo;
mod write;

pub use apps::{AppSeen, AppState, Apps};
pub use error::AppsError;
pub use known::Method;
pub use plan::{Change, Plan};
pub use surroundings::{Platform, Surroundings};

/// The name of Bellhop's entry in every config.
pub const ENTRY: &str = "bellhop";
