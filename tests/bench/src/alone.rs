//! What is measured one at a time, because memory that programs share would count as half: starts, memory,
//! open streams.

use crate::{
    Failure,
    figures::{Figure, Figures},
    house::House,
    http::{Endpoint, Http},
    load::{Client, PATIENCE, Span},
    message::{Era, Message},
    plan::Plan,
    subject::{Reach, Subject},
    tree,
};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// How long a process is left alone before its memory is looked at.
const REST: Duration = Duration::from_millis(1500);

/// A program that is started by its client: its first answer, and its memory before and after many calls.
pub(crate) async fn started(subject: &Subject, plan: &Plan, figures: &mut Figures) {
    if matches!(subject.reach, Reach::Not(_)) {
        return;
    }
    eprintln!("alone: {}", subject.key);
    for _ in 0..plan.starts {
        let begun = Instant::now();
        match subject.open().await {
            Ok(client) => {
                figures.note(subject.key, Figure::First, Some(begun.elapsed().as_secs_f64() * 1000.0));
                client.end().await;
            }
            Err(e) => return figures.trouble(subject.key, "start", &e.to_string()),
        }
    }
    if let Err(e) = loaded(subject, plan, figures).await {
        figures.trouble(subject.key, "many calls", &e.to_string());
    }
}

async fn loaded(subject: &Subject, plan: &Plan, figures: &mut Figures) -> Result<(), Failure> {
    let mut client = subject.open().await?;
    let pid = subject.pid(&client).ok_or("no process")?;
    let tool = client.echo_tool().await?;
    client.latency(&tool, 64, Span::calls(1, 10), None).await?;
    sleep(REST).await;
    figures.note(subject.key, Figure::Idle, Some(tree::memory(pid)));
    let done = client.rate(&tool, 32, Span::calls(plan.bridge_calls, 25), None).await?;
    sleep(REST).await;
    figures.note(subject.key, Figure::Loaded, Some(tree::memory(pid)));
    note_calls(subject.key, done.calls, figures);
    client.end().await;
    Ok(())
}

/// `bellhop serve`: its start with an app's first call, and its memory before and after many calls.
pub(crate) async fn serve(
    house: &mut House,
    endpoint: &Endpoint,
    plan: &Plan,
    figures: &mut Figures,
) -> Result<(), Failure> {
    const KEY: &str = "service";
    eprintln!("alone: bellhop serve");
    for _ in 0..plan.starts {
        house.bellhop.stop().await;
        let begun = Instant::now();
        house.bellhop.serve().await;
        Http::open(endpoint, Era::Legacy).await?;
        figures.note(KEY, Figure::First, Some(begun.elapsed().as_secs_f64() * 1000.0));
    }
    let mut client = Client::Http(Box::new(Http::open(endpoint, Era::Legacy).await?));
    let tool = client.echo_tool().await?;
    client.latency(&tool, 64, Span::calls(1, 10), None).await?;
    sleep(REST).await;
    figures.note(KEY, Figure::Idle, Some(house.memory()));
    let done = client.rate(&tool, 32, Span::calls(plan.serve_calls, 60), None).await?;
    sleep(REST).await;
    figures.note(KEY, Figure::Loaded, Some(house.memory()));
    note_calls(KEY, done.calls, figures);
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
fn note_calls(key: &'static str, calls: u64, figures: &mut Figures) {
    figures.note(key, Figure::Calls, Some(calls as f64));
}

/// Many open event streams at once: memory, a call beside them, and that everyone of them comes to its end.
pub(crate) async fn streams(
    key: &'static str,
    http: Http,
    tool: &str,
    pid: u32,
    plan: &Plan,
    figures: &mut Figures,
) -> Result<(), Failure> {
    eprintln!("alone: {} streams of {key}", plan.streams);
    const SECONDS: u64 = 10;
    let name = tool.replace("echo", "stream");
    let params = |n: usize| {
        let arguments = json!({ "text": "done", "events": SECONDS, "every_ms": 1000 });
        json!({ "name": name, "arguments": arguments, "_meta": { "progressToken": n } })
    };
    let mut open = Vec::new();
    for n in 0..plan.streams {
        let message = Message::json(http.era(), "tools/call", params(n));
        let mut request = http.request("tools/call", Some(&name), message);
        let mut conn = http.another().await?;
        let status = timeout(PATIENCE, conn.begin(&mut request, n as u64)).await??;
        if status != hyper::StatusCode::OK {
            return Err(format!("stream {n} was answered {status}").into());
        }
        open.push(conn);
    }
    for conn in &mut open {
        timeout(PATIENCE, conn.until(b"notifications/progress", 1)).await??;
    }
    figures.note(key, Figure::Streaming, Some(tree::memory(pid)));
    let mut client = Client::Http(Box::new(http));
    let beside = client.latency(tool, 64, Span::calls(500, 2), None).await?;
    figures.note(key, Figure::Beside, Some(beside.p50));
    let events = usize::try_from(SECONDS)?;
    for conn in &mut open {
        timeout(PATIENCE, conn.until(b"notifications/progress", events)).await??;
        timeout(PATIENCE, conn.until(b"\"done\"", 1)).await??;
    }
    drop(open);
    sleep(REST).await;
    figures.note(key, Figure::Streamed, Some(tree::memory(pid)));
    Ok(())
}
