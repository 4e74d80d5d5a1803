//! What services of the legacy era ask in the middle of a call, for an app of the modern era, which is asked in a
//! result and answers in a request of its own.

use crate::{
    peer::Peer,
    said::{Call, Events, answer},
    support::{House, limits},
    visit::{Answer, Ask},
};
use bellhop_relay::Limits;
use http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

fn elicit(id: &str, message: &str) -> Value {
    json!({"jsonrpc":"2.0","id":id,"method":"elicitation/create","params":{"message":message,"requestedSchema":{"type":"object"},"new":1}})
}

fn able() -> Value {
    json!({"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{}})
}

/// A call whose service asks these before it answers.
async fn asked(house: &House, peer: &Peer, ask: &Ask, questions: &[Value]) -> (Answer, Events, Value, Call) {
    let served = async {
        let call = peer.call().await;
        let seen = Call::clone_of(&call);
        let (events, id) = call.stream();
        for question in questions {
            events.say(question);
        }
        (events, id, seen)
    };
    let (answer, (events, id, seen)) = tokio::join!(house.ask(ask), served);
    (answer, events, id, seen)
}

/// What the service was answered to its question of this id.
async fn told(peer: &Peer, id: &str, n: usize) -> Value {
    let is = |g: &crate::service::Got| g.json()["id"] == id;
    let told = || Some(peer.got("").into_iter().filter(is).collect::<Vec<_>>()).filter(|t| t.len() >= n);
    crate::said::until(told, id).await[n - 1].json()
}

#[tokio::test]
async fn a_legacy_services_question_is_asked_in_a_result_and_answered_in_a_request() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let ask = Ask::work(1).can(able());
    let (first, events, id, call) = asked(&house, &peer, &ask, &[elicit("q1", "Sure?")]).await;
    assert_eq!(first.status, StatusCode::OK);
    let questions = first.asked();
    assert_eq!(questions.len(), 1);
    let want = json!({"method":"elicitation/create","params":{"message":"Sure?","requestedSchema":{"type":"object"},"new":1}});
    assert_eq!(questions[0].1, want);
    assert!(first.json()["result"]["requestState"].is_string());
    let said = json!({"action":"accept","content":{"n":1.5}});
    let again = ask.again("two", &first.json(), json!({ &questions[0].0: said, "extra": {"x":1} }));
    let served = async {
        let told = told(&peer, "q1", 1).await;
        assert_eq!(told, json!({"jsonrpc":"2.0","id":"q1","result":said}));
        events.say(answer(&id, r#"{"content":[],"n":1e400}"#));
    };
    let (last, ()) = tokio::join!(house.ask(&again), served);
    let want = r#"{"jsonrpc":"2.0","id":"two","result":{"content":[],"n":1e400,"resultType":"complete"}}"#;
    assert_eq!(last.texts[0], want);
    // The service heard of one call alone, on the session that the answer came on.
    assert_eq!(peer.got("tools/call").len(), 1);
    let on = peer.got("").remove(0).headers["mcp-session-id"].clone();
    assert_eq!(Some(on.to_str().unwrap()), call.header("mcp-session-id"));
    assert_eq!(house.connection.gate.in_flight(), 0);
}

#[tokio::test]
async fn several_questions_at_once_are_asked_together_and_partial_answers_asked_again() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let ask = Ask::work(1).can(able());
    let sample = json!({"jsonrpc":"2.0","id":"q2","method":"sampling/createMessage","params":{"messages":[],"maxTokens":5}});
    let roots = json!({"jsonrpc":"2.0","id":"q3","method":"roots/list"});
    let (first, events, id, _) = asked(&house, &peer, &ask, &[elicit("q1", "?"), sample, roots]).await;
    let questions = first.asked();
    let key = |method: &str| questions.iter().find(|(_, q)| q["method"] == method).unwrap().0.clone();
    assert_eq!(questions.len(), 3);
    // One answered, one with what is no answer, one not at all.
    let sampled = json!({"role":"assistant","content":{"type":"text","text":"x"},"model":"m"});
    let partial = json!({ key("sampling/createMessage"): sampled, key("roots/list"): 7 });
    let second = house.ask(ask.again(2, &first.json(), partial)).await;
    let left: Vec<_> = second.asked().into_iter().map(|(k, _)| k).collect();
    assert_eq!(left.len(), 2);
    assert!(left.contains(&key("elicitation/create")) && left.contains(&key("roots/list")));
    assert_eq!(told(&peer, "q2", 1).await["result"], sampled);
    let rest = json!({ key("elicitation/create"): {"action":"decline"}, key("roots/list"): {"roots":[]} });
    let served = async {
        assert_eq!(told(&peer, "q1", 1).await["result"], json!({"action":"decline"}));
        assert_eq!(told(&peer, "q3", 1).await["result"], json!({"roots":[]}));
        events.say(answer(&id, "{}"));
    };
    let (last, ()) = tokio::join!(house.ask(ask.again(3, &second.json(), rest)), served);
    assert_eq!(last.json()["id"], 3);
    assert_eq!(last.json()["result"]["resultType"], "complete");
}

#[tokio::test]
async fn a_service_may_ask_round_after_round_and_tell_progress_in_between() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let ask = Ask::work(0).can(able()).meta("progressToken", "p");
    let (mut last, events, id, call) = asked(&house, &peer, &ask, &[elicit("q0", "0")]).await;
    for round in 1..5u32 {
        let (key, question) = last.asked().remove(0);
        assert_eq!(question["params"]["message"], (round - 1).to_string());
        let again =
            ask.again(round, &last.json(), json!({ key: {"action":"accept"} })).meta("progressToken", round);
        let served = async {
            told(&peer, &format!("q{}", round - 1), 1).await;
            let token = &call.json()["params"]["_meta"]["progressToken"];
            events.say(json!({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":token,"progress":round}}));
            if round < 4 {
                events.say(elicit(&format!("q{round}"), &round.to_string()));
            } else {
                events.say(answer(&id, "{}"));
            }
        };
        (last, ()) = tokio::join!(house.ask(&again), served);
        // Under the token of the request that is under way.
        let progress: Value = serde_json::from_str(&last.texts[0]).unwrap();
        assert_eq!(progress["params"], json!({"progressToken":round,"progress":round}));
        assert_eq!(last.json()["id"], round);
    }
    assert_eq!(last.json()["result"]["resultType"], "complete");
}

#[tokio::test]
async fn a_state_that_is_tampered_with_foreign_or_of_another_request_is_refused_and_the_right_one_still_counts()
 {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let other = house.beside("connection-2", "a:write").await;
    let ask = Ask::work(1).can(able());
    let (first, events, id, _) = asked(&house, &peer, &ask, &[elicit("q1", "?")]).await;
    let key = first.asked().remove(0).0;
    let again = ask.again(2, &first.json(), json!({ key: {"action":"accept"} }));
    let state = first.json()["result"]["requestState"].as_str().unwrap().to_owned();
    let tampered = again.clone().param("requestState", format!("{state}x"));
    let invented = again.clone().param("requestState", "invented");
    let number = again.clone().param("requestState", 7);
    let another = again.clone().param("arguments", json!({"other":1}));
    let elsewhere = again.clone().at("/mcp").param("name", "a_work");
    for wrong in [&tampered, &invented, &number, &another, &elsewhere] {
        let refused = house.ask(wrong).await;
        assert_eq!((refused.code(), refused.json()["id"].clone()), (-32602, json!(2)), "{}", wrong.body);
    }
    assert_eq!(other.ask(&again).await.code(), -32602, "another connection's");
    assert!(peer.got("").is_empty());
    let served = async {
        told(&peer, "q1", 1).await;
        events.say(answer(&id, "{}"));
    };
    let (last, ()) = tokio::join!(house.ask(&again), served);
    assert_eq!(last.json()["result"]["resultType"], "complete");
    // Once is enough.
    assert_eq!(house.ask(&again).await.code(), -32602);
    assert_eq!(peer.got("tools/call").len(), 1);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_refused_and_the_service_was_told_that_nobody_waits() {
    let peer = Peer::legacy().await;
    let limits = Limits { park: Duration::from_millis(200), ..limits() };
    let house = House::new(&[("a", peer.url())], "a:write", limits).await;
    let ask = Ask::work(1).can(able());
    let (first, _events, id, _) = asked(&house, &peer, &ask, &[elicit("q1", "?")]).await;
    let cancelled = peer.wait_for("notifications/cancelled", 1).await;
    assert_eq!(cancelled[0].json()["params"]["requestId"], id);
    let key = first.asked().remove(0).0;
    let late = house.ask(ask.again(2, &first.json(), json!({ key: {"action":"accept"} }))).await;
    assert_eq!(late.code(), -32602);
    assert_eq!(house.logged(0).await.outcome, "cancelled");
}

#[tokio::test]
async fn a_call_that_went_on_leaves_nothing_behind_that_waits() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let ask = Ask::work(1).can(able());
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let mut before = 0;
    for round in 0..6 {
        let (first, events, id, _) = asked(&house, &peer, &ask, &[elicit("q1", "?")]).await;
        let again = ask.again(2, &first.json(), json!({ &first.asked()[0].0: {"action":"decline"} }));
        let served = async {
            told(&peer, "q1", round + 1).await;
            events.say(answer(&id, "{}"));
        };
        let (last, ()) = tokio::join!(house.ask(&again), served);
        assert_eq!(last.texts.len(), 1);
        if round == 0 {
            before = tasks();
        }
    }
    // Connections come and go, each with a task or two; what waits for ten minutes adds up.
    crate::said::until(|| (tasks() < before + 4).then_some(()), "the end of what waited").await;
}

#[tokio::test]
async fn revoking_while_a_call_waits_for_answers_ends_it_and_tells_the_service() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let ask = Ask::work(1).can(able());
    let (_, _events, id, _) = asked(&house, &peer, &ask, &[elicit("q1", "?")]).await;
    assert_eq!(house.connection.gate.in_flight(), 1);
    house.revoke();
    house.connection.gate.drained().await;
    house.relay.forget(&house.connection.id).await;
    let cancelled = peer.wait_for("notifications/cancelled", 1).await;
    assert_eq!(cancelled[0].json()["params"]["requestId"], id);
    assert_eq!(house.logged(0).await.outcome, "revoked");
    // Bellhop's own session remains.
    peer.wait_for_sessions(1).await;
}

#[tokio::test]
async fn no_more_calls_wait_for_one_app_than_the_limit() {
    let peer = Peer::legacy().await;
    let house = House::new(&[("a", peer.url())], "a:write", Limits { parked: 1, ..limits() }).await;
    let ask = Ask::work(1).can(able());
    let (first, ..) = asked(&house, &peer, &ask, &[elicit("q1", "?")]).await;
    assert_eq!(first.asked().len(), 1);
    let (second, _events, id, _) = asked(&house, &peer, &ask, &[elicit("q2", "?")]).await;
    assert_eq!(second.json()["error"]["data"]["code"], "relay.too_many");
    let told = peer.wait_for("notifications/cancelled", 1).await;
    assert_eq!(told[0].json()["params"]["requestId"], id);
}

#[tokio::test]
async fn a_question_on_the_sessions_listening_stream_is_the_calls_that_has_the_session() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let ask = Ask::work(1).can(able());
    // Before the service has begun to answer, and while it answers.
    for early in [true, false] {
        let call = async {
            let call = peer.call().await;
            if early {
                peer.say(&elicit("q1", "?"));
                return (Some(call), None);
            }
            let stream = call.stream();
            peer.say(&elicit("q1", "?"));
            (None, Some(stream))
        };
        let (first, waiting) = tokio::join!(house.ask(&ask), call);
        let key = first.asked().remove(0).0;
        let again = ask.again(2, &first.json(), json!({ key: {"action":"accept"} }));
        let served = async {
            told(&peer, "q1", if early { 1 } else { 2 }).await;
            match waiting {
                (Some(call), _) => call.result(json!({"content":[]})),
                (_, Some((events, id))) => {
                    events.say(answer(&id, r#"{"content":[]}"#));
                }
                _ => unreachable!(),
            }
        };
        let (last, ()) = tokio::join!(house.ask(&again), served);
        assert_eq!(last.json()["result"]["content"], json!([]), "{}", last.json());
    }
}

#[tokio::test]
async fn the_first_request_ever_may_be_asked_something_whatever_its_method() {
    for (method, params) in
        [("prompts/get", json!({"name":"greet"})), ("resources/read", json!({"uri":"x://one"}))]
    {
        let peer = Peer::legacy().await;
        let house = House::before(&peer).await;
        let ask = Ask::new(1, method, params).can(able());
        let (first, events, id, _) = asked(&house, &peer, &ask, &[elicit("q1", "?")]).await;
        let key = first.asked().remove(0).0;
        let again = ask.again(2, &first.json(), json!({ key: {"action":"accept"} }));
        let served = async {
            told(&peer, "q1", 1).await;
            events.say(answer(&id, "{}"));
        };
        let (last, ()) = tokio::join!(house.ask(&again), served);
        assert_eq!(last.json()["result"]["resultType"], "complete");
    }
}

#[tokio::test]
async fn a_question_for_an_ability_that_the_app_did_not_declare_is_an_error_that_names_it() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let sample = json!({"jsonrpc":"2.0","id":"q1","method":"sampling/createMessage","params":{}});
    let url = json!({"jsonrpc":"2.0","id":"q1","method":"elicitation/create","params":{"mode":"url","url":"https://a.example/","elicitationId":"e","message":"Open"}});
    for (can, question, missing) in [
        (json!({}), elicit("q1", "?"), json!({"elicitation":{"form":{}}})),
        (json!({"elicitation":{}}), sample, json!({"sampling":{}})),
        (json!({"elicitation":{}}), url.clone(), json!({"elicitation":{"url":{}}})),
        (json!({"elicitation":{"url":{}}}), elicit("q1", "?"), json!({"elicitation":{"form":{}}})),
    ] {
        let n = peer.got("").len();
        let (refused, _events, id, _) = asked(&house, &peer, &Ask::work(1).can(can), &[question]).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, -32021), "{}", refused.json());
        assert_eq!(refused.json()["error"]["data"]["requiredCapabilities"], missing);
        // The service is told both that its question has no answer and that nobody waits.
        assert!(told(&peer, "q1", n + 1).await["error"].is_object());
        let cancelled = peer.wait_for("notifications/cancelled", n + 1).await;
        assert_eq!(cancelled[n].json()["params"]["requestId"], id);
    }
    let (asked, ..) = asked(&house, &peer, &Ask::work(1).can(able()), &[url]).await;
    let want = json!({"mode":"url","url":"https://a.example/","message":"Open"});
    assert_eq!(asked.asked()[0].1["params"], want);
}

#[tokio::test]
async fn an_address_that_has_to_be_opened_first_is_a_question_and_the_retry_a_call_anew() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let error = json!({"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url","elicitationId":"e","url":"https://a.example/","message":"Open"}]}});
    for stream in [false, true] {
        let ask = Ask::work(1).can(json!({"elicitation":{"url":{}}}));
        let served = async {
            let call = peer.call().await;
            if stream {
                let (events, id) = call.stream();
                events.say(json!({"jsonrpc":"2.0","id":id,"error":error}));
            } else {
                call.error(200, &error);
            }
        };
        let (first, ()) = tokio::join!(house.ask(&ask), served);
        let (key, question) = first.asked().remove(0);
        assert_eq!(question["method"], "elicitation/create");
        assert_eq!(question["params"], json!({"mode":"url","url":"https://a.example/","message":"Open"}));
        let again = ask.again(2, &first.json(), json!({ key: {"action":"accept"} }));
        let served = async {
            let call = peer.call().await;
            assert_eq!(call.json()["params"], json!({"name":"work","arguments":{}}));
            call.result(json!({"content":[]}));
        };
        let (last, ()) = tokio::join!(house.ask(&again), served);
        assert_eq!(last.json()["result"]["resultType"], "complete");
    }
    // An app that opens no addresses is told what is missing.
    for can in [json!({}), json!({"elicitation":{"form":{}}})] {
        let served = async { peer.call().await.error(200, &error) };
        let (refused, ()) = tokio::join!(house.ask(Ask::work(1).can(can)), served);
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, -32021), "{}", refused.json());
    }
}

#[tokio::test]
async fn a_question_that_the_service_takes_back_is_not_asked() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let back = json!({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"q1"}});
    let ask = Ask::work(1).can(able());
    let (first, ..) = asked(&house, &peer, &ask, &[elicit("q1", "1"), elicit("q2", "2"), back]).await;
    let questions = first.asked();
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0].1["params"]["message"], "2");
}

#[tokio::test]
async fn a_ping_of_the_service_and_what_no_app_knows_are_answered_for_the_app() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let ping = json!({"jsonrpc":"2.0","id":"p1","method":"ping"});
    let future = json!({"jsonrpc":"2.0","id":"f1","method":"future/ask"});
    let served = async {
        let (events, id) = peer.call().await.stream();
        events.say(ping);
        events.say(future);
        assert_eq!(told(&peer, "p1", 1).await["result"], json!({}));
        assert_eq!(told(&peer, "f1", 1).await["error"]["code"], -32601);
        events.say(answer(&id, "{}"));
    };
    let (last, ()) = tokio::join!(house.ask(Ask::work(1)), served);
    assert_eq!(last.texts.len(), 1);
}

#[tokio::test]
async fn a_removed_service_is_told_of_the_calls_that_wait_for_answers() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let ask = Ask::work(1).can(able());
    let (_, _events, id, _) = asked(&house, &peer, &ask, &[elicit("q1", "?")]).await;
    *house.engine.services.lock().unwrap() = std::sync::Arc::default();
    house.relay.service_removed(&"id-a".into()).await;
    let cancelled = peer.wait_for("notifications/cancelled", 1).await;
    assert_eq!(cancelled[0].json()["params"]["requestId"], id);
    peer.wait_for_sessions(0).await;
    assert_eq!(house.connection.gate.in_flight(), 0);
}

#[tokio::test]
async fn what_a_service_does_while_its_call_waits_for_answers_is_seen_when_they_come() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let ask = Ask::work(1).can(able());
    // It answers all the same, it dies, or it says more than anybody reads.
    for case in 0..3 {
        let (first, events, id, _) = asked(&house, &peer, &ask, &[elicit("q1", "?")]).await;
        match case {
            0 => {
                events.say(answer(&id, r#"{"early":true}"#));
            }
            1 => drop(events),
            _ => {
                for _ in 0..200 {
                    let long = "x".repeat(100_000);
                    events.say(json!({"jsonrpc":"2.0","method":"notifications/future","params":{"x":long}}));
                }
                events.say(answer(&id, r#"{"early":true}"#));
            }
        }
        let key = first.asked().remove(0).0;
        let last = house.ask(ask.again(2, &first.json(), json!({ key: {"action":"accept"} }))).await;
        let json = last.json();
        assert_eq!(json["id"], 2);
        if case == 1 {
            assert_eq!(json["error"]["data"]["code"], "relay.died", "{json}");
        } else {
            assert_eq!(json["result"], json!({"early":true,"resultType":"complete"}));
            assert_eq!(last.texts.len(), if case == 0 { 1 } else { 201 });
        }
    }
    assert_eq!(house.connection.gate.in_flight(), 0);
}
