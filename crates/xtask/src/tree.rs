//! Where things lie in the source tree.

use std::{
    env, io,
    path::{Path, PathBuf},
};

/// The root of the tree.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Work from the root, wherever the command was typed.
pub fn enter() -> io::Result<()> {
    env::set_current_dir(root())
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// A folder of this program's own under the target folder.
pub fn own(name: &str) -> io::Result<PathBuf> {
    let folder = target().join("xtask").join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Where the programs of a profile lie.
pub fn programs(release: bool) -> PathBuf {
    target().join(if release { "release" } else { "debug" })
}
