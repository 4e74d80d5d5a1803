use std::{
    fs::{self, File, Metadata},
    io,
    path::Path,
};

/// A new file takes the permissions of its folder, as the one it replaces did.
pub(super) fn keep(_file: &File, _old: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Folders in a profile are its owner's by inheritance.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)
}

/// Folders can't be flushed here; NTFS journals the rename.
pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
