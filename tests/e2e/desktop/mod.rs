//! The desktop, as a person meets it: a real window, tray, keyring and browser on a virtual display.
//!
//! Run with `cargo xtask test --only desktop`, or one at a time within `cargo xtask session --desktop -- …`. These
//! tests run one after the other: a message bus has one Bellhop.

pub(crate) mod desk;
mod menu;
pub(crate) mod webdriver;

mod links;
mod main_job;
mod screens;
mod sign_in;
mod terminal;
mod tray;
mod windows;
