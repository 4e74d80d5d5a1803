//! Building the window.

use crate::{
    sh::{self, Failure},
    tree,
};
use std::{
    collections::BTreeSet,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

/// What Vite needs at least.
const NODE: (u32, u32) = (20, 19);

/// Build the window, unless what stands there was built from the same sources.
pub fn build() -> Result<(), Failure> {
    install("ui")?;
    let sources = print_of(Path::new("ui"), &["node_modules", "dist", "out"])?;
    let stamp = tree::own("")?.join("window.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|text| text == sources)
        && Path::new("ui/dist/index.html").exists()
    {
        return Ok(());
    }
    println!("Building the window");
    npm("ui", &["run", "--silent", "build"])?;
    fs::write(stamp, sources)?;
    Ok(())
}

/// Install the packages of a folder, unless they are there.
pub fn install(folder: &str) -> Result<(), Failure> {
    check_node()?;
    let locked = Path::new(folder).join("package-lock.json").exists();
    // The Tauri CLI is one package a platform, and a mirror that has only some of them makes a lock file that
    // `npm ci` refuses elsewhere: that folder names an exact version instead of a lock.
    let list = if locked { "package-lock.json" } else { "package.json" };
    let lock =
        fs::read_to_string(Path::new(folder).join(list)).map_err(|e| format!("{folder}/{list}: {e}"))?;
    let print = hash(&lock);
    let stamp = tree::own("")?.join(format!("npm-{}.stamp", folder.replace('/', "-")));
    let there = Path::new(folder).join("node_modules/.package-lock.json").exists();
    if there && fs::read_to_string(&stamp).is_ok_and(|text| text == print) {
        return Ok(());
    }
    // `npm ci` begins by deleting everything: spare that where a person has installed by hand.
    let complete = there && npm(folder, &["ls", "--silent", "--all"]).is_ok();
    if !complete {
        println!("Installing the packages of {folder}/");
        let how: &[&str] = if locked { &["ci"] } else { &["install", "--no-package-lock"] };
        npm(folder, &[how, &["--no-audit", "--no-fund", "--loglevel=error"]].concat())?;
    }
    fs::write(stamp, print)?;
    Ok(())
}

/// Run npm in a folder of the tree.
pub fn npm(folder: &str, args: &[&str]) -> Result<(), Failure> {
    let mut npm = sh::command("npm", args);
    npm.current_dir(tree::root().join(folder));
    if args.first() == Some(&"ls") {
        npm.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    }
    sh::run(npm)
}

fn check_node() -> Result<(), Failure> {
    let version = sh::said("node", &["--version"]).ok_or_else(|| {
        format!("Node {}.{} or newer is needed to build the window; there is none", NODE.0, NODE.1)
    })?;
    let mut numbers = version.trim_start_matches('v').split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < NODE {
        return Err(format!("Node {}.{} or newer is needed; this is {version}", NODE.0, NODE.1).into());
    }
    Ok(())
}

/// A print of all files under a folder: their paths and what they hold.
pub fn print_of(folder: &Path, except: &[&str]) -> io::Result<String> {
    let mut files = BTreeSet::new();
    collect(folder, except, &mut files)?;
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(folder: &Path, except: &[&str], into: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if except.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), except, into)?;
        } else {
            into.insert(entry.path());
        }
    }
    Ok(())
}

fn hash(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_print_changes_with_what_a_file_holds_and_with_its_name_and_not_with_what_is_left_out() {
        let folder = std::env::temp_dir().join(format!("bellhop-print-{}", std::process::id()));
        fs::create_dir_all(folder.join("dist")).unwrap();
        fs::write(folder.join("a"), "1").unwrap();
        let print = || print_of(&folder, &["dist"]).unwrap();
        let first = print();
        fs::write(folder.join("dist/x"), "1").unwrap();
        assert_eq!(print(), first);
        fs::write(folder.join("a"), "2").unwrap();
        let second = print();
        assert_ne!(second, first);
        fs::rename(folder.join("a"), folder.join("b")).unwrap();
        assert_ne!(print(), second);
        fs::remove_dir_all(&folder).unwrap();
    }
}
