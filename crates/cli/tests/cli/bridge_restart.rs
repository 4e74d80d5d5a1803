//! Bellhop comes, goes and comes back while a bridge runs.

use crate::{
    bridge::{call, initialize, mcp},
    engine_side::{Served, events, whole},
    program::Place,
};
use futures_util::stream;
use hyper::{Method, StatusCode};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn what_is_asked_before_bellhop_is_there_is_answered_once_it_is() {
    let place = Place::new();
    let mut app = place.bridge();
    app.send(initialize()).await;
    // Long enough for the bridge to find nobody; if it is slower than that, it finds somebody at once.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let _served = Served::start(&place.home, mcp("s"));
    assert_eq!(app.next().await["id"], "first");
}

#[tokio::test]
async fn a_restart_costs_the_calls_under_way_one_error_each_and_the_session_goes_on() {
    let place = Place::new();
    let first = Served::start(&place.home, mcp("old"));
    let mut app = place.bridge();
    app.initialize().await;
    assert_eq!(app.next().await["method"], "notifications/tools/list_changed");
    for id in [1, 2] {
        assert_eq!(app.ask(call(id, "hang")).await["method"], "notifications/progress");
    }
    first.crash().await;
    let mut failed = vec![];
    for _ in 0..2 {
        let answer = app.next().await;
        assert_eq!(answer["error"]["code"], -32011);
        failed.push(answer["id"].as_u64().unwrap());
    }
    failed.sort_unstable();
    assert_eq!(failed, [1, 2]);

    let second = Served::start(&place.home, mcp("new"));
    app.send(call(3, "plain")).await;
    // The new Bellhop's own stream is found again too; which of the two comes first is open.
    let (a, b) = (app.next().await, app.next().await);
    let (answer, note) = if a["id"] == 3 { (a, b) } else { (b, a) };
    assert_eq!(answer["result"], "plain");
    assert_eq!(note["method"], "notifications/tools/list_changed");

    let again = second.log.until("initialize").await;
    assert_eq!(again.json(), initialize(), "with what the app once sent");
    let whats = second.log.whats();
    assert_eq!(whats.iter().filter(|w| *w == "initialize").count(), 1, "{whats:?}");
    assert!(whats.contains(&"notifications/initialized".to_owned()));
    let carried = second.log.all().into_iter().rfind(|s| s.what() == "tools/call").unwrap();
    assert_eq!(carried.header("mcp-session-id"), Some("new1"));
}

#[tokio::test]
async fn many_calls_after_a_restart_begin_one_new_session() {
    let place = Place::new();
    let first = Served::start(&place.home, mcp("old"));
    let mut app = place.bridge();
    app.initialize().await;
    assert_eq!(app.next().await["method"], "notifications/tools/list_changed");
    first.crash().await;
    let second = Served::start(&place.home, mcp("new"));
    for id in 0..20 {
        app.send(call(id, "plain")).await;
    }
    let mut answered = vec![];
    while answered.len() < 20 {
        let message = app.next().await;
        if let Some(id) = message["id"].as_u64() {
            assert_eq!(message["result"], "plain");
            answered.push(id);
        }
    }
    answered.sort_unstable();
    assert_eq!(answered, (0..20).collect::<Vec<_>>());
    assert_eq!(second.log.whats().iter().filter(|w| *w == "initialize").count(), 1);
}

#[tokio::test]
async fn a_bridge_whose_stream_bellhop_ended_does_not_knock_again_before_the_app_asks_for_something() {
    let place = Place::new();
    let inner = mcp("s");
    let served = Served::start(&place.home, move |seen| {
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" });
        if seen.method == Method::GET { events(vec![note], stream::empty()) } else { inner(seen) }
    });
    let mut app = place.bridge();
    app.initialize().await;
    assert_eq!(app.next().await["method"], "notifications/tools/list_changed");
    // Longer than the pauses between tries: whoever would knock, does so now.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(served.log.whats(), ["initialize", "notifications/initialized", "GET"]);
    app.send(call(1, "plain")).await;
    let (a, b) = (app.next().await, app.next().await);
    let (answer, note) = if a["id"] == 1 { (a, b) } else { (b, a) };
    assert_eq!(
        (&answer["result"], &note["method"]),
        (&json!("plain"), &json!("notifications/tools/list_changed"))
    );
}

#[tokio::test]
async fn an_app_that_is_not_let_in_hears_why_and_does_not_ask_again_by_itself() {
    let place = Place::new();
    let served = Served::start(&place.home, |_| {
        let body =
            json!({ "sentence": "Tester isn't allowed in yet.", "next": "Answer in Bellhop's window." });
        whole(StatusCode::FORBIDDEN, "application/json", body.to_string())
    });
    let mut app = place.bridge();
    let answer = app.ask(initialize()).await;
    assert_eq!(answer["error"]["message"], "Tester isn't allowed in yet. Answer in Bellhop's window.");
    let (code, rest) = app.end().await;
    assert_eq!((code, rest.as_str()), (Some(0), ""));
    assert_eq!(served.log.whats(), ["initialize"]);
}
