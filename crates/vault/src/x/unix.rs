use crate::VaultError;
use std::{
    fs::{File, OpenOptions},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

/// A file made with these options is its owner's alone.
pub(crate) fn private(options: &mut OpenOptions) {
    options.mode(0o600);
}

/// Refuses a file that others can read or that belongs to somebody else.
pub(crate) fn check_private(file: &File, path: &Path) -> Result<(), VaultError> {
    let meta = file.metadata().map_err(|source| VaultError::File { path: path.to_owned(), source })?;
    let mode = meta.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(VaultError::FileMode { path: path.to_owned(), mode });
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(VaultError::FileOwner { path: path.to_owned(), owner: meta.uid() });
    }
    Ok(())
}
