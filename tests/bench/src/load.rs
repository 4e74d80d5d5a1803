//! Calls, one after the other or many at once, and what they cost.

use crate::{
    Failure, conn::Conn, core::Held, http, http::Http, message::Message, stats::percentile, stdio, tree,
};
use serde_json::{Value, json};
use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::timeout};

/// How long anything may take before it counts as failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A client of a subject.
pub(crate) enum Client {
    /// Over HTTP.
    Http(Box<Http>),
    /// Over standard input and output.
    Stdio(Box<stdio::Client>),
}

/// How long to go on: until one of the two is reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// At most so many calls.
    pub calls: u64,
    /// At most so long.
    pub time: Duration,
}

impl Span {
    /// So long.
    pub(crate) fn time(milliseconds: u64) -> Self {
        Self { calls: u64::MAX, time: Duration::from_millis(milliseconds) }
    }

    /// So many calls, and no longer than this.
    pub(crate) fn calls(calls: u64, seconds: u64) -> Self {
        Self { calls, time: Duration::from_secs(seconds) }
    }
}

/// What calls one after the other took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    /// The middle one, in milliseconds.
    pub p50: f64,
    /// All but one in a hundred were quicker.
    pub p99: f64,
    /// The subject's time on the processor, in microseconds a call.
    pub cpu: Option<f64>,
}

/// What many calls at once came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// Calls a second.
    pub rate: f64,
    /// The subject's time on the processor, in microseconds a call.
    pub cpu: Option<f64>,
    /// How many there were.
    pub calls: u64,
}

impl Client {
    /// The echo of so many bytes.
    pub(crate) fn echo(&self, tool: &str, size: usize) -> Message {
        match self {
            Self::Http(http) => http.echo(tool, size),
            Self::Stdio(stdio) => stdio.echo(tool, size),
        }
    }

    /// Ask for something; the whole answer.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Failure> {
        match self {
            Self::Http(http) => timeout(PATIENCE, http.ask(method, params)).await?,
            Self::Stdio(stdio) => timeout(PATIENCE, stdio.ask(method, params)).await?,
        }
    }

    /// What the echo is called here.
    pub(crate) async fn echo_tool(&mut self) -> Result<String, Failure> {
        let answer = self.ask("tools/list", json!({})).await?;
        let tools = answer["result"]["tools"].as_array();
        let mut names = tools.into_iter().flatten().filter_map(|tool| tool["name"].as_str());
        let found = names.find(|name| name.ends_with("echo"));
        Ok(found.ok_or_else(|| format!("no echo in {answer:.300}"))?.to_owned())
    }

    async fn call(&mut self, request: &mut Message, id: u64) -> Result<(), Failure> {
        match self {
            Self::Http(http) => timeout(PATIENCE, http.call(request, id)).await?,
            Self::Stdio(stdio) => timeout(PATIENCE, stdio.call(request, id)).await?,
        }
    }

    /// Call again and again, one after the other. `pid` is the subject's process.
    pub(crate) async fn latency(
        &mut self,
        tool: &str,
        size: usize,
        span: Span,
        pid: Option<u32>,
    ) -> Result<Latency, Failure> {
        let mut request = self.echo(tool, size);
        if let Self::Http(http) = self {
            // One that was idle may have been closed meanwhile.
            timeout(PATIENCE, http.fresh()).await??;
            self.call(&mut request, next_id()).await?;
        }
        let _held = Held::on(0);
        let mut took = Vec::new();
        let before = pid.map(tree::cpu);
        let start = Instant::now();
        while (took.len() as u64) < span.calls && start.elapsed() < span.time {
            let begun = Instant::now();
            self.call(&mut request, next_id()).await?;
            took.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        let cpu = each(pid, before, took.len() as u64);
        let (p50, p99) = (percentile(&mut took, 0.5), percentile(&mut took, 0.99));
        Ok(Latency { p50: p50.ok_or("no call")?, p99: p99.ok_or("no call")?, cpu })
    }

    /// A new connection and a call on it, again and again; what the middle one took, in milliseconds. Nothing
    /// where there are no connections.
    pub(crate) async fn connecting(&mut self, tool: &str, calls: u64) -> Result<Option<f64>, Failure> {
        let mut request = self.echo(tool, 64);
        let Self::Http(http) = self else { return Ok(None) };
        let _held = Held::on(0);
        let mut took = Vec::new();
        for _ in 0..calls {
            let begun = Instant::now();
            timeout(PATIENCE, http.fresh()).await??;
            timeout(PATIENCE, http.call(&mut request, next_id())).await??;
            took.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(percentile(&mut took, 0.5))
    }

    /// Keep so many calls going.
    pub(crate) async fn rate(
        &mut self,
        tool: &str,
        at_once: usize,
        span: Span,
        pid: Option<u32>,
    ) -> Result<Rate, Failure> {
        let request = self.echo(tool, 64);
        match self {
            Self::Http(http) => {
                let mut conns = Vec::new();
                for _ in 0..at_once {
                    conns.push((http.another().await?, request.clone()));
                }
                over(conns, span, pid).await
            }
            Self::Stdio(stdio) => {
                timeout(span.time + PATIENCE, pipelined(stdio, request, at_once, span, pid)).await?
            }
        }
    }

    /// The process, where the client started it.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self {
            Self::Http(_) => None,
            Self::Stdio(stdio) => Some(stdio.pid()),
        }
    }

    /// Say good-bye.
    pub(crate) async fn end(self) {
        if let Self::Stdio(stdio) = self {
            stdio.end().await;
        }
    }
}

/// One call after the other on each of these connections.
pub(crate) async fn over(conns: Vec<(Conn, Message)>, span: Span, pid: Option<u32>) -> Result<Rate, Failure> {
    let done = Rc::new(Cell::new(0_u64));
    let mut ready = Vec::new();
    for (mut conn, mut request) in conns {
        // What a new connection costs is another figure.
        timeout(PATIENCE, http::call(&mut conn, &mut request, next_id())).await??;
        ready.push((conn, request));
    }
    let _held = Held::on(0);
    let mut all = JoinSet::new();
    let before = pid.map(tree::cpu);
    let start = Instant::now();
    for (mut conn, mut request) in ready {
        let done = Rc::clone(&done);
        all.spawn_local(async move {
            while done.get() < span.calls && start.elapsed() < span.time {
                http::call(&mut conn, &mut request, next_id()).await.map_err(|e| e.to_string())?;
                done.set(done.get() + 1);
            }
            Ok::<_, String>(())
        });
    }
    let end = async {
        while let Some(one) = all.join_next().await {
            one??;
        }
        Ok::<_, Failure>(())
    };
    timeout(span.time + PATIENCE, end).await??;
    let took = start.elapsed();
    Ok(Rate { rate: a_second(done.get(), took), cpu: each(pid, before, done.get()), calls: done.get() })
}

async fn pipelined(
    stdio: &mut stdio::Client,
    mut request: Message,
    at_once: usize,
    span: Span,
    pid: Option<u32>,
) -> Result<Rate, Failure> {
    let _held = Held::on(0);
    let before = pid.map(tree::cpu);
    let start = Instant::now();
    for _ in 0..at_once {
        stdio.send(&mut request, next_id()).await?;
    }
    let mut open = at_once as u64;
    let mut done = 0;
    while open > 0 {
        stdio.any().await?;
        done += 1;
        open -= 1;
        if done + open < span.calls && start.elapsed() < span.time {
            stdio.send(&mut request, next_id()).await?;
            open += 1;
        }
    }
    Ok(Rate { rate: a_second(done, start.elapsed()), cpu: each(pid, before, done), calls: done })
}

#[allow(clippy::cast_precision_loss)]
fn a_second(calls: u64, took: Duration) -> f64 {
    calls as f64 / took.as_secs_f64()
}

#[allow(clippy::cast_precision_loss)]
fn each(pid: Option<u32>, before: Option<f64>, calls: u64) -> Option<f64> {
    Some((tree::cpu(pid?) - before?) / calls as f64)
}

/// No id is used twice in a run.
fn next_id() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1_000_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
