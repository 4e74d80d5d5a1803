//! An app of the modern era before a service of the legacy one: calls, sessions, streams.

use crate::{
    peer::Peer,
    said::until,
    support::{House, limits},
    visit::{Ask, LEVEL},
};
use bellhop_relay::Limits;
use http::StatusCode;
use serde_json::{Value, json};

fn progress(token: &Value, n: u32) -> Value {
    json!({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":token,"progress":n,"new":1}})
}

/// A call that the service answers with an empty result; gives what the app got and what the service got.
async fn done(house: &House, peer: &Peer, ask: &Ask) -> (Value, crate::said::Call) {
    let (answer, call) = tokio::join!(house.ask(ask), async {
        let call = peer.call().await;
        let seen = crate::said::Call::clone_of(&call);
        call.result(json!({"content":[]}));
        seen
    });
    (answer.json(), call)
}

#[tokio::test]
async fn discover_and_lists_of_a_legacy_service_are_answered_in_the_modern_eras_way() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    for path in ["/mcp/a", "/mcp"] {
        let found = house.ask(Ask::new(1, "server/discover", json!({})).at(path)).await;
        let found = found.json()["result"].clone();
        assert!(found["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")));
        assert!(found["capabilities"]["tools"].is_object() && found["instructions"].is_string());
        let mut results = vec![found];
        for (method, member) in [
            ("tools/list", "tools"),
            ("prompts/list", "prompts"),
            ("resources/list", "resources"),
            ("resources/templates/list", "resourceTemplates"),
        ] {
            let listed = house.ask(Ask::new(1, method, json!({})).at(path)).await.json();
            assert!(listed["result"][member].is_array(), "{listed}");
            results.push(listed["result"].clone());
        }
        for result in results {
            assert_eq!(result["resultType"], "complete");
            assert!(result["ttlMs"].as_u64().unwrap() > 0);
            assert_eq!(result["cacheScope"], "private");
        }
    }
    // All of it came over Bellhop's own session.
    assert_eq!(peer.got("initialize").len(), 1);
}

#[tokio::test]
async fn a_modern_call_is_made_on_a_session_and_its_answer_gets_what_the_era_requires() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let ask =
        Ask::work("x").param("arguments", json!({"a":[1.5]})).meta("own/x", 1).meta("progressToken", "p");
    let served = async {
        let call = peer.call().await;
        let json = call.json();
        assert_eq!(json["params"]["arguments"], json!({"a":[1.5]}));
        assert_eq!(json["params"]["_meta"], json!({"own/x":1,"progressToken":json["id"]}));
        assert_eq!(call.header("mcp-protocol-version"), Some("2025-11-25"));
        assert!(call.header("mcp-session-id").is_some() && call.header("mcp-method").is_none());
        call.result(r#"{"content":[{"type":"new","n":1e400}],"structuredContent":{"a":1},"new":1}"#);
    };
    let (answer, ()) = tokio::join!(house.ask(&ask), served);
    let want = r#"{"jsonrpc":"2.0","id":"x","result":{"content":[{"type":"new","n":1e400}],"structuredContent":{"a":1},"new":1,"resultType":"complete"}}"#;
    assert_eq!((answer.status, answer.texts[0].as_str()), (StatusCode::OK, want));
    // What may be kept says for how long.
    let read = Ask::new(1, "resources/read", json!({"uri":"x://one"}));
    let served = async { peer.call().await.result(json!({"contents":[]})) };
    let (answer, ()) = tokio::join!(house.ask(&read), served);
    assert!(answer.json()["result"]["ttlMs"].as_u64().unwrap() > 0);
    assert_eq!(answer.json()["result"]["cacheScope"], "private");
}

#[tokio::test]
async fn errors_of_a_legacy_service_become_those_of_the_modern_era() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let read = Ask::new(1, "resources/read", json!({"uri":"x://none"}));
    for (code, want, status) in [(-32002, -32602, 200), (-32603, -32603, 200), (-32601, -32601, 404)] {
        let served = async {
            peer.call().await.error(200, &json!({"code":code,"message":"m","data":{"uri":"x"}}));
        };
        let (answer, ()) = tokio::join!(house.ask(&read), served);
        assert_eq!((answer.status.as_u16(), answer.code()), (status, want));
        assert_eq!(answer.json()["error"]["data"], json!({"uri":"x"}));
    }
}

#[tokio::test]
async fn calls_that_can_be_asked_nothing_share_a_session_and_others_have_one_to_themselves() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let session = |call: &crate::said::Call| call.header("mcp-session-id").unwrap().to_owned();
    let shared = async {
        let (a, b) = (peer.call().await, peer.call().await);
        let sessions = (session(&a), session(&b));
        a.result(json!({}));
        b.result(json!({}));
        sessions
    };
    let (ask1, ask2) = (Ask::work(1), Ask::work(1));
    let (_, _, (a, b)) = tokio::join!(house.ask(&ask1), house.ask(&ask2), shared);
    assert_eq!(a, b, "one for both");
    let own = |id: u32| Ask::work(id).can(json!({"elicitation":{}}));
    let apart = async {
        let (a, b) = (peer.call().await, peer.call().await);
        let sessions = (session(&a), session(&b));
        a.result(json!({}));
        b.result(json!({}));
        sessions
    };
    let (ask1, ask2) = (own(1), own(1));
    let (_, _, (c, d)) = tokio::join!(house.ask(&ask1), house.ask(&ask2), apart);
    assert!(c != d && c != a && d != a, "{a} {c} {d}");
    // Kept for the next call.
    let (_, next) = done(&house, &peer, &own(3)).await;
    assert!([c, d].contains(&session(&next)));
    // Each was opened with what its app declared.
    let declared: Vec<Value> =
        peer.got("initialize").iter().map(|g| g.json()["params"]["capabilities"].clone()).collect();
    assert_eq!(declared.iter().filter(|d| **d == json!({"elicitation":{}})).count(), 2, "{declared:?}");
    // Another connection has its own.
    let other = house.beside("connection-2", "a:write").await;
    let (_, theirs) = done(&other, &peer, &Ask::work(1)).await;
    assert_ne!(session(&theirs), a);
}

#[tokio::test]
async fn the_sessions_of_a_modern_app_end_with_its_connection_and_with_the_service() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let other = house.beside("connection-2", "a:write").await;
    for house in [&house, &other] {
        done(house, &peer, &Ask::work(1)).await;
        done(house, &peer, &Ask::work(1).can(json!({"roots":{}}))).await;
    }
    assert_eq!(peer.sessions(), 5);
    house.revoke();
    house.relay.forget(&house.connection.id).await;
    assert_eq!(peer.sessions(), 3);
    *house.engine.services.lock().unwrap() = std::sync::Arc::default();
    house.relay.service_removed(&"id-a".into()).await;
    assert_eq!(peer.sessions(), 0);
}

#[tokio::test]
async fn a_legacy_service_that_forgot_a_modern_apps_session_gets_another_and_the_call() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    for can in [json!({}), json!({"elicitation":{}})] {
        let ask = Ask::work(1).can(can);
        done(&house, &peer, &ask).await;
        peer.forget();
        let (answer, _) = done(&house, &peer, &ask).await;
        assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    }
}

#[tokio::test]
async fn progress_of_two_calls_with_the_same_id_and_token_never_crosses() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let ask = Ask::work(1).meta("progressToken", "p");
    let (mut one, (to_one, id_one, token_one)) = started(&house, &peer, &ask).await;
    let (mut two, (to_two, id_two, token_two)) = started(&house, &peer, &ask).await;
    assert!(id_one != id_two && token_one != token_two);
    to_one.say(progress(&token_one, 2));
    to_two.say(progress(&token_two, 3));
    for (stream, n) in [(&mut one, 2), (&mut two, 3)] {
        let told = stream.next().await.unwrap();
        assert_eq!(told["params"], json!({"progressToken":"p","progress":n,"new":1}));
    }
    to_two.say(crate::said::answer(&id_two, r#"{"mark":2}"#));
    to_one.say(crate::said::answer(&id_one, r#"{"mark":1}"#));
    for (stream, n) in [(&mut one, 1), (&mut two, 2)] {
        let last = stream.next().await.unwrap();
        assert_eq!((&last["id"], &last["result"]["mark"]), (&json!(1), &json!(n)));
        assert_eq!(stream.next().await, None);
    }
}

/// A call whose answer has begun as a stream.
async fn started(
    house: &House,
    peer: &Peer,
    ask: &Ask,
) -> (crate::support::Stream, (crate::said::Events, Value, Value)) {
    let (mut stream, went) = tokio::join!(house.ask_stream(ask), async {
        let call = peer.call().await;
        let token = call.json()["params"]["_meta"]["progressToken"].clone();
        let (events, id) = call.stream();
        // Across the eras a stream begins with the first message.
        events.say(progress(&token, 1));
        (events, id, token)
    });
    assert_eq!(stream.next().await.unwrap()["params"]["progress"], 1);
    (stream, went)
}

#[tokio::test]
async fn progress_without_a_token_of_the_app_is_not_passed_on() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let served = async {
        let (events, id) = peer.call().await.stream();
        events.say(progress(&json!("invented"), 1));
        events.say(crate::said::answer(&id, "{}"));
    };
    let ask = Ask::work(1);
    let (answer, ()) = tokio::join!(house.ask(&ask), served);
    assert_eq!(answer.texts.len(), 1);
}

#[tokio::test]
async fn a_modern_app_that_leaves_cancels_at_the_legacy_service_under_the_services_id() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    for can in [json!({}), json!({"sampling":{}})] {
        let before = peer.got("notifications/cancelled").len();
        let ask = Ask::work("mine").meta("progressToken", 1).can(can);
        let (stream, (_events, id, _)) = started(&house, &peer, &ask).await;
        drop(stream);
        let told = peer.wait_for("notifications/cancelled", before + 1).await;
        assert_eq!(told[before].json()["params"]["requestId"], id);
    }
    // Also before the service has begun to answer.
    let ask = Ask::work(2);
    let call = tokio::select! {
        answer = house.ask(&ask) => panic!("answered: {}", answer.json()),
        call = peer.call() => call,
    };
    let told = peer.wait_for("notifications/cancelled", 3).await;
    assert_eq!(told[2].json()["params"]["requestId"], call.id());
}

#[tokio::test]
async fn what_a_legacy_service_logs_reaches_only_calls_that_asked_for_that_level() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    for (level, want) in
        [(None, vec![]), (Some("error"), vec!["alert"]), (Some("debug"), vec!["info", "alert"])]
    {
        let mut ask = Ask::work(1);
        if let Some(level) = level {
            ask = ask.meta(LEVEL, level);
        }
        let served = async {
            let (events, id) = peer.call().await.stream();
            for level in ["info", "alert"] {
                events.say(json!({"jsonrpc":"2.0","method":"notifications/message","params":{"level":level,"data":{"x":1}}}));
            }
            events.say(crate::said::answer(&id, "{}"));
        };
        let (answer, ()) = tokio::join!(house.ask(&ask), served);
        let told: Vec<Value> = answer.texts.iter().map(|t| serde_json::from_str(t).unwrap()).collect();
        let levels: Vec<&str> = told.iter().filter_map(|t| t["params"]["level"].as_str()).collect();
        assert_eq!(levels, want);
    }
    // The session that both share was made more talkative, never less.
    let set: Vec<Value> =
        peer.got("logging/setLevel").iter().map(|g| g.json()["params"]["level"].clone()).collect();
    assert_eq!(set, [json!("error"), json!("debug")]);
}

#[tokio::test]
async fn a_legacy_services_stream_that_dies_gives_a_modern_app_one_error() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let (mut stream, (events, ..)) = started(&house, &peer, &Ask::work("x").meta("progressToken", 1)).await;
    drop(events);
    let last = stream.next().await.unwrap();
    assert_eq!((&last["id"], &last["error"]["data"]["code"]), (&json!("x"), &json!("relay.died")));
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn sessions_nobody_can_answer_on_are_bounded_and_end() {
    let peer = Peer::legacy().await;
    let house = House::new(&[("a", peer.url())], "a:write", Limits { parked: 2, ..limits() }).await;
    let asks: Vec<Ask> = (0..12u32).map(|n| Ask::work(n).can(json!({"elicitation":{}}))).collect();
    let calls = futures_util::future::join_all(asks.iter().map(|a| house.ask(a)));
    let served = async {
        let mut waiting = Vec::new();
        for _ in 0..12 {
            waiting.push(peer.call().await);
        }
        for call in waiting {
            call.result(json!({}));
        }
    };
    tokio::join!(calls, served);
    // Bellhop's own, and a few that are kept for the next calls.
    until(|| (peer.sessions() <= 5).then_some(()), "the end of sessions").await;
}

#[tokio::test]
async fn a_legacy_service_that_ends_its_stream_to_be_asked_again_is_asked_for_a_modern_app_too() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    house.ask(Ask::new(1, "tools/list", json!({}))).await;
    peer.wait_for_listeners(1).await;
    let served = async {
        let (events, id) = peer.call().await.stream();
        events.write("id: e1\nretry: 1\ndata:\n\n".into());
        drop(events);
        peer.wait_for_listeners(2).await;
        peer.say(&json!({"jsonrpc":"2.0","id":id,"result":{"resumed":true}}));
    };
    let (answer, ()) = tokio::join!(house.ask(Ask::work(1)), served);
    assert_eq!(answer.json()["result"], json!({"resumed":true,"resultType":"complete"}));
    let state = peer.state.lock().unwrap();
    let resumed = state.got.iter().find(|g| g.headers.contains_key("last-event-id")).unwrap();
    assert_eq!(resumed.headers["last-event-id"], "e1");
}

#[tokio::test]
async fn a_large_answer_crosses_the_eras_whole() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let served = async { peer.call().await.result(json!({"x":"y".repeat(3 << 20)})) };
    let (answer, ()) = tokio::join!(house.ask(Ask::work(1)), served);
    let result = answer.json()["result"].clone();
    assert_eq!(result["x"].as_str().unwrap().len(), 3 << 20);
    assert_eq!(result["resultType"], "complete");
}

#[tokio::test]
async fn calls_at_once_across_the_eras_each_get_their_own_answer() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let asks: Vec<Ask> = (0..40u32)
        .map(|n| {
            let can = if n % 2 == 0 { json!({}) } else { json!({"roots":{}}) };
            Ask::work(n % 3).param("arguments", json!({"mark":n})).can(can)
        })
        .collect();
    let calling = futures_util::future::join_all(asks.iter().map(|ask| house.ask(ask)));
    let served = async {
        let mut waiting = Vec::new();
        for _ in 0..40 {
            waiting.push(peer.call().await);
        }
        for call in waiting.into_iter().rev() {
            let mark = call.json()["params"]["arguments"]["mark"].clone();
            call.result(json!({"mark":mark}));
        }
    };
    let (answers, ()) = tokio::join!(calling, served);
    for (n, answer) in answers.iter().enumerate() {
        let json = answer.json();
        assert_eq!((&json["id"], &json["result"]["mark"]), (&json!(n % 3), &json!(n)));
    }
    assert_eq!((house.connection.gate.in_flight(), house.connection.calls()), (0, 40));
}
