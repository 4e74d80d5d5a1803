//! The packages of the system that building, running and testing need.

use crate::sh::{self, Failure};
use std::{fs, process::Command};

/// To build anything.
pub const COMPILER: &[&str] = &["build-essential", "pkg-config"];
/// To build and run the desktop app.
pub const DESKTOP: &[&str] = &[
    "libwebkit2gtk-4.1-dev",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libssl-dev",
    "xdg-utils",
    "desktop-file-utils",
];
/// To test with a session of its own: message bus and keyring.
pub const SESSION: &[&str] = &["dbus-x11", "gnome-keyring", "libsecret-tools", "libglib2.0-bin"];
/// To test the desktop app on a virtual display.
pub const DISPLAY: &[&str] = &[
    "xvfb",
    "xauth",
    "xfwm4",
    "xfce4-panel",
    "xfconf",
    "at-spi2-core",
    "webkit2gtk-driver",
    "imagemagick",
    "x11-utils",
    "xdotool",
    "python3-dbus",
    "hicolor-icon-theme",
    "adwaita-icon-theme",
    "fonts-dejavu-core",
];
/// To test with peers made with Python.
pub const PYTHON: &[&str] = &["python3", "python3-venv"];
/// To test with a browser, and the screens of the window in one.
pub const BROWSER: &[&str] = &["chromium", "chromium-driver"];

/// To see where a program spends its time.
pub const PROFILER: &[&str] = &["linux-perf"];

/// Have these packages, or say which are needed.
pub fn need(groups: &[&[&str]]) -> Result<(), Failure> {
    let wanted: Vec<&str> = groups.iter().flat_map(|group| group.iter().copied()).collect();
    if !debian() {
        // Only Debian and Ubuntu tell us what is there: elsewhere the build itself is the test.
        println!(
            "Bellhop needs what these Debian packages hold; install your system's if something is missing:"
        );
        println!("  {}", wanted.join(" "));
        return Ok(());
    }
    let missing: Vec<&str> = wanted.into_iter().filter(|package| !installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("Installing system packages: {}", missing.join(" "));
    apt(&["update", "-qq"])?;
    // Ubuntu has no package of Chromium but one that installs a snap: no test needs that enough.
    let (known, unknown): (Vec<&str>, Vec<&str>) =
        missing.into_iter().partition(|package| available(package));
    for package in unknown {
        println!("note: this system has no package {package}; what needs it is skipped");
    }
    let mut install = vec!["install", "-qq", "-y", "--no-install-recommends"];
    install.extend(known);
    apt(&install)
}

fn debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let mut ids = release.lines().filter(|line| line.starts_with("ID=") || line.starts_with("ID_LIKE="));
    sh::there("apt-get") && ids.any(|line| line.contains("debian") || line.contains("ubuntu"))
}

fn installed(package: &str) -> bool {
    sh::said("dpkg-query", &["-W", "-f=${Status}", package])
        .is_some_and(|status| status.ends_with(" installed"))
}

fn available(package: &str) -> bool {
    sh::said("apt-cache", &["policy", package]).is_some_and(|policy| {
        policy.lines().any(|line| line.contains("Candidate:") && !line.contains("(none)"))
    })
}

fn apt(args: &[&str]) -> Result<(), Failure> {
    let root = sh::said("id", &["-u"]).as_deref() == Some("0");
    let mut apt = if root { Command::new("apt-get") } else { Command::new("sudo") };
    if root {
        apt.env("DEBIAN_FRONTEND", "noninteractive");
    } else {
        apt.args(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    }
    apt.args(args);
    println!("  {}", sh::shown(&apt));
    sh::run(apt)
}
