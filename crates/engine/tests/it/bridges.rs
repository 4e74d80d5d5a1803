//! Apps that come by the owner-only socket, known by the program that started them.

use crate::house::{House, soon};
use control::{Command, ConnectionState, Method};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn house() -> Arc<House> {
    let house = House::new().await;
    let url = house.playground().await;
    house.connect(&url, Some("play")).await;
    Arc::new(house)
}

/// What a bridge sends first, and what it is answered: the status and the rest.
async fn knock(house: Arc<House>, method: &str) -> (u16, String) {
    let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let body = if method == "POST" { hello } else { "" };
    let mut stream = house.engine.home().connect().await.unwrap();
    let head = format!(
        "{method} /mcp HTTP/1.1\r\nHost: bellhop\r\nBellhop-Bridge: Tester\r\nConnection: close\r\n\
         Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_of_one_app_ask_the_person_once() {
    let house = house().await;
    let knocks: Vec<_> = (0..8).map(|_| tokio::spawn(knock(Arc::clone(&house), "POST"))).collect();
    let request = house.request().await;
    assert_eq!((request.app.as_str(), request.method), ("Tester", Method::Bridge));
    house.approve(&request, "play:read").await.unwrap();
    for answer in knocks {
        assert_eq!(soon(answer).await.unwrap().0, 200);
    }
    assert_eq!(soon(knock(Arc::clone(&house), "POST")).await.0, 200, "known from now on");
    assert_eq!(house.connections().await.len(), 1);
    assert_eq!(house.desk.raises_of(&request.id), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_is_denied_or_cut_off_hears_it_and_only_a_message_asks_again() {
    let house = house().await;
    assert_eq!(soon(knock(Arc::clone(&house), "GET")).await.0, 403);
    assert!(house.requests().await.is_empty(), "listening is no reason to ask the person");

    let knocking = tokio::spawn(knock(Arc::clone(&house), "POST"));
    let request = house.request().await;
    house.approve(&request, "play:read").await.unwrap();
    assert_eq!(soon(knocking).await.unwrap().0, 200);
    let connection = house.connections().await.remove(0).id;
    house.engine.face().command(Command::Revoke { connection }).await.unwrap();
    assert!(matches!(house.connections().await[0].state, ConnectionState::Revoked { .. }));
    assert_eq!(soon(knock(Arc::clone(&house), "DELETE")).await.0, 403);

    let knocking = tokio::spawn(knock(Arc::clone(&house), "POST"));
    let request = house.request().await;
    house.engine.face().command(Command::Deny { request: request.id }).await.unwrap();
    let (status, answer) = soon(knocking).await.unwrap();
    assert!(status == 403 && answer.contains("engine.bridge_denied"), "{answer}");
    assert!(house.connections().await.iter().all(|c| c.state != ConnectionState::Allowed));
}
