use std::{env, path::PathBuf};

/// The root of the source tree this program was built in and still stands in; `None` for an installed one.
///
/// A build from the tree keeps its files in a home of its own and leaves the person's session alone.
pub(crate) fn root() -> Option<PathBuf> {
    of(&env::current_exe().ok()?)
}

fn of(program: &std::path::Path) -> Option<PathBuf> {
    // <tree>/target/<profile>/bellhop-desktop
    let target = program.parent()?.parent()?;
    let root = target.parent()?;
    (target.file_name()? == "target" && root.join("src-tauri/tauri.conf.json").is_file())
        .then(|| root.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    #[test]
    fn a_program_under_target_of_a_source_tree_is_from_the_tree() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("src-tauri")).unwrap();
        fs::write(folder.path().join("src-tauri/tauri.conf.json"), "{}").unwrap();
        assert_eq!(of(&folder.path().join("target/debug/bellhop-desktop")).as_deref(), Some(folder.path()));
        assert_eq!(of(&folder.path().join("other/debug/bellhop-desktop")), None);
    }

    #[test]
    fn an_installed_program_is_not_from_the_tree() {
        assert_eq!(of(Path::new("/usr/bin/bellhop-desktop")), None);
    }
}
