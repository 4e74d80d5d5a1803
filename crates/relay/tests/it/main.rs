//! Apps and services around a real relay: real sockets, real HTTP on both sides.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod all;
mod calls;
mod input;
mod modern;
mod modern_app;
mod peer;
mod questions;
mod revoke;
mod service;
mod sessions;
mod support;
mod visit;
