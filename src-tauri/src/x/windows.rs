//! Written against the documented interfaces; never compiled or run.

use super::Bar;
use std::{io, os::windows::process::CommandExt, path::Path, process::Command};

/// `CREATE_NO_WINDOW` of `CreateProcessW`: no console flashes up.
const NO_WINDOW: u32 = 0x0800_0000;

/// There is always a notification area.
pub(crate) fn has_tray() -> bool {
    true
}

/// The last word of what `reg query` says about a value.
fn registry(key: &str, value: &str) -> Option<String> {
    let said =
        Command::new("reg").args(["query", key, "/v", value]).creation_flags(NO_WINDOW).output().ok()?;
    String::from_utf8_lossy(&said.stdout).split_whitespace().last().map(str::to_owned)
}

/// How bright the task bar is.
pub(crate) fn bar() -> Bar {
    let key = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize";
    match registry(key, "SystemUsesLightTheme").as_deref() {
        Some("0x1") => Bar::Light,
        _ => Bar::Dark,
    }
}

/// The person's locale.
pub(crate) fn locale() -> Option<String> {
    registry(r"HKCU\Control Panel\International", "LocaleName")
}

/// Returns when somebody at a terminal asks this process to end.
pub(crate) async fn asked_to_end() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// The plugin writes a registry value: nothing to mend.
pub(crate) fn mend_login_item(_name: &str) -> io::Result<()> {
    Ok(())
}

/// The plugin takes its registry keys out again: nothing is left.
pub(crate) fn tidy_scheme(_data: &Path, _config: &Path) {}
