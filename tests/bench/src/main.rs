//! How fast Bellhop is, beside a bare proxy and its peers. `cargo xtask bench` builds and runs it.
//!
//! Every subject is a process of its own, measured from outside, with the same service behind it. What is compared
//! was measured in the same repetition of the same run; the machine's own speed cancels out.

mod alone;
mod cast;
mod conn;
mod core;
mod figures;
mod house;
mod http;
mod load;
mod message;
mod own;
mod peers;
mod plan;
mod profile;
mod proxy;
mod report;
mod rounds;
mod run;
mod stats;
mod stdio;
mod subject;
mod svg;
mod targets;
mod tree;
mod upstream;

use std::{io::Read, process::ExitCode};
use tokio::{net::TcpListener, runtime::Builder, task::LocalSet};

/// Why something could not be measured.
pub(crate) type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["upstream"] => {
            let _held = core::Held::on(1);
            serve(Builder::new_current_thread(), upstream::serve)
        }
        ["proxy", upstream] => {
            serve(Builder::new_multi_thread(), |listener| proxy::serve(listener, (*upstream).to_owned()))
        }
        _ => measure(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &[String]) -> Result<(), Failure> {
    let profile = args == ["--profile"];
    let plan = plan::Plan::read(if profile { &[] } else { args })?;
    // One thread: the machine belongs to those that are measured.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let all = async {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        // All that runs ends when the first branch is dropped.
        let measure = async { if profile { profile::profile().await } else { run::run(&plan).await } };
        tokio::select! {
            done = measure => done,
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
            _ = terminate.recv() => Err("ended".into()),
        }
    };
    LocalSet::new().block_on(&runtime, all)
}

/// Be a server until standard input ends, on a port that is printed.
fn serve<F: Future<Output = std::io::Result<()>>>(
    mut runtime: Builder,
    serve: impl FnOnce(TcpListener) -> F,
) -> Result<(), Failure> {
    std::thread::spawn(|| {
        // Whoever started this one is gone when it ends.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?);
        Ok(serve(listener).await?)
    })
}
