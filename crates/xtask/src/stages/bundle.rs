//! The packages to install.

use super::check;
use crate::{
    sh::{self, Failure},
    summary::Count,
    tree, ui,
};
use std::{fs, path::PathBuf};

/// What must be in the Debian package.
const INSIDE: [&str; 5] = [
    "usr/bin/bellhop-desktop",
    "usr/bin/bellhop",
    "usr/bin/bellhop-bridge",
    "usr/bin/bellhop-playground",
    "usr/share/applications/Bellhop.desktop",
];

/// The stage.
pub fn bundle() -> Result<Count, Failure> {
    ui::install("src-tauri")?;
    let mut tauri = sh::command("npm", &["exec", "--", "tauri", "build", "--bundles", "deb,rpm"]);
    tauri.current_dir(tree::root().join("src-tauri"));
    let mut count = check("packages", tauri);
    if count.failed > 0 {
        return Ok(count);
    }
    let package = newest_deb()?;
    println!("• what is in {}", package.display());
    let list = sh::said("dpkg-deb", &["--contents", &package.to_string_lossy()]).ok_or("dpkg-deb failed")?;
    for file in INSIDE {
        // Some makers of packages write a dot before each path.
        let there = list
            .lines()
            .filter_map(|line| line.split_whitespace().last())
            .any(|path| path.trim_start_matches("./") == file);
        println!("  {file}: {}", if there { "there" } else { "missing" });
        count += if there { Count::PASS } else { Count::FAIL };
    }
    count += launcher(&package)?;
    Ok(count)
}

/// The launcher must hand the address of a link on, or a sign-in by the scheme never comes back.
fn launcher(package: &std::path::Path) -> Result<Count, Failure> {
    let folder = tree::own("deb")?;
    sh::run(sh::command("dpkg-deb", &["--extract", &package.to_string_lossy(), &folder.to_string_lossy()]))?;
    let text = fs::read_to_string(folder.join("usr/share/applications/Bellhop.desktop"))?;
    let hands_on = text.lines().any(|line| line.starts_with("Exec=") && line.ends_with(" %u"));
    let handles = text.contains("MimeType=x-scheme-handler/app.bellhop.desktop;");
    println!("  the launcher hands links on: {}", hands_on && handles);
    Ok(if hands_on && handles { Count::PASS } else { Count::FAIL })
}

fn newest_deb() -> Result<PathBuf, Failure> {
    let folder = tree::programs(true).join("bundle/deb");
    let mut packages: Vec<_> = fs::read_dir(&folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .collect();
    packages.sort_by_key(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok());
    packages.pop().ok_or_else(|| format!("{} holds no package", folder.display()).into())
}
