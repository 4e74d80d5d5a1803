//! Where `bellhop serve` spends its time on the processor, by function, and how often it asks the system.

use crate::{
    Failure,
    house::House,
    http::Http,
    load::{Client, Span},
    message::Era,
    own::Own,
};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::sleep;

/// How many functions are shown.
const LINES: usize = 25;
/// How long each load goes on, in milliseconds.
const LOAD: u64 = 6_000;

/// Which load is looked at.
#[derive(Debug, Clone, Copy)]
struct Load {
    name: &'static str,
    size: usize,
    at_once: usize,
}

/// Profile it under several loads, and print what is found.
pub(crate) async fn profile() -> Result<(), Failure> {
    let upstream = Own::start(&["upstream"])?;
    let mut house =
        House::build(&[("echo".to_owned(), format!("http://{}/legacy", upstream.authority))]).await;
    let endpoint = house.endpoint("/mcp/echo").await;
    let pid = house.pid();
    let folder = tempfile::tempdir()?;
    for load in [
        Load { name: "64 bytes, 32 at once", size: 64, at_once: 32 },
        Load { name: "64 bytes, one after the other", size: 64, at_once: 1 },
        Load { name: "100 kB, one after the other", size: 100_000, at_once: 1 },
    ] {
        let mut client = Client::Http(Box::new(Http::open(&endpoint, Era::Legacy).await?));
        println!("\n━━━ {} ━━━", load.name);
        let data = folder.path().join("perf.data");
        by_function(&mut client, load, pid, &data).await?;
        by_system_call(&mut client, load, pid, &folder.path().join("strace.txt")).await?;
    }
    Ok(())
}

/// `perf`: which functions the time goes to.
async fn by_function(client: &mut Client, load: Load, pid: u32, data: &Path) -> Result<(), Failure> {
    let mut perf = Command::new("perf");
    perf.args(["record", "--quiet", "--freq", "2000", "--pid", &pid.to_string(), "--output"]).arg(data);
    let Ok(perf) = beside(&mut perf) else {
        println!("perf can't be had here; the Debian package is linux-perf");
        return Ok(());
    };
    sleep(Duration::from_millis(300)).await;
    let done = run(client, load, pid).await;
    stop(perf);
    let (rate, cpu) = done?;
    println!("{rate:.0} calls a second, {cpu:.1} µs of processor a call\n");
    for sort in ["dso", "symbol"] {
        let mut report = Command::new("perf");
        report.args([
            "report",
            "--stdio",
            "--quiet",
            "--no-children",
            "--percent-limit",
            "0.3",
            "--sort",
            sort,
        ]);
        let said = report.arg("--input").arg(data).stderr(Stdio::null()).output()?;
        let text = String::from_utf8_lossy(&said.stdout);
        for line in text.lines().filter(|line| line.contains('%')).take(LINES) {
            // A name, and columns of nothing behind it.
            println!("{}", line.trim_end_matches(|c: char| c == '-' || c.is_whitespace()));
        }
        println!();
    }
    Ok(())
}

/// `strace`: how often the system is asked, for each call.
async fn by_system_call(client: &mut Client, load: Load, pid: u32, counts: &Path) -> Result<(), Failure> {
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-c", "-U", "calls,errors,name", "-S", "calls", "-p", &pid.to_string(), "-o"])
        .arg(counts);
    let Ok(strace) = beside(&mut strace) else {
        println!("strace can't be had here");
        return Ok(());
    };
    sleep(Duration::from_millis(500)).await;
    const CALLS: u64 = 2_000;
    let done = match load.at_once {
        1 => client.latency("echo", load.size, Span::calls(CALLS, 30), None).await.map(|_| CALLS),
        many => client.rate("echo", many, Span::calls(CALLS, 30), None).await.map(|done| done.calls),
    };
    stop(strace);
    let done = done?;
    println!("system calls for each of {done} calls, errors among them:");
    for line in std::fs::read_to_string(counts)?.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(count) = words.first().and_then(|word| word.parse::<f64>().ok()) else { continue };
        #[allow(clippy::cast_precision_loss)]
        let each = |count: f64| count / done as f64;
        if each(count) >= 0.05 {
            let errors = if words.len() > 2 { words[1].parse().unwrap_or(0.0) } else { 0.0 };
            println!("{:8.2} {:8.2}  {}", each(count), each(errors), words.last().unwrap_or(&""));
        }
    }
    Ok(())
}

/// Calls a second, and processor time a call.
async fn run(client: &mut Client, load: Load, pid: u32) -> Result<(f64, f64), Failure> {
    if load.at_once == 1 {
        let done = client.latency("echo", load.size, Span::time(LOAD), Some(pid)).await?;
        return Ok((1000.0 / done.p50, done.cpu.unwrap_or_default()));
    }
    let done = client.rate("echo", load.at_once, Span::time(LOAD), Some(pid)).await?;
    Ok((done.rate, done.cpu.unwrap_or_default()))
}

fn beside(command: &mut Command) -> Result<Child, Failure> {
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

/// Both write what they have when they are interrupted.
fn stop(mut child: Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
    }
    let _ = child.wait();
}
