//! Carries an app's MCP calls to services and streams the answers back.
//!
//! A call goes from left to right and never back: boundary → [`Caller`] → connection → envelope → may it →
//! service → era → bearer → upstream → stream back. On this path there is no database, no spawned task and no
//! channel; the response body polls the upstream's body. What the room needs of others it declares in its
//! ports; the engine implements them.
//!
//! Where to look: `routes` (HTTP), `dispatch` (may it, and where to), `call` and `stream` (there and back),
//! `legacy` (sessions, and what a service says as the app hears it, in the era that has sessions), `shelf` and
//! `inventory` (what services offer), `atlas` and `names` (what all of it is called at `/mcp`).

mod atlas;
mod call;
mod client;
mod connection;
mod dispatch;
mod flight;
mod gate;
mod inventory;
mod legacy;
mod limits;
mod local;
mod names;
mod ports;
mod problem;
mod relay;
mod reply;
mod routes;
mod shelf;
mod stream;

pub use connection::{Connection, Grant};
pub use gate::{Gate, Pass};
pub use limits::Limits;
pub use ports::{
    Access, Admission, Bearer, BearerSource, CallRecord, Caller, InventoryRows, Record, Service,
};
pub use relay::{Relay, ToolSeen};
