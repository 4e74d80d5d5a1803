//! What becomes of sign-ins that are given up.

use bellhop_tests::{App, Bellhop, Page, Provider, Session, until, visit};
use serde_json::{Value, json};
use std::fs;

async fn receipts(bellhop: &Bellhop) -> Vec<Value> {
    bellhop.json(&["services", "receipts"]).await.as_array().unwrap().clone()
}

/// How a way to give a sign-in back went.
fn outcome<'a>(receipt: &'a Value, what: &str) -> &'a str {
    let steps = receipt["steps"].as_array().unwrap();
    let step = steps.iter().find(|s| s["what"] == what);
    step.map_or("", |s| s["outcome"]["outcome"].as_str().unwrap())
}

async fn seen_dead(bellhop: &Bellhop) -> Value {
    until("the sign-in is seen dead", || async {
        receipts(bellhop).await.into_iter().find(|r| r["dead"]["dead"] == "seen_dead")
    })
    .await
}

/// Proves receipts.1: over two restarts, the first of them while the provider is still away.
#[tokio::test]
async fn a_provider_that_was_away_at_disconnect_is_told_when_it_is_back() {
    let provider = Provider::start().await;
    let mut bellhop = Bellhop::kept().await;
    provider.sign_in(&bellhop, "faults").await.well();
    provider.go_away().await;
    let removed = bellhop.run(&["services", "remove", "faults"]).await.well();
    assert!(removed.out.contains("not yet (not reached)"), "{removed:?}");
    assert_eq!(bellhop.services().await, [], "here it is gone at once");
    bellhop.restart().await;
    assert_eq!(bellhop.services().await, []);
    let waiting = receipts(&bellhop).await.remove(0);
    assert_eq!(outcome(&waiting, "local"), "done", "{waiting}");
    assert_eq!(outcome(&waiting, "refresh_token"), "waiting", "{waiting}");
    assert_eq!(waiting["dead"]["dead"], "unknown", "{waiting}");
    assert!(provider.any_alive());

    bellhop.stop().await;
    provider.come_back().await;
    bellhop.serve().await;
    let done = seen_dead(&bellhop).await;
    for what in ["refresh_token", "access_token", "registration"] {
        assert_eq!(outcome(&done, what), "done", "{done}");
    }
    assert!(!provider.any_alive());
    assert_eq!(provider.seen().revoked, ["refresh_token", "access_token"]);
    assert_eq!(provider.seen().renewals, 0, "what was given up is not renewed");
    provider.oracle.is_silent();

    // Done is done: nobody is asked again.
    let before = provider.seen().paths.len();
    bellhop.restart().await;
    assert_eq!(receipts(&bellhop).await, [done]);
    assert_eq!(provider.seen().paths.len(), before);
}

/// Proves receipts.2.
#[tokio::test]
async fn a_sign_in_that_a_new_one_replaces_is_given_back_with_a_receipt() {
    let provider = Provider::start().await;
    let mut bellhop = Bellhop::kept().await;
    provider.sign_in(&bellhop, "faults").await.well();
    let service = bellhop.json(&["services"]).await[0]["id"].clone();
    // The provider stumbles just then: what is to be given back is not forgotten.
    let trouble =
        Page::Answer(503, vec![("content-type", "text/html".to_owned())], b"<h1>Soon</h1>".to_vec());
    provider.ways(|w| w.pages = [("/revoke".to_owned(), trouble)].into());
    visit(&bellhop, &["services", "sign-in", "faults", "--no-browser"]).await.well();
    let waiting = until("a receipt that says how it went", || async {
        let all = receipts(&bellhop).await;
        all.into_iter().find(|r| outcome(r, "registration") == "done")
    })
    .await;
    assert_eq!(waiting["cause"], "replaced", "{waiting}");
    assert_eq!(waiting["service"], service, "{waiting}");
    assert_eq!(outcome(&waiting, "refresh_token"), "waiting", "{waiting}");
    let listed = bellhop.run(&["services", "receipts"]).await.well();
    assert!(listed.out.contains("signed in to again"), "{listed:?}");

    provider.ways(|w| w.pages.clear());
    bellhop.restart().await;
    until("it is told", || async {
        let all = receipts(&bellhop).await;
        // The registration is gone already, so that the provider knows nobody who could revoke.
        (outcome(&all[0], "refresh_token") != "waiting").then_some(())
    })
    .await;
    let receipt = seen_dead(&bellhop).await;
    assert_eq!(receipt["id"], waiting["id"]);
    assert_eq!(receipts(&bellhop).await.len(), 1);

    // The new one is as good as ever.
    let (app, tokens) = App::let_in(&bellhop, "Caller", &["faults:read"]).await;
    let session = Session::open(&app, &tokens).await;
    session.call("faults_echo", json!({ "text": "hello" })).await;
    assert_eq!(bellhop.services().await, [("faults".to_owned(), "connected".to_owned())]);
    assert_eq!(provider.seen().deleted, 1);
    provider.oracle.is_silent();
}

/// Proves receipts.3.
#[tokio::test]
async fn an_api_token_that_another_replaces_is_said_to_live_and_the_same_one_again_is_no_loss() {
    let provider = Provider::start().await;
    let first = "an-api-token-of-many-letters-1";
    provider.ways(|w| w.api_tokens = vec![first.to_owned()]);
    let bellhop = Bellhop::kept().await;
    let file = bellhop.folder().join("token");
    fs::write(&file, first).unwrap();
    let file_name = file.to_str().unwrap();
    let url = provider.url();
    let add = ["services", "add", &url, "--name", "faults", "--method", "token", "--token-file", file_name];
    bellhop.run(&add).await.well();
    let again = ["services", "sign-in", "faults", "--token-file", file_name];
    bellhop.run(&again).await.well();
    assert_eq!(receipts(&bellhop).await, Vec::<Value>::new(), "nothing was given up");

    // The service takes both, as it does until the person deletes the first.
    let second = "an-api-token-of-many-letters-2";
    fs::write(&file, second).unwrap();
    provider.ways(|w| w.api_tokens.push(second.to_owned()));
    bellhop.run(&again).await.well();
    let receipt = until("it is looked at", || async {
        receipts(&bellhop).await.into_iter().find(|r| r["dead"]["dead"] == "still_alive")
    })
    .await;
    assert_eq!(receipt["cause"], "replaced", "{receipt}");
    assert_eq!(outcome(&receipt, "page"), "by_hand", "{receipt}");
}
