//! The era until 2025-11-25: `initialize`, sessions on both sides, requests from services to apps, listening
//! streams.
//!
//! All that is true of this era alone stands here: an app's `session` and its `door`; a `link`, which is a session
//! at a service, over streamable HTTP or over the transport before it (`events`); Bellhop's own requests there
//! (`exchange`) and what services say outside of calls (`listen`, `inbox`).

pub(crate) mod door;
pub(crate) mod events;
pub(crate) mod exchange;
pub(crate) mod inbox;
pub(crate) mod link;
pub(crate) mod listen;
pub(crate) mod session;
pub(crate) mod translate;
pub(crate) mod watch;
