//! What services of the modern era ask first, for an app of the legacy one, which is asked by requests.

use crate::{peer::Peer, said::answer, support::House, visit::CAPABILITIES};
use serde_json::{Value, json};

const NEWEST: &str = "2025-11-25";

fn work(id: u32) -> Value {
    json!({"jsonrpc":"2.0","id":id,"method":"tools/call","params":{"name":"work","arguments":{"n":1.5}}})
}

/// A result that asks these questions first.
fn asks(questions: &Value) -> Value {
    json!({"resultType":"input_required","inputRequests":questions,"requestState":"st\u{e4}te"})
}

fn elicit(message: &str) -> Value {
    json!({"method":"elicitation/create","params":{"mode":"form","message":message,"requestedSchema":{"type":"object"},"new":1}})
}

#[tokio::test]
async fn what_a_modern_service_asks_first_comes_to_a_legacy_app_as_requests_and_the_call_is_retried() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let able = json!({"elicitation":{},"sampling":{},"roots":{"listChanged":true}});
    let session = house.open_with("/mcp/a", NEWEST, able).await;
    let questions = json!({"k\u{e9}y":elicit("1"),"two":{"method":"sampling/createMessage","params":{"maxTokens":5}},"three":{"method":"roots/list"}});
    // In a message alone, and at the end of a stream.
    for streams in [false, true] {
        let served = async {
            let call = peer.call().await;
            let first = call.json();
            if streams {
                let (events, id) = call.stream();
                events.say(r#"{"jsonrpc":"2.0","method":"notifications/future"}"#);
                events.say(answer(&id, &asks(&questions).to_string()));
            } else {
                call.result(asks(&questions));
            }
            first
        };
        let body = work(1).to_string();
        let (mut stream, first) = tokio::join!(house.stream("/mcp/a", &session, body), served);
        if streams {
            assert_eq!(stream.next().await.unwrap()["method"], "notifications/future");
        }
        let mut ids = Vec::new();
        for method in ["elicitation/create", "sampling/createMessage", "roots/list"] {
            let question = stream.next().await.unwrap();
            assert_eq!(question["method"], method, "{question}");
            if method == "elicitation/create" {
                assert_eq!(question["params"], elicit("1")["params"]);
            }
            let said = json!({"jsonrpc":"2.0","id":question["id"],"result":{"said":method}});
            house.post("/mcp/a", &session, &said.to_string()).await;
            ids.push(question["id"].clone());
        }
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
        let retry = peer.call().await;
        let json = retry.json();
        assert_ne!(json["id"], first["id"], "an independent request");
        assert_eq!(json["params"]["requestState"], "st\u{e4}te");
        let said = |m: &str| json!({"said":m});
        let want = json!({"k\u{e9}y":said("elicitation/create"),"two":said("sampling/createMessage"),"three":said("roots/list")});
        assert_eq!(json["params"]["inputResponses"], want);
        assert_eq!(json["params"]["arguments"], first["params"]["arguments"]);
        // Another round, without a state, and then the end.
        retry.result(json!({"resultType":"input_required","inputRequests":{"k":elicit("2")}}));
        let question = stream.next().await.unwrap();
        let said = json!({"jsonrpc":"2.0","id":question["id"],"error":{"code":-1,"message":"no"}});
        house.post("/mcp/a", &session, &said.to_string()).await;
        let retry = peer.call().await;
        let json = retry.json();
        assert!(json["params"]["requestState"].is_null());
        assert_eq!(json["params"]["inputResponses"], json!({"k":{"action":"cancel"}}));
        retry.result(json!({"resultType":"complete","content":[]}));
        let last = stream.next().await.unwrap();
        assert_eq!(last, json!({"jsonrpc":"2.0","id":1,"result":{"content":[]}}));
        assert_eq!(stream.next().await, None);
    }
}

#[tokio::test]
async fn an_app_is_asked_only_in_the_modes_it_declared_and_an_address_gets_a_name() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let url = json!({"u":{"method":"elicitation/create","params":{"mode":"url","url":"https://a.example/","message":"Open"}}});
    // 2025-11-25 needs a name for it.
    let session = house.open_with("/mcp/a", NEWEST, json!({"elicitation":{"form":{},"url":{}}})).await;
    let served = async { peer.call().await.result(asks(&url)) };
    let (mut stream, ()) = tokio::join!(house.stream("/mcp/a", &session, work(1).to_string()), served);
    let question = stream.next().await.unwrap();
    assert!(!question["params"]["elicitationId"].as_str().unwrap().is_empty());
    assert_eq!(question["params"]["url"], "https://a.example/");
    // Before, and where only forms were declared, there are forms alone.
    for (revision, can) in [("2025-06-18", json!({"elicitation":{}})), (NEWEST, json!({"elicitation":{}}))] {
        let session = house.open_with("/mcp/a", revision, can).await;
        let served = async {
            let call = peer.call().await;
            if revision == "2025-06-18" {
                let declared = call.json()["params"]["_meta"][CAPABILITIES].clone();
                assert_eq!(declared, json!({"elicitation":{"form":{}}}));
            }
            call.result(asks(&url));
        };
        let body = work(1);
        let (reply, ()) = tokio::join!(house.tell("/mcp/a", &session, &body), served);
        let reply = reply.json();
        assert_eq!(reply["error"]["data"]["code"], "relay.missing_capability", "{reply}");
        assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(1), &json!(-32600)));
    }
    // And a form has no mode there.
    let session = house.open_with("/mcp/a", "2025-06-18", json!({"elicitation":{}})).await;
    let served = async { peer.call().await.result(asks(&json!({"k":elicit("?")}))) };
    let (mut stream, ()) = tokio::join!(house.stream("/mcp/a", &session, work(1).to_string()), served);
    assert!(stream.next().await.unwrap()["params"]["mode"].is_null());
    // What the app can't do at all is not asked.
    let session = house.open_with("/mcp/a", NEWEST, json!({})).await;
    let served = async { peer.call().await.result(asks(&json!({"k":elicit("?")}))) };
    let body = work(1);
    let (reply, ()) = tokio::join!(house.tell("/mcp/a", &session, &body), served);
    assert_eq!(reply.texts.len(), 1);
    assert_eq!(reply.json()["error"]["data"]["code"], "relay.missing_capability");
}

#[tokio::test]
async fn an_answer_of_another_session_does_not_reach_a_modern_service() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let able = json!({"elicitation":{}});
    let (asked, other) = (
        house.open_with("/mcp/a", NEWEST, able.clone()).await,
        house.open_with("/mcp/a", NEWEST, able).await,
    );
    let served = async { peer.call().await.result(asks(&json!({"k":elicit("?")}))) };
    let (mut stream, ()) = tokio::join!(house.stream("/mcp/a", &asked, work(1).to_string()), served);
    let id = stream.next().await.unwrap()["id"].clone();
    for (session, x) in [(&other, "forged"), (&asked, "real"), (&asked, "twice")] {
        let said = json!({"jsonrpc":"2.0","id":id,"result":{"x":x}}).to_string();
        assert_eq!(house.post("/mcp/a", session, &said).await.status, 202);
    }
    let retry = peer.call().await;
    assert_eq!(retry.json()["params"]["inputResponses"]["k"]["x"], "real");
}

#[tokio::test]
async fn a_service_that_asks_without_end_is_stopped() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let session = house.open_with("/mcp/a", NEWEST, json!({"elicitation":{}})).await;
    let asking = async {
        loop {
            peer.call().await.result(asks(&json!({"k":elicit("?")})));
        }
    };
    let answering = async {
        let mut stream = house.stream("/mcp/a", &session, work(1).to_string()).await;
        let mut rounds = 0;
        loop {
            let said = stream.next().await.unwrap();
            if said["method"].is_null() {
                assert_eq!(said["error"]["data"]["code"], "relay.no_mcp", "{said}");
                return rounds;
            }
            rounds += 1;
            let answer = json!({"jsonrpc":"2.0","id":said["id"],"result":{"action":"accept"}});
            house.tell("/mcp/a", &session, &answer).await;
        }
    };
    let rounds = tokio::select! {
        rounds = answering => rounds,
        () = asking => unreachable!(),
    };
    assert!((5..100).contains(&rounds), "{rounds}");
}
