//! The whole run, from the first process to the document.

use crate::{
    Failure, alone,
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
    subject::{Reach, Subject},
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
    let address = |path: &str| format!("http://{}{path}", upstream.authority);

    // One at a time.
    let mut one = House::build(&[("echo".to_owned(), address("/legacy/1"))]).await;
    let (echo, all) = (one.endpoint("/mcp/echo").await, one.endpoint("/mcp").await);
    let bridge_of_one = one.let_bridge_in(BRIDGED).await;
    if plan.has("service") {
        let done = alone::serve(&mut one, &echo, plan, &mut figures).await;
        troubled(&mut figures, "service", "alone", done);
    }
    let bridge = bridge("bridge", "Bellhop's bridge", Era::Legacy, "direct", &one, &bridge_of_one);
    if plan.has("bridge") {
        alone::started(&bridge, plan, &mut figures).await;
    }
    if plan.has("service") {
        let pid = one.pid();
        let done = streams("service", &echo, pid, plan, &mut figures).await;
        troubled(&mut figures, "service", "streams", done);
        let done = streams("proxy", &plain(&proxy, "/legacy"), proxy.pid(), plan, &mut figures).await;
        troubled(&mut figures, "proxy", "streams", done);
    }
    let peers: Vec<Subject> =
        peers(&address("/legacy"), home.path()).into_iter().filter(|s| plan.has(s.key)).collect();
    for peer in &peers {
        alone::started(peer, plan, &mut figures).await;
    }

    // Side by side.
    eprintln!("starting all, {} s", since.elapsed().as_secs());
    let many = |n: usize| -> Vec<(String, String)> {
        (1..=n).map(|i| (format!("s{i}"), address(&format!("/legacy/{i}")))).collect()
    };
    let mut subjects = vec![
        http("direct", "direct", Era::Legacy, "direct", plain(&upstream, "/legacy"), None),
        http("proxy", "a bare proxy", Era::Legacy, "direct", plain(&proxy, "/legacy"), Some(proxy.pid())),
    ];
    let pid = Some(one.pid());
    subjects.push(http("service", "Bellhop, `/mcp/<service>`", Era::Legacy, "direct", echo, pid));
    subjects.push(http("all-1", "Bellhop, `/mcp`, 1 service", Era::Legacy, "direct", all, pid));
    let mut houses = Vec::new();
    for (key, count) in [("all-10", 10), ("all-50", 50)] {
        if plan.has(key) {
            let mut house = House::build(&many(count)).await;
            let name = format!("Bellhop, `/mcp`, {count} services");
            let pid = Some(house.pid());
            let all = house.endpoint("/mcp").await;
            subjects.push(http(key, &name, Era::Legacy, "direct", all, pid));
            houses.push(house);
        }
    }
    subjects.push(bridge);
    subjects.extend(peers);
    let modern = plain(&upstream, "/modern");
    subjects.push(http("direct-modern", "direct", Era::Modern, "direct-modern", modern, None));
    let services = [("old", "/legacy/old"), ("new", "/modern/new"), ("many", "/legacy/many/2000")];
    let mut both = House::build(&services.map(|(name, path)| (name.to_owned(), address(path)))).await;
    let bridge_of_both = both.let_bridge_in(BRIDGED).await;
    let pid = Some(both.pid());
    for (key, name, era, service) in [
        ("modern", "Bellhop, modern app, modern service", Era::Modern, "new"),
        ("modern-legacy", "Bellhop, modern app, legacy service", Era::Modern, "old"),
        ("legacy-modern", "Bellhop, legacy app, modern service", Era::Legacy, "new"),
    ] {
        let base = if era == Era::Modern { "direct-modern" } else { "direct" };
        subjects.push(match both.why_missing(service) {
            None => http(key, name, era, base, both.endpoint(&format!("/mcp/{service}")).await, pid),
            Some(why) => Subject { key, name: name.to_owned(), era, reach: Reach::Not(why.to_owned()), base },
        });
    }
    subjects.push(self::bridge(
        "bridge-modern",
        "Bellhop's bridge, modern app",
        Era::Modern,
        "direct-modern",
        &both,
        &bridge_of_both,
    ));
    subjects.retain(|subject| plan.has(subject.key));
    rounds(&subjects, plan, &mut figures).await;

    // The rest.
    let direct = plain(&upstream, "/legacy/many/2000");
    for (key, endpoint) in [("direct", direct), ("service", both.endpoint("/mcp/many").await)] {
        let done = list(key, &endpoint, plan, &mut figures).await;
        troubled(&mut figures, key, "2,000 tools", done);
    }
    if plan.has("service") {
        let done = connections(&mut one, plan, &mut figures).await;
        troubled(&mut figures, "service", "connections", done);
    }
    eprintln!("measured in {} s", since.elapsed().as_secs());
    finish(&subjects, &figures, plan)
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

fn plain(own: &Own, path: &str) -> Endpoint {
    Endpoint { authority: own.authority.clone(), path: path.to_owned(), bearer: None }
}

fn http(
    key: &'static str,
    name: &str,
    era: Era,
    base: &'static str,
    endpoint: Endpoint,
    pid: Option<u32>,
) -> Subject {
    Subject { key, name: name.to_owned(), era, reach: Reach::Http(endpoint, pid), base }
}

fn bridge(
    key: &'static str,
    name: &str,
    era: Era,
    base: &'static str,
    house: &House,
    let_in: &Result<(), Failure>,
) -> Subject {
    let command = house.bridge(BRIDGED.0);
    let reach = match let_in {
        Ok(()) => Reach::Stdio(Box::new(move || again(&command))),
        Err(e) => Reach::Not(e.to_string()),
    };
    Subject { key, name: name.to_owned(), era, reach, base }
}

/// The same command once more.
fn again(command: &Command) -> Command {
    let mut again = Command::new(command.get_program());
    again.args(command.get_args()).env_clear();
    again.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        again.current_dir(folder);
    }
    again
}

/// As many open files as the system lets us: each stream is two, in each of three processes.
fn more_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}
