//! Carries an app's MCP calls to services and streams the answers back.
//!
//! A call goes from left to right and never back: boundary → [`Caller`] → connection → envelope → may it →
//! service → era → proof → upstream → stream back. On this path there is no database, no spawned task and no
//! channel; the response body polls the upstream's body. What the room needs of others it declares in its
//! ports; the engine implements them.
//!
//! Where to look: `routes` (HTTP, and of which era a message is), `legacy::door` and `modern::door` (an app's
//! messages), `dispatch` (may it, and where to), `call` and `carry` (there), `answer`, `told` and `stream` (and
//! back), `cross` (what changes between the eras), `asking` and `modern::parked` (questions of services across
//! them), `shelf` and `inventory` (what services offer, and how they are spoken to), `atlas` and `names` (what all
//! of it is called at `/mcp`), `uris` (how what services name there is found again), `compact` and `search` (what an
//! app gets to which all of it would be too much).

mod answer;
mod app;
mod asking;
mod atlas;
mod call;
mod carry;
mod client;
mod compact;
mod connection;
mod cross;
mod dispatch;
mod flight;
mod gate;
mod hold;
mod inventory;
mod legacy;
mod limits;
mod local;
mod modern;
mod most;
mod names;
mod pool;
mod ports;
mod problem;
mod relay;
mod reply;
mod resume;
mod road;
mod routes;
mod search;
mod shelf;
mod source;
mod stream;
mod tasks;
mod told;
mod uris;

pub use connection::{Connection, Grant, Shows};
pub use gate::{Gate, Pass};
pub use limits::Limits;
pub use most::most_tools;
pub use ports::{
    About, Access, Admission, CallRecord, Caller, Door, InventoryRows, Leave, Person, Proof, ProofSource,
    Record, Service,
};
pub use relay::{Relay, ToolSeen, ToolsShown};
