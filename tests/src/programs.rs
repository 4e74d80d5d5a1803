use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// A program of this tree, such as `bellhop`: in the folder that `BELLHOP_PROGRAMS` names, else where this test
/// was built.
///
/// # Panics
/// When it isn't there: `cargo build -p bellhop-cli -p bellhop-playground` makes it.
pub fn program(name: &str) -> PathBuf {
    let here = env::current_exe().unwrap();
    let named = env::var_os("BELLHOP_PROGRAMS").map(PathBuf::from);
    // Tests stand in target/PROFILE/deps.
    let folder = named.unwrap_or_else(|| here.ancestors().nth(2).unwrap().to_owned());
    let path = folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is not built", path.display());
    path
}

/// A file of `tests/peers`.
pub fn peers(path: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(path)
}

/// The Node that comes with the peers.
///
/// # Panics
/// When it isn't there: `npm ci` in `tests/peers` makes it.
pub fn node() -> Command {
    let node = peers("node_modules/node/bin/node");
    assert!(node.is_file(), "run `npm ci` in tests/peers");
    let mut command = Command::new(node);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command
}

/// The Python that has what `tests/peers/python` needs, where `cargo xtask test` could make one: in the target folder.
#[expect(clippy::print_stderr, reason = "a test that does nothing must say so")]
pub fn python() -> Option<Command> {
    let here = env::current_exe().unwrap();
    // Tests stand in target/PROFILE/deps.
    let python = here.ancestors().nth(3).unwrap().join("tools/peers/bin/python");
    if !python.is_file() {
        eprintln!("skipped: there is no {}; `cargo xtask test --only clients` makes it", python.display());
        return None;
    }
    let mut command = Command::new(python);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("PYTHONUTF8", "1");
    Some(command)
}
