//! The playground, seen from outside: over HTTP on a real port, and as the program it is.
#![allow(clippy::unwrap_used, reason = "a test that can't go on panics")]
#![allow(unreachable_pub, reason = "nothing here is public")]

mod boundary;
mod mcp;
mod peer;
mod program;
mod sign_in;
