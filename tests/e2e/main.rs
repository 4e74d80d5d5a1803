//! The end-to-end tests. Each says which lines of docs/behaviour.md it proves.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on panics")]

mod clients;
mod conformance;
mod desktop;
mod faults;
mod wordpress;
