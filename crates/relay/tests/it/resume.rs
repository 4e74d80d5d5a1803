//! Streams that break off between an app of the legacy era and Bellhop.

use crate::{
    peer::Peer,
    said::{Events, answer},
    support::{House, Stream, limits},
};
use bellhop_relay::Limits;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

fn patient() -> Limits {
    Limits { rejoin: crate::support::LONG, ..limits() }
}

fn note(n: u32) -> String {
    json!({"jsonrpc":"2.0","method":"notifications/note","params":{"n":n}}).to_string()
}

async fn begun(house: &House, peer: &Peer, session: &str) -> (Stream, Events, Value) {
    let body = crate::support::call(1, "work");
    let (stream, (events, id)) =
        tokio::join!(house.stream("/mcp/a", session, body), async { peer.call().await.stream() });
    (stream, events, id)
}

async fn come_back(house: &House, session: &str, last: &str) -> Stream {
    let headers = [("mcp-session-id", session), ("last-event-id", last)];
    let response = house.raw(Method::GET, "/mcp/a", &headers, "").await;
    assert_eq!(response.status(), StatusCode::OK);
    Stream::new(response.into_body())
}

#[tokio::test]
async fn an_app_that_comes_back_goes_on_with_its_stream_without_loss_or_repetition() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let house = House::new(&[("a", peer.url())], "a:write", patient()).await;
        let session = house.open("/mcp/a").await;
        let (mut stream, events, id) = begun(&house, &peer, &session).await;
        let mut last = String::new();
        for n in 0..3 {
            events.say(note(n));
            let event = stream.event().await.unwrap();
            assert!(event.data.contains(&format!("\"n\":{n}")));
            // The app has handled two of them.
            if n < 2 {
                last = event.id.unwrap();
            }
        }
        drop(stream);
        events.say(note(3));
        let mut stream = come_back(&house, &session, &last).await;
        for n in [2, 3] {
            let event = stream.event().await.unwrap();
            assert!(event.data.contains(&format!("\"n\":{n}")), "{}", event.data);
            last = event.id.unwrap();
        }
        // And once more, to the end.
        drop(stream);
        let mut stream = come_back(&house, &session, &last).await;
        events.say(note(4));
        assert_eq!(stream.next().await.unwrap()["params"]["n"], 4);
        events.say(answer(&id, r#"{"done":true}"#));
        assert_eq!(stream.next().await.unwrap()["result"]["done"], true);
        assert_eq!(stream.next().await, None);
        assert_eq!(house.logged(0).await.outcome, "ok");
        assert!(peer.got("notifications/cancelled").is_empty());
        assert_eq!(house.connection.gate.in_flight(), 0);
    }
}

#[tokio::test]
async fn a_call_whose_app_does_not_come_back_is_given_up_in_the_manner_of_the_services_era() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let house = House::before(&peer).await;
        let session = house.open("/mcp/a").await;
        let (mut stream, events, id) = begun(&house, &peer, &session).await;
        events.say(note(0));
        stream.next().await.unwrap();
        let left = std::time::Instant::now();
        drop(stream);
        events.closed().await;
        if peer.state.lock().unwrap().speaks == crate::peer::Speaks::Legacy {
            let told = peer.wait_for("notifications/cancelled", 1).await;
            assert_eq!(told[0].json()["params"]["requestId"], id);
        }
        // About a second; the bound is for a machine that does much else.
        assert!(left.elapsed() < Duration::from_secs(8), "{:?}", left.elapsed());
        assert_eq!(house.logged(0).await.outcome, "cancelled");
        house.connection.gate.close();
        house.connection.gate.drained().await;
    }
}

#[tokio::test]
async fn an_event_that_nobody_knows_is_refused_and_the_session_lives_on() {
    let peer = Peer::legacy().await;
    let house = House::new(&[("a", peer.url())], "a:write", patient()).await;
    let session = house.open("/mcp/a").await;
    let (mut stream, events, id) = begun(&house, &peer, &session).await;
    events.say(note(0));
    let last = stream.event().await.unwrap().id.unwrap();
    drop(stream);
    let other = house.open("/mcp/a").await;
    let number = last.split_once('-').unwrap().0;
    for (session, event) in [
        (&session, "99-1".to_owned()),
        (&session, format!("{number}-7")),
        (&other, last.clone()),
        (&session, "18446744073709551616-1".into()),
        (&session, "nonsense".into()),
    ] {
        let headers = [("mcp-session-id", session.as_str()), ("last-event-id", event.as_str())];
        let reply = house.send(Method::GET, "/mcp/a", &headers, "").await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{event}");
    }
    let ping = json!({"jsonrpc":"2.0","id":2,"method":"ping"});
    assert_eq!(house.tell("/mcp/a", &session, &ping).await.json()["result"], json!({}));
    // Who knows it goes on.
    let mut stream = come_back(&house, &session, &last).await;
    events.say(answer(&id, "{}"));
    assert_eq!(stream.next().await.unwrap()["id"], 1);
}

#[tokio::test]
async fn a_stream_that_breaks_off_again_is_waited_for_anew() {
    let peer = Peer::legacy().await;
    let rejoin = Duration::from_secs(3);
    let house = House::new(&[("a", peer.url())], "a:write", Limits { rejoin, ..limits() }).await;
    let session = house.open("/mcp/a").await;
    let (mut stream, events, id) = begun(&house, &peer, &session).await;
    events.say(note(0));
    let last = stream.event().await.unwrap().id.unwrap();
    drop(stream);
    let stream = come_back(&house, &session, &last).await;
    tokio::time::sleep(rejoin / 3 * 2).await;
    drop(stream);
    // Past the end of the first waiting, and long before that of the second.
    tokio::time::sleep(rejoin / 2).await;
    let mut stream = come_back(&house, &session, &last).await;
    events.say(answer(&id, "{}"));
    assert_eq!(stream.next().await.unwrap()["id"], 1);
}

#[tokio::test]
async fn revoking_or_the_sessions_end_ends_a_stream_that_waits_for_its_app() {
    let peer = Peer::legacy().await;
    let house = House::new(&[("a", peer.url())], "a:write", patient()).await;
    for revoke in [false, true] {
        let before = peer.got("notifications/cancelled").len();
        let session = house.open("/mcp/a").await;
        let (mut stream, events, _) = begun(&house, &peer, &session).await;
        events.say(note(0));
        stream.next().await.unwrap();
        drop(stream);
        if revoke {
            house.revoke();
        } else {
            house.send(Method::DELETE, "/mcp/a", &[("mcp-session-id", &session)], "").await;
        }
        events.closed().await;
        peer.wait_for("notifications/cancelled", before + 1).await;
    }
    house.connection.gate.drained().await;
}
