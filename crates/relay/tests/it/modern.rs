//! Apps and services of the modern era.

use crate::{
    peer::Peer,
    support::{House, limits},
    visit::{Ask, CAPABILITIES, VERSION},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn a_modern_call_reaches_a_modern_service_as_it_was_written_and_so_does_the_answer() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let sent = r#"{"jsonrpc":"2.0","id":"\u0069-1","method":"tools/call","params":{"name":"work","arguments":{"n":1e400,"m":123456789012345678901234567890.10,"s":"\ud83d\ude00\/","z":null},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"new":{}},"progressToken":7,"x.y/z":[{}]},"new":1.0}}"#;
    let said = r#"{"jsonrpc":"2.0","id":"\u0069-1","result":{"resultType":"complete","content":[{"type":"new","n":1e400}],"new":{"u":"\u00e4","m":1.10},"_meta":{"a/b":1}},"more":[1.0]}"#;
    let headers = [
        ("content-type", "application/json"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "work"),
    ];
    let served = async {
        let call = peer.call().await;
        assert_eq!(call.text, sent);
        call.message(200, said.to_owned());
    };
    let (reply, ()) = tokio::join!(house.send(Method::POST, "/mcp/a", &headers, sent), served);
    assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, said));
    assert_eq!(house.logged(0).await.outcome, "ok");
}

#[tokio::test]
async fn a_modern_service_gets_headers_that_mirror_what_it_gets_and_nothing_of_the_apps() {
    let peer = Peer::modern().await;
    peer.set(|s| {
        s.tools = vec![json!({"name":"wörk","inputSchema":{"type":"object","properties":{
            "region":{"type":"string","x-mcp-header":"Region"},"row":{"type":"integer","x-mcp-header":"Row"}}}})];
    });
    let house = House::before(&peer).await;
    let listed = house.ask(Ask::new(1, "tools/list", json!({})).at("/mcp")).await.json();
    let public = listed["result"]["tools"][0]["name"].as_str().unwrap().to_owned();
    let encoded = |text: &str| protocol::mirror::encode(text).to_str().unwrap().to_owned();
    let ask = Ask::new(1, "tools/call", json!({"name":public,"arguments":{"region":"Süd","row":7}}))
        .at("/mcp")
        .header("mcp-name", &encoded(&public))
        .header("mcp-param-region", &encoded("Süd"))
        .header("mcp-param-row", "7")
        .header("mcp-param-other", "x")
        .header("mcp-session-id", "none")
        .header("cookie", "a=b");
    let served = async {
        let call = peer.call().await;
        assert_eq!(call.json()["params"]["name"], "wörk");
        assert_eq!(call.header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!(call.header("mcp-method"), Some("tools/call"));
        assert_eq!(call.header("mcp-name"), Some(encoded("wörk").as_str()));
        assert_eq!(call.header("mcp-param-region"), Some(encoded("Süd").as_str()));
        assert_eq!(call.header("mcp-param-row"), Some("7"));
        assert_eq!(call.header("authorization"), Some("Bearer token-0"));
        for absent in ["mcp-param-other", "mcp-session-id", "cookie"] {
            assert_eq!(call.header(absent), None, "{absent}");
        }
        call.result(json!({"resultType":"complete"}));
    };
    let (answer, ()) = tokio::join!(house.ask(&ask), served);
    assert_eq!(answer.json()["result"]["resultType"], "complete");
    // A header that says otherwise than the argument is refused before the service hears of it.
    for wrong in [ask.clone().header("mcp-param-row", "8"), ask.clone().header("mcp-param-region", "")] {
        let refused = house.ask(&wrong).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, -32020));
    }
    assert_eq!(peer.got("tools/call").len(), 1);
}

#[tokio::test]
async fn a_modern_request_that_contradicts_its_headers_or_says_too_little_is_refused() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let good = Ask::work(1);
    for wrong in [
        good.clone().header("mcp-method", "tools/list"),
        good.clone().header("mcp-method", ""),
        good.clone().header("mcp-name", "write"),
        good.clone().header("mcp-name", ""),
        good.clone().header("mcp-protocol-version", "2025-11-25"),
    ] {
        let refused = house.ask(&wrong).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, -32020), "{}", refused.json());
        assert_eq!(refused.json()["id"], 1);
    }
    let without = |name: &str| {
        let mut ask = good.clone();
        ask.body["params"]["_meta"].as_object_mut().unwrap().remove(name);
        ask
    };
    let mut bare = good.clone();
    bare.body["params"].as_object_mut().unwrap().remove("_meta");
    for wrong in [without(VERSION), without(CAPABILITIES), bare, good.clone().meta(CAPABILITIES, 7)] {
        let refused = house.ask(&wrong).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, -32602), "{}", refused.json());
    }
    let refused = house.ask(&good.clone().meta(VERSION, "2099-01-01")).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, -32022));
    let data = &refused.json()["error"]["data"];
    assert_eq!(data["requested"], "2099-01-01");
    assert!(data["supported"].as_array().unwrap().contains(&json!("2026-07-28")));
    assert!(peer.got("tools/call").is_empty());
}

#[tokio::test]
async fn methods_of_the_legacy_era_alone_are_none_in_the_modern_one() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"] {
        for path in ["/mcp", "/mcp/a"] {
            let refused = house.ask(Ask::new(1, method, json!({"uri":"x://one"})).at(path)).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, -32601), "{method}");
        }
    }
    for method in [Method::GET, Method::DELETE] {
        let reply = house.send(method, "/mcp/a", &[("mcp-protocol-version", "2026-07-28")], "").await;
        assert!(reply.status.is_client_error(), "{}", reply.status);
    }
}

#[tokio::test]
async fn an_unknown_method_passes_to_one_modern_service_and_its_refusal_back() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let ask = Ask::new(1, "future/thing", json!({"n":1.5,"name":"x"}));
    let served = async {
        let call = peer.call().await;
        assert_eq!(call.text, ask.body.to_string());
        assert_eq!((call.header("mcp-method"), call.header("mcp-name")), (Some("future/thing"), None));
        call.error(404, &json!({"code":-32601,"message":"no such method","data":{"x":1}}));
    };
    let (answer, ()) = tokio::join!(house.ask(&ask), served);
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let error = json!({"code":-32601,"message":"no such method","data":{"x":1}});
    assert_eq!(answer.json(), json!({"jsonrpc":"2.0","id":1,"error":error}));
    let refused = house.ask(&ask.clone().at("/mcp")).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, -32601));
}

#[tokio::test]
async fn errors_of_a_modern_service_keep_their_status() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    for (status, code, want) in
        [(400, -32602, 400), (400, -32021, 400), (404, -32601, 404), (200, -32603, 200), (200, -32021, 400)]
    {
        let served = async {
            let error = json!({"code":code,"message":"m","data":{"requiredCapabilities":{"sampling":{}}}});
            peer.call().await.error(status, &error);
        };
        let (answer, ()) = tokio::join!(house.ask(Ask::work(3)), served);
        assert_eq!((answer.status.as_u16(), answer.code()), (want, code));
        assert_eq!(answer.json()["error"]["data"]["requiredCapabilities"], json!({"sampling":{}}));
    }
    // What is no message is one error of ours.
    let served = async { peer.call().await.respond((StatusCode::BAD_GATEWAY, "oops")) };
    let (answer, ()) = tokio::join!(house.ask(Ask::work(4)), served);
    let answer = answer.json();
    assert_eq!((&answer["id"], &answer["error"]["data"]["code"]), (&json!(4), &json!("relay.status")));
}

#[tokio::test]
async fn what_a_modern_service_asks_first_passes_as_it_is_and_the_answers_too() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let result = json!({"resultType":"input_required","requestState":"st\u{e4}te",
        "inputRequests":{"k\u{e9}y":{"method":"elicitation/create","params":{"message":"?","new":[1]}}}});
    for path in ["/mcp/a", "/mcp"] {
        let mut ask = Ask::work(1).at(path).can(json!({"elicitation":{}}));
        if path == "/mcp" {
            ask = ask.param("name", "a_work");
        }
        let served = async { peer.call().await.result(&result) };
        let (asked, ()) = tokio::join!(house.ask(&ask), served);
        let asked = asked.json();
        assert_eq!(asked["result"], result);
        let responses = json!({"k\u{e9}y":{"action":"accept","content":{"x":1.5}}});
        let again = ask.again("two", &asked, responses);
        let served = async {
            let call = peer.call().await;
            let mut own = again.body.clone();
            own["params"]["name"] = "work".into();
            assert_eq!(call.json(), own);
            call.result(json!({"resultType":"complete","content":[]}));
        };
        let (done, ()) = tokio::join!(house.ask(&again), served);
        assert_eq!(done.json()["id"], "two");
        assert_eq!(done.json()["result"]["resultType"], "complete");
    }
}

#[tokio::test]
async fn a_modern_services_stream_passes_as_it_comes_and_the_answer_ends_it() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let ask = Ask::work(1).meta("progressToken", "p");
    let (stream, call) = tokio::join!(house.ask_stream(&ask), async { peer.call().await.stream() });
    let (mut stream, (events, id)) = (stream, call);
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1,"new":1e400}}"#;
    let future = r#"{"jsonrpc":"2.0","method":"notifications/future","params":{"n":1.0}}"#;
    for said in [progress, future] {
        events.say(said);
        assert_eq!(stream.event().await.unwrap().data, said);
    }
    events.say(json!({"jsonrpc":"2.0","id":2,"result":{"wrong":true}}));
    let last = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","n":1e400}}}}"#);
    events.say(&last);
    assert_eq!(stream.event().await.unwrap().data, last);
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn an_app_that_closes_its_stream_closes_the_modern_services_and_nothing_else_is_said() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let (stream, (events, _)) =
        tokio::join!(house.ask_stream(Ask::work(1)), async { peer.call().await.stream() });
    drop(stream);
    events.closed().await;
    assert_eq!(house.logged(0).await.outcome, "cancelled");
    // Also before the service has begun to answer.
    let ask = Ask::work(2);
    tokio::select! {
        answer = house.ask(&ask) => panic!("answered: {}", answer.json()),
        call = peer.call() => drop(call),
    }
    assert_eq!(house.logged(1).await.outcome, "cancelled");
    assert!(peer.got("notifications/cancelled").is_empty());
    house.connection.gate.close();
    house.connection.gate.drained().await;
}

#[tokio::test]
async fn revoking_ends_a_modern_call_with_one_error_and_closes_the_services_stream() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let (mut stream, (events, _)) =
        tokio::join!(house.ask_stream(Ask::work("x")), async { peer.call().await.stream() });
    house.revoke();
    let last = stream.next().await.unwrap();
    assert_eq!((&last["id"], &last["error"]["data"]["code"]), (&json!("x"), &json!("relay.revoked")));
    assert_eq!(stream.next().await, None);
    events.closed().await;
    let answer = house.ask(Ask::work(2)).await.json();
    assert_eq!(answer["error"]["data"]["code"], "relay.revoked");
}

#[tokio::test]
async fn a_modern_app_may_use_one_id_for_two_calls_and_each_gets_its_own_answer() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let ask = |mark: u32| Ask::work(1).param("arguments", json!({"mark":mark}));
    let served = async {
        let (a, b) = (peer.call().await, peer.call().await);
        // In the other order.
        for call in [b, a] {
            let mark = call.json()["params"]["arguments"]["mark"].clone();
            call.result(json!({"resultType":"complete","mark":mark}));
        }
    };
    let (ask1, ask2) = (ask(1), ask(2));
    let (one, two, ()) = tokio::join!(house.ask(&ask1), house.ask(&ask2), served);
    assert_eq!((&one.json()["result"]["mark"], &two.json()["result"]["mark"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn a_modern_app_sees_and_uses_no_more_than_its_scope() {
    let peer = Peer::modern().await;
    let house = House::new(&[("a", peer.url())], "a:read", limits()).await;
    for (path, write) in [("/mcp/a", "write"), ("/mcp", "a_write")] {
        let listed = house.ask(Ask::new(1, "tools/list", json!({})).at(path)).await.json();
        assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 1, "{listed}");
        let ask = Ask::new(1, "tools/call", json!({"name":write})).at(path);
        assert_eq!(house.ask(&ask).await.json()["error"]["data"]["scope"], "a:write");
    }
    let unknown = house.ask(Ask::new(1, "tools/call", json!({"name":"b_x"})).at("/mcp")).await;
    assert_eq!(unknown.code(), -32602);
    assert!(peer.got("tools/call").is_empty());
    let _: Value = house.ask(Ask::new(1, "server/discover", json!({}))).await.json();
}

#[tokio::test]
async fn what_comes_by_the_bridge_has_no_headers_to_contradict_it() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await.by_the_bridge().await;
    let ask = Ask::work(1).header("mcp-method", "").header("mcp-name", "").header("mcp-protocol-version", "");
    let served = async {
        let call = peer.call().await;
        assert_eq!(call.text, ask.body.to_string());
        assert_eq!((call.header("mcp-method"), call.header("mcp-name")), (Some("tools/call"), Some("work")));
        call.result(json!({"resultType":"complete"}));
    };
    let (answer, ()) = tokio::join!(house.ask(&ask), served);
    assert_eq!(answer.json()["result"]["resultType"], "complete", "{}", answer.json());
}

#[tokio::test]
async fn a_modern_services_stream_that_dies_is_one_error() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let served = async {
        let (events, _) = peer.call().await.stream();
        events.say(json!({"jsonrpc":"2.0","method":"notifications/future"}));
    };
    let (answer, ()) = tokio::join!(house.ask(Ask::work(9)), served);
    assert_eq!(answer.texts.len(), 2);
    let last = answer.json();
    assert_eq!((&last["id"], &last["error"]["data"]["code"]), (&json!(9), &json!("relay.died")));
    assert!(peer.got("tools/call").len() == 1, "never done twice");
}

#[tokio::test]
async fn a_stream_on_which_nothing_happens_says_that_it_is_alive() {
    let peer = Peer::modern().await;
    let often = bellhop_relay::Limits { keep_alive: std::time::Duration::from_millis(20), ..limits() };
    let house = House::new(&[("a", peer.url())], "a:write", often).await;
    let session = house.open("/mcp/a").await;
    let served = async { peer.call().await.stream() };
    let (mut modern, _one) = tokio::join!(house.ask_stream(Ask::work(1)), served);
    let served = async { peer.call().await.stream() };
    let body = crate::support::call(1, "work");
    let (mut legacy, _two) = tokio::join!(house.stream("/mcp/a", &session, body), served);
    let listen = Ask::new(1, "subscriptions/listen", json!({"notifications":{}}));
    let mut subscription = house.ask_stream(listen).await;
    let mut listening = house.listen("/mcp/a", &session).await;
    for stream in [&mut modern, &mut legacy, &mut subscription, &mut listening] {
        // More than the one that some begin with.
        for _ in 0..3 {
            stream.comment().await;
        }
    }
}

#[tokio::test]
async fn a_notification_nobody_knows_reaches_the_one_service_and_those_of_the_legacy_era_do_not() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    house.ask(Ask::new(1, "tools/list", json!({}))).await;
    let headers = [("content-type", "application/json"), ("mcp-protocol-version", "2026-07-28")];
    for method in ["notifications/cancelled", "notifications/roots/list_changed", "notifications/future"] {
        let said = json!({"jsonrpc":"2.0","method":method,"params":{"requestId":1,"n":1.5}}).to_string();
        for path in ["/mcp", "/mcp/a"] {
            let taken = house.send(Method::POST, path, &headers, &said).await;
            assert_eq!((taken.status, taken.text.as_str()), (StatusCode::ACCEPTED, ""));
        }
    }
    let got = peer.wait_for("notifications/future", 1).await;
    assert_eq!(got[0].json()["params"], json!({"requestId":1,"n":1.5}));
    assert_eq!(got[0].headers["mcp-method"], "notifications/future");
    house.connection.gate.close();
    house.connection.gate.drained().await;
    assert_eq!(peer.got("notifications/future").len(), 1, "not from the endpoint of all services");
    assert!(peer.got("notifications/cancelled").is_empty());
    assert!(peer.got("notifications/roots/list_changed").is_empty());
}
