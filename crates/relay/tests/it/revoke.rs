//! What ends a call early: the person, the app.

use crate::{
    service::Fixture,
    support::{House, call},
};

#[tokio::test]
async fn revoking_ends_a_running_stream_with_one_error_and_tells_the_service() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let mut stream = house.stream("/mcp/a", &session, call(5, "slow")).await;
    stream.next().await.unwrap();
    assert_eq!(house.connection.gate.in_flight(), 1);

    house.connection.gate.close();
    house.connection.stop.cancel();
    let last = stream.next().await.unwrap();
    assert_eq!((&last["id"], &last["error"]["data"]["code"]), (&5.into(), &"relay.revoked".into()));
    assert_eq!(stream.next().await, None);
    house.connection.gate.drained().await;

    let told = service.wait_for("notifications/cancelled", 1).await;
    assert_eq!(told[0].json()["params"]["requestId"], 5);
    assert_eq!(house.logged(0).await.outcome, "revoked");
    house.relay.forget(&house.connection.id).await;
    // Bellhop's own session remains.
    assert_eq!(service.sessions(), 1);
}

#[tokio::test]
async fn revoking_ends_a_call_whose_service_has_not_begun_to_answer() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    house.call("/mcp/a", &session, "echo").await;
    service.state.lock().unwrap().silent = true;
    let waiting = house.call("/mcp/a", &session, "echo");
    let revoking = async {
        service.wait_for("tools/call", 2).await;
        house.connection.gate.close();
        house.connection.stop.cancel();
    };
    let (reply, ()) = tokio::join!(waiting, revoking);
    assert_eq!(reply.json()["error"]["data"]["code"], "relay.revoked");
    service.wait_for("notifications/cancelled", 1).await;
}

#[tokio::test]
async fn nothing_begins_behind_a_closed_gate() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    house.connection.gate.close();
    let reply = house.call("/mcp/a", &session, "echo").await;
    assert_eq!(reply.json()["error"]["data"]["code"], "relay.revoked");
    assert!(service.got("tools/call").is_empty());
}

#[tokio::test]
async fn an_app_that_goes_away_cancels_its_call() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let mut stream = house.stream("/mcp/a", &session, call(6, "slow")).await;
    stream.next().await.unwrap();
    drop(stream);
    let told = service.wait_for("notifications/cancelled", 1).await;
    assert_eq!(told[0].json()["params"]["requestId"], 6);
    assert_eq!(house.logged(0).await.outcome, "cancelled");
    house.connection.gate.close();
    house.connection.gate.drained().await;
}

#[tokio::test]
async fn a_cancellation_by_the_app_reaches_the_service() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp").await;
    let mut stream = house.stream("/mcp", &session, call(8, "a_slow")).await;
    stream.next().await.unwrap();
    let notice = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":8,"reason":"r","new":1}}"#;
    assert_eq!(house.post("/mcp", &session, notice).await.status, 202);
    assert_eq!(service.wait_for("notifications/cancelled", 1).await[0].text, notice);
}

#[tokio::test]
async fn a_revoked_app_no_longer_listens() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp").await;
    let mut stream = house.listen("/mcp", &session).await;
    house.connection.stop.cancel();
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn an_app_that_goes_away_before_the_answer_begins_cancels_its_call() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    house.call("/mcp/a", &session, "echo").await;
    service.state.lock().unwrap().silent = true;
    tokio::select! {
        reply = house.call("/mcp/a", &session, "echo") => panic!("answered: {}", reply.text),
        _ = service.wait_for("tools/call", 2) => {}
    }
    service.wait_for("notifications/cancelled", 1).await;
    assert_eq!(house.logged(1).await.outcome, "cancelled");
}

#[tokio::test]
async fn a_service_hears_of_the_cancellation_before_the_end_of_the_session() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let mut stream = house.stream("/mcp/a", &session, call(5, "slow")).await;
    stream.next().await.unwrap();
    house.connection.gate.close();
    house.connection.stop.cancel();
    house.connection.gate.drained().await;
    house.relay.forget(&house.connection.id).await;
    let state = service.state.lock().unwrap();
    let last: Vec<_> = state.got.iter().rev().take(2).map(|g| g.json()["method"].clone()).collect();
    // The end has no body.
    assert_eq!(last, [serde_json::Value::Null, "notifications/cancelled".into()]);
}

#[tokio::test]
async fn the_service_of_an_app_that_does_not_read_is_told_all_the_same() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let stream = house.stream("/mcp/a", &session, call(5, "slow")).await;
    let large = serde_json::json!({"jsonrpc":"2.0","method":"notifications/message","params":{"data":"x".repeat(200_000)}});
    for _ in 0..200 {
        service.slow(&large.to_string());
    }
    house.connection.gate.close();
    house.connection.stop.cancel();
    house.relay.forget(&house.connection.id).await;
    let told = service.wait_for("notifications/cancelled", 1).await;
    assert_eq!(told[0].json()["params"]["requestId"], 5);
    drop(stream);
    house.connection.gate.drained().await;
}
