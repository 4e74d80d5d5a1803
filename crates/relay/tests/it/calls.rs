//! Calls there and back.

use crate::{
    service::Fixture,
    support::{House, call},
};
use serde_json::json;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_call_reaches_the_service_as_it_was_written_and_so_does_the_answer() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let sent = r#"{"jsonrpc":"2.0","id":"\u0069-1","method":"tools/call","params":{"name":"echo","arguments":{"n":1e400,"m":123456789012345678901234567890.10,"s":"\ud83d\ude00\/","z":null},"_meta":{"progressToken":7,"x.y/z":[{}]},"task":{"ttl":1},"new":1.0}}"#;
    let reply = house.post("/mcp/a", &session, sent).await;
    assert_eq!(service.got("tools/call")[0].text, sent);
    assert!(reply.text.starts_with(r#"{"jsonrpc":"2.0","id":"\u0069-1","result":"#), "{}", reply.text);
    assert!(reply.text.ends_with(r#""new":{"n":1e400,"u":"\u00e4","m":123456789012345678901234567890}}}"#));
}

#[tokio::test]
async fn nothing_the_app_sent_in_headers_reaches_the_service_and_the_services_own_key_does() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let headers = [
        ("content-type", "application/json"),
        ("mcp-session-id", session.as_str()),
        ("authorization", "Bearer local"),
        ("cookie", "a=b"),
        ("x-custom", "1"),
        ("origin", "http://127.0.0.1"),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    house.send(http::Method::POST, "/mcp/a", &headers, &call(1, "echo")).await;
    let got = service.got("tools/call").remove(0);
    assert_eq!(got.headers["authorization"], "Bearer token-0");
    assert_eq!(got.headers["mcp-protocol-version"], "2025-11-25");
    assert_ne!(got.headers["mcp-session-id"], session.as_str());
    for absent in ["cookie", "x-custom", "origin"] {
        assert!(!got.headers.contains_key(absent), "{absent}");
    }
}

#[tokio::test]
async fn a_refused_key_is_renewed_once_and_the_call_goes_through() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    assert_eq!(house.call("/mcp/a", &session, "echo").await.json()["id"], 1);
    service.state.lock().unwrap().token = Some("token-1".into());
    assert!(house.call("/mcp/a", &session, "echo").await.json()["result"].is_object());
    assert_eq!(house.tokens.refusals.load(Ordering::SeqCst), 1);
    service.state.lock().unwrap().token = Some("never".into());
    let refused = house.call("/mcp/a", &session, "echo").await.json();
    assert_eq!(refused["error"]["data"]["code"], "relay.signed_out");
    assert_eq!(house.tokens.refusals.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn every_way_a_service_fails_becomes_one_error_with_the_apps_id() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    for (tool, code) in [
        ("html", "relay.no_mcp"),
        ("busy", "relay.busy"),
        ("broken", "relay.status"),
        ("dies_json", "relay.died"),
    ] {
        let reply = house.call("/mcp/a", &session, tool).await.json();
        assert_eq!((&reply["id"], &reply["error"]["data"]["code"]), (&json!(1), &json!(code)), "{reply}");
    }
    let busy = house.call("/mcp/a", &session, "busy").await.text;
    assert!(busy.contains("17 seconds"), "{busy}");
    for tool in ["dies", "quiet_end"] {
        let mut stream = house.stream("/mcp/a", &session, call(9, tool)).await;
        assert_eq!(stream.next().await.unwrap()["method"], "notifications/progress");
        let last = stream.next().await.unwrap();
        assert_eq!((&last["id"], &last["error"]["data"]["code"]), (&json!(9), &json!("relay.died")));
        assert_eq!(stream.next().await, None);
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_an_error_and_not_a_hang() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let services = [("a", format!("http://{gone}/mcp"))];
    let house = House::new(&services, "a:write", crate::support::limits()).await;
    let session = house.open("/mcp/a").await;
    let reply = house.call("/mcp/a", &session, "echo").await.json();
    assert_eq!(reply["error"]["data"]["code"], "relay.unreachable");
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let reply = house.call("/mcp/a", &session, "big").await.json();
    assert_eq!(reply["result"]["content"][0]["text"].as_str().unwrap().len(), 3 << 20);
}

#[tokio::test]
async fn events_pass_as_they_come_and_the_answer_ends_the_stream() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let mut stream = house.stream("/mcp/a", &session, call(3, "slow")).await;
    let progress = stream.event().await.unwrap().data;
    assert!(progress.contains("\"new\":1e400"), "{progress}");
    // Another's answer is no answer to this.
    service.slow(r#"{"jsonrpc":"2.0","id":4,"result":{"wrong":true}}"#);
    service.slow(r#"{"jsonrpc":"2.0","id":3,"result":{"right":true}}"#);
    assert_eq!(stream.next().await.unwrap()["result"]["right"], true);
    assert_eq!(stream.next().await, None);
    assert_eq!(house.logged(0).await.outcome, "ok");
    assert!(service.got("notifications/cancelled").is_empty());
}

#[tokio::test]
async fn calls_at_once_each_get_their_own_answer() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let (one, two) = (house.open("/mcp/a").await, house.open("/mcp/a").await);
    let calls = (0..40u32).map(|n| {
        let session = if n % 2 == 0 { &one } else { &two };
        let house = &house;
        async move {
            let body = json!({"jsonrpc":"2.0","id":n / 2,"method":"tools/call","params":{"name":"echo","arguments":{"mark":format!("<{n}>")}}});
            let reply = house.post("/mcp/a", session, &body.to_string()).await;
            assert_eq!(reply.json()["id"], n / 2);
            assert!(reply.text.contains(&format!("<{n}>")), "{}", reply.text);
        }
    });
    futures_util::future::join_all(calls).await;
    assert_eq!(house.connection.gate.in_flight(), 0);
    assert_eq!(house.connection.calls(), 40);
}

#[tokio::test]
async fn the_log_tells_a_tools_failure_from_success() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp").await;
    house.call("/mcp", &session, "a_echo").await;
    house.call("/mcp", &session, "a_fail").await;
    let (ok, failed) = (house.logged(0).await, house.logged(1).await);
    assert_eq!((ok.outcome, failed.outcome), ("ok", "tool_error"));
    assert_eq!(ok.target.as_deref(), Some("echo"));
    assert_eq!(ok.service.unwrap().as_str(), "a");
}

#[tokio::test]
async fn a_paused_bellhop_says_so() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    house.engine.paused.store(true, Ordering::SeqCst);
    let reply = house.call("/mcp/a", &session, "echo").await;
    assert!(reply.text.contains("Bellhop is paused."), "{}", reply.text);
    assert!(service.got("tools/call").is_empty());
}

#[tokio::test]
async fn a_service_that_ends_its_stream_to_be_asked_again_is_asked_again() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let mut stream = house.stream("/mcp/a", &session, call(2, "polls")).await;
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/progress");
    assert_eq!(stream.next().await.unwrap()["result"]["resumed"], true);
    assert_eq!(stream.next().await, None);
    let state = service.state.lock().unwrap();
    let resumed = state.got.iter().find(|g| g.headers.contains_key("last-event-id")).unwrap();
    assert_eq!(resumed.headers["last-event-id"], "e1");
}
