//! Carries an app's MCP calls to services and streams the answers back.
//!
//! A call goes from left to right and never back: boundary → [`Caller`] → connection → envelope → may it →
//! service → era → bearer → upstream → stream back. On this path there is no database, no spawned task and no
//! channel; the response body polls the upstream's body. What the room needs of others it declares in its
//! ports; the engine implements them.

mod connection;
mod gate;
mod limits;
mod ports;
mod relay;

pub use connection::{Connection, Grant};
pub use gate::{Gate, Pass};
pub use limits::Limits;
pub use ports::{
    Access, Admission, Bearer, BearerSource, CallRecord, Caller, InventoryRows, Record, Service,
};
pub use relay::{Relay, ToolSeen};
