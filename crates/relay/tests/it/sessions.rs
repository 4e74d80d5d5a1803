//! Sessions of apps and of services.

use crate::{
    service::Fixture,
    support::{House, connection, serve},
};
use bellhop_relay::Limits;
use http::{Method, StatusCode};
use std::time::Duration;

#[tokio::test]
async fn a_service_that_forgot_its_sessions_is_introduced_anew_and_the_call_goes_through() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    house.call("/mcp/a", &session, "echo").await;
    service.forget();
    assert!(house.call("/mcp/a", &session, "write").await.json()["result"]["done"].as_bool().unwrap());
    // Refused once for its session, then done: never done twice.
    let got = service.got("tools/call");
    let sessions: Vec<_> = got.iter().map(|g| g.headers["mcp-session-id"].to_str().unwrap()).collect();
    assert_eq!(got.len(), 3);
    assert_ne!(sessions[1], sessions[2]);
}

#[tokio::test]
async fn what_an_app_subscribed_to_is_subscribed_anew_when_the_service_forgot_its_session() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let say = |method: &str, uri: &str| {
        serde_json::json!({"jsonrpc":"2.0","id":uri,"method":method,"params":{"uri":uri}}).to_string()
    };
    for uri in ["x://1", "x://2"] {
        house.post("/mcp/a", &session, &say("resources/subscribe", uri)).await;
    }
    house.post("/mcp/a", &session, &say("resources/unsubscribe", "x://2")).await;
    service.wait_for("resources/subscribe", 2).await;
    service.forget();
    house.call("/mcp/a", &session, "echo").await;
    let got = service.wait_for("resources/subscribe", 3).await;
    assert_eq!(got[2].json()["params"]["uri"], "x://1");
    assert_ne!(got[0].headers["mcp-session-id"], got[2].headers["mcp-session-id"]);
    // Once is enough.
    house.call("/mcp/a", &session, "echo").await;
    assert_eq!(service.got("resources/subscribe").len(), 3);
}

#[tokio::test]
async fn a_listening_stream_that_is_refused_in_passing_is_opened_after_that() {
    let peer = crate::peer::Peer::legacy().await;
    let limits = Limits { listen_again: Duration::from_millis(5), ..crate::support::limits() };
    let house = House::new(&[("a", peer.url())], "a:write", limits).await;
    let session = house.open("/mcp/a").await;
    let mut stream = house.listen("/mcp/a", &session).await;
    house.post("/mcp/a", &session, r#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#).await;
    // Bellhop's own is there; the app's comes with its first call, and what stands between is out of order.
    peer.wait_for_listeners(1).await;
    peer.set(|s| s.stumbles = 3);
    let subscribe =
        serde_json::json!({"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"x://1"}});
    house.post("/mcp/a", &session, &subscribe.to_string()).await;
    peer.wait_for_listeners(2).await;
    let update = serde_json::json!({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x://1"}});
    peer.say(&update);
    assert_eq!(stream.next().await.unwrap(), update);
}

#[tokio::test]
async fn the_end_of_an_apps_session_is_the_end_of_it_at_the_service() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    house.call("/mcp/a", &session, "echo").await;
    assert_eq!(service.sessions(), 2);
    let ended = house.send(Method::DELETE, "/mcp/a", &[("mcp-session-id", &session)], "").await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    for _ in 0..1000 {
        if service.sessions() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(service.sessions(), 1);
    assert_eq!(house.call("/mcp/a", &session, "echo").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_session_belongs_to_its_connection_and_its_endpoint() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    assert_eq!(house.call("/mcp", &session, "a_echo").await.status, StatusCode::NOT_FOUND);
    let other = connection("connection-2", "a:write");
    let (address, server) = serve(&house.relay, &other).await;
    let mut stranger = House::one(&service).await;
    stranger.address = address;
    for method in [Method::POST, Method::GET, Method::DELETE] {
        let headers = [("content-type", "application/json"), ("mcp-session-id", session.as_str())];
        let reply = stranger.send(method, "/mcp/a", &headers, &crate::support::call(1, "echo")).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
    }
    server.abort();
    assert_eq!(house.call("/mcp/a", &session, "echo").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_connection_has_no_more_sessions_than_the_limit() {
    let service = Fixture::start().await;
    let limits = Limits { sessions: 2, ..crate::support::limits() };
    let house = House::new(&[("a", service.url())], "a:write", limits).await;
    let first = house.open("/mcp/a").await;
    tokio::time::sleep(Duration::from_millis(3)).await;
    let second = house.open("/mcp/a").await;
    house.open("/mcp/a").await;
    assert_eq!(house.call("/mcp/a", &first, "echo").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.call("/mcp/a", &second, "echo").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_inventory_outlives_the_relay() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
    assert_eq!(house.relay.tools(&"id-a".into()).len(), crate::service::tools().len());
    let kept = house.engine.rows.lock().unwrap().clone();
    // The service is gone; its tools are known still.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let services = [("a", format!("http://{gone}/mcp"))];
    let again = House::new(&services, "a:write", crate::support::limits()).await;
    *again.engine.rows.lock().unwrap() = kept;
    let session = again.open("/mcp").await;
    let list = again.post("/mcp", &session, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    assert!(list.text.contains("a_echo"));
}

#[tokio::test]
async fn a_removed_service_is_told_and_gone_from_the_lists() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp").await;
    house.call("/mcp", &session, "a_echo").await;
    *house.engine.services.lock().unwrap() = std::sync::Arc::default();
    house.relay.service_removed(&"id-a".into()).await;
    assert_eq!(service.sessions(), 0);
    let list = house.post("/mcp", &session, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    assert_eq!(list.json()["result"]["tools"], serde_json::json!([]));
    assert!(house.relay.tools(&"id-a".into()).is_empty());
}

#[tokio::test]
async fn calls_under_way_at_a_service_that_is_removed_end_with_it() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let mut begun = house.stream("/mcp/a", &session, crate::support::call(1, "slow")).await;
    begun.next().await.unwrap();
    let other = house.open("/mcp/a").await;
    house.call("/mcp/a", &other, "echo").await;
    service.state.lock().unwrap().silent = true;
    let silent = house.call("/mcp/a", &other, "silent");
    let removed = async {
        service.wait_for("tools/call", 3).await;
        service.state.lock().unwrap().silent = false;
        *house.engine.services.lock().unwrap() = std::sync::Arc::default();
        house.relay.service_removed(&"id-a".into()).await;
    };
    let (silent, ()) = tokio::join!(silent, removed);
    assert_eq!(silent.json()["error"]["data"]["code"], "relay.no_service", "{}", silent.text);
    let last = begun.next().await.unwrap();
    assert_eq!(
        (last["id"].clone(), last["error"]["data"]["code"].clone()),
        (1.into(), "relay.no_service".into())
    );
    assert_eq!(begun.next().await, None);
    assert_eq!(house.connection.gate.in_flight(), 0);
}

#[test]
fn a_service_that_restarts_is_used_again_at_once() {
    let app = tokio::runtime::Runtime::new().unwrap();
    let before = tokio::runtime::Runtime::new().unwrap();
    let service = before.block_on(Fixture::start());
    let address = service.address;
    let (house, session) = app.block_on(async {
        let house = House::one(&service).await;
        let session = house.open("/mcp/a").await;
        assert_eq!(house.call("/mcp/a", &session, "echo").await.json()["id"], 1);
        (house, session)
    });
    // All its connections break with it.
    before.shutdown_timeout(crate::support::LONG);
    let down = app.block_on(house.call("/mcp/a", &session, "echo")).json();
    assert_eq!(down["error"]["data"]["code"], "relay.unreachable", "{down}");
    let after = tokio::runtime::Runtime::new().unwrap();
    let again = after.block_on(Fixture::start_at(address));
    let reply = app.block_on(house.call("/mcp/a", &session, "write")).json();
    assert_eq!(reply["result"]["done"], true, "{reply}");
    assert_eq!(again.got("initialize").len(), 1);
}

#[tokio::test]
async fn sessions_that_a_service_forgot_are_not_tried_one_after_the_other() {
    use crate::visit::Ask;
    let peer = crate::peer::Peer::legacy().await;
    let house = House::before(&peer).await;
    house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
    // Calls that may be asked something have sessions to themselves, which wait for the next ones afterwards.
    let work = |id: u32| Ask::work(id).can(serde_json::json!({"elicitation":{}}));
    let (first, second, third) = (work(1), work(2), work(3));
    let served = async {
        let calls = [peer.call().await, peer.call().await, peer.call().await];
        for call in calls {
            call.result(r#"{"done":true}"#);
        }
    };
    let asked = async { tokio::join!(house.ask(first), house.ask(second), house.ask(third)) };
    tokio::join!(asked, served);
    peer.forget();
    let served = async { peer.call().await.result(r#"{"done":true}"#) };
    let (answer, ()) = tokio::join!(house.ask(work(4)), served);
    assert_eq!(answer.json()["result"]["done"], true, "{}", answer.json());
}
