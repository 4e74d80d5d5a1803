//! The main job, with the playground and an app that does every step by hand.

use bellhop_tests::{App, Bellhop, Session, until};
use hyper::StatusCode;
use serde_json::json;
use std::time::{Duration, Instant};

/// Far more than it takes, and far less than a call that nobody ends.
const SOON: Duration = Duration::from_secs(5);

/// Proves services.1, services.2, apps.1, apps.3, apps.4, calls.1, calls.2, calls.3, calls.4 and connections.1.
#[tokio::test]
async fn an_app_is_let_in_and_uses_what_the_person_allowed() {
    let bellhop = Bellhop::start().await.with_playground().await;
    assert_eq!(bellhop.services().await, [("playground".to_owned(), "connected".to_owned())]);
    let service = &bellhop.json(&["services"]).await[0];
    assert!(service["account"].is_string(), "the account's name is shown: {service}");

    let app = App::register(&bellhop, "/mcp", "Notebook").await;
    let asking = app.ask(Some("playground:read playground:write")).await;
    let request = bellhop.json(&["requests"]).await[0].clone();
    assert_eq!(request["app"], "Notebook");
    assert_eq!(request["code"], asking.code.as_str(), "the browser and Bellhop show the same code");
    assert!(request["program"]["name"].as_str().is_some_and(|name| name.starts_with("e2e")), "{request}");
    assert_eq!(request["services"][0]["write"], false, "changing is never preselected");

    bellhop.approve(&asking.code, &["playground:write"]).await;
    let tokens = app.tokens(&asking).await;
    assert!(tokens.scope.contains("playground:write"), "{}", tokens.scope);
    assert!((3_500..=3_600).contains(&tokens.life), "an hour: {}", tokens.life);
    assert_eq!(bellhop.json(&["requests"]).await, json!([]), "nobody waits any more");

    let row = bellhop.connection("Notebook").await;
    assert_eq!(row["name"], format!("Notebook on {}", row["computer"].as_str().unwrap()));
    assert_eq!(row["method"], "oauth");
    assert_eq!(row["scope"], "playground:write");
    assert!(row["connected_on"].is_string() || row["connected_on"].is_number(), "{row}");
    assert_eq!(row["state"], json!({ "state": "allowed" }));
    assert_eq!(row["calls"], 0);

    let session = Session::open(&app, &tokens).await;
    let tools = session.tools().await;
    assert!(tools.contains(&"playground_list_notes".to_owned()), "{tools:?}");
    let written =
        session.call("playground_write_note", json!({ "name": "tea", "text": "Two of Assam" })).await;
    assert_eq!(written["isError"], false, "{written}");
    let read = session.call("playground_read_note", json!({ "name": "tea" })).await;
    assert_eq!(read["content"][0]["text"], "Two of Assam");
    let failed = session.call("playground_fail", json!({})).await;
    assert_eq!(failed["isError"], true, "a tool's failure is the service's to tell: {failed}");

    let (id, mut events) =
        session.watch("playground_slow_count", json!({ "steps": 3, "pause_ms": 20 })).await;
    let mut seen = Vec::new();
    let answer = loop {
        let event = events.next().await.expect("an answer before the end");
        if event["id"] == id {
            break event;
        }
        assert_eq!(event["method"], "notifications/progress");
        assert_eq!(event["params"]["progressToken"], "how far");
        seen.push(event["params"]["progress"].as_u64().unwrap());
    };
    assert_eq!(seen, [1, 2, 3], "in order, before the answer");
    assert_eq!(answer["result"]["content"][0]["text"], "Counted to 3.");

    let moved = until("the row moves", || async {
        let row = bellhop.connection("Notebook").await;
        (row["calls_now"] == 0 && row["calls"].as_u64() >= Some(4)).then_some(row)
    })
    .await;
    assert!(!moved["last_active"].is_null(), "{moved}");
    let call = bellhop
        .logged("the call", |e| e["tool"] == "write_note" || e["tool"] == "playground_write_note")
        .await;
    assert_eq!(call["kind"], "call");
    assert_eq!(call["service"], "playground");
    assert_eq!(call["outcome"], "ok");
    assert!(call["connection"].as_str().unwrap().starts_with("Notebook on "), "{call}");
    bellhop.logged("that it was let in", |e| e["kind"] == "connection_allowed").await;
    bellhop.logged("the sign-in", |e| e["kind"] == "service_connected").await;
}

/// Proves connections.2.
#[tokio::test]
async fn a_revoked_app_is_cut_off_in_the_middle_of_a_call() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let (app, tokens) = App::let_in(&bellhop, "Counter", &["playground:read"]).await;
    let (_other, others) = App::let_in(&bellhop, "Bystander", &["playground:read"]).await;
    let session = Session::open(&app, &tokens).await;
    let (id, mut events) =
        session.watch("playground_slow_count", json!({ "steps": 600, "pause_ms": 50 })).await;
    events.next().await.expect("the call is under way");
    let row = bellhop.connection("Counter").await;
    assert_eq!(row["calls_now"], 1);

    let since = Instant::now();
    bellhop.run(&["connections", "revoke", row["id"].as_str().unwrap()]).await.well();
    let rest = events.rest().await;
    assert!(since.elapsed() < SOON, "the stream went on");
    let last = rest.last().expect("the stream does not just break off");
    assert_eq!(last["id"], id, "{last}");
    assert!(last["error"]["message"].is_string(), "{last}");
    assert!(last.get("result").is_none(), "{last}");

    let (_, next) = session.begin("tools/list", json!({})).await;
    assert_eq!(next.status, StatusCode::UNAUTHORIZED);
    assert!(next.header("www-authenticate").contains("invalid_token"), "{:?}", next.headers);
    let refused = app.refresh(&tokens).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.value().await["error"], "invalid_grant");

    let row = bellhop.connection("Counter").await;
    assert_eq!(row["state"]["state"], "revoked");
    assert_eq!(row["calls_now"], 0);
    bellhop.logged("the revocation", |e| e["kind"] == "connection_revoked").await;
    let cut = bellhop.logged("the call that was cut off", |e| e["kind"] == "call").await;
    assert_eq!(cut["outcome"], "revoked", "{cut}");

    // Nobody else was touched.
    let other = Session::at(&app.http, &app.endpoint, &others.access).await;
    assert!(!other.tools().await.is_empty());
}

/// Proves apps.5: at `/mcp/<service>` names are as they are, and a token for one endpoint opens that one alone.
#[tokio::test]
async fn one_service_has_an_endpoint_of_its_own() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let app = App::register(&bellhop, "/mcp/playground", "Reader").await;
    let asking = app.ask(None).await;
    bellhop.approve(&asking.code, &[]).await;
    let tokens = app.tokens(&asking).await;
    assert_eq!(tokens.scope, "playground:read");
    let session = Session::open(&app, &tokens).await;
    assert!(session.tools().await.contains(&"list_notes".to_owned()));

    let write = || {
        session.ask("tools/call", json!({ "name": "write_note", "arguments": { "name": "a", "text": "b" } }))
    };
    let deny = async {
        let id = bellhop.request("Reader").await;
        bellhop.run(&["deny", &id]).await.well();
    };
    let (denied, ()) = tokio::join!(write(), deny);
    assert_eq!(denied["error"]["data"]["code"], "engine.more_denied", "{denied}");
    let refused = write().await;
    assert_eq!(refused["error"]["code"], -32010, "{refused}");
    assert_eq!(refused["error"]["data"]["scope"], "playground:write", "{refused}");

    let elsewhere = app
        .http
        .send(
            hyper::Method::POST,
            &bellhop.url("/mcp"),
            &[("authorization", &format!("Bearer {}", tokens.access)), ("content-type", "application/json")],
            Session::initialize(1).to_string(),
        )
        .await;
    assert_eq!(elsewhere.status, StatusCode::UNAUTHORIZED);
}

/// Proves apps.6 and apps.7.
#[tokio::test]
async fn tokens_are_renewed_and_a_code_is_good_once() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let app = App::register(&bellhop, "/mcp", "Renewer").await;
    let asking = app.ask(None).await;
    bellhop.approve(&asking.code, &[]).await;
    let tokens = app.tokens(&asking).await;

    let answer = app.refresh(&tokens).await;
    assert_eq!(answer.status, StatusCode::OK);
    let newer = bellhop_tests::Tokens::read(&answer.value().await);
    assert_ne!(newer.access, tokens.access);
    assert!(!Session::open(&app, &newer).await.tools().await.is_empty());

    let denied = app.ask(None).await;
    bellhop.run(&["deny", &denied.code]).await.well();
    let answer = denied.answer().await;
    assert_eq!(answer["error"], "access_denied", "{answer:?}");
    assert!(!answer.contains_key("code"));
    bellhop.logged("the denial", |e| e["kind"] == "connection_denied").await;
}
