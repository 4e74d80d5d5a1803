//! Carries an app's MCP calls to services and streams the answers back.
//!
//! A call goes from left to right and never back: boundary → [`Caller`] → connection → envelope → may it →
//! service → era → bearer → upstream → stream back. On this path there is no database, no spawned task and no
//! channel; the response body polls the upstream's body. What the room needs of others it declares in its
//! ports; the engine implements them.
//!
//! Where to look: `routes` (HTTP), `dispatch` (may it, and where to), `call` and `stream` (there and back),
//! `translate` (what a service says, as the app hears it), `session` (an app's session and its links to
//! services), `shelf` and `inventory` (what services offer), `atlas` and `names` (what all of it is called at
//! `/mcp`).

mod atlas;
mod call;
mod client;
mod connection;
mod dispatch;
mod exchange;
mod flight;
mod gate;
mod inbox;
mod inventory;
mod limits;
mod listen;
mod local;
mod names;
mod ports;
mod problem;
mod relay;
mod reply;
mod routes;
mod session;
mod shelf;
mod stream;
mod translate;

pub use connection::{Connection, Grant};
pub use gate::{Gate, Pass};
pub use limits::Limits;
pub use ports::{
    Access, Admission, Bearer, BearerSource, CallRecord, Caller, InventoryRows, Record, Service,
};
pub use relay::{Relay, ToolSeen};
