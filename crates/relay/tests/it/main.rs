//! Apps and services around a real relay: real sockets, real HTTP on both sides.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod all;
mod asking;
mod asking_back;
mod calls;
mod compact;
mod eras;
mod flood;
mod hold;
mod input;
mod legacy_app;
mod listening;
mod modern;
mod modern_app;
mod old;
mod old_peer;
mod pause;
mod peer;
mod questions;
mod resume;
mod revoke;
mod routing;
mod said;
mod same;
mod service;
mod sessions;
mod support;
mod trouble;
mod visit;
