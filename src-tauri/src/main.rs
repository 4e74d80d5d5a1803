//! Bellhop's desktop app.
//!
//! One program, two kinds of process. Without arguments it is the tray process: it holds the engine and the
//! tray icon and never makes a web view. Each window is a child of it, started with `--window`, which speaks
//! to the engine over the owner-only socket and gives all its memory back when it closes.

#![cfg_attr(windows, windows_subsystem = "windows")]

mod autostart;
mod deep_link;
mod desk;
mod host;
mod start;
mod tray;
mod tree;
mod window;
mod windows;
mod words;
mod x;

use start::Start;
use std::process::ExitCode;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("BELLHOP_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")),
        )
        .init();
    match Start::from_args(std::env::args_os().skip(1)) {
        Ok(Start::Desk { entrance }) => desk::run(entrance),
        Ok(Start::Window { request }) => window::run(request),
        Ok(Start::Version) => {
            say(&format!("bellhop-desktop {}", env!("CARGO_PKG_VERSION")), ExitCode::SUCCESS)
        }
        Ok(Start::Help) => say(start::USAGE, ExitCode::SUCCESS),
        Err(what) => complain(&format!("{what}\n\n{}", start::USAGE), ExitCode::from(2)),
    }
}

/// What the processes are made of: the configuration, the embedded window, its permissions.
fn context() -> tauri::Context {
    tauri::generate_context!()
}

#[allow(clippy::print_stdout, reason = "asked for on the command line")]
fn say(text: &str, code: ExitCode) -> ExitCode {
    println!("{text}");
    code
}

#[allow(clippy::print_stderr, reason = "the terminal is all there is when no window can be shown")]
fn complain(text: &str, code: ExitCode) -> ExitCode {
    eprintln!("error: {text}");
    code
}
