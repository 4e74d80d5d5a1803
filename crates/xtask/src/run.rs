//! `cargo xtask run`: build and start.

use crate::{
    packages,
    sh::{self, Failure},
    tree, ui,
};
use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{ChildStdout, Command, ExitCode, Stdio},
    thread,
};

/// `cargo xtask run [--release] [--headless]`
pub fn run(args: &[&str]) -> Result<ExitCode, Failure> {
    let (mut release, mut headless) = (false, false);
    for arg in args {
        match *arg {
            "--release" => release = true,
            "--headless" => headless = true,
            other => return Err(format!("{other:?} is not understood; see `cargo xtask --help`").into()),
        }
    }
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let desktop = !headless && (set("DISPLAY") || set("WAYLAND_DISPLAY"));
    if !desktop && !headless {
        println!("There is no display here: Bellhop starts without a window.");
    }

    let home = match env::var_os("BELLHOP_HOME").filter(|home| !home.is_empty()) {
        Some(home) => PathBuf::from(home),
        None => tree::root().join(".home"),
    };
    packages::need(if desktop { &[packages::COMPILER, packages::DESKTOP] } else { &[packages::COMPILER] })?;
    if desktop {
        ui::build()?;
    }
    build(release, desktop)?;
    if desktop { open(release, &home) } else { serve(release, &home) }
}

fn build(release: bool, desktop: bool) -> Result<(), Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo =
        sh::command(cargo, &["build", "--package", "bellhop-cli", "--package", "bellhop-playground"]);
    if desktop {
        cargo.args(["--package", "bellhop-desktop"]);
    }
    if release {
        cargo.arg("--release");
    }
    sh::run(cargo)
}

/// Become the desktop app.
fn open(release: bool, home: &Path) -> Result<ExitCode, Failure> {
    let program = tree::programs(release).join("bellhop-desktop");
    println!("Starting Bellhop. Its files are in {}.", home.display());
    let error = Command::new(&program).env("BELLHOP_HOME", home).exec();
    Err(format!("{}: {error}", program.display()).into())
}

/// Run `bellhop serve`, and say what can be done with it.
fn serve(release: bool, home: &Path) -> Result<ExitCode, Failure> {
    let program = tree::programs(release).join("bellhop");
    fs::create_dir_all(home)?;
    let pin = new_pin()?;
    let file = home.join("first-pin");
    fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&file)?
        .write_all(pin.as_bytes())?;

    let mut serve = Command::new(&program);
    serve.args(["serve", "--keys", "session", "--pin-file"]).arg(&file).env("BELLHOP_HOME", home);
    let mut child =
        serve.stdout(Stdio::piped()).spawn().map_err(|e| format!("{}: {e}", program.display()))?;
    let said = child.stdout.take().ok_or("`bellhop serve` has no output")?;
    let ready = ready(said);
    // The PIN was read, and is on the screen from now on: in nobody's reach who can only read files.
    let _ = fs::remove_file(&file);
    if ready {
        println!("{}", next(&program, home, &pin));
    }
    let status = child.wait()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Show what `serve` says, and return when it says that it is ready: it has read the PIN by then. `false` when it
/// ends without. What it says later is still shown.
fn ready(said: ChildStdout) -> bool {
    let mut lines = BufReader::new(said).lines().map_while(Result::ok);
    let ready =
        lines.by_ref().inspect(|line| println!("{line}")).any(|line| line.starts_with("Bellhop is ready"));
    thread::spawn(move || lines.for_each(|line| println!("{line}")));
    ready
}

/// Six digits from the system's random source.
fn new_pin() -> Result<String, Failure> {
    let mut bytes = [0; 8];
    std::io::Read::read_exact(&mut fs::File::open("/dev/urandom")?, &mut bytes)?;
    Ok(format!("{:06}", u64::from_le_bytes(bytes) % 1_000_000))
}

/// What to type next. The commands work as they stand here.
fn next(program: &Path, home: &Path, pin: &str) -> String {
    let home = sh::quoted(&home.to_string_lossy());
    let folder = sh::quoted(&program.parent().unwrap_or(Path::new(".")).to_string_lossy());
    format!(
        "
Bellhop runs. Its keys are kept for this session only: when it ends, everything is forgotten.

  The PIN that shows it is you: {pin}

In another terminal, first:

  export BELLHOP_HOME={home} PATH={folder}:\"$PATH\"

Then connect the playground, a service to try things with; open the address it says in a browser:

  bellhop services add playground --no-browser

Let an app in: this says what it would write into Codex's settings; without --dry-run it is written.

  bellhop apps
  bellhop connect codex --dry-run

When an app asks to be let in, look at its code and approve it with the PIN; then see it, and take it back:

  bellhop requests
  bellhop approve CODE
  bellhop connections
  bellhop connections revoke ID
  bellhop activity --follow

Ctrl-C ends Bellhop.
"
    )
}
