//! The suite as a server: it checks Bellhop as the client of services, with their sign-in. A person and an app stand
//! before Bellhop (`conformance-client.mjs`), and nothing of ours but `bellhop serve` and its bridge.

use crate::conformance::suite;
use std::fmt::Write;

/// Run the suite: all that a revision requires of a client holds, warnings included.
async fn conforms(revision: &'static str, scenarios: usize) {
    let report = suite::check_client(revision, scenarios).await;
    let mut wrong = String::new();
    for failure in &report.failures {
        writeln!(wrong, "{failure}").unwrap();
    }
    assert!(wrong.is_empty(), "{revision}:\n{wrong}");
}

/// Proves conformance.9.
#[tokio::test]
async fn bellhop_conforms_as_a_client_of_services_of_the_old_era() {
    conforms("2025-11-25", 18).await;
}

/// Proves conformance.10.
#[tokio::test]
async fn bellhop_conforms_as_a_client_of_services_of_the_new_era() {
    conforms("2026-07-28", 32).await;
}
