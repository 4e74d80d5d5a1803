//! Of which era a service is: found out, kept, and found out anew.

use crate::{
    peer::{Peer, Speaks},
    support::{House, limits},
    visit::Ask,
};
use bellhop_relay::Limits;
use serde_json::{Value, json};
use std::time::Duration;

/// Whatever it is called with, it answers.
async fn served(peer: &Peer) -> Value {
    let call = peer.call().await;
    let json = call.json();
    let mut result = json!({"content":[],"done":true});
    if json["params"]["_meta"][crate::visit::VERSION].is_string() {
        result["resultType"] = "complete".into();
    }
    call.result(result);
    json
}

/// A call of an app of each era goes through.
async fn both_work(house: &House, peer: &Peer) {
    let session = house.open("/mcp/a").await;
    let body = serde_json::from_str(&crate::support::call(1, "work")).unwrap();
    let (old, _) = tokio::join!(house.tell("/mcp/a", &session, &body), served(peer));
    assert_eq!(old.json()["result"], json!({"content":[],"done":true}), "{}", old.json());
    let (new, _) = tokio::join!(house.ask(Ask::work(1)), served(peer));
    assert_eq!(new.json()["result"]["resultType"], "complete", "{}", new.json());
}

#[tokio::test]
async fn a_legacy_service_is_known_however_it_refuses_a_discover() {
    let error = |code: i64| {
        json!({"jsonrpc":"2.0","id":"bellhop-discover","error":{"code":code,"message":"m"}}).to_string()
    };
    let null = json!({"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session"}}).to_string();
    for (status, text) in [
        (200, error(-32601)),
        (200, r#"{"jsonrpc":"2.0","id":"bellhop-discover","result":{"supportedVersions":["2025-11-25"],"capabilities":{}}}"#.into()),
        (200, r#"{"jsonrpc":"2.0","id":"bellhop-discover","result":{}}"#.into()),
        (200, error(-32602)),
        (400, null),
        (400, error(-32600)),
        (404, String::new()),
        (405, "no".into()),
        (415, String::new()),
        (200, "<h1>Hello</h1>".into()),
    ] {
        let peer = Peer::legacy().await;
        peer.set(|s| s.discover = Some((status, text.clone())));
        let house = House::before(&peer).await;
        both_work(&house, &peer).await;
        // Once is enough to know.
        house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
        assert_eq!(peer.got("server/discover").len(), 1, "{status} {text}");
    }
}

#[tokio::test]
async fn a_service_in_trouble_says_nothing_about_its_era() {
    let peer = Peer::modern().await;
    peer.set(|s| s.discover = Some((503, "busy".into())));
    let house = House::before(&peer).await;
    let refused = house.ask(Ask::work(1)).await.json();
    assert!(refused["error"].is_object(), "{refused}");
    assert!(house.engine.rows.lock().unwrap().is_empty(), "nothing is kept");
    peer.set(|s| s.discover = None);
    house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
    both_work(&house, &peer).await;
    // A legacy service behind the same trouble is used meanwhile, and asked again next time.
    let peer = Peer::legacy().await;
    peer.set(|s| s.discover = Some((502, String::new())));
    let house = House::before(&peer).await;
    both_work(&house, &peer).await;
    house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
    assert_eq!(peer.got("server/discover").len(), 2);
}

#[tokio::test]
async fn a_service_that_could_not_be_reached_is_called_again_at_once() {
    let peer = Peer::modern().await;
    peer.set(|s| s.discover = Some((503, "busy".into())));
    let house = House::before(&peer).await;
    assert!(house.ask(Ask::work(1)).await.json()["error"].is_object());
    peer.set(|s| s.discover = None);
    let (reply, _) = tokio::join!(house.ask(Ask::work(2)), served(&peer));
    assert_eq!(reply.json()["result"]["done"], true, "{}", reply.json());
}

#[tokio::test]
async fn a_service_that_changes_its_era_is_learnt_anew_and_the_call_goes_through() {
    for first in [Speaks::Legacy, Speaks::Modern] {
        let second = if first == Speaks::Legacy { Speaks::Modern } else { Speaks::Legacy };
        let peer = Peer::legacy().await;
        peer.set(|s| s.speaks = first);
        let house = House::before(&peer).await;
        let session = house.open("/mcp/a").await;
        let body = serde_json::from_str(&crate::support::call(1, "work")).unwrap();
        both_work(&house, &peer).await;
        let (_, _) = tokio::join!(house.tell("/mcp/a", &session, &body), served(&peer));
        // There and back again, for sessions that are open and for new ones.
        for now in [second, first] {
            peer.set(|s| s.speaks = now);
            if now == Speaks::Legacy {
                peer.forget();
            }
            let (reply, got) = tokio::join!(house.tell("/mcp/a", &session, &body), served(&peer));
            assert_eq!(reply.json()["result"]["done"], true, "{now:?} {}", reply.json());
            let is_modern = got["params"]["_meta"][crate::visit::VERSION].is_string();
            assert_eq!(is_modern, now == Speaks::Modern);
            both_work(&house, &peer).await;
        }
    }
}

#[tokio::test]
async fn a_modern_app_notices_first_that_a_service_changed_its_era() {
    for first in [Speaks::Legacy, Speaks::Modern] {
        for can in [json!({}), json!({"elicitation":{}})] {
            let second = if first == Speaks::Legacy { Speaks::Modern } else { Speaks::Legacy };
            let peer = Peer::legacy().await;
            peer.set(|s| s.speaks = first);
            let house = House::before(&peer).await;
            let ask = Ask::work(1).can(can);
            tokio::join!(house.ask(&ask), served(&peer));
            peer.set(|s| s.speaks = second);
            let (reply, _) = tokio::join!(house.ask(&ask), served(&peer));
            assert_eq!(reply.json()["result"]["resultType"], "complete", "{}", reply.json());
        }
    }
}

#[tokio::test]
async fn an_inventory_outlives_the_relay_with_its_era() {
    for peer in [Peer::modern().await, Peer::legacy().await] {
        let house = House::before(&peer).await;
        house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
        let kept = house.engine.rows.lock().unwrap().clone();
        let again = House::new(&[("a", peer.url())], "a:write", limits()).await;
        *again.engine.rows.lock().unwrap() = kept;
        both_work(&again, &peer).await;
        assert_eq!(peer.got("server/discover").len(), 1, "known from before");
    }
}

#[tokio::test]
async fn a_service_that_asks_for_a_sign_in_says_nothing_about_its_era() {
    let peer = Peer::modern().await;
    peer.set(|s| s.discover = Some((401, String::new())));
    let house = House::before(&peer).await;
    let refused = house.ask(Ask::work(1)).await.json();
    assert_eq!(refused["error"]["data"]["code"], "relay.signed_out");
    assert!(peer.got("initialize").is_empty() && house.engine.rows.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_service_that_is_silent_when_asked_for_its_era_holds_nobody_back_for_long() {
    let (silent, peer) = (tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(), Peer::modern().await);
    let limits = Limits { merge: Duration::from_millis(200), ..limits() };
    let url = format!("http://{}/mcp", silent.local_addr().unwrap());
    let house = House::new(&[("a", peer.url()), ("b", url)], "a:write b:write", limits).await;
    let listed = house.ask(Ask::new(1, "tools/list", json!({})).at("/mcp")).await.json();
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 2);
    assert!(!house.engine.rows.lock().unwrap().contains_key(&"id-b".into()));
}

#[tokio::test]
async fn a_call_whose_service_changed_its_era_is_cancelled_in_the_manner_of_the_new_one() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let session = house.open("/mcp/a").await;
    let body = serde_json::from_str(&crate::support::call(1, "work")).unwrap();
    tokio::join!(house.tell("/mcp/a", &session, &body), served(&peer));
    peer.set(|s| s.speaks = Speaks::Modern);
    let (mut stream, (events, _)) = tokio::join!(house.stream("/mcp/a", &session, body.to_string()), async {
        peer.call().await.stream()
    });
    let cancel = json!({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}});
    house.tell("/mcp/a", &session, &cancel).await;
    events.closed().await;
    assert_eq!(stream.next().await, None);
    assert!(peer.got("notifications/cancelled").is_empty());
}
