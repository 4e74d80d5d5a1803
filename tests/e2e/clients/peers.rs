//! A service made with the official TypeScript SDK, behind npm's `oidc-provider`.

use bellhop_tests::{App, Bellhop, Peer, Session, until};
use hyper::StatusCode;
use serde_json::json;
use std::time::{Duration, Instant};

/// Far more than it takes, and far less than a call that nobody ends.
const SOON: Duration = Duration::from_secs(5);

/// Proves services.3, services.4 and calls.5.
#[tokio::test]
async fn a_service_behind_another_authorization_server_is_used() {
    let (authorization, server) = Peer::pair(&[]).await;
    let bellhop = Bellhop::start().await;
    let added = bellhop.add(server.url(), "approve").await.well();
    assert!(added.out.starts_with(authorization.ready["issuer"].as_str().unwrap()), "{added:?}");
    let service = bellhop.json(&["services"]).await[0].clone();
    assert_eq!(service["state"]["state"], "connected", "{service}");
    let name = service["name"].as_str().unwrap().to_owned();
    authorization.until("registered", |_| true).await;
    let token = authorization.until("token", |e| e["grant"] == "authorization_code").await;
    assert_eq!(token["resource"], server.url(), "the token is for this service alone");

    let (app, tokens) = App::let_in(&bellhop, "Typist", &[&format!("{name}:write")]).await;
    let session = Session::open(&app, &tokens).await;
    let tools = session.tools().await;
    for tool in ["echo", "write_note", "slow", "fail", "ask"] {
        assert!(tools.contains(&format!("{name}_{tool}")), "{tool} is not in {tools:?}");
    }
    let said = session.call(&format!("{name}_echo"), json!({ "text": "grüße 🫖" })).await;
    assert_eq!(said["content"][0]["text"], "grüße 🫖");
    let wrote = session.call(&format!("{name}_write_note"), json!({ "name": "a", "text": "b" })).await;
    assert_eq!(wrote["structuredContent"]["notes"], 2, "what the schema promises comes through: {wrote}");
    let called = server.until("call", |e| e["tool"] == "echo").await;
    assert_eq!(called["text"], "grüße 🫖");

    // The service never sees the app's own token: it would have refused it.
    assert_eq!(server.all("refused"), Vec::<serde_json::Value>::new());
}

/// Proves connections.3.
#[tokio::test]
async fn a_service_is_told_that_a_call_of_a_revoked_app_is_cancelled() {
    let (_authorization, server) = Peer::pair(&[]).await;
    let bellhop = Bellhop::start().await;
    bellhop
        .sign_in(&["services", "add", server.url(), "--name", "sdk", "--no-browser"], Some("approve"))
        .await
        .well();
    let (app, tokens) = App::let_in(&bellhop, "Waiter", &["sdk:read"]).await;
    let session = Session::open(&app, &tokens).await;
    let (id, mut events) = session.watch("sdk_slow", json!({ "steps": 6000 })).await;
    let first = events.next().await.expect("the call is under way");
    assert_eq!(first["method"], "notifications/progress");

    let since = Instant::now();
    let row = bellhop.connection("Waiter").await;
    bellhop.run(&["connections", "revoke", row["id"].as_str().unwrap()]).await.well();
    let rest = events.rest().await;
    assert!(since.elapsed() < SOON, "the stream went on");
    assert_eq!(rest.last().expect("an end that says so")["id"], id);
    let cancelled = server.until("cancelled", |_| true).await;
    assert_eq!(cancelled["tool"], "slow");
    assert_eq!(server.all("finished"), Vec::<serde_json::Value>::new());
    let (_, next) = session.begin("tools/list", json!({})).await;
    assert_eq!(next.status, StatusCode::UNAUTHORIZED);
}

/// Proves services.5: an access token that ended is renewed unseen, once for all calls that need it.
#[tokio::test]
async fn a_sign_in_is_renewed_when_it_ends_and_survives_a_restart() {
    let (authorization, server) = Peer::pair(&["--access-ttl", "3"]).await;
    let mut bellhop = Bellhop::kept().await;
    bellhop
        .sign_in(&["services", "add", server.url(), "--name", "sdk", "--no-browser"], Some("approve"))
        .await
        .well();
    let (app, tokens) = App::let_in(&bellhop, "Keeper", &["sdk:read"]).await;
    let session = Session::open(&app, &tokens).await;
    // Until it was renewed twice: each renewal uses the refresh token that the last one brought.
    let renewed = || authorization.all("token").iter().filter(|e| e["grant"] == "refresh_token").count();
    until("two renewals", || async {
        let said = session.call("sdk_echo", json!({ "text": "still here" })).await;
        assert_eq!(said["content"][0]["text"], "still here");
        (renewed() >= 2).then_some(())
    })
    .await;

    bellhop.restart().await;
    assert_eq!(bellhop.services().await, [("sdk".to_owned(), "connected".to_owned())]);
    assert_eq!(bellhop.connection("Keeper").await["state"]["state"], "allowed");
    let before = renewed();
    // The app's token is as good as before; its session is begun anew.
    let session = Session::open(&app, &tokens).await;
    until("a renewal after the restart", || async {
        let said = session.call("sdk_echo", json!({ "text": "back again" })).await;
        assert_eq!(said["content"][0]["text"], "back again");
        (renewed() > before).then_some(())
    })
    .await;
    let newer = app.refresh(&tokens).await;
    assert_eq!(newer.status, StatusCode::OK);
    assert_eq!(
        authorization.all("grant_revoked"),
        Vec::<serde_json::Value>::new(),
        "no refresh token was used twice"
    );
}

/// Proves services.6: nobody can bring Bellhop's own scheme back to it without a desktop, so a server that takes no
/// loopback address to come back to is none that it can sign in to.
#[tokio::test]
async fn a_server_that_takes_no_loopback_redirect_is_said_and_changes_nothing() {
    let (authorization, server) = Peer::pair(&["--refuse-loopback"]).await;
    let bellhop = Bellhop::start().await;
    let run = bellhop.add(server.url(), "approve").await;
    run.refused("did not accept Bellhop as a new app.");
    authorization.until("registration_refused", |_| true).await;
    assert_eq!(bellhop.services().await, []);
}

/// Proves services.7.
#[tokio::test]
async fn a_denied_sign_in_says_so_and_changes_nothing() {
    let (authorization, server) = Peer::pair(&[]).await;
    let bellhop = Bellhop::start().await.with_playground().await;
    let before = bellhop.services().await;
    let run = bellhop.add(server.url(), "deny").await;
    authorization.until("denied", |_| true).await;
    run.refused("The sign-in at 127.0.0.1 was denied.");
    assert_eq!(bellhop.services().await, before);
    bellhop.logged("that it failed", |e| e["kind"] == "sign_in_failed").await;
}

/// Proves services.8.
#[tokio::test]
async fn removing_a_service_takes_its_sign_in_back_at_the_provider() {
    let (authorization, server) = Peer::pair(&[]).await;
    let bellhop = Bellhop::start().await;
    bellhop
        .sign_in(&["services", "add", server.url(), "--name", "sdk", "--no-browser"], Some("approve"))
        .await
        .well();
    bellhop.run(&["services", "remove", "sdk"]).await.well();
    assert_eq!(bellhop.services().await, []);
    authorization.until("refresh_token_revoked", |_| true).await;
    bellhop.run(&["services", "remove", "sdk"]).await.refused("There is no service named sdk.");
}
