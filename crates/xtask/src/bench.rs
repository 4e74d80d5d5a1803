//! `cargo xtask bench`: build what is measured, fetch the peers, and let `tests/bench` measure.

use crate::{
    packages,
    sh::{self, Failure},
    tree, ui,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// The peer that comes from crates.io, at the version that is measured.
const CRATE: (&str, &str) = ("hyper-mcp-remote", "0.5.0");
/// Where the other peers are named.
const PEERS: &str = "tests/bench/peers";

/// `cargo xtask bench [--quick] [--only SUBJECT[,SUBJECT]…] [--profile]`
pub fn bench(args: &[&str]) -> Result<ExitCode, Failure> {
    let profile = args.contains(&"--profile");
    packages::need(&[packages::COMPILER])?;
    build(profile)?;
    let peers = tree::target().join("bench-peers");
    fs::create_dir_all(&peers)?;
    if profile {
        // One missing is said by what needs it.
        let _ = packages::need(&[packages::PROFILER]);
    } else {
        fetch(&peers);
    }
    let programs = programs(profile);
    let mut bench = Command::new(programs.join("bellhop-bench"));
    sh::plain(&mut bench);
    bench.args(args).env("BELLHOP_PROGRAMS", &programs).env("BELLHOP_BENCH_PEERS", &peers);
    // Ctrl-C reaches it as well, and it ends all that it started.
    let status = bench.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// For a profile, with symbols, in a folder of its own.
fn build(profile: bool) -> Result<(), Failure> {
    let mut cargo = sh::command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), &["build"]);
    cargo.args(["--package", "bellhop-cli", "--package", "bellhop-bench"]);
    cargo.args(if profile { ["--profile", "profiling"].as_slice() } else { &["--release"] });
    sh::run(cargo)
}

fn programs(profile: bool) -> PathBuf {
    if profile { tree::target().join("profiling") } else { tree::programs(true) }
}

/// Fetch the peers. What can't be had here shows in the table as such.
fn fetch(into: &Path) {
    let fetched =
        [("npm", ui::install(PEERS)), ("PyPI", python(&into.join("python"))), ("crates.io", compiled(into))];
    for (from, done) in fetched {
        if let Err(e) = done {
            println!("note: the peers from {from} can't be had here: {e}");
        }
    }
}

fn python(folder: &Path) -> Result<(), Failure> {
    let list = format!("{PEERS}/requirements.txt");
    let (wanted, stamp) = (fs::read_to_string(&list)?, folder.join("installed.txt"));
    if fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
        return Ok(());
    }
    println!("Installing the peers from PyPI");
    let venv = folder.to_string_lossy();
    sh::run(sh::command("python3", &["-m", "venv", "--clear", &venv]))?;
    let arguments = ["install", "--quiet", "--disable-pip-version-check", "--requirement", &list];
    sh::run(sh::command(format!("{venv}/bin/pip"), &arguments))?;
    Ok(fs::write(stamp, wanted)?)
}

fn compiled(folder: &Path) -> Result<(), Failure> {
    let (name, version) = CRATE;
    let known = fs::read_to_string(folder.join(".crates.toml")).unwrap_or_default();
    if known.contains(&format!("\"{name} {version} ")) && folder.join("bin").join(name).is_file() {
        return Ok(());
    }
    println!("Building {name}, which takes a few minutes");
    let root = folder.to_string_lossy();
    let mut cargo = sh::command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), &["install"]);
    cargo.args(["--quiet", "--locked", "--root", &root, "--version", version, name]);
    sh::run(cargo)
}
