//! Services of the transport of 2024-11-05 behind apps of both eras.

use crate::{
    old_peer::OldPeer,
    said::until,
    support::{House, limits},
    visit::{Answer, Ask},
};
use serde_json::{Value, json};

async fn before(peer: &OldPeer) -> House {
    House::new(&[("a", peer.url())], "a:write", limits()).await
}

fn work(id: u32, mark: &str) -> Value {
    json!({"jsonrpc":"2.0","id":id,"method":"tools/call","params":{"name":"work","arguments":{"mark":mark},"_meta":{"progressToken":id}}})
}

fn progress(call: &Value, n: u32) -> Value {
    let token = &call["params"]["_meta"]["progressToken"];
    json!({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":token,"progress":n}})
}

/// Two calls at once, answered in the other order, each with its own progress.
async fn serve_two(peer: &OldPeer) {
    let (a, b) = (peer.call().await, peer.call().await);
    let mark = |call: &Value| call["params"]["arguments"]["mark"].clone();
    for (n, (stream, call)) in [(1, &b), (2, &a), (3, &a), (4, &b)] {
        let number = if mark(call) == "one" { n + 10 } else { n + 20 };
        peer.say(*stream, progress(call, number));
    }
    for (stream, call) in [b, a] {
        peer.result(stream, &call["id"], &json!({"mark":mark(&call)}));
    }
}

fn check(one: &Answer, two: &Answer) {
    for (answer, mark, tens) in [(one, "one", 1), (two, "two", 2)] {
        assert_eq!(answer.json()["result"]["mark"], mark);
        let told: Vec<Value> = answer.texts.iter().map(|t| serde_json::from_str(t).unwrap()).collect();
        let numbers: Vec<u64> = told.iter().filter_map(|t| t["params"]["progress"].as_u64()).collect();
        assert_eq!(numbers.len(), 2, "{told:?}");
        assert!(numbers.iter().all(|n| n / 10 == tens), "{numbers:?}");
    }
}

#[tokio::test]
async fn calls_at_once_over_one_event_stream_do_not_cross() {
    let peer = OldPeer::start().await;
    let house = before(&peer).await;
    let session = house.open("/mcp/a").await;
    let (first, second) = (work(1, "one"), work(2, "two"));
    let calls = async {
        tokio::join!(house.tell("/mcp/a", &session, &first), house.tell("/mcp/a", &session, &second))
    };
    let ((one, two), ()) = tokio::join!(calls, serve_two(&peer));
    check(&one, &two);
    // Of the modern era, under one id and one token.
    let ask = |mark: &str| Ask::work(1).param("arguments", json!({"mark":mark})).meta("progressToken", "p");
    let calls = async { tokio::join!(house.ask(ask("one")), house.ask(ask("two"))) };
    let ((one, two), ()) = tokio::join!(calls, serve_two(&peer));
    check(&one, &two);
    assert_eq!(two.json()["result"]["resultType"], "complete");
    assert_eq!(house.connection.gate.in_flight(), 0);
}

#[tokio::test]
async fn a_question_over_an_event_stream_reaches_the_app_of_either_era() {
    let peer = OldPeer::start().await;
    let house = before(&peer).await;
    let session = house.open_with("/mcp/a", "2025-11-25", json!({"sampling":{}})).await;
    let question =
        json!({"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{"maxTokens":5}});
    let served = async {
        let (stream, call) = peer.call().await;
        peer.say(stream, &question);
        (stream, call)
    };
    let body = work(1, "x").to_string();
    let (mut stream, (number, call)) = tokio::join!(house.stream("/mcp/a", &session, body), served);
    let asked = stream.next().await.unwrap();
    assert_eq!(asked["params"], question["params"]);
    let said = json!({"jsonrpc":"2.0","id":asked["id"],"result":{"x":1}});
    house.tell("/mcp/a", &session, &said).await;
    let told = peer.wait_for("", 1).await;
    assert_eq!(told[0], json!({"jsonrpc":"2.0","id":"q","result":{"x":1}}));
    peer.result(number, &call["id"], &json!({"done":true}));
    assert_eq!(stream.next().await.unwrap()["result"]["done"], true);

    let ask = Ask::work(1).can(json!({"sampling":{}}));
    let served = async {
        let (stream, call) = peer.call().await;
        peer.say(stream, &question);
        (stream, call)
    };
    let (first, (number, call)) = tokio::join!(house.ask(&ask), served);
    let key = first.asked().remove(0).0;
    let again = ask.again(2, &first.json(), json!({ key: {"x":2} }));
    let served = async {
        assert_eq!(peer.wait_for("", 2).await[1]["result"], json!({"x":2}));
        peer.result(number, &call["id"], &json!({"done":true}));
    };
    let (last, ()) = tokio::join!(house.ask(&again), served);
    assert_eq!(last.json()["result"]["done"], true);
}

#[tokio::test]
async fn an_address_to_post_to_at_another_host_is_not_used() {
    let (peer, trap) = (OldPeer::start().await, OldPeer::start().await);
    peer.state.lock().unwrap().endpoint = format!("http://{}/messages?stream=", trap.address);
    let house = before(&peer).await;
    let session = house.open("/mcp/a").await;
    let old = house.tell("/mcp/a", &session, &work(1, "x")).await.json();
    let new = house.ask(Ask::work(1)).await.json();
    for refused in [old, new] {
        assert!(refused["error"].is_object(), "{refused}");
    }
    assert!(trap.state.lock().unwrap().got.is_empty() && peer.state.lock().unwrap().got.is_empty());
}

#[tokio::test]
async fn the_death_of_an_event_stream_gives_each_call_one_error_and_the_next_call_another_stream() {
    let peer = OldPeer::start().await;
    let house = before(&peer).await;
    let session = house.open("/mcp/a").await;
    let (first, second) = (work(1, "one"), work(2, "two"));
    for _ in 0..2 {
        let calls = async {
            tokio::join!(
                house.tell("/mcp/a", &session, &first),
                house.tell("/mcp/a", &session, &second),
                house.ask(Ask::work(3)),
            )
        };
        let served = async {
            for _ in 0..3 {
                let (stream, call) = peer.call().await;
                peer.say(stream, progress(&call, 1));
                if call["params"]["arguments"]["mark"] != "one" {
                    peer.cut(stream);
                }
            }
        };
        let ((one, two, three), ()) = tokio::join!(calls, served);
        for (answer, id) in [(&one, 1), (&two, 2), (&three, 3)] {
            let json = answer.json();
            assert_eq!((&json["id"], &json["error"]["data"]["code"]), (&json!(id), &json!("relay.died")));
            let errors = answer.texts.iter().filter(|t| t.contains("\"error\"")).count();
            assert_eq!(errors, 1);
        }
        let served = async {
            let (stream, call) = peer.call().await;
            peer.result(stream, &call["id"], &json!({"done":true}));
        };
        let body = work(4, "x");
        let (last, ()) = tokio::join!(house.tell("/mcp/a", &session, &body), served);
        assert_eq!(last.json()["result"]["done"], true);
    }
}

#[tokio::test]
async fn a_call_over_an_event_stream_is_cancelled_for_apps_of_both_eras() {
    let peer = OldPeer::start().await;
    let house = before(&peer).await;
    let session = house.open("/mcp/a").await;
    let served = async {
        let (stream, call) = peer.call().await;
        peer.say(stream, progress(&call, 1));
        call["id"].clone()
    };
    let (stream, id) = tokio::join!(house.stream("/mcp/a", &session, work(5, "x").to_string()), served);
    drop(stream);
    assert_eq!(peer.wait_for("notifications/cancelled", 1).await[0]["params"]["requestId"], id);
    let served = async {
        let (stream, call) = peer.call().await;
        peer.say(stream, progress(&call, 1));
        call["id"].clone()
    };
    let ask = Ask::work(5).meta("progressToken", 5);
    let (stream, id) = tokio::join!(house.ask_stream(&ask), served);
    drop(stream);
    assert_eq!(peer.wait_for("notifications/cancelled", 2).await[1]["params"]["requestId"], id);
}

#[tokio::test]
async fn what_an_event_stream_says_outside_of_calls_reaches_the_listening_app() {
    let peer = OldPeer::start().await;
    let house = before(&peer).await;
    let session = house.open("/mcp").await;
    house.tell("/mcp", &session, &json!({"jsonrpc":"2.0","id":1,"method":"resources/list"})).await;
    let mut stream = house.listen("/mcp", &session).await;
    let served = async {
        let (stream, call) = peer.call().await;
        peer.result(stream, &call["id"], &json!({}));
        stream
    };
    let mut body = work(1, "x");
    body["params"]["name"] = "a_work".into();
    let (_, number) = tokio::join!(house.tell("/mcp", &session, &body), served);
    let update =
        json!({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x://one"}});
    peer.say(number, &update);
    assert_eq!(stream.next().await.unwrap(), update);
}

#[tokio::test]
async fn the_end_of_a_connection_or_of_a_service_ends_its_event_streams() {
    let peer = OldPeer::start().await;
    let house = before(&peer).await;
    let session = house.open("/mcp/a").await;
    let served = async {
        for _ in 0..3 {
            let (stream, call) = peer.call().await;
            peer.result(stream, &call["id"], &json!({}));
        }
    };
    let body = work(1, "x");
    let calls = async {
        house.tell("/mcp/a", &session, &body).await;
        house.ask(Ask::work(1)).await;
        house.ask(Ask::work(1).can(json!({"elicitation":{}}))).await;
    };
    tokio::join!(calls, served);
    assert_eq!(peer.streams(), 4);
    house.revoke();
    house.relay.forget(&house.connection.id).await;
    until(|| (peer.streams() == 1).then_some(()), "the end of streams").await;
    *house.engine.services.lock().unwrap() = std::sync::Arc::default();
    house.relay.service_removed(&"id-a".into()).await;
    until(|| (peer.streams() == 0).then_some(()), "the end of the last one").await;
}
