//! The authority as apps and browsers meet it: its real routes, over rows with the same rules as the real ones.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where it finds something amiss")]

mod consent;
mod device;
mod documents;
mod generic;
mod keys;
mod registration;
mod support;
mod tokens;
