//! The specification's own suite (`@modelcontextprotocol/conformance`) against Bellhop at `/mcp/<service>`: the
//! requirements of both revisions, each with a service that speaks the old era, the new one, and both.
//!
//! What it asks of a server is asked of Bellhop and of the fixture behind it together. The fixture passes alone
//! ([`runs`]); so what fails here is Bellhop's.

mod client;
mod exceptions;
mod instead;
mod runs;
mod suite;
