use std::{
    fs::{DirBuilder, File, Metadata},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, fchown},
    path::Path,
};

/// Give the new file the owner and the mode of the one it replaces.
pub(super) fn keep(file: &File, old: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // The owner first: a change of owner may clear bits of the mode.
        fchown(file, Some(old.uid()), Some(old.gid()))?;
    }
    file.set_permissions(PermissionsExt::from_mode(old.mode() & 0o7777))
}

pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)
}

/// A rename is on the disk once its folder is.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
