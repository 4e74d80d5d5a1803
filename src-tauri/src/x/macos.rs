//! Written against the documented interfaces; never compiled or run.

use super::Bar;
use std::{io, path::Path, process::Command};
use tokio::signal::unix::{SignalKind, signal};

/// There is always a menu bar.
pub(crate) fn has_tray() -> bool {
    true
}

/// The menu bar colours its pictures itself.
pub(crate) fn bar() -> Bar {
    Bar::Coloured
}

/// The person's first language, as `defaults read -g AppleLocale` says it.
pub(crate) fn locale() -> Option<String> {
    let said = Command::new("/usr/bin/defaults").args(["read", "-g", "AppleLocale"]).output().ok()?;
    Some(String::from_utf8(said.stdout).ok()?.trim().to_owned())
}

/// Returns when the system, or somebody at a terminal, asks this process to end.
pub(crate) async fn asked_to_end() {
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

/// A launch agent holds its arguments in a list: nothing to mend.
pub(crate) fn mend_login_item(_name: &str) -> io::Result<()> {
    Ok(())
}

/// The scheme stands in the app's bundle: nothing was written.
pub(crate) fn tidy_scheme(_data: &Path, _config: &Path) {}
