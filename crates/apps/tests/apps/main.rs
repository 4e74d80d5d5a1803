//! Connecting and disconnecting apps, on real files in a folder that plays the computer.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod computer;
mod files;
mod finding;
mod fixtures;
mod identity;
