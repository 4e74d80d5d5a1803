//! What differs between systems.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::*;
#[cfg(target_os = "macos")]
pub(crate) use macos::*;
#[cfg(windows)]
pub(crate) use windows::*;

/// How bright the bar is that holds the tray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each system knows some of them")]
pub(crate) enum Bar {
    /// It wants a bright picture.
    Dark,
    /// It wants a dark picture.
    Light,
    /// Nobody tells: it wants a picture that can be seen on both.
    Untold,
    /// The system colours the picture itself.
    Coloured,
}
