//! The packages of the system that building, running and testing need.

use crate::{
    sh::{self, Failure},
    tree,
};
use std::{fs, path::PathBuf, process::Command};

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

/// To test with a real WordPress: what its package needs, but for a web server of the system, which would be started.
pub const WORDPRESS: &[&str] = &[
    "php-cli",
    "php-mysql",
    "php-xml",
    "php-getid3",
    "libjs-underscore",
    "mariadb-server-core",
    "mariadb-client-core",
    "openssl",
];

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

/// The folder of an installed WordPress, else of one from the system's package, unpacked for us alone: installed, the
/// package would bring a web server and have it started. `None` where there is no such package.
pub fn wordpress() -> Result<Option<PathBuf>, Failure> {
    let installed = PathBuf::from("/usr/share/wordpress");
    if installed.join("wp-load.php").exists() {
        return Ok(Some(installed));
    }
    let own = tree::own("wordpress")?;
    let unpacked = own.join("usr/share/wordpress");
    if unpacked.join("wp-load.php").exists() {
        return Ok(Some(unpacked));
    }
    if !debian() {
        return Ok(None);
    }
    println!("Fetching the package wordpress, and unpacking it in {}", own.display());
    if !available("wordpress") {
        apt(&["update", "-qq"])?;
    }
    if !available("wordpress") {
        return Ok(None);
    }
    let mut fetch = Command::new("apt-get");
    fetch.args(["download", "-qq", "wordpress"]).current_dir(&own);
    sh::run(fetch)?;
    for entry in fs::read_dir(&own)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "deb") {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("--extract").arg(&path).arg(&own);
            sh::run(unpack)?;
            fs::remove_file(path)?;
        }
    }
    Ok(Some(unpacked))
}

/// Where Chromium reads what a computer's owner has settled.
const POLICY: &str = "/etc/chromium/policies/managed/bellhop-tests.json";
/// That a page of this computer may open an address of Bellhop's scheme without a question, which no driver can answer.
const LAUNCHES: &str = r#"{"AutoLaunchProtocolsFromOrigins":[{"protocol":"app.bellhop.desktop","allowed_origins":["http://127.0.0.1"]}]}"#;

/// Let Chromium hand Bellhop's scheme on from pages of this computer. A browser reads such a policy from one place alone.
pub fn browser_policy() -> Result<(), Failure> {
    if fs::read_to_string(POLICY).is_ok_and(|text| text.trim() == LAUNCHES) {
        return Ok(());
    }
    println!("Writing {POLICY}: pages of this computer may open Bellhop's scheme in Chromium");
    let script = format!("mkdir -p \"$(dirname '{POLICY}')\" && printf '%s\\n' '{LAUNCHES}' >'{POLICY}'");
    let root = sh::said("id", &["-u"]).as_deref() == Some("0");
    let mut write = Command::new(if root { "sh" } else { "sudo" });
    if !root {
        write.arg("sh");
    }
    write.args(["-c", &script]);
    sh::run(write)
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
