//! A service in trouble beside others.

use crate::{
    service::Fixture,
    support::{House, limits},
    visit::Ask,
};
use bellhop_relay::Limits;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn names(list: &Value) -> Vec<&str> {
    list["result"]["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect()
}

async fn with_a_dead_one() -> (Fixture, String, House) {
    let a = Fixture::start().await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let b = format!("http://{gone}/mcp");
    let house = House::new(&[("a", a.url()), ("b", b.clone())], "a:write b:write", limits()).await;
    (a, b, house)
}

#[tokio::test]
async fn a_service_that_can_not_be_reached_shows_in_lists_instructions_and_health() {
    let (_a, _b, house) = with_a_dead_one().await;
    let says = "Service b could not be reached.";
    let (session, about) = house.open_as("/mcp", "2025-11-25").await;
    assert!(about["instructions"].as_str().unwrap().contains(says), "{about}");
    let discovered = house.ask(Ask::new(1, "server/discover", json!({})).at("/mcp")).await.json();
    assert!(discovered["result"]["instructions"].as_str().unwrap().contains(says), "{discovered}");
    let trouble = json!([{"service":"b","problem":says}]);
    for method in ["tools/list", "prompts/list", "resources/list"] {
        let body = json!({"jsonrpc":"2.0","id":1,"method":method});
        let old = house.tell("/mcp", &session, &body).await.json();
        assert_eq!(old["result"]["_meta"]["bellhop/trouble"], trouble, "{old}");
        let new = house.ask(Ask::new(1, method, json!({})).at("/mcp")).await.json();
        assert_eq!(new["result"]["_meta"]["bellhop/trouble"], trouble, "{new}");
        assert!(new["result"]["ttlMs"].as_u64().unwrap() > 0);
    }
    let health = house.relay.health(&"id-b".into()).unwrap();
    assert_eq!((&*health.code, &*health.sentence), ("relay.unreachable", says));
    assert_eq!(house.relay.health(&"id-a".into()), None);
    // A tool that it may have is not said to be none.
    let called = house.call("/mcp", &session, "b_echo").await.json();
    assert_eq!(called["error"]["data"]["code"], "relay.unreachable", "{called}");
    let called = house.call("/mcp", &session, "c_echo").await.json();
    assert_eq!(called["error"]["data"]["code"], "relay.nothing_of_that_name");
    // Nor is an app told of the trouble of a service that it may not use.
    let grant = bellhop_relay::Grant { name: "Test".into(), scope: "a:read".parse().unwrap() };
    house.connection.grant.store(std::sync::Arc::new(grant));
    let new = house.ask(Ask::new(1, "tools/list", json!({})).at("/mcp")).await.json();
    assert!(new["result"]["_meta"]["bellhop/trouble"].is_null(), "{new}");
}

#[tokio::test]
async fn a_service_that_is_well_again_no_longer_shows_as_being_in_trouble() {
    let (_a, b, house) = with_a_dead_one().await;
    house.ask(Ask::new(1, "tools/list", json!({})).at("/mcp")).await;
    assert!(house.relay.health(&"id-b".into()).is_some());
    let address = b.trim_start_matches("http://").trim_end_matches("/mcp").parse().unwrap();
    let _back = Fixture::start_at(address).await;
    house.relay.refresh_inventory(&"id-b".into()).await.unwrap();
    assert_eq!(house.relay.health(&"id-b".into()), None);
    let list = house.ask(Ask::new(1, "tools/list", json!({})).at("/mcp")).await.json();
    assert!(list["result"]["_meta"]["bellhop/trouble"].is_null());
    assert!(names(&list).contains(&"b_echo"));
}

#[tokio::test]
async fn a_slow_service_is_waited_for_once_and_comes_when_it_comes() {
    let (a, b) = (Fixture::start().await, Fixture::start().await);
    b.state.lock().unwrap().silent = true;
    let merge = Duration::from_millis(300);
    let limits = Limits { merge, handshake: Duration::from_secs(60), ..limits() };
    let house = House::new(&[("a", a.url()), ("b", b.url())], "a:write b:write", limits).await;
    let list = || async { house.ask(Ask::new(1, "tools/list", json!({})).at("/mcp")).await.json() };
    let first = list().await;
    assert!(names(&first).iter().all(|n| n.starts_with("a_")) && !names(&first).is_empty());
    assert_eq!(
        first["result"]["_meta"]["bellhop/trouble"][0]["problem"],
        "Service b took too long to answer."
    );
    // A hundred times the limit would be half a minute.
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(list().await, first);
    }
    assert!(begun.elapsed() < merge * 50);
}
