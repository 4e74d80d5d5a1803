//! The whole run, from the first process to the document.

use crate::{
    Failure, alone, cast,
    figures::{Figure, Figures},
    house::{BRIDGED, House},
    http::{Endpoint, Http},
    load::{Client, Span},
    message::Era,
    own::Own,
    peers::peers,
    plan::Plan,
    report,
    rounds::rounds,
    subject::Subject,
};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::{path::Path, process::Command, time::Instant};

/// Measure all that the plan asks for.
pub(crate) async fn run(plan: &Plan) -> Result<(), Failure> {
    more_files();
    let since = Instant::now();
    let mut figures = Figures::default();
    let home = tempfile::tempdir()?;
    let upstream = Own::start(&["upstream"])?;
    let proxy = Own::start(&["proxy", &upstream.authority])?;
    let mut subjects = Vec::from(cast::floor(&upstream, &proxy));

    // One at a time: what runs beside it would share its memory.
    let mut one = House::build(&[("echo".to_owned(), upstream.url("/legacy/1"))]).await;
    let (echo, all) = (one.endpoint("/mcp/echo").await, one.endpoint("/mcp").await);
    let let_in = one.let_bridge_in(BRIDGED).await;
    let bridge = cast::bridge("bridge", "Bellhop's bridge", Era::Legacy, &one, &let_in);
    let mut peers = peers(&upstream.url("/legacy"), home.path());
    peers.retain(|peer| plan.has(peer.key));
    alone(&mut one, &echo, &proxy, &bridge, &peers, plan, &mut figures).await;

    // Side by side.
    eprintln!("starting all, {} s", since.elapsed().as_secs());
    let pid = Some(one.pid());
    subjects.push(cast::http("service", "Bellhop, `/mcp/<service>`", Era::Legacy, echo, pid));
    subjects.push(cast::http("all-1", "Bellhop, `/mcp`, 1 service", Era::Legacy, all, pid));
    let (_houses, more) = cast::many_services(&upstream, plan).await;
    subjects.extend(more);
    subjects.push(bridge);
    subjects.extend(peers);
    let (_across, more) = cast::across(&upstream, plan).await;
    subjects.extend(more);
    subjects.retain(|subject| plan.has(subject.key));
    rounds(&subjects, plan, &mut figures).await;

    // The rest.
    if plan.has("many") {
        // In a house of its own: so many tools change how all are shown.
        let many = House::build(&[("many".to_owned(), upstream.url("/legacy/many/2000"))]).await;
        let direct = cast::plain(&upstream, "/legacy/many/2000");
        for (key, endpoint) in [("direct", direct), ("service", many.endpoint("/mcp/many").await)] {
            let done = list(key, &endpoint, plan, &mut figures).await;
            troubled(&mut figures, key, "2,000 tools", done);
        }
        let done = connections(&mut one, plan, &mut figures).await;
        troubled(&mut figures, "service", "connections", done);
    }
    eprintln!("measured in {} s", since.elapsed().as_secs());
    finish(&subjects, &figures, plan)
}

/// All that is measured with nothing else running.
async fn alone(
    one: &mut House,
    echo: &Endpoint,
    proxy: &Own,
    bridge: &Subject,
    peers: &[Subject],
    plan: &Plan,
    figures: &mut Figures,
) {
    if plan.has("service") {
        let done = alone::serve(one, echo, plan, figures).await;
        troubled(figures, "service", "alone", done);
    }
    if plan.has("bridge") {
        alone::started(bridge, plan, figures).await;
    }
    if plan.has("many") {
        let done = streams("service", echo, one.pid(), plan, figures).await;
        troubled(figures, "service", "streams", done);
        let done = streams("proxy", &cast::plain(proxy, "/legacy"), proxy.pid(), plan, figures).await;
        troubled(figures, "proxy", "streams", done);
    }
    for peer in peers {
        alone::started(peer, plan, figures).await;
    }
}

/// Show the document; a whole run also writes it.
fn finish(subjects: &[Subject], figures: &Figures, plan: &Plan) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism()?.get();
    let text = report::document(subjects, figures, plan, &today()?, cores);
    println!("{text}");
    if plan.whole() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        std::fs::write(docs.join("performance.md"), text)?;
        std::fs::write(docs.join("performance.svg"), report::bars(subjects, figures))?;
        eprintln!("wrote docs/performance.md and docs/performance.svg");
    }
    Ok(())
}

/// The date, as people write it.
fn today() -> Result<String, Failure> {
    let said = Command::new("date").args(["--utc", "+%Y-%m-%d"]).output()?;
    Ok(String::from_utf8(said.stdout)?.trim().to_owned())
}

fn troubled(figures: &mut Figures, key: &'static str, what: &str, done: Result<(), Failure>) {
    if let Err(e) = done {
        figures.trouble(key, what, &e.to_string());
    }
}

async fn streams(
    key: &'static str,
    endpoint: &Endpoint,
    pid: u32,
    plan: &Plan,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let mut client = Client::Http(Box::new(Http::open(endpoint, Era::Legacy).await?));
    let tool = client.echo_tool().await?;
    let Client::Http(http) = client else { return Ok(()) };
    alone::streams(key, *http, &tool, pid, plan, figures).await
}

/// How long a list of 2,000 tools takes.
async fn list(
    key: &'static str,
    endpoint: &Endpoint,
    plan: &Plan,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let mut client = Client::Http(Box::new(Http::open(endpoint, Era::Legacy).await?));
    for n in 0..=plan.rounds * 4 {
        let begun = Instant::now();
        let answer = client.ask("tools/list", serde_json::json!({})).await?;
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        let count = answer["result"]["tools"].as_array().map_or(0, Vec::len);
        if count != 2000 {
            return Err(format!("{count} tools came").into());
        }
        // The first one may have had to be fetched.
        if n > 0 {
            figures.note(key, Figure::List, Some(took));
        }
    }
    Ok(())
}

/// What a call costs when many apps are connected.
async fn connections(house: &mut House, plan: &Plan, figures: &mut Figures) -> Result<(), Failure> {
    eprintln!("{} connections", plan.connections);
    let endpoint = house.endpoint("/mcp/echo").await;
    let mut client = Client::Http(Box::new(Http::open(&endpoint, Era::Legacy).await?));
    let pid = house.pid();
    let one = cost(&mut client, pid, plan).await?;
    for n in 1..plan.connections {
        // An app that starts a bridge is let in without registering, of which there can be only so many a minute.
        let name = format!("bench-{n}");
        house.let_bridge_in((&name, &name)).await?;
    }
    for (figure, costs) in
        [(Figure::CpuConnection, one), (Figure::CpuConnections, cost(&mut client, pid, plan).await?)]
    {
        costs.into_iter().for_each(|cost| figures.note("service", figure, cost));
    }
    Ok(())
}

/// What a call costs, as often as the plan says.
async fn cost(client: &mut Client, pid: u32, plan: &Plan) -> Result<Vec<Option<f64>>, Failure> {
    let mut costs = Vec::new();
    for _ in 0..plan.rounds {
        costs.push(client.rate("echo", 32, Span::time(plan.block), Some(pid)).await?.cpu);
    }
    Ok(costs)
}

/// As many open files as the system lets us: each stream is two, in each of three processes.
fn more_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}
