//! The bridge as a program of its own, into which `bellhop mcp` turns.
//!
//! It holds nothing but the bridge. Of the whole program an app's process would keep several megabytes in memory for
//! code that is not the bridge's: pages of it lie between, and its tables of addresses are written when it starts.

use bellhop_cli::bridge;
use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    match bridge::Args::read(std::env::args_os().skip(1)) {
        Some(args) => bridge::run(args),
        None => {
            let _ = writeln!(io::stderr(), "error: This is a part of Bellhop.\n  Run `bellhop mcp`.");
            ExitCode::FAILURE
        }
    }
}
