//! The twin of mittwald, with the presets of Bellhop's own tile pointed at it by a file of the person's.

use bellhop_tests::{App, Bellhop, Http, Peer, Session, Setup, until};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

const PRESETS: [&str; 4] = ["user:read", "customer:read", "project:read", "app:read"];

/// Bellhop's tile of mittwald under the name `twin`, at the twin's address.
fn tile(twin: &Peer) -> Value {
    let all: Value =
        serde_json::from_str(include_str!("../../../crates/engine/data/catalogue.json")).unwrap();
    let mut tile = all.as_array().unwrap().iter().find(|e| e["name"] == "de.mittwald/mcp").unwrap().clone();
    tile["name"] = json!("test.bellhop/twin");
    tile["remotes"][0]["url"] = json!(twin.url());
    tile["_meta"]["app.bellhop.desktop/tile"]["id"] = json!("twin");
    tile
}

/// A Bellhop whose person has that tile.
async fn with_tile(twin: &Peer) -> Bellhop {
    let mut bellhop = Bellhop::cold(Setup::default());
    fs::create_dir_all(&bellhop.home).unwrap();
    fs::write(bellhop.home.join("catalogue.json"), json!([tile(twin)]).to_string()).unwrap();
    bellhop.serve().await;
    bellhop
}

async fn session(bellhop: &Bellhop) -> Session {
    let (app, tokens) = App::let_in(bellhop, "Typist", &["twin:read"]).await;
    Session::open(&app, &tokens).await
}

fn renewals(twin: &Peer) -> usize {
    twin.all("token").iter().filter(|e| e["grant"] == "refresh_token").count()
}

async fn lists(session: &Session) -> Value {
    session.ask("tools/call", json!({ "name": "twin_mittwald_project_list", "arguments": {} })).await
}

/// Proves mittwald.1, mittwald.2, mittwald.3, mittwald.4 and mittwald.5.
#[tokio::test]
async fn the_tiles_presets_sign_in_to_the_twin_and_what_it_lacks_or_says_wrong_is_no_obstacle() {
    let twin = Peer::start("mittwald.mjs", &["--access-ttl", "3"]).await;
    let issuer = twin.ready["issuer"].as_str().unwrap();
    let bellhop = with_tile(&twin).await;
    let added = bellhop.add("twin", "approve").await.well();
    let approved = twin.until("approved", |_| true).await;
    assert_eq!(approved["scopes"], json!(PRESETS));
    assert_eq!(approved["resource"], twin.url(), "not the one that the other document names");
    assert!(
        twin.all("revision_refused").iter().all(|e| e["revision"] == "2026-07-28"),
        "only the first look"
    );
    let seen = bellhop.json(&["services", "show", "twin"]).await;
    assert_eq!(seen["account"], "anna@example.com", "userinfo is promised and missing, so its tool says it");
    let granted: BTreeSet<&str> =
        seen["permissions"]["granted"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    assert_eq!(granted, PRESETS.into(), "{}", seen["permissions"]);
    // What only the tile knows: after how many days without use the sign-in would be lost.
    let week = 7 * 24 * 3600;
    let stays = seen["stays"]["at"].as_i64().unwrap_or_else(|| panic!("{}", seen["stays"])) / 1000;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    assert!((now + week - 600..=now + week).contains(&stays), "{}", seen["stays"]);
    let tools = seen["tools"].as_array().unwrap();
    assert_eq!((tools.len(), tools.iter().filter(|t| t["reads"] == true).count()), (116, 70));

    // Its redirect is compared as it is written, the port too.
    let port = port_of(&added.out);
    let other = added.out.trim().replace(&format!("%3A{port}%2F"), &format!("%3A{}%2F", port - 1));
    assert_ne!(other, added.out.trim());
    let refused = Http::default().send(Method::GET, &other, &[], String::new()).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    twin.until("redirect_refused", |_| true).await;

    let session = session(&bellhop).await;
    until("two renewals", || async {
        let said = lists(&session).await;
        assert!(
            said["result"]["content"][0]["text"].as_str().unwrap().contains("anna@example.com"),
            "{said}"
        );
        (renewals(&twin) >= 2).then_some(())
    })
    .await;
    // There is no grace: who comes with the token before is refused, and the sign-in goes on.
    let first = twin.until("token", |e| e["grant"] == "authorization_code").await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", first["tokens"][1].as_str().unwrap()),
        ("client_id", first["client"].as_str().unwrap()),
    ];
    let answer = Http::default().form(&format!("{issuer}/token"), &form).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.value().await["error"], "invalid_grant");
    let superseded = twin.all("refresh_refused");
    assert_eq!(superseded.len(), 1, "Bellhop itself never did that: {superseded:?}");

    // Another port, so another registration; the one before is given up.
    bellhop.sign_in(&["services", "sign-in", "twin", "--no-browser"], Some("approve")).await.well();
    let registered = twin.all("registered");
    assert_eq!(registered.len(), 2);
    assert_ne!(registered[0]["redirect"], registered[1]["redirect"]);
    assert!(
        registered.iter().all(|r| r["name"].as_str().unwrap().starts_with("Bellhop on ")),
        "{registered:?}"
    );
    twin.until("unregistered", |e| e["client"] == registered[0]["client"]).await;

    // Revocation is promised and missing, so the registration goes, and with it the tokens.
    bellhop.run(&["services", "remove", "twin"]).await.well();
    twin.until("missing", |e| e["path"] == "/revoke").await;
    twin.until("unregistered", |e| e["client"] == registered[1]["client"]).await;
    let receipt = until("it is seen dead", || async {
        let receipt = bellhop.json(&["services", "receipts"]).await[0].clone();
        (receipt["dead"]["dead"] == "seen_dead").then_some(receipt)
    })
    .await;
    let outcome = |what: &str| {
        let steps = receipt["steps"].as_array().unwrap();
        steps.iter().find(|s| s["what"] == what).map(|s| s["outcome"]["outcome"].clone())
    };
    assert_eq!(outcome("registration"), Some(json!("done")), "{receipt}");
    assert_ne!(outcome("refresh_token"), Some(json!("done")), "{receipt}");
    assert_eq!(twin.all("redirect_refused").len(), 1, "Bellhop's own redirects were all right");
}

/// The port that the browser comes back to, in the address of a sign-in page.
fn port_of(address: &str) -> u16 {
    let (_, rest) = address.split_once("redirect_uri=http%3A%2F%2F127.0.0.1%3A").unwrap();
    rest.split_once("%2F").unwrap().0.parse().unwrap()
}

/// Proves mittwald.6: the grant lives although the server says otherwise, and nobody is bothered.
#[tokio::test]
async fn a_hiccup_that_comes_as_invalid_grant_asks_nobody() {
    let twin = Peer::start("mittwald.mjs", &["--access-ttl", "3", "--hiccups", "1"]).await;
    let bellhop = with_tile(&twin).await;
    bellhop.add("twin", "approve").await.well();
    assert_eq!(twin.until("hiccup", |_| true).await["alive"], true);
    until("it is renewed at the second look", || async {
        assert_ne!(bellhop.services().await[0].1, "needs_sign_in");
        (renewals(&twin) > 0).then_some(())
    })
    .await;
    let session = session(&bellhop).await;
    assert!(lists(&session).await.get("error").is_none());
    assert_eq!(twin.all("refresh_refused"), Vec::<Value>::new());
    assert!(bellhop.activity().await.iter().all(|e| e["kind"] != "needs_sign_in"), "nobody was asked");
}

/// Proves mittwald.7: a refresh token that lay unused for too long is lost; that is believed the second time.
#[tokio::test]
async fn a_refresh_token_that_was_lost_asks_the_person_and_deletes_nothing() {
    let twin = Peer::start("mittwald.mjs", &["--access-ttl", "3", "--refresh-ttl", "1"]).await;
    let bellhop = with_tile(&twin).await;
    bellhop.add("twin", "approve").await.well();
    until("the person is asked", || async {
        (bellhop.services().await == [("twin".to_owned(), "needs_sign_in".to_owned())]).then_some(())
    })
    .await;
    assert_eq!(twin.all("refresh_refused").len(), 2, "once, and once more");
    assert_eq!(twin.all("unregistered"), Vec::<Value>::new());
}

/// Proves mittwald.8: a token from mStudio, which nothing renews; and a 429 that says how long to wait.
#[tokio::test]
async fn an_api_token_works_and_a_429_tells_the_app_how_long_to_wait() {
    let twin = Peer::start("mittwald.mjs", &["--busy", "1"]).await;
    let bellhop = with_tile(&twin).await;
    let token = twin.ready["api_token"].as_str().unwrap();
    let add = ["services", "add", "twin", "--method", "token", "--token-stdin", "--no-browser"];
    bellhop.run_with(&add, "mstudio-wrong").await.refused("127.0.0.1 does not accept that.");
    assert_eq!(bellhop.services().await, []);
    bellhop.run_with(&add, token).await.well();
    let seen = bellhop.json(&["services", "show", "twin"]).await;
    assert_eq!((&seen["account"], &seen["method"]), (&json!("anna@example.com"), &json!("token")));
    assert_eq!(twin.all("registered"), Vec::<Value>::new());

    let session = session(&bellhop).await;
    let busy = lists(&session).await;
    assert!(busy["error"].to_string().contains("2 seconds"), "{busy}");
    let said = lists(&session).await;
    assert!(said["result"]["content"][0]["text"].as_str().unwrap().contains("project_list"), "{said}");
    assert_eq!(twin.all("busy").len(), 1, "nothing is called twice by itself");
}

/// Proves mittwald.9.
#[tokio::test]
async fn what_the_twin_does_not_have_is_said_and_changes_nothing() {
    let twin = Peer::start("mittwald.mjs", &[]).await;
    let bellhop = with_tile(&twin).await;
    let device = ["services", "add", "twin", "--method", "device", "--no-browser"];
    bellhop.run(&device).await.refused("127.0.0.1 has no such way to sign in.");
    let strange = ["services", "add", "twin", "--permission", "tea:read", "--no-browser"];
    let sentence = "127.0.0.1 does not give all the permissions that were asked for.";
    bellhop.sign_in(&strange, Some("approve")).await.refused(sentence);
    assert_eq!(twin.until("scope_refused", |_| true).await["scopes"], json!(["tea:read"]));
    assert_eq!(bellhop.services().await, []);
    until("what was registered for nothing is given up", || async {
        (twin.all("unregistered").len() == twin.all("registered").len()).then_some(())
    })
    .await;
    // The twin itself: the newest revision that it knows, and nothing newer.
    for (revision, status) in
        [("2025-11-25", StatusCode::UNAUTHORIZED), ("2026-07-28", StatusCode::BAD_REQUEST)]
    {
        let headers = [("mcp-protocol-version", revision), ("content-type", "application/json")];
        let answer = Http::default().send(Method::POST, twin.url(), &headers, "{}".to_owned()).await;
        assert_eq!(answer.status, status, "{revision}");
        let challenge = answer.header("www-authenticate");
        assert!(!challenge.contains("resource_metadata"), "{challenge}");
        assert_eq!(challenge.contains("authorization_uri="), status == StatusCode::UNAUTHORIZED);
    }
}
