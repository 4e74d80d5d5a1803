//! A session of its own for tests: an empty home, a message bus, an unlocked keyring, and on demand a virtual
//! display with a window manager and a panel that shows tray icons. Nothing of it touches the person's.

use crate::{
    packages,
    sh::{self, Failure},
    tree,
};
use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long each part of the session may take to come up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the keyring of the session opens with. It guards nothing: the keyring ends with the session.
const PASSWORD: &[u8] = b"session";

/// A panel with nothing in it but a tray.
const PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="30"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="tasklist"/>
    <property name="plugin-2" type="string" value="systray"/>
  </property>
</channel>
"#;

/// The browser of the session: it writes down what it shall open, a line each, and opens nothing.
const BROWSER: &str = "#!/bin/sh\nprintf '%s\\n' \"$1\" >>\"$BELLHOP_OPENED\"\n";

/// What makes it the browser of a desktop.
const BROWSER_LAUNCHER: &str = "\
[Desktop Entry]
Type=Application
Name=Browser of the session
Exec=HOME/session-browser %u
NoDisplay=true
MimeType=x-scheme-handler/http;x-scheme-handler/https;text/html;
";
const BROWSER_DEFAULT: &str = "\
[Default Applications]
x-scheme-handler/http=session-browser.desktop
x-scheme-handler/https=session-browser.desktop
";

/// `cargo xtask session [--desktop] -- COMMAND…`
pub fn outer(args: &[&str]) -> Result<ExitCode, Failure> {
    let (desktop, words) = parse(args)?;
    packages::need(if desktop { &[packages::SESSION, packages::DISPLAY] } else { &[packages::SESSION] })?;
    let home = Home::make()?;
    let status = home.command(desktop, &words.join("\0"))?.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn parse<'a>(args: &'a [&'a str]) -> Result<(bool, &'a [&'a str]), Failure> {
    match args {
        ["--desktop", "--", words @ ..] if !words.is_empty() => Ok((true, words)),
        ["--", words @ ..] if !words.is_empty() => Ok((false, words)),
        _ => Err("usage: cargo xtask session [--desktop] -- COMMAND…".into()),
    }
}

/// The empty home of a session; it goes when this value does.
pub struct Home(PathBuf);

impl Home {
    /// A new one. It lies in the system's temporary folder because a socket's path must be short.
    pub fn make() -> Result<Self, Failure> {
        let folder = env::temp_dir().join(format!("bellhop-session-{}", std::process::id()));
        for name in ["home", "run"] {
            fs::create_dir_all(folder.join(name))?;
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o700))?;
        }
        let home = folder.join("home");
        let browser = home.join("session-browser");
        fs::write(&browser, BROWSER)?;
        fs::set_permissions(&browser, fs::Permissions::from_mode(0o755))?;
        let launchers = home.join(".local/share/applications");
        fs::create_dir_all(&launchers)?;
        fs::create_dir_all(home.join(".config"))?;
        let launcher = BROWSER_LAUNCHER.replace("HOME", &home.to_string_lossy());
        fs::write(launchers.join("session-browser.desktop"), launcher)?;
        fs::write(home.join(".config/mimeapps.list"), BROWSER_DEFAULT)?;
        Ok(Self(folder))
    }

    /// A command in the session; its words are separated by NUL.
    pub fn command(&self, desktop: bool, words: &str) -> Result<Command, Failure> {
        let mut command = Command::new("dbus-run-session");
        command.arg("--").arg(env::current_exe()?).arg("session-within");
        if desktop {
            command.arg("--desktop");
        }
        command.arg("--").args(words.split('\0'));
        // Where the tools of the person keep what they have fetched must not move with the home.
        let person = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        for (name, default) in [
            ("CARGO_HOME", ".cargo"),
            ("RUSTUP_HOME", ".rustup"),
            ("npm_config_cache", ".npm"),
            ("PYENV_ROOT", ".pyenv"),
        ] {
            if env::var_os(name).is_none() {
                command.env(name, person.join(default));
            }
        }
        for name in [
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "XAUTHORITY",
            "DBUS_SESSION_BUS_ADDRESS",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_CACHE_HOME",
            "XDG_STATE_HOME",
            "XDG_SESSION_TYPE",
            "BELLHOP_HOME",
            "BELLHOP_PORT",
        ] {
            command.env_remove(name);
        }
        command.env("BELLHOP_OPENED", self.0.join("opened"));
        command.env("BROWSER", self.0.join("home/session-browser"));
        command.env("HOME", self.0.join("home")).env("XDG_RUNTIME_DIR", self.0.join("run"));
        // Debian's xdg-open takes another way, which fails, where no desktop is named.
        command.env("XDG_CURRENT_DESKTOP", "XFCE").env("LIBGL_ALWAYS_SOFTWARE", "1");
        Ok(command)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What a test left running ends with its display, a moment later than the display, and may still write.
        for _ in 0..20 {
            match fs::remove_dir_all(&self.0) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {}
                _ if !self.0.exists() => return,
                _ => {}
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The same, within the new bus.
pub fn within(args: &[&str]) -> Result<ExitCode, Failure> {
    let (desktop, words) = parse(args)?;
    let mut running = Running::default();
    running.keyring()?;
    let display = if desktop { Some(running.display()?) } else { None };
    let (program, rest) = words.split_first().ok_or("no command")?;
    let mut command = Command::new(program);
    command.args(rest).current_dir(tree::root());
    if let Some(display) = display {
        command.env("DISPLAY", display).env("GDK_BACKEND", "x11");
    }
    let status = command.status().map_err(|e| format!("{program}: {e}"))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// What runs beside the command, ended in the other order than it was started.
#[derive(Default)]
struct Running {
    /// Dropped first: it is a client of the others.
    panel: Option<Panel>,
    children: Vec<Child>,
}

impl Running {
    fn keyring(&mut self) -> Result<(), Failure> {
        let mut daemon = Command::new("gnome-keyring-daemon");
        daemon.args(["--foreground", "--unlock", "--components=secrets"]);
        let mut child = daemon.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(PASSWORD)?;
        }
        self.children.push(child);
        owned("org.freedesktop.secrets")
    }

    /// Start a display with a panel; returns its name, such as `:99`.
    fn display(&mut self) -> Result<String, Failure> {
        let mut server = Command::new("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
        let mut child = server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let output = child.stdout.take().ok_or("Xvfb has no output")?;
        self.children.push(child);
        let mut number = String::new();
        BufReader::new(output).read_line(&mut number)?;
        let number = number.trim();
        if number.is_empty() {
            return Err("Xvfb did not start".into());
        }
        let display = format!(":{number}");

        let home = env::var_os("HOME").map(PathBuf::from).ok_or("HOME is not set")?;
        let settings = home.join(".config/xfce4/xfconf/xfce-perchannel-xml");
        fs::create_dir_all(&settings)?;
        fs::write(settings.join("xfce4-panel.xml"), PANEL)?;
        let log = fs::File::create(home.join("session.log"))?;
        let mut manager = Command::new("xfwm4");
        manager.arg("--compositor=off").env("DISPLAY", &display).env("GDK_BACKEND", "x11");
        manager.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
        self.children.push(manager.spawn().map_err(|e| format!("xfwm4: {e}"))?);
        self.panel = Some(Panel::start(&display, log)?);
        owned(WATCHER).map_err(|e| said_in(&home.join("session.log"), e))?;
        // What the bus starts, such as the keyring's prompt, has to find the display too.
        let mut tell = Command::new("dbus-update-activation-environment");
        tell.args(["DISPLAY", "GDK_BACKEND"]).env("DISPLAY", &display).env("GDK_BACKEND", "x11");
        sh::run(tell)?;
        Ok(display)
    }
}

/// Who knows the tray items of a session.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// How often the panel is looked after.
const LOOK: Duration = Duration::from_millis(500);

/// The panel with the tray. It crashes now and then when an item leaves it, so it is looked after, as a session
/// manager would: Bellhop's item comes back by itself when the panel does.
struct Panel {
    over: Arc<AtomicBool>,
    keeper: Option<thread::JoinHandle<()>>,
}

impl Panel {
    fn start(display: &str, log: fs::File) -> Result<Self, Failure> {
        let mut command = Command::new("xfce4-panel");
        command.arg("--disable-wm-check").env("DISPLAY", display).env("GDK_BACKEND", "x11");
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn().map_err(|e| format!("xfce4-panel: {e}"))?;
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let keeper = thread::spawn(move || {
            let mut stood = false;
            while !told.load(Ordering::Relaxed) {
                thread::sleep(LOOK);
                let there = is_owned(WATCHER);
                let gone = !matches!(child.try_wait(), Ok(None));
                // The process may be there without its tray.
                if gone || (stood && !there) {
                    let _ = child.kill();
                    let _ = child.wait();
                    match command.spawn() {
                        Ok(next) => child = next,
                        Err(_) => return,
                    }
                }
                stood = there;
            }
            let _ = child.kill();
            let _ = child.wait();
        });
        Ok(Self { over, keeper: Some(keeper) })
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

fn said_in(log: &Path, error: Failure) -> Failure {
    format!("{error}\n{}", fs::read_to_string(log).unwrap_or_default()).into()
}

impl Drop for Running {
    fn drop(&mut self) {
        self.panel = None;
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether somebody owns a name on the bus.
fn is_owned(name: &str) -> bool {
    let ask = [
        "call",
        "--session",
        "--dest",
        "org.freedesktop.DBus",
        "--object-path",
        "/org/freedesktop/DBus",
        "--method",
        "org.freedesktop.DBus.NameHasOwner",
        name,
    ];
    sh::said("gdbus", &ask).as_deref() == Some("(true,)")
}

/// Wait until somebody owns a name on the bus.
fn owned(name: &str) -> Result<(), Failure> {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        if is_owned(name) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(format!("{name} did not appear on the message bus within {} s", PATIENCE.as_secs()).into())
}
