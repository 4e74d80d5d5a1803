//! Tools that are too many for an app.

use crate::{
    peer::Peer,
    service::Fixture,
    support::{House, limits},
    visit::Ask,
};
use bellhop_relay::{Grant, Shows};
use http::Method;
use model::Listing;
use serde_json::{Value, json};
use std::sync::Arc;

/// Tools of a realistic kind: each thing can be listed, which only reads, and deleted.
fn many(things: usize) -> Vec<Value> {
    let of = |n: usize| {
        let schema = json!({"type":"object","properties":{"id":{"type":"string"}},"required":["id"]});
        [
            json!({"name":format!("thing{n}_list"),"title":format!("List things of kind {n}"),"description":"Lists them.",
                "inputSchema":schema,"annotations":{"readOnlyHint":true},"_meta":{"x":1}}),
            json!({"name":format!("thing{n}_delete"),"description":"Deletes one of them.","inputSchema":schema,
                "annotations":{"destructiveHint":true}}),
        ]
    };
    (0..things).flat_map(of).collect()
}

async fn crowded(things: usize, scope: &str) -> (Vec<Fixture>, House) {
    let mut services = Vec::new();
    for _ in 0..3 {
        let service = Fixture::start().await;
        service.state.lock().unwrap().tools.extend(many(things));
        services.push(service);
    }
    let named: Vec<_> = ["a", "b", "c"].into_iter().zip(&services).map(|(n, s)| (n, s.url())).collect();
    let house = House::new(&named, scope, limits()).await;
    (services, house)
}

async fn tools(house: &House, session: &str) -> Vec<String> {
    let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
    names(&house.tell("/mcp", session, &body).await.json())
}

fn names(list: &Value) -> Vec<String> {
    let list = list["result"]["tools"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    list.iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
}

fn call(tool: &str, arguments: Value) -> Value {
    json!({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":tool,"arguments":arguments}})
}

/// What was found, as a model reads it.
fn found(answer: &Value) -> Value {
    let result = &answer["result"];
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("nothing found: {answer}"));
    let said: Value = serde_json::from_str(text).unwrap();
    assert_eq!(said, result["structuredContent"]);
    said
}

fn names_found(answer: &Value) -> Vec<String> {
    let found = found(answer);
    found["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
}

async fn open_as(house: &House, client: &str) -> (String, Value) {
    let body = json!({"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25",
        "capabilities":{},"clientInfo":{"name":client,"version":"1"}}});
    let reply =
        house.send(Method::POST, "/mcp", &[("content-type", "application/json")], &body.to_string()).await;
    (reply.headers["mcp-session-id"].to_str().unwrap().to_owned(), reply.json()["result"].clone())
}

#[tokio::test]
async fn an_app_to_which_the_tools_are_too_many_gets_two_that_find_and_call_them() {
    let (services, house) = crowded(60, "a:write b:write c:write").await;
    let (session, about) = open_as(&house, "something").await;
    let said = about["instructions"].as_str().unwrap();
    assert!(
        said.contains("find_tools") && said.contains("call_tool") && said.contains("a is Service a"),
        "{said}"
    );
    assert!(said.chars().count() <= 512);
    assert_eq!(tools(&house, &session).await, ["find_tools", "call_tool"]);
    let modern = house.ask(Ask::new(1, "tools/list", json!({})).at("/mcp")).await.json();
    assert_eq!(names(&modern), ["find_tools", "call_tool"]);
    assert!(modern["result"]["ttlMs"].as_u64().unwrap() > 0);
    // The other kinds of list are what they were.
    let prompts = house.ask(Ask::new(1, "prompts/list", json!({})).at("/mcp")).await.json();
    assert_eq!(prompts["result"]["prompts"].as_array().unwrap().len(), 3);

    let wanted = call("find_tools", json!({"query":"delete thing17","service":"b"}));
    let old = house.tell("/mcp", &session, &wanted).await.json();
    let new = house.ask(Ask::new(1, "tools/call", wanted["params"].clone()).at("/mcp")).await.json();
    assert_eq!(found(&old), found(&new));
    assert_eq!(new["result"]["resultType"], "complete");
    assert!(old["result"]["resultType"].is_null());
    let best = &found(&old)["tools"][0];
    let mut want = many(60)[35].clone();
    want["name"] = "b_thing17_delete".into();
    assert_eq!(*best, want);

    let call = call("call_tool", json!({"name":"b_thing17_delete","arguments":{"id":"7"}}));
    assert_eq!(house.tell("/mcp", &session, &call).await.json()["result"]["done"], true);
    let new = house.ask(Ask::new(1, "tools/call", call["params"].clone()).at("/mcp")).await.json();
    assert_eq!(new["result"]["done"], true, "{new}");
    let got = services[1].got("tools/call");
    for got in &got {
        let params = &got.json()["params"];
        assert_eq!((&params["name"], &params["arguments"]), (&json!("thing17_delete"), &json!({"id":"7"})));
    }
    assert_eq!(got.len(), 2);
    let logged = house.logged(0).await;
    assert_eq!((logged.target.as_deref(), logged.outcome), (Some("thing17_delete"), "ok"));
    assert_eq!((logged.service.unwrap().as_str(), logged.method.as_str()), ("b", "tools/call"));
}

#[tokio::test]
async fn an_app_that_only_reads_neither_finds_nor_calls_what_changes_things() {
    let (services, house) = crowded(60, "a:read b:read").await;
    let (session, _) = open_as(&house, "something").await;
    for query in ["delete thing17", "thing17_delete", "delete", ""] {
        let answer =
            house.tell("/mcp", &session, &call("find_tools", json!({"query":query,"limit":50}))).await.json();
        let names = names_found(&answer);
        assert!(
            names.iter().all(|n| !n.contains("delete") && !n.contains("write") && !n.starts_with("c_")),
            "{names:?}"
        );
    }
    let through = json!({"name":"a_thing17_delete","arguments":{}});
    let refused = house.tell("/mcp", &session, &call("call_tool", through.clone())).await.json();
    let direct = house.tell("/mcp", &session, &call("a_thing17_delete", json!({}))).await.json();
    assert_eq!(refused, direct);
    assert_eq!(refused["error"]["data"]["scope"], "a:write");
    let modern = house
        .ask(Ask::new(1, "tools/call", json!({"name":"call_tool","arguments":through})).at("/mcp"))
        .await;
    assert_eq!(modern.json()["error"]["data"]["scope"], "a:write");
    // Of a service that it may not use it learns nothing.
    let hidden = json!({"name":"c_thing17_list","arguments":{}});
    let refused = house.tell("/mcp", &session, &call("call_tool", hidden)).await.json();
    assert_eq!(refused["error"]["data"]["code"], "relay.nothing_of_that_name");
    assert!(services.iter().all(|s| s.got("tools/call").is_empty()));
    assert_eq!(house.logged(0).await.outcome, "relay.not_allowed");
    assert_eq!(house.logged(1).await.target.as_deref(), Some("thing17_delete"));
    // What is allowed goes through.
    let reads = json!({"name":"a_thing17_list","arguments":{}});
    assert_eq!(house.tell("/mcp", &session, &call("call_tool", reads)).await.json()["result"]["done"], true);
}

#[tokio::test]
async fn a_model_that_calls_the_two_wrongly_reads_how_it_is_done() {
    let (services, house) = crowded(60, "a:write b:write c:write").await;
    let (session, _) = open_as(&house, "something").await;
    for (tool, arguments, says) in [
        ("call_tool", json!({}), "“name” is missing"),
        ("call_tool", json!({"name":7}), "“name” is missing"),
        (
            "call_tool",
            json!({"name":"call_tool","arguments":{"name":"a_echo"}}),
            "find_tools and call_tool themselves",
        ),
        (
            "call_tool",
            json!({"name":"find_tools","arguments":{"query":"x"}}),
            "find_tools and call_tool themselves",
        ),
        ("call_tool", json!({"name":"a_echo","arguments":"{\"x\":1}"}), "has to be an object"),
        ("call_tool", json!({"name":"a_echo","arguments":[1]}), "has to be an object"),
        ("find_tools", json!({}), "“query” is missing"),
        ("find_tools", json!({"query":"x","limit":"many"}), "whole numbers"),
        ("find_tools", json!({"query":"x","skip":-1}), "whole numbers"),
    ] {
        let asked = call(tool, arguments);
        let old = house.tell("/mcp", &session, &asked).await.json();
        let new = house.ask(Ask::new(1, "tools/call", asked["params"].clone()).at("/mcp")).await.json();
        for answer in [old, new] {
            assert_eq!(answer["result"]["isError"], true, "{answer}");
            let text = answer["result"]["content"][0]["text"].as_str().unwrap();
            assert!(text.contains(says), "{text}");
        }
    }
    let unknown = house.tell("/mcp", &session, &call("call_tool", json!({"name":"a_nothing"}))).await.json();
    assert_eq!(
        (&unknown["error"]["code"], &unknown["error"]["data"]["code"]),
        (&json!(-32602), &json!("relay.nothing_of_that_name"))
    );
    assert!(services.iter().all(|s| s.got("tools/call").is_empty()));
}

#[tokio::test]
async fn what_is_found_comes_in_pages_always_in_the_same_order() {
    let (_services, house) = crowded(20, "a:write b:write c:write").await;
    let find = |arguments: Value| {
        let house = &house;
        async move {
            let params = json!({"name":"find_tools","arguments":arguments});
            house.ask(Ask::new(1, "tools/call", params).at("/mcp")).await.json()
        }
    };
    let all = names_found(&find(json!({"query":"","service":"a","limit":1000})).await);
    assert_eq!(all.len(), 50, "no more than that at once");
    let rest = find(json!({"query":"","service":"a","limit":50,"skip":50})).await;
    assert_eq!((names_found(&rest).len(), &found(&rest)["more"]), (3, &json!(0)));
    let first = find(json!({"query":"delete"})).await;
    assert_eq!((names_found(&first).len(), &found(&first)["more"]), (10, &json!(50)));
    for _ in 0..5 {
        assert_eq!(find(json!({"query":"delete"})).await, first);
    }
    // Equally good: in the order of services.
    assert_eq!(names_found(&first)[0], "a_thing0_delete");
    let none = found(&find(json!({"query":"xyzzy"})).await);
    assert_eq!((&none["tools"], &none["more"]), (&json!([]), &json!(0)));
    assert!(none["hint"].as_str().unwrap().contains("other words"));
    // A name finds its tool.
    for name in ["c_thing7_list", "C_THING7_LIST"] {
        assert_eq!(names_found(&find(json!({"query":name})).await)[0], "c_thing7_list");
    }
}

#[tokio::test]
async fn how_many_are_too_many_depends_on_the_app_and_the_person_has_the_last_word() {
    // 3 × (13 + 60): 219 tools.
    let (_services, house) = crowded(30, "a:write b:write c:write").await;
    let compact = ["find_tools", "call_tool"];
    for (client, fits) in [
        ("claude-code", true),
        ("gemini-cli-mcp-client", true),
        ("Visual Studio Code", false),
        ("new", false),
    ] {
        let (session, _) = open_as(&house, client).await;
        assert_eq!(tools(&house, &session).await != compact, fits, "{client}");
    }
    let modern = || async { names(&house.ask(Ask::new(1, "tools/list", json!({})).at("/mcp")).await.json()) };
    // In the modern era it is the connection's app that counts, whatever a request says of itself.
    assert_eq!(modern().await, compact);
    house.connection.show(Shows { listing: Listing::Auto, most: 219 });
    assert_eq!(modern().await.len(), 219);
    house.connection.show(Shows { listing: Listing::Auto, most: 218 });
    assert_eq!(modern().await, compact);
    let seen = house.relay.tools_shown(&house.connection);
    assert_eq!((seen.tools, seen.compact), (219, true));
    // What the person chooses counts at once, also on sessions that are open, and they are told.
    let (session, _) = open_as(&house, "claude-code").await;
    let mut stream = house.listen("/mcp", &session).await;
    let filter = json!({"notifications":{"toolsListChanged":true}});
    let mut subscription = house.ask_stream(Ask::new("s", "subscriptions/listen", filter).at("/mcp")).await;
    subscription.next().await.unwrap();
    for (listing, count) in [(Listing::Compact, 2), (Listing::Full, 219), (Listing::Compact, 2)] {
        house.connection.show(Shows { listing, most: 100 });
        house.relay.shown_anew(&house.connection);
        for stream in [&mut stream, &mut subscription] {
            assert_eq!(stream.next().await.unwrap()["method"], "notifications/tools/list_changed");
        }
        assert_eq!(tools(&house, &session).await.len(), count);
        assert_eq!(modern().await.len(), count);
        assert_eq!(house.relay.tools_shown(&house.connection).compact, count == 2);
    }
    // The endpoint of one service has that service's tools, whatever was chosen.
    let one = house.ask(Ask::new(1, "tools/list", json!({})).at("/mcp/a")).await.json();
    assert_eq!(names(&one).len(), 73);
    // Fewer tools to see, and they fit: the scope counts.
    let grant = Grant { name: "Test".into(), scope: "a:read".parse().unwrap() };
    house.connection.grant.store(Arc::new(grant));
    house.connection.show(Shows::default());
    assert_eq!(modern().await.len(), 42);
}

#[tokio::test]
async fn a_session_keeps_to_what_it_was_opened_with_unless_the_person_chooses() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    house.connection.show(Shows { listing: Listing::Auto, most: 20 });
    let (session, _) = open_as(&house, "something").await;
    assert_eq!(tools(&house, &session).await.len(), 13);
    service.state.lock().unwrap().tools.extend(many(20));
    house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
    assert_eq!(tools(&house, &session).await.len(), 53);
    let (later, _) = open_as(&house, "something").await;
    assert_eq!(tools(&house, &later).await.len(), 2);
    // The two are there for both: an app may have read either list a moment ago.
    for session in [&session, &later] {
        let through = call("call_tool", json!({"name":"a_thing3_list","arguments":{"id":"1"}}));
        assert_eq!(house.tell("/mcp", session, &through).await.json()["result"]["done"], true);
        assert_eq!(
            house.tell("/mcp", session, &call("a_thing3_list", json!({}))).await.json()["result"]["done"],
            true
        );
    }
}

#[tokio::test]
async fn a_call_through_the_one_has_progress_questions_and_cancellation_of_its_own() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let house = House::before(&peer).await;
        house.connection.show(Shows { listing: Listing::Compact, most: 100 });
        let session = house.open("/mcp").await;
        let mut through = call("call_tool", json!({"name":"a_work","arguments":{"n":1}}));
        through["params"]["_meta"] = json!({"progressToken":"p"});
        through["params"]["new"] = json!(1);
        let serve = async {
            let call = peer.call().await;
            let params = call.json()["params"].clone();
            assert_eq!(
                (&params["name"], &params["arguments"], &params["new"]),
                (&json!("work"), &json!({"n":1}), &json!(1))
            );
            call.stream()
        };
        let (mut stream, (events, id)) = tokio::join!(
            house.stream("/mcp", &session, through.to_string()),
            async {
                let (events, id) = serve.await;
                events.say(json!({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}));
                (events, id)
            }
        );
        assert_eq!(stream.next().await.unwrap()["method"], "notifications/progress");
        drop(id);
        let cancel = json!({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}});
        house.post("/mcp", &session, &cancel.to_string()).await;
        if peer.state.lock().unwrap().speaks == crate::peer::Speaks::Legacy {
            peer.wait_for("notifications/cancelled", 1).await;
        } else {
            events.closed().await;
        }
    }
}

#[tokio::test]
async fn a_modern_service_asks_an_app_within_such_a_call_and_gets_mirrored_arguments() {
    let peer = Peer::modern().await;
    peer.set(|s| {
        s.tools = vec![json!({"name":"work","inputSchema":{"type":"object","properties":{
            "region":{"type":"string","x-mcp-header":"Region"}}}})];
    });
    let house = House::before(&peer).await;
    let params = json!({"name":"call_tool","arguments":{"name":"a_work","arguments":{"region":"north"}}});
    let ask = Ask::new(1, "tools/call", params).at("/mcp").can(json!({"elicitation":{"form":{}}}));
    let question = json!({"method":"elicitation/create","params":{"mode":"form","message":"Sure?",
        "requestedSchema":{"type":"object","properties":{}}}});
    let serve = async {
        let call = peer.call().await;
        assert_eq!((call.header("mcp-name"), call.header("mcp-param-region")), (Some("work"), Some("north")));
        call.result(json!({"resultType":"input_required","inputRequests":{"q":question},"requestState":"s"}));
    };
    let (asked, ()) = tokio::join!(house.ask(&ask), serve);
    let (key, got) = asked.asked().remove(0);
    assert_eq!(got["params"]["message"], "Sure?");
    let mut responses = json!({});
    responses[&key] = json!({"action":"accept","content":{}});
    let again = ask.again(2, &asked.json(), responses);
    let serve = async {
        let call = peer.call().await;
        let params = call.json()["params"].clone();
        assert_eq!((&params["name"], &params["requestState"]), (&json!("work"), &json!("s")));
        assert_eq!(params["arguments"], json!({"region":"north"}));
        assert!(params["inputResponses"].is_object());
        call.result(json!({"resultType":"complete","content":[]}));
    };
    let (answer, ()) = tokio::join!(house.ask(&again), serve);
    assert_eq!(answer.json()["result"]["content"], json!([]));
    // What the outer call says of itself is checked as ever.
    let wrong = house.ask(ask.header("mcp-name", "a_work")).await;
    assert_eq!(wrong.code(), -32020);
}

#[tokio::test]
async fn a_legacy_service_asks_a_modern_app_within_such_a_call() {
    let peer = Peer::legacy().await;
    let house = House::before(&peer).await;
    let params = json!({"name":"call_tool","arguments":{"name":"a_work","arguments":{}}});
    let ask = Ask::new(1, "tools/call", params).at("/mcp").can(json!({"elicitation":{"form":{}}}));
    let serve = async {
        let call = peer.call().await;
        let (events, id) = call.stream();
        events
            .say(json!({"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"Sure?",
            "requestedSchema":{"type":"object","properties":{}}}}));
        (events, id)
    };
    let (asked, (events, id)) = tokio::join!(house.ask(&ask), serve);
    let (key, _) = asked.asked().remove(0);
    let mut responses = json!({});
    responses[&key] = json!({"action":"accept","content":{}});
    let serve = async {
        peer.wait_for("", 1).await;
        events.say(json!({"jsonrpc":"2.0","id":id,"result":{"content":[],"done":true}}));
    };
    let (answer, ()) = tokio::join!(house.ask(ask.again(2, &asked.json(), responses)), serve);
    assert_eq!(answer.json()["result"]["done"], true, "{}", answer.json());
    assert_eq!(peer.got("tools/call").len(), 1);
}
