use crate::AppsError;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The largest config that is read, in bytes. Claude Code's state file is the largest known: a few megabytes.
const LIMIT: u64 = 64 * 1024 * 1024;

const MARK: &str = "\u{feff}";

/// A config file as it is on the disk now.
#[derive(Debug)]
pub(crate) struct Config {
    /// Its path, as the app names it.
    pub(crate) path: PathBuf,
    /// The file behind all symbolic links, which need not exist: what is written.
    pub(crate) target: PathBuf,
    /// Its content; `None` when it is not there.
    pub(crate) bytes: Option<Vec<u8>>,
}

impl Config {
    /// Read it.
    pub(crate) fn read(path: PathBuf) -> Result<Self, AppsError> {
        let fail = |e: io::Error| match e.kind() {
            io::ErrorKind::InvalidInput => AppsError::NoFile { file: path.clone() },
            io::ErrorKind::FileTooLarge => AppsError::TooLarge { file: path.clone() },
            _ => AppsError::system(&path, e),
        };
        let target = resolve(&path).map_err(fail)?;
        let bytes = read(&target).map_err(fail)?;
        Ok(Self { path, target, bytes })
    }

    /// Whether it is on the disk as it was when it was read.
    pub(crate) fn is_unchanged(&self) -> bool {
        read(&self.target).is_ok_and(|now| now == self.bytes)
    }

    /// Its text without the byte-order mark, and the mark. A file that is not there is an empty text.
    pub(crate) fn text(&self) -> Result<(&'static str, &str), AppsError> {
        let bytes = self.bytes.as_deref().unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let line = bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            AppsError::Encoding { file: self.path.clone(), line }
        })?;
        Ok(text.strip_prefix(MARK).map_or(("", text), |rest| (MARK, rest)))
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    // Asked before opening: opening a named pipe would wait for a writer.
    if !meta.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    if meta.len() > LIMIT {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs::read(path).map(Some)
}

/// The path behind the symbolic links at its end. The last one may point to nothing.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut at = path.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        match fs::symlink_metadata(&at) {
            Ok(meta) if meta.is_symlink() => {
                let to = fs::read_link(&at)?;
                at = at.parent().map_or_else(|| to.clone(), |folder| folder.join(&to));
            }
            Ok(_) => return Ok(at),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(at),
            Err(e) => return Err(e),
        }
    }
    Err(io::ErrorKind::InvalidInput.into())
}
