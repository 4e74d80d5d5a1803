//! The program `bellhop-playground`: see the library of the same name.

use clap::Parser;
use model::{Explain, Problem, SystemClock, SystemRandom};
use playground::{Options, Playground};
use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A small MCP service with its own sign-in, to try Bellhop without an account.
///
/// Prints one line of JSON with its address when it is ready, and ends when its standard input ends.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The port on 127.0.0.1; 0 for the one of last time, or any
    #[arg(long, default_value_t = 0, value_name = "N")]
    port: u16,
    /// Keep key, sign-ins and notes in this file; without it, nothing is kept
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// How long an access token lives
    #[arg(long, default_value_t = 600, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    access_life: u64,
    /// Go on when standard input ends
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("playground=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).init();
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Standard error may be closed; there is nowhere else to say it.
            let _ = writeln!(io::stderr(), "error: {}\n  {}", problem.sentence, problem.next);
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Problem> {
    let playground = Playground::open(Options {
        port: args.port,
        state: args.state,
        access_life: Duration::from_secs(args.access_life),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    })
    .await
    .map_err(|e| e.problem())?;

    let ready = serde_json::json!({ "url": playground.url() });
    let mut out = io::stdout();
    writeln!(out, "{ready}").and_then(|()| out.flush()).map_err(broken)?;

    let stop = CancellationToken::new();
    if !args.keep {
        end_with_parent(stop.clone());
    }
    let signalled = stop.clone();
    tokio::spawn(async move {
        signal().await;
        signalled.cancel();
    });
    playground.serve(stop).await.map_err(broken)
}

/// Cancel `stop` at the end of standard input: the program that started this one is gone.
///
/// A thread of its own, since a read from standard input can't be cancelled and would hold up the runtime.
fn end_with_parent(stop: CancellationToken) {
    std::thread::spawn(move || {
        let mut buffer = [0u8; 256];
        while matches!(io::stdin().read(&mut buffer), Ok(1..)) {}
        stop.cancel();
    });
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

fn broken(error: io::Error) -> Problem {
    tracing::error!(%error, "ended");
    Problem::new("playground.broken", "The playground had to end.", "Start it again.")
}
