//! Running other programs.

use std::{
    ffi::OsStr,
    io::{self, BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    thread,
};

/// Why a step can't go on.
pub type Failure = Box<dyn std::error::Error>;

/// A command in the tree's root.
pub fn command(program: impl AsRef<OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    plain(&mut command);
    command
}

/// Take out what cargo tells a program about its own package: a cargo that is started from here would take it for
/// a changed environment, and compile again what looks at it.
pub fn plain(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name == "CARGO_MANIFEST_DIR" || name == "CARGO_MANIFEST_PATH" || name.starts_with("CARGO_PKG_") {
            command.env_remove(&*name);
        }
    }
}

/// Run it, its output going where ours goes.
pub fn run(mut command: Command) -> Result<(), Failure> {
    let shown = shown(&command);
    let status = command.status().map_err(|e| format!("{shown}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed ({status})").into()) }
}

/// What it says on standard output, or nothing when it fails or isn't there.
pub fn said(program: &str, args: &[&str]) -> Option<String> {
    let output = command(program, args).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program is on PATH.
pub fn there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// How a program ended whose output was shown and kept.
pub struct Ended {
    /// Whether it succeeded.
    pub success: bool,
    /// All it wrote, standard output and errors in the order they came.
    pub output: String,
}

/// Run it, show its output as it comes, and keep it.
pub fn tee(mut command: Command) -> Result<Ended, Failure> {
    let shown = shown(&command);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|e| format!("{shown}: {e}"))?;
    let output = std::sync::Mutex::new(String::new());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        scope.spawn(|| keep(out, &output));
        scope.spawn(|| keep(err, &output));
    });
    let status = child.wait()?;
    let output = output.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Ended { success: status.success(), output })
}

fn keep(from: Option<impl Read>, all: &std::sync::Mutex<String>) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        let mut all = all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = io::stdout().write_all(&line);
        all.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    let _ = io::stdout().flush();
}

/// The command as a person would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// A word as a POSIX shell reads it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_command_can_be_typed_again() {
        let mut command = Command::new("bellhop");
        command.args(["--home", "/my home/it's", "a=b"]);
        assert_eq!(shown(&command), r"bellhop --home '/my home/it'\''s' a=b");
    }

    #[test]
    fn both_streams_of_a_program_are_kept() {
        let ended = tee(command("sh", &["-c", "echo one; echo two >&2; exit 3"])).unwrap();
        assert!(!ended.success);
        assert!(ended.output.contains("one\n") && ended.output.contains("two\n"));
    }
}
