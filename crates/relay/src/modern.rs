//! The era since 2026-07-28: every request says everything itself; no sessions, no requests from services.
//!
//! `door` takes an app's requests of this era, `listening` its subscriptions. `ask` is Bellhop asking a service
//! of this era. `links`, `parked` and `state` are what it takes to serve such an app from a service of the
//! legacy era: sessions there, calls that wait in the middle, and the sealed text by which the app names one.

pub(crate) mod ask;
pub(crate) mod door;
pub(crate) mod links;
pub(crate) mod listening;
pub(crate) mod parked;
pub(crate) mod state;
pub(crate) mod watch;
