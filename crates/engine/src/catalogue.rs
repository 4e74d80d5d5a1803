//! The known services, and those that the person added to a file of their own.

mod list;
mod name;
mod read;
mod tile;

pub(crate) use list::List;
pub(crate) use name::name_for;
pub(crate) use tile::{At, Redirect, Tile};

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// The person's file in Bellhop's home.
const FILE: &str = "catalogue.json";

/// All tiles. The person's file is looked at again when it has changed.
pub(crate) struct Catalogue {
    file: PathBuf,
    seen: Mutex<(Stamp, Arc<List>)>,
}

/// By what a changed file is told; `None` where there is none.
type Stamp = Option<(SystemTime, u64)>;

impl Catalogue {
    /// The tiles of Bellhop, and those of this home.
    pub(crate) fn new(home: &crate::Home) -> Self {
        let file = home.join(FILE);
        let stamp = stamp(&file);
        let list = Arc::new(List::with(stamp.is_some().then_some(&file)));
        Self { file, seen: Mutex::new((stamp, list)) }
    }

    /// The tiles as they are now. Looks at the file's date, so not for the way of a call.
    pub(crate) fn now(&self) -> Arc<List> {
        let stamp = stamp(&self.file);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != stamp {
            *seen = (stamp, Arc::new(List::with(stamp.is_some().then_some(&self.file))));
        }
        Arc::clone(&seen.1)
    }

    /// The tile of that id.
    pub(crate) fn tile(&self, id: &str) -> Option<Arc<Tile>> {
        self.now().tile(id)
    }
}

fn stamp(file: &std::path::Path) -> Stamp {
    let seen = fs::metadata(file).ok()?;
    Some((seen.modified().unwrap_or(SystemTime::UNIX_EPOCH), seen.len()))
}

#[cfg(test)]
mod tests;
