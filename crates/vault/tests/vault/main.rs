//! Vaults, made and opened where keys are really kept: files, passphrases, a keyring daemon.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "tests")]

#[cfg(unix)]
mod files;
#[cfg(target_os = "linux")]
mod keyring;
mod passphrases;
