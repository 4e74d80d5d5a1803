//! Services of FastMCP and of the official Python SDK with the sign-in that these libraries bring. Where there is no
//! Python for them, these are skipped.

use bellhop_tests::{App, Bellhop, Peer, Session, python, until};
use serde_json::{Value, json};

async fn signs_in_calls_renews_and_leaves(kind: &str) {
    if python().is_none() {
        return;
    }
    let args = [kind, "--access-ttl", "3"];
    let service = Peer::python_with("python/signed.py", &args).await.unwrap();
    let bellhop = Bellhop::start().await;
    let add = ["services", "add", service.url(), "--name", "own", "--no-browser"];
    let added = bellhop.sign_in(&add, Some("approve")).await.well();
    assert!(added.out.contains("/authorize?"), "{added:?}");
    let registered = service.until("registered", |_| true).await;
    assert!(registered["name"].as_str().unwrap().starts_with("Bellhop on "), "{registered}");
    service.until("token", |e| e["grant"] == "authorization_code" && e["resource"] == service.url()).await;

    let (app, tokens) = App::let_in(&bellhop, "Typist", &["own:read"]).await;
    let session = Session::open(&app, &tokens).await;
    // The second renewal uses what the first brought.
    let renewed = || service.all("token").iter().filter(|e| e["grant"] == "refresh_token").count();
    until("two renewals", || async {
        let said = session.call("own_echo", json!({ "text": "grüße" })).await;
        assert_eq!(said["content"][0]["text"], "grüße");
        (renewed() >= 2).then_some(())
    })
    .await;
    assert_eq!(service.all("grant_ended"), Vec::<Value>::new(), "no refresh token was used twice");

    bellhop.run(&["services", "remove", "own"]).await.well();
    service.until("revoked", |e| e["kind"] == "RefreshToken").await;
    service.until("grant_ended", |_| true).await;
    until("it is seen dead", || async {
        let receipts = bellhop.json(&["services", "receipts"]).await;
        let steps = receipts[0]["steps"].as_array().unwrap().clone();
        let done = |what: &str| steps.iter().any(|s| s["what"] == what && s["outcome"]["outcome"] == "done");
        (done("local") && done("refresh_token") && receipts[0]["dead"]["dead"] == "seen_dead").then_some(())
    })
    .await;
}

/// Proves services.49: its issuer has a slash behind it, and it gives every client a secret.
#[tokio::test]
async fn a_fastmcp_server_with_its_own_sign_in_is_signed_in_to_used_renewed_and_left() {
    signs_in_calls_renews_and_leaves("fastmcp").await;
}

/// Proves services.49: its issuer has none.
#[tokio::test]
async fn a_server_of_the_python_sdk_with_its_own_sign_in_is_signed_in_to_used_renewed_and_left() {
    signs_in_calls_renews_and_leaves("mcp").await;
}
