//! What differs from system to system: the keychain, and what makes a file private.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(unix)]
mod unix;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::{NOTICE, entry, probe, quiet};
#[cfg(target_os = "macos")]
pub(crate) use macos::{NOTICE, entry, probe, quiet};
#[cfg(unix)]
pub(crate) use unix::{check_private, private};
#[cfg(target_os = "windows")]
pub(crate) use windows::{NOTICE, check_private, entry, private, probe, quiet};
