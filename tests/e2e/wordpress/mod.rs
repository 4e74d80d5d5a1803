//! A real WordPress, from Debian's package: php's own server before a MariaDB of its own, with a small plugin of ours
//! that answers MCP at a REST route.
//!
//! Run with `cargo xtask test --only wordpress`, or one at a time within `cargo xtask session --desktop -- …`.

mod person;
mod site;
mod tls;

mod browser;
mod by_hand;
mod secure;
mod trouble;
