//! Who takes part: the subjects, and what they need to run.

use crate::{
    Failure,
    house::{BRIDGED, House},
    http::Endpoint,
    message::Era,
    own::Own,
    plan::Plan,
    subject::{Reach, Subject},
};
use std::process::Command;

/// The direct way and the bare proxy.
pub(crate) fn floor(upstream: &Own, proxy: &Own) -> [Subject; 2] {
    [
        http("direct", "direct", Era::Legacy, plain(upstream, "/legacy"), None),
        http("proxy", "a bare proxy", Era::Legacy, plain(proxy, "/legacy"), Some(proxy.pid())),
    ]
}

/// Bellhops with many services. They run as long as what is returned first.
pub(crate) async fn many_services(upstream: &Own, plan: &Plan) -> (Vec<House>, Vec<Subject>) {
    let (mut houses, mut subjects) = (Vec::new(), Vec::new());
    for (key, count) in [("all-10", 10), ("all-50", 50)] {
        if !plan.has(key) {
            continue;
        }
        let services: Vec<_> =
            (1..=count).map(|n| (format!("s{n}"), upstream.url(&format!("/legacy/{n}")))).collect();
        let mut house = House::build(&services).await;
        let pid = Some(house.pid());
        let name = format!("Bellhop, `/mcp`, {count} services");
        subjects.push(http(key, &name, Era::Legacy, house.endpoint("/mcp").await, pid));
        houses.push(house);
    }
    (houses, subjects)
}

/// A Bellhop between the eras, and what is measured with it.
pub(crate) async fn across(upstream: &Own, plan: &Plan) -> (Option<House>, Vec<Subject>) {
    let keys = ["modern", "modern-legacy", "legacy-modern", "bridge-modern"];
    if !keys.iter().any(|key| plan.has(key)) {
        return (None, Vec::new());
    }
    let mut subjects = vec![http("direct-modern", "direct", Era::Modern, plain(upstream, "/modern"), None)];
    let services = [("old", "/legacy/old"), ("new", "/modern/new")];
    let mut house = House::build(&services.map(|(name, path)| (name.to_owned(), upstream.url(path)))).await;
    let pid = Some(house.pid());
    for (key, name, era, service) in [
        ("modern", "Bellhop, modern app, modern service", Era::Modern, "new"),
        ("modern-legacy", "Bellhop, modern app, legacy service", Era::Modern, "old"),
        ("legacy-modern", "Bellhop, legacy app, modern service", Era::Legacy, "new"),
    ] {
        subjects.push(match house.why_missing(service) {
            None => http(key, name, era, house.endpoint(&format!("/mcp/{service}")).await, pid),
            Some(why) => subject(key, name, era, Reach::Not(why.to_owned())),
        });
    }
    let let_in = house.let_bridge_in(BRIDGED).await;
    subjects.push(bridge("bridge-modern", "Bellhop's bridge, modern app", Era::Modern, &house, &let_in));
    (Some(house), subjects)
}

/// An endpoint of a process of ours.
pub(crate) fn plain(own: &Own, path: &str) -> Endpoint {
    Endpoint { authority: own.authority.clone(), path: path.to_owned(), bearer: None }
}

/// A subject that is reached over HTTP.
pub(crate) fn http(key: &'static str, name: &str, era: Era, endpoint: Endpoint, pid: Option<u32>) -> Subject {
    subject(key, name, era, Reach::Http(endpoint, pid))
}

/// The bridge, once the app that starts it was let in.
pub(crate) fn bridge(
    key: &'static str,
    name: &str,
    era: Era,
    house: &House,
    let_in: &Result<(), Failure>,
) -> Subject {
    let command = house.bridge(BRIDGED.0);
    let reach = match let_in {
        Ok(()) => Reach::Stdio(Box::new(move || again(&command))),
        Err(e) => Reach::Not(e.to_string()),
    };
    subject(key, name, era, reach)
}

fn subject(key: &'static str, name: &str, era: Era, reach: Reach) -> Subject {
    let base = if era == Era::Modern { "direct-modern" } else { "direct" };
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
