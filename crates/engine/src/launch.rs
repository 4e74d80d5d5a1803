use crate::{Home, x};
use model::Problem;
use std::{
    collections::BTreeMap,
    env, fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

/// What a graphical program needs to find the screen and the person's session. Apps start the bridge without
/// any of these, so the desktop writes them down for a restart.
const DISPLAY: [&str; 6] = [
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "XDG_CURRENT_DESKTOP",
];

/// What names the way out of this computer, likewise. A value with a login in it is not written down.
const PROXIES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

/// Write down how this process reaches the screen and the network, for a later [`start_in_background`].
///
/// # Errors
/// When the file can't be written.
pub fn save_display(home: &Home) -> std::io::Result<()> {
    let seen = worth_keeping(|name| env::var(name).ok());
    let path = home.join("display.json");
    let mut open = fs::File::options();
    open.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let mut file = open.open(path)?;
    file.write_all(&serde_json::to_vec_pretty(&seen)?)
}

/// What of these variables is written down.
fn worth_keeping(read: impl Fn(&str) -> Option<String>) -> BTreeMap<&'static str, String> {
    let read = |name: &&'static str| Some((*name, read(name)?));
    let proxies = PROXIES.iter().filter_map(read).filter(|(_, value)| !value.contains('@'));
    DISPLAY.iter().filter_map(read).chain(proxies).collect()
}

/// How the desktop reached the screen when it last ran here, if that screen is still there.
pub fn saved_display(home: &Home) -> Option<BTreeMap<String, String>> {
    let mut seen: BTreeMap<String, String> =
        serde_json::from_slice(&fs::read(home.join("display.json")).ok()?).ok()?;
    seen.retain(|name, _| DISPLAY.contains(&name.as_str()) || PROXIES.contains(&name.as_str()));
    let wayland = || {
        let folder = PathBuf::from(seen.get("XDG_RUNTIME_DIR")?);
        Some(folder.join(seen.get("WAYLAND_DISPLAY")?).exists())
    };
    let x11 = || {
        let number = seen.get("DISPLAY")?.strip_prefix(':')?.split('.').next()?.to_owned();
        Some(PathBuf::from(format!("/tmp/.X11-unix/X{number}")).exists())
    };
    (wayland() == Some(true) || x11() == Some(true)).then_some(seen)
}

/// Start Bellhop so that it outlives this process: the desktop, hidden, where there is a graphical session,
/// otherwise `bellhop serve`. Returns as soon as it is started, before it answers.
///
/// # Errors
/// When neither program can be started.
pub fn start_in_background(home: &Home) -> Result<(), Problem> {
    let failed = |what: &str| {
        Problem::new(
            "engine.cannot_start",
            format!("Bellhop could not be started: {what}."),
            "Start it by hand.",
        )
    };
    let here = env::current_exe().map_err(|e| failed(&e.to_string()))?;
    let beside = |name: &str| here.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX));
    let desktop = beside("bellhop-desktop");
    let graphical = env::var_os("DISPLAY").is_some() || env::var_os("WAYLAND_DISPLAY").is_some();
    let display = if graphical { Some(BTreeMap::new()) } else { saved_display(home) };
    let mut command = match display {
        Some(display) if desktop.exists() => {
            let mut command = Command::new(desktop);
            command.arg("--hidden").envs(display);
            command
        }
        _ => {
            let mut command = Command::new(beside("bellhop"));
            command.arg("serve");
            command
        }
    };
    command.env("BELLHOP_HOME", home.root());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    x::detach(&mut command).spawn().map(drop).map_err(|e| failed(&e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_kept_for_a_restart_and_one_with_a_password_is_not() {
        let kept = worth_keeping(|name| match name {
            "DISPLAY" => Some(":0".to_owned()),
            "HTTPS_PROXY" => Some("http://proxy.example:3128".to_owned()),
            "all_proxy" => Some("http://anna:tea@proxy.example:3128".to_owned()),
            "NO_PROXY" => Some("corp.example".to_owned()),
            _ => None,
        });
        let names: Vec<_> = kept.keys().copied().collect();
        assert_eq!(names, ["DISPLAY", "HTTPS_PROXY", "NO_PROXY"]);
    }
}
