//! Files that only their owner can read.

use model::Problem;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A file that is to hold a secret: made beside its place, for its owner alone, and put there when it is whole. So
/// nothing is ever readable for others, a link at its place is replaced and not followed, and a failure leaves what was
/// there.
pub(crate) struct File {
    path: PathBuf,
    beside: PathBuf,
    file: fs::File,
    whole: bool,
}

impl File {
    /// Make it, empty, beside its place.
    ///
    /// # Errors
    /// When it can't be made there.
    pub(crate) fn prepare(path: &Path) -> Result<Self, Problem> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let beside = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&beside).map_err(|e| unwritable(path, &e))?;
        Ok(Self { path: path.to_owned(), beside, file, whole: false })
    }

    /// Write a line into it, and put it into its place.
    ///
    /// # Errors
    /// When it can't be written: what was there is there still.
    pub(crate) fn fill(mut self, text: &str) -> Result<(), Problem> {
        let done = writeln!(self.file, "{text}")
            .and_then(|()| self.file.sync_all())
            .and_then(|()| fs::rename(&self.beside, &self.path));
        self.whole = done.is_ok();
        done.map_err(|e| unwritable(&self.path, &e))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if !self.whole {
            let _ = fs::remove_file(&self.beside);
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    Problem::new(
        "cli.unwritable",
        format!("{} can't be written: {error}.", path.display()),
        "Choose another file.",
    )
    .with("file", path.display())
}
