//! Running the suite, and reading what it wrote.

use bellhop_tests::{Process, node, peers, program};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, fs, path::Path, time::Duration};

/// Far more than a run takes, also one in which every scenario waits in vain.
const LONG: Duration = Duration::from_secs(300);

/// What the suite runs without counting it, since it is younger than the revision or its own server can't do it yet.
/// Here it counts. What is left out are the tasks of the new era, which the official SDK's servers don't have.
const BEYOND: [(&str, &[&str]); 2] = [
    ("2025-11-25", &["server-session-lifecycle", "json-schema-2020-12"]),
    (
        "2026-07-28",
        &["json-schema-2020-12", "http-header-validation", "http-custom-header-server-validation"],
    ),
];

/// What a run came to.
pub(super) struct Report {
    /// Everything asked for that did not hold, warnings included.
    pub failures: Vec<Failure>,
}

/// A check that did not hold.
pub(super) struct Failure {
    /// The scenario.
    pub scenario: String,
    /// The check's id.
    pub check: String,
    status: String,
    why: String,
    details: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, check, status, why, details } = self;
        write!(f, "  {scenario} {check}: {status}: {why}\n    {details}")
    }
}

/// Run the scenarios that a revision requires of a server against the one at this address.
///
/// # Panics
/// When the suite doesn't run, or leaves out a scenario that it should run.
pub(super) async fn run(url: &str, revision: &str) -> Report {
    let out = tempfile::Builder::new().prefix("bellhop-conformance-").tempdir().unwrap();
    let mut command = node();
    command
        .arg(peers("node_modules/@modelcontextprotocol/conformance/dist/index.js"))
        .args(["server", "--url", url, "--requirements", revision, "-o"])
        .arg(out.path());
    let mut suite = Process::start(command);
    suite.close();
    // It leaves with 1 when anything failed; what failed stands in the files.
    suite.ended_within(LONG).await;

    let ran = results(out.path(), "server-");
    let missing = scenarios(revision).into_iter().find(|scenario| !ran.contains_key(scenario.as_str()));
    assert!(missing.is_none(), "{missing:?} did not run:\n{}\n{}", suite.output(), suite.errors());
    Report::read(out.path(), "server-", &scenarios(revision))
}

/// Run the scenarios that a revision requires of a client, which are this many, against Bellhop.
///
/// # Panics
/// When the suite doesn't run, or leaves out a scenario.
pub(super) async fn check_client(revision: &str, many: usize) -> Report {
    let scenarios = listed(revision, "client");
    assert_eq!(scenarios.len(), many, "the list of {revision} reads differently now: {scenarios:?}");
    let out = tempfile::Builder::new().prefix("bellhop-conformance-").tempdir().unwrap();
    let driver = format!("{} {}", node().get_program().display(), peers("conformance-client.mjs").display());
    let programs = program("bellhop").parent().unwrap().to_owned();
    // One by one: all at once, on a small machine, each takes longer than the suite's servers wait.
    for scenario in &scenarios {
        let mut command = node();
        command
            .arg(peers("node_modules/@modelcontextprotocol/conformance/dist/index.js"))
            .args(["client", "--command", &driver, "--scenario", scenario, "--spec-version", revision])
            .args(["--timeout", "60000", "-o"])
            .arg(out.path())
            .env("BELLHOP_PROGRAMS", &programs);
        let mut suite = Process::start(command);
        suite.close();
        suite.ended_within(LONG).await;
        let results = results(out.path(), "");
        assert!(results.contains_key(scenario), "{scenario}:\n{}\n{}", suite.output(), suite.errors());
    }
    Report::read(out.path(), "", &scenarios)
}

impl Report {
    fn read(out: &Path, prefix: &str, scenarios: &[String]) -> Self {
        let results = results(out, prefix);
        let mut failures = Vec::new();
        for scenario in scenarios {
            let checks = &results[scenario];
            assert!(!checks.is_empty(), "{scenario} checked nothing");
            failures.extend(checks.iter().filter_map(|check| Failure::of(scenario, check)));
        }
        Self { failures }
    }
}

impl Failure {
    fn of(scenario: &str, check: &Value) -> Option<Self> {
        let text = |name: &str| check[name].as_str().unwrap_or_default().to_owned();
        let status = text("status");
        // SKIPPED and INFO are about what is optional.
        ["FAILURE", "WARNING"].contains(&status.as_str()).then(|| Self {
            scenario: scenario.to_owned(),
            check: text("id"),
            status,
            why: text("errorMessage"),
            details: check["details"].to_string().chars().take(2_000).collect(),
        })
    }
}

/// The checks of each scenario, from folders whose names begin so.
fn results(out: &Path, prefix: &str) -> BTreeMap<String, Vec<Value>> {
    /// What follows a scenario's name in that of its folder.
    const TIME: &str = "-2026-11-24T12-00-00-000Z";
    let mut results = BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "checks.json") {
                // A scenario's name may have a slash in it.
                let name = folder.strip_prefix(out).unwrap().to_str().unwrap();
                let scenario = name.strip_prefix(prefix).unwrap();
                let scenario = &scenario[..scenario.len() - TIME.len()];
                let text = fs::read_to_string(path).unwrap();
                results.insert(scenario.to_owned(), serde_json::from_str(&text).unwrap());
            }
        }
    }
    results
}

/// The scenarios that a revision requires of a server, as the suite's own list has them, and those beyond.
fn scenarios(revision: &str) -> Vec<String> {
    let names = listed(revision, "server");
    assert!(names.len() >= 30, "the list of {revision} reads differently now: {names:?}");
    let (_, beyond) = BEYOND.iter().find(|(of, _)| *of == revision).unwrap();
    names.into_iter().chain(beyond.iter().map(|&name| name.to_owned())).collect()
}

/// The scenarios that a revision requires of a side, as the suite's own list has them.
fn listed(revision: &str, side: &str) -> Vec<String> {
    let list =
        peers("node_modules/@modelcontextprotocol/conformance/requirements").join(format!("{revision}.yaml"));
    let text = fs::read_to_string(list).unwrap();
    let list = text.lines().skip_while(|line| line.strip_suffix(':') != Some(side)).skip(1);
    list.map_while(|line| line.strip_prefix("  - ")).map(|name| name.trim().to_owned()).collect()
}
