//! Files are replaced, never written into: a reader sees the old content or the new, and a crash leaves one of
//! the two.

use crate::{AppsError, config::Config};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

#[cfg(unix)]
#[path = "write/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "write/windows.rs"]
mod system;

/// Write this content in the config's place, or delete the config. The config must still be what was read.
pub(crate) fn replace(config: &Config, content: Option<&[u8]>) -> Result<(), AppsError> {
    let fail = |e| AppsError::system(&config.path, e);
    let meta = match fs::metadata(&config.target) {
        Ok(meta) => Some(meta),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(fail(e)),
    };
    if meta.as_ref().is_some_and(|m| m.permissions().readonly()) {
        return Err(AppsError::ReadOnly { file: config.path.clone() });
    }
    let changed = || AppsError::Changed { file: config.path.clone() };
    let Some(content) = content else {
        if !config.is_unchanged() {
            return Err(changed());
        }
        return fs::remove_file(&config.target).map_err(fail);
    };
    let folder = parent(&config.target);
    let mut file = fresh(folder).map_err(fail)?;
    file.write_all(content).map_err(fail)?;
    if let Some(meta) = meta {
        system::keep(file.as_file(), &meta).map_err(fail)?;
    }
    file.as_file().sync_all().map_err(fail)?;
    // As late as can be: apps rewrite these files whenever they like.
    if !config.is_unchanged() {
        return Err(changed());
    }
    file.persist(&config.target).map_err(|e| fail(e.error))?;
    system::sync_folder(folder).map_err(fail)
}

/// Write a file of Bellhop's own, readable by its owner alone.
pub(crate) fn private(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = parent(path);
    folders(folder)?;
    let mut file = fresh(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    system::sync_folder(folder)
}

/// Make the folder and those above it, for their owner alone; those that were made come back, the outermost
/// first.
pub(crate) fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let missing: Vec<_> = folder
        .ancestors()
        .take_while(|f| !f.as_os_str().is_empty() && !f.exists())
        .map(Path::to_owned)
        .collect();
    let mut made = Vec::new();
    for folder in missing.into_iter().rev() {
        system::make_folder(&folder)?;
        made.push(folder);
    }
    Ok(made)
}

/// A new file in this folder under a name of its own, for its owner alone; gone again unless it is persisted.
fn fresh(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".bellhop-").suffix(".tmp").tempfile_in(folder)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_that_changed_after_it_was_read_is_neither_replaced_nor_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        for (then, now) in [(Some("{}"), Some("{ }")), (Some("{}"), None), (None, Some("{}"))] {
            let place = |content: Option<&str>| match content {
                Some(content) => fs::write(&path, content).unwrap(),
                None => fs::remove_file(&path).unwrap_or_default(),
            };
            place(then);
            let config = Config::read(path.clone()).unwrap();
            place(now);
            for content in [Some(b"ours".as_slice()), None] {
                let error = replace(&config, content).unwrap_err();
                assert!(matches!(error, AppsError::Changed { .. }), "{error:?}");
            }
            assert_eq!(fs::read_to_string(&path).ok().as_deref(), now);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), usize::from(now.is_some()));
        }
    }
}
