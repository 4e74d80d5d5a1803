//! The six runs, and the fixture by itself.

use crate::conformance::{
    exceptions::EXCEPTIONS,
    suite::{self, Report},
};
use bellhop_tests::{App, Bellhop, Peer};
use std::fmt::Write;

/// Run the suite against Bellhop with a service of this era behind it. It holds when each required check does, but
/// for the exceptions, and when each of those fails.
async fn conforms(revision: &'static str, era: &'static str) {
    let service = Peer::fixture(era).await;
    let bellhop = Bellhop::start().await.with_open("fixture", &service).await;
    let (_app, tokens) = App::let_in_at(&bellhop, "/mcp/fixture", "Conformance", &["fixture:write"]).await;
    let front = Peer::start("front.mjs", &["--to", &bellhop.url(""), "--bearer", &tokens.access]).await;
    let origin = front.ready["origin"].as_str().unwrap();
    let report = suite::run(&format!("{origin}/mcp/fixture"), revision).await;

    let mut wrong = String::new();
    for failure in &report.failures {
        if !EXCEPTIONS.iter().any(|e| e.covers(revision, era, failure)) {
            writeln!(wrong, "{failure}").unwrap();
        }
    }
    for exception in EXCEPTIONS.iter().filter(|e| e.applies(revision, era)) {
        if !report.failures.iter().any(|failure| exception.covers(revision, era, failure)) {
            writeln!(wrong, "  {} {}: an exception that holds", exception.scenario, exception.check).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{revision} with a service of the era “{era}”:\n{wrong}");
}

fn well(what: &str, report: &Report) {
    let failures: String = report.failures.iter().map(|failure| format!("{failure}\n")).collect();
    assert!(failures.is_empty(), "{what}:\n{failures}");
}

/// The suite without Bellhop: whose fault a failure is, is known by this.
#[tokio::test]
async fn the_fixture_itself_conforms() {
    for (revision, eras) in [("2025-11-25", ["legacy", "both"]), ("2026-07-28", ["modern", "both"])] {
        for era in eras {
            let fixture = Peer::fixture(era).await;
            well(&format!("{revision}, {era}"), &suite::run(fixture.url(), revision).await);
        }
    }
}

/// Proves conformance.1.
#[tokio::test]
async fn an_app_of_the_old_era_has_a_service_of_the_old_era() {
    conforms("2025-11-25", "legacy").await;
}

/// Proves conformance.2.
#[tokio::test]
async fn an_app_of_the_old_era_has_a_service_of_the_new_era() {
    conforms("2025-11-25", "modern").await;
}

/// Proves conformance.3.
#[tokio::test]
async fn an_app_of_the_old_era_has_a_service_of_both_eras() {
    conforms("2025-11-25", "both").await;
}

/// Proves conformance.4.
#[tokio::test]
async fn an_app_of_the_new_era_has_a_service_of_the_old_era() {
    conforms("2026-07-28", "legacy").await;
}

/// Proves conformance.5.
#[tokio::test]
async fn an_app_of_the_new_era_has_a_service_of_the_new_era() {
    conforms("2026-07-28", "modern").await;
}

/// Proves conformance.6.
#[tokio::test]
async fn an_app_of_the_new_era_has_a_service_of_both_eras() {
    conforms("2026-07-28", "both").await;
}
