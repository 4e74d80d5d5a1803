//! The program `bellhop`, run as people and apps run it, with something that answers on its socket.
#![allow(clippy::unwrap_used, reason = "a test that can't go on panics")]
#![allow(unreachable_pub, reason = "nothing here is public")]
#![cfg(unix)]

mod access_keys;
mod arguments;
mod bridge;
mod bridge_modern;
mod bridge_restart;
mod commands;
mod engine_side;
mod faces;
mod keys;
mod people;
mod program;
mod views;
