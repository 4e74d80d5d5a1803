//! npm's `oidc-provider` with all it has: at the root of its address and behind a path, with pushed requests, the device
//! grant, rotation that notices a refresh token that is used twice, revocation and the end of a registration.

use bellhop_tests::{App, Bellhop, Http, Peer, Process, Session, Tokens, approve, until};
use hyper::StatusCode;
use serde_json::{Value, json};

/// An app that may use the service `sdk`.
async fn app(bellhop: &Bellhop) -> (App, Tokens) {
    App::let_in(bellhop, "Typist", &["sdk:write"]).await
}

fn refreshes(authorization: &Peer) -> usize {
    authorization.all("token").iter().filter(|e| e["grant"] == "refresh_token").count()
}

/// Call until the sign-in was renewed twice more: the second time with what the first brought.
async fn use_it_over_two_ends(authorization: &Peer, session: &Session) {
    let before = refreshes(authorization);
    until("two renewals", || async {
        let said = session.call("sdk_echo", json!({ "text": "still here" })).await;
        assert_eq!(said["content"][0]["text"], "still here");
        (refreshes(authorization) >= before + 2).then_some(())
    })
    .await;
    assert_eq!(authorization.all("grant_revoked"), Vec::<Value>::new(), "no refresh token was used twice");
}

/// Remove it, and look at the receipt and at what the provider saw.
async fn leave_with_a_receipt(authorization: &Peer, bellhop: &Bellhop) {
    bellhop.run(&["services", "remove", "sdk"]).await.well();
    authorization.until("refresh_token_revoked", |_| true).await;
    let receipt = until("the receipt is complete", || async {
        let receipts = bellhop.json(&["services", "receipts"]).await;
        let receipt = receipts[0].clone();
        (receipt["dead"]["dead"] == "seen_dead").then_some(receipt)
    })
    .await;
    assert_eq!((&receipt["name"], &receipt["account"]), (&json!("sdk"), &json!("anna@example.com")));
    let outcome = |what: &str| {
        let steps = receipt["steps"].as_array().unwrap();
        steps.iter().find(|s| s["what"] == what).map(|s| s["outcome"]["outcome"].clone())
    };
    assert_eq!(outcome("local"), Some(json!("done")), "{receipt}");
    assert_eq!(outcome("refresh_token"), Some(json!("done")), "{receipt}");
    assert_eq!(outcome("registration"), Some(json!("done")), "{receipt}");
    authorization.until("unregistered", |_| true).await;
    assert_eq!(bellhop.services().await, []);
}

async fn browser_with_pushed_requests(path: &str) {
    let args = ["--access-ttl", "3", "--require-par", "--path", path];
    let (authorization, server) = Peer::pair(&args).await;
    let bellhop = Bellhop::start().await;
    let add = ["services", "add", server.url(), "--name", "sdk", "--no-browser"];
    let added = bellhop.sign_in(&add, Some("approve")).await.well();
    let issuer = authorization.ready["issuer"].as_str().unwrap();
    assert!(issuer.ends_with(path));
    assert!(
        added.out.starts_with(&format!("{issuer}/auth?")) && added.out.contains("request_uri="),
        "{added:?}"
    );
    assert!(!added.out.contains("code_challenge"), "the browser carries a reference alone: {added:?}");
    authorization.until("pushed", |e| e["resource"] == server.url()).await;
    let token = authorization.until("token", |e| e["grant"] == "authorization_code").await;
    assert_eq!(token["resource"], server.url(), "the token is for this service alone");

    let (app, tokens) = app(&bellhop).await;
    let session = Session::open(&app, &tokens).await;
    use_it_over_two_ends(&authorization, &session).await;
    leave_with_a_receipt(&authorization, &bellhop).await;
}

/// Proves services.46: at the root of an address.
#[tokio::test]
async fn a_server_that_wants_pushed_requests_is_signed_in_to_used_renewed_and_left() {
    browser_with_pushed_requests("").await;
}

/// Proves services.46: behind a path, where its metadata lies in the last of the places that may be.
#[tokio::test]
async fn a_server_behind_a_path_is_signed_in_to_used_renewed_and_left() {
    browser_with_pushed_requests("/tenant/one").await;
}

async fn by_a_code(path: &str) {
    let (authorization, server) = Peer::pair(&["--access-ttl", "3", "--device", "--path", path]).await;
    let bellhop = Bellhop::start().await;
    let add = ["services", "add", server.url(), "--name", "sdk", "--method", "device"];
    let mut adding = Process::start(bellhop.command(&add));
    adding.close();
    let told = |said: String| {
        let line = said.lines().find(|l| l.contains(" and type the code "))?.to_owned();
        let (address, code) = line.split_once(" on any device and type the code ")?;
        Some((address.strip_prefix("Open ")?.to_owned(), code.to_owned()))
    };
    let (address, code) = until("the code is shown", || async { told(adding.errors()) }).await;
    let issuer = authorization.ready["issuer"].as_str().unwrap();
    assert_eq!(address, format!("{issuer}/device"));
    approve(&format!("{address}?user_code={code}"), "approve").await;
    assert!(adding.ended().await.success(), "{}", adding.errors());
    authorization.until("code_seen", |_| true).await;
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let token = authorization.until("token", |e| e["grant"] == grant).await;
    assert_eq!(token["resource"], server.url());

    let (app, tokens) = app(&bellhop).await;
    let session = Session::open(&app, &tokens).await;
    use_it_over_two_ends(&authorization, &session).await;
    leave_with_a_receipt(&authorization, &bellhop).await;
}

/// Proves services.47: a code that is typed on another device; at the root and behind a path.
#[tokio::test]
async fn a_code_on_another_device_signs_in_to_a_real_server() {
    // At once, since each waits as long as the server says between two questions.
    tokio::join!(by_a_code(""), by_a_code("/tenant"));
}

/// Proves services.48: somebody got hold of an old refresh token and uses it, so the server ends the whole grant. The
/// person is asked, nothing is deleted, and signing in again is all it takes.
#[tokio::test]
async fn a_stolen_refresh_token_ends_the_grant_and_the_person_is_asked_once() {
    let (authorization, server) = Peer::pair(&["--access-ttl", "3", "--tell-secrets"]).await;
    let bellhop = Bellhop::start().await;
    let add = ["services", "add", server.url(), "--name", "sdk", "--no-browser"];
    bellhop.sign_in(&add, Some("approve")).await.well();
    let first = authorization.until("token", |e| e["grant"] == "authorization_code").await;
    let (app, tokens) = app(&bellhop).await;
    let session = Session::open(&app, &tokens).await;
    use_it_over_two_ends(&authorization, &session).await;

    let issuer = authorization.ready["issuer"].as_str().unwrap();
    let stolen = first["secrets"][1].as_str().unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", stolen),
        ("client_id", first["client"].as_str().unwrap()),
    ];
    let answer = Http::default().form(&format!("{issuer}/token"), &form).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "the old one is refused");
    authorization.until("grant_revoked", |_| true).await;

    until("the person is asked", || async {
        let services = bellhop.services().await;
        (services == [("sdk".to_owned(), "needs_sign_in".to_owned())]).then_some(())
    })
    .await;
    let again = ["services", "sign-in", "sdk", "--no-browser"];
    bellhop.sign_in(&again, Some("approve")).await.well();
    assert_eq!(bellhop.services().await, [("sdk".to_owned(), "connected".to_owned())]);
    let said = session.call("sdk_echo", json!({ "text": "back" })).await;
    assert_eq!(said["content"][0]["text"], "back");
}
