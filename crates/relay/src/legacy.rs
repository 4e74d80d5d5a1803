//! The era until 2025-11-25: `initialize`, sessions on both sides, requests from services to apps, listening
//! streams.
//!
//! All that is true of this era alone stands here. HTTP to services (`client`), calls and their bodies (`call`,
//! `stream`, `flight`), inventories and names know eras only through [`protocol::Era`]: another era brings its
//! own module with how a call is introduced to a service and how what comes back is told to the app, and
//! `routes` chooses by what a request says of its revision.

pub(crate) mod exchange;
pub(crate) mod inbox;
pub(crate) mod listen;
pub(crate) mod session;
pub(crate) mod translate;
