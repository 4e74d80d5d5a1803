//! The suite as a server: it checks Bellhop as the client of services, with their sign-in. A person and an app stand
//! before Bellhop (`conformance-client.mjs`), and nothing of ours but `bellhop serve` and its bridge.

use crate::conformance::suite::{self, Failure};
use std::fmt::Write;

/// What does not hold yet: scenario and check. A line whose check holds fails the run, so that it goes.
const NOT_YET: &[(&str, &str)] = &[("auth/basic-cimd", "cimd-client-id-used")];

/// Run the suite. All that a revision requires of a client holds, but for [`NOT_YET`].
async fn conforms(revision: &'static str, scenarios: usize) {
    let report = suite::check_client(revision, scenarios).await;
    let is = |failure: &Failure, (scenario, check): &(&str, &str)| {
        failure.scenario == *scenario && failure.check == *check
    };
    let mut wrong = String::new();
    for failure in &report.failures {
        if !NOT_YET.iter().any(|line| is(failure, line)) {
            writeln!(wrong, "{failure}").unwrap();
        }
    }
    for line in NOT_YET.iter().filter(|line| report.checked.iter().any(|c| c.0 == line.0 && c.1 == line.1)) {
        if !report.failures.iter().any(|failure| is(failure, line)) {
            writeln!(wrong, "  {} {}: holds now", line.0, line.1).unwrap();
        }
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
