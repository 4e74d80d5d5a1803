//! The commands of this source tree: `cargo xtask run`, `cargo xtask test`, `cargo xtask fuzz` and
//! `cargo xtask bench`.
//!
//! No dependencies, so that the first of them starts within a second of the first build.

mod bench;
mod fuzz;
mod packages;
mod run;
mod session;
mod sh;
mod stages;
mod summary;
mod tools;
mod tree;
mod ui;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask run [--release] [--headless]
       cargo xtask test [--only STAGE[,STAGE]…] [--long]
       cargo xtask fuzz [TARGET]… [--seconds N]
       cargo xtask bench [--quick] [--only SUBJECT[,SUBJECT]…] [--profile]
       cargo xtask session [--desktop] -- COMMAND…

  run      build Bellhop and start it: with its window, or with `bellhop serve` where there is no display
  test     run the suite; the stages are lint, unit, conformance, clients, faults, wordpress, desktop, bundle
  bench    measure Bellhop beside a bare proxy and its peers, and write docs/performance.md;
           --quick is short and writes nothing, --profile shows where `bellhop serve` spends its time
  fuzz     look for inputs that what reads foreign bytes fails on, a minute each unless told otherwise; the
           targets are envelope, headers, stream
  session  run a command in a session of its own: message bus, unlocked keyring, empty home, and with
           --desktop a virtual display with a window manager and a panel";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if let Err(e) = tree::enter() {
        eprintln!("error: {e}");
        return ExitCode::FAILURE;
    }
    let done = match args.as_slice() {
        ["run", rest @ ..] => run::run(rest),
        ["test", rest @ ..] => stages::test(rest),
        ["bench", rest @ ..] => bench::bench(rest),
        ["fuzz", rest @ ..] => fuzz::fuzz(rest),
        ["session", rest @ ..] => session::outer(rest),
        // Called by `session` itself, within the new message bus.
        ["session-within", rest @ ..] => session::within(rest),
        ["--help" | "-h" | "help"] => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    done.unwrap_or_else(|e| {
        eprintln!("error: {e}");
        ExitCode::FAILURE
    })
}
