//! What services ask and tell apps.

use crate::{
    service::Fixture,
    support::{House, call},
};
use serde_json::json;

#[tokio::test]
async fn a_services_question_reaches_the_app_and_its_answer_the_service() {
    let (a, b) = (Fixture::start().await, Fixture::start().await);
    let services = [("a", a.url()), ("b", b.url())];
    let house = House::new(&services, "a:write b:write", crate::support::limits()).await;
    let session = house.open("/mcp").await;
    let mut one = house.stream("/mcp", &session, call(1, "a_ask")).await;
    let mut two = house.stream("/mcp", &session, call(2, "b_ask")).await;
    let (from_a, from_b) = (one.next().await.unwrap(), two.next().await.unwrap());
    assert_eq!(from_a["method"], "elicitation/create");
    assert_eq!(from_a["params"], json!({"message":"Sure?","new":1}));
    assert_ne!(from_a["id"], from_b["id"]);
    // Answered in the other order: each goes to who asked.
    for (question, said) in [(&from_b, "to b"), (&from_a, "to a")] {
        let answer =
            json!({"jsonrpc":"2.0","id":question["id"],"result":{"action":"accept","content":{"x":said}}});
        assert_eq!(house.post("/mcp", &session, &answer.to_string()).await.status, 202);
    }
    let (to_a, to_b) = (one.next().await.unwrap(), two.next().await.unwrap());
    assert_eq!((&to_a["id"], &to_b["id"]), (&json!(1), &json!(2)));
    assert_eq!(to_a["result"]["said"]["result"]["content"]["x"], "to a");
    assert_eq!(to_b["result"]["said"]["result"]["content"]["x"], "to b");
}

#[tokio::test]
async fn another_session_can_not_answer_a_question() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let (asked, other) = (house.open("/mcp/a").await, house.open("/mcp/a").await);
    let mut stream = house.stream("/mcp/a", &asked, call(1, "ask")).await;
    let question = stream.next().await.unwrap();
    let answer = |x: &str| json!({"jsonrpc":"2.0","id":question["id"],"result":{"x":x}}).to_string();
    house.post("/mcp/a", &other, &answer("forged")).await;
    house.post("/mcp/a", &asked, &answer("real")).await;
    assert_eq!(stream.next().await.unwrap()["result"]["said"]["result"]["x"], "real");
}

#[tokio::test]
async fn what_the_app_declared_is_what_the_service_is_told() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open_as("/mcp/a", "2025-06-18").await.0;
    house.call("/mcp/a", &session, "echo").await;
    let opened = service.got("initialize");
    let app = opened.iter().find(|g| g.json()["params"]["protocolVersion"] == "2025-06-18").unwrap().json();
    assert_eq!(app["params"]["capabilities"], json!({"elicitation":{},"new":{"x":1}}));
    assert_eq!(app["params"]["clientInfo"]["name"], "bellhop");
}

#[tokio::test]
async fn what_a_service_says_outside_of_calls_reaches_the_listening_app() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp").await;
    house.call("/mcp", &session, "a_echo").await;
    let mut stream = house.listen("/mcp", &session).await;
    for _ in 0..1000 {
        if service.listeners() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let update =
        json!({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x://shared"}});
    service.say(&update);
    assert_eq!(stream.next().await.unwrap(), update);
}

#[tokio::test]
async fn a_services_listening_stream_is_open_before_the_first_call_of_an_app_that_listens() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp").await;
    let mut stream = house.listen("/mcp", &session).await;
    let calling = house.call("/mcp", &session, "a_echo");
    // By the time the service has the call, what it asks on that stream must not be lost.
    let asking = async {
        service.wait_for("tools/call", 1).await;
        assert_eq!(service.listeners(), 2, "the session's and Bellhop's own");
        service.say(&json!({"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{}}));
    };
    tokio::join!(calling, asking);
    assert_eq!(stream.next().await.unwrap()["method"], "elicitation/create");
}

#[tokio::test]
async fn a_changed_list_is_fetched_and_then_announced() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp").await;
    let mut stream = house.listen("/mcp", &session).await;
    for _ in 0..1000 {
        if service.listeners() > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    service.state.lock().unwrap().tools.push(json!({"name":"fresh","inputSchema":{"type":"object"}}));
    service.say(&json!({"jsonrpc":"2.0","method":"notifications/tools/list_changed"}));
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/tools/list_changed");
    let list = house.post("/mcp", &session, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    assert!(list.text.contains("a_fresh"));
}

#[tokio::test]
async fn bellhops_own_session_answers_a_ping_and_nothing_else() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    house.open("/mcp").await;
    for _ in 0..1000 {
        if service.listeners() > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    service.say(&json!({"jsonrpc":"2.0","id":"are you there","method":"ping"}));
    service.say(&json!({"jsonrpc":"2.0","id":"who","method":"elicitation/create"}));
    let answered = |id: &str| {
        let state = service.state.lock().unwrap();
        state.got.iter().map(|g| g.json()).find(|m| m["id"] == id && m["method"].is_null())
    };
    for _ in 0..1000 {
        if answered("are you there").is_some() && answered("who").is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(answered("are you there").unwrap()["result"], json!({}));
    assert_eq!(answered("who").unwrap()["error"]["code"], -32601);
}
