//! MCP on the wire: envelopes, eras, headers and event streams.
//!
//! Pure: no input or output, no time, no randomness. What a message means is decided on a small envelope
//! ([`Message`]); arguments and results stay the JSON text they came as ([`Object`] keeps raw members), so
//! that nothing a newer revision adds is lost on the way through.

pub mod code;
mod envelope;
mod era;
mod flaw;
pub mod header;
mod id;
mod level;
pub mod meta;
pub mod method;
pub mod mirror;
mod object;
mod reply;
mod scan;
pub mod sse;

pub use envelope::{Message, Notification, Outcome, Packet, Request, Response};
pub use era::{Era, Revision};
pub use flaw::Flaw;
pub use id::Id;
pub use level::Level;
pub use object::{Object, raw};
pub use reply::{error, error_with, result};
pub use scan::MAX_DEPTH;
