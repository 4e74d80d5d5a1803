//! The program `bellhop`: the bridge, the engine without a desktop, and a person's commands in a terminal.

mod cli;
mod commands;
mod face;
mod output;
mod private;
mod prompt;
mod times;

use bellhop_cli::{
    bridge,
    problem::{INTERRUPTED, Stop},
};
use clap::Parser;
use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    // The bridge comes first: apps start many of them, and it needs neither a parser nor a log.
    if let Some(args) = bridge::Args::read(std::env::args_os().skip(1)) {
        bridge::turn_into_the_small_one();
        return bridge::run(args);
    }
    let cli = cli::Cli::parse();
    let done = commands::run(cli);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(Stop::Said) => ExitCode::FAILURE,
        Err(Stop::Problem(problem)) => {
            let problem = output::clean_problem(&problem);
            let _ = writeln!(io::stderr(), "error: {}", problem.sentence);
            if !problem.next.is_empty() {
                let _ = writeln!(io::stderr(), "  {}", problem.next);
            }
            ExitCode::FAILURE
        }
    }
}
