//! Several accounts at one provider.

use bellhop_tests::{App, Bellhop, Peer, Session};
use serde_json::{Value, json};

/// The name of the service of this account.
fn of(services: &Value, account: &str) -> String {
    let found = services.as_array().unwrap().iter().find(|s| s["account"] == account);
    found.unwrap_or_else(|| panic!("{services}"))["name"].as_str().unwrap().to_owned()
}

/// Proves services.44: two people's accounts at one provider, added without a name; each is known there by a
/// registration of its own, is named after its person, and goes without the other noticing.
#[tokio::test]
async fn two_accounts_at_one_provider_live_side_by_side_and_one_leaves_without_the_other_noticing() {
    let (authorization, server) = Peer::pair(&["--access-ttl", "3"]).await;
    let bellhop = Bellhop::start().await;
    let anna = bellhop.add(server.url(), "approve").await.well();
    let ben = bellhop.add(server.url(), "approve ben").await.well();
    assert!(
        anna.err.contains("as anna@example.com.") && ben.err.contains("as ben@example.com."),
        "{anna:?} {ben:?}"
    );
    let services = bellhop.json(&["services"]).await;
    let (first, second) = (of(&services, "anna@example.com"), of(&services, "ben@example.com"));
    assert_ne!(first, second);
    let registered = authorization.all("registered");
    assert_eq!(registered.len(), 2, "each its own: {registered:?}");
    assert_ne!(registered[0]["client"], registered[1]["client"]);
    assert!(
        registered.iter().all(|r| r["name"].as_str().unwrap().starts_with("Bellhop on ")),
        "{registered:?}"
    );

    // The same person again is the same service.
    bellhop.add(server.url(), "approve").await.well();
    assert_eq!(bellhop.json(&["services"]).await.as_array().unwrap().len(), 2);

    let scope = [format!("{first}:read"), format!("{second}:read")];
    let (app, tokens) = App::let_in(&bellhop, "Typist", &[&scope[0], &scope[1]]).await;
    let session = Session::open(&app, &tokens).await;
    let clients = async |name: &str| {
        session.call(&format!("{name}_echo"), json!({ "text": name })).await;
        server.until("call", |e| e["text"] == name).await["client"].clone()
    };
    let (of_anna, of_ben) = (clients(&first).await, clients(&second).await);
    assert_ne!(of_anna, of_ben, "each call goes with its own account's token");

    bellhop.run(&["services", "remove", &first]).await.well();
    authorization.until("grant_revoked", |e| e["client"] == of_anna).await;
    // The other goes on, over the end of its token too.
    let refreshed = authorization.until("token", |e| e["grant"] == "refresh_token" && e["client"] == of_ben);
    let calling = async {
        loop {
            let said = session.call(&format!("{second}_echo"), json!({ "text": "still here" })).await;
            assert_eq!(said["content"][0]["text"], "still here");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::select! { _ = refreshed => {}, () = calling => {} }
    assert_eq!(bellhop.services().await, [(second.clone(), "connected".to_owned())]);
    let taken_back = authorization.all("grant_revoked");
    assert!(taken_back.iter().all(|e| e["client"] != of_ben), "{taken_back:?}");
}
