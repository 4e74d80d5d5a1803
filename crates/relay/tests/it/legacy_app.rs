//! An app of the legacy era before a service of the modern one.

use crate::{
    peer::Peer,
    said::{Call, Events},
    support::{House, Stream, call},
    visit::{CAPABILITIES, LEVEL, VERSION},
};
use serde_json::{Value, json};
use std::time::Duration;

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

/// A call on a stream, and what the service got.
async fn begun(house: &House, peer: &Peer, session: &str, body: &Value) -> (Stream, Events, Call) {
    let (stream, (events, call)) = tokio::join!(house.stream("/mcp/a", session, body.to_string()), async {
        let call = peer.call().await;
        let seen = Call::clone_of(&call);
        (call.stream().0, seen)
    });
    (stream, events, call)
}

#[tokio::test]
async fn initialize_and_ping_of_a_legacy_app_are_answered_here_and_calls_get_what_the_modern_era_requires() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let (session, opened) = house.open_as("/mcp/a", NEWEST).await;
    assert_eq!((&opened["protocolVersion"], &opened["serverInfo"]["name"]), (&json!(NEWEST), &json!("peer")));
    assert_eq!(opened["instructions"], "Be kind.");
    for stripped in ["resultType", "ttlMs", "cacheScope", "_meta"] {
        assert!(opened[stripped].is_null(), "{stripped}");
    }
    let pong = house.post("/mcp/a", &session, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await;
    assert_eq!(pong.json()["result"], json!({}));
    let served = async {
        let call = peer.call().await;
        let json = call.json();
        assert_eq!(json["params"]["arguments"], json!({"n":1.5}));
        let meta = &json["params"]["_meta"];
        assert_eq!(meta[VERSION], "2026-07-28");
        // Only what the app declared.
        assert_eq!(meta[CAPABILITIES], json!({"elicitation":{},"new":{"x":1}}));
        assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "bellhop");
        assert_eq!(call.header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!((call.header("mcp-method"), call.header("mcp-name")), (Some("tools/call"), Some("work")));
        assert_eq!(call.header("mcp-session-id"), None);
        call.result(
            r#"{"resultType":"complete","ttlMs":5,"cacheScope":"public","content":[{"type":"new","n":1e400}],"new":1}"#,
        );
    };
    let body = work(7);
    let (reply, ()) = tokio::join!(house.tell("/mcp/a", &session, &body), served);
    let want = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"new","n":1e400}],"new":1}}"#;
    assert_eq!(reply.texts[0], want);
    for method in ["ping", "notifications/initialized"] {
        assert!(peer.got(method).is_empty(), "{method}");
    }
    let again = async { peer.call().await.result(r#"{"resultType":"complete"}"#) };
    let body = work(8);
    tokio::join!(house.tell("/mcp/a", &session, &body), again);
    assert_eq!(peer.got("initialize").len(), 1, "whether it also takes sessions is asked once");
}

#[tokio::test]
async fn codes_of_the_modern_era_alone_are_hidden_from_a_legacy_app() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let session = house.open("/mcp/a").await;
    for (status, code, want) in
        [(400, -32021, -32600), (400, -32022, -32600), (400, -32602, -32602), (404, -32601, -32601)]
    {
        let served = async {
            peer.call().await.error(status, &json!({"code":code,"message":"m","data":{"x":1}}));
        };
        let body = work(1);
        let (reply, ()) = tokio::join!(house.tell("/mcp/a", &session, &body), served);
        assert_eq!((reply.status.as_u16(), reply.code()), (200, want));
        assert_eq!(reply.json()["error"]["data"], json!({"x":1}));
    }
}

#[tokio::test]
async fn schemas_and_structured_results_that_are_no_objects_are_kept_from_legacy_apps_alone() {
    let peer = Peer::modern().await;
    peer.set(|s| {
        s.tools = vec![
            json!({"name":"work","inputSchema":{"type":"object"},"outputSchema":{"type":"array"},"new":1}),
            json!({"name":"fine","inputSchema":{"type":"object"},"outputSchema":{"type":"object"}}),
        ];
    });
    let house = House::before(&peer).await;
    for path in ["/mcp/a", "/mcp"] {
        let session = house.open(path).await;
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        let listed = house.tell(path, &session, &body).await.json();
        let tools = &listed["result"]["tools"];
        assert!(tools[0]["outputSchema"].is_null() && tools[0]["new"] == 1, "{listed}");
        assert_eq!(tools[1]["outputSchema"], json!({"type":"object"}));
        for stripped in ["resultType", "ttlMs", "cacheScope"] {
            assert!(listed["result"][stripped].is_null());
        }
        let ask = crate::visit::Ask::new(1, "tools/list", json!({})).at(path);
        let modern = house.ask(ask).await.json();
        assert_eq!(modern["result"]["tools"][0]["outputSchema"], json!({"type":"array"}));
    }
    let session = house.open("/mcp/a").await;
    let served = async {
        peer.call().await.result(json!({"resultType":"complete","content":[],"structuredContent":[1]}));
    };
    let body = work(1);
    let (reply, ()) = tokio::join!(house.tell("/mcp/a", &session, &body), served);
    assert_eq!(reply.json()["result"], json!({"content":[]}));
}

#[tokio::test]
async fn the_level_of_a_legacy_app_goes_with_each_call_to_a_modern_service() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let session = house.open("/mcp/a").await;
    let level = async |n: u32| {
        let served = async {
            let call = peer.call().await;
            let level = call.json()["params"]["_meta"][LEVEL].clone();
            call.result(json!({"resultType":"complete"}));
            level
        };
        let body = work(n);
        tokio::join!(house.tell("/mcp/a", &session, &body), served).1
    };
    assert_eq!(level(1).await, "info", "it hears what there is");
    for (said, want) in [("error", "error"), ("debug", "debug")] {
        let body = json!({"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":said}});
        assert_eq!(house.tell("/mcp/a", &session, &body).await.json()["result"], json!({}));
        assert_eq!(level(2).await, want);
    }
    let body = json!({"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"loud"}});
    assert_eq!(house.tell("/mcp/a", &session, &body).await.code(), -32602);
    assert!(peer.got("logging/setLevel").is_empty());
}

#[tokio::test]
async fn a_legacy_apps_resource_subscription_is_held_for_it_at_a_modern_service() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let session = house.open("/mcp").await;
    house.post("/mcp", &session, r#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#).await;
    let mut stream = house.listen("/mcp", &session).await;
    peer.wait_for_listeners(1).await;
    let subscribe = |on: bool| {
        let method = if on { "resources/subscribe" } else { "resources/unsubscribe" };
        json!({"jsonrpc":"2.0","id":1,"method":method,"params":{"uri":"x://one"}})
    };
    assert_eq!(house.tell("/mcp", &session, &subscribe(true)).await.json()["result"], json!({}));
    peer.wait_for_listeners(2).await;
    let update = json!({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x://one","_meta":{"io.modelcontextprotocol/subscriptionId":"x"}}});
    peer.say(&update);
    let told = stream.next().await.unwrap();
    assert_eq!(
        told,
        json!({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x://one"}})
    );
    assert_eq!(house.tell("/mcp", &session, &subscribe(false)).await.json()["result"], json!({}));
    peer.wait_for_listeners(1).await;
    // With the session, what is held for it ends.
    house.tell("/mcp", &session, &subscribe(true)).await;
    peer.wait_for_listeners(2).await;
    house.send(http::Method::DELETE, "/mcp", &[("mcp-session-id", &session)], "").await;
    peer.wait_for_listeners(1).await;
    assert!(peer.got("resources/subscribe").is_empty());
}

#[tokio::test]
async fn a_subscription_that_is_cut_again_and_again_is_made_again_as_soon_each_time() {
    let peer = Peer::modern().await;
    let limits = bellhop_relay::Limits { listen_again: Duration::from_millis(5), ..crate::support::limits() };
    let house = House::new(&[("a", peer.url())], "a:write", limits).await;
    let session = house.open("/mcp/a").await;
    house.post("/mcp/a", &session, r#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#).await;
    peer.wait_for_listeners(1).await;
    let subscribe = json!({"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"x://one"}});
    house.tell("/mcp/a", &session, &subscribe).await;
    peer.wait_for_listeners(2).await;
    // Were each pause twice the last, the last would take ten minutes.
    for _ in 0..18 {
        peer.cut();
        // Bellhop's own takes its time.
        peer.wait_for_listeners(1).await;
    }
}

#[tokio::test]
async fn a_legacy_apps_cancellation_closes_the_modern_services_stream() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let session = house.open("/mcp/a").await;
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    let (mut stream, events, _) = begun(&house, &peer, &session, &work(1)).await;
    house.post("/mcp/a", &session, cancel).await;
    events.closed().await;
    assert_eq!(stream.next().await, None);
    assert_eq!(house.logged(0).await.outcome, "cancelled");
    // While the app is being asked.
    let served = async { peer.call().await.result(asks(&json!({"k":elicit("?")}))) };
    let (mut stream, ()) = tokio::join!(house.stream("/mcp/a", &session, work(1).to_string()), served);
    stream.next().await.unwrap();
    house.post("/mcp/a", &session, cancel).await;
    assert_eq!(stream.next().await, None);
    // The app that merely goes away closes it too.
    let (stream, events, _) = begun(&house, &peer, &session, &work(2)).await;
    drop(stream);
    events.closed().await;
    assert!(peer.got("notifications/cancelled").is_empty());
    assert_eq!(peer.got("tools/call").len(), 3, "nothing was retried");
}

#[tokio::test]
async fn a_tool_with_invalid_header_annotations_is_left_out() {
    let peer = Peer::modern().await;
    let tool = |name: &str, header: &str| json!({"name":name,"inputSchema":{"type":"object","properties":{"r":{"type":"string","x-mcp-header":header}}}});
    peer.set(|s| s.tools = vec![tool("good", "Region"), tool("bad", "My Region")]);
    let house = House::before(&peer).await;
    let session = house.open("/mcp").await;
    let listed = house.post("/mcp", &session, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    assert!(listed.text.contains("a_good") && !listed.text.contains("a_bad"), "{}", listed.text);
    let modern = house.ask(crate::visit::Ask::new(1, "tools/list", json!({})).at("/mcp")).await.json();
    assert_eq!(modern["result"]["tools"].as_array().unwrap().len(), 1);
    assert_eq!(house.call("/mcp", &session, "a_bad").await.code(), -32602);
}

#[tokio::test]
async fn arguments_that_a_service_wants_in_other_headers_than_before_are_looked_up_and_the_call_retried_once()
{
    let peer = Peer::modern().await;
    let tool = |header: &str| json!({"name":"work","inputSchema":{"type":"object","properties":{"n":{"type":"string","x-mcp-header":header}}}});
    peer.set(|s| s.tools = vec![tool("Old")]);
    let house = House::before(&peer).await;
    let session = house.open("/mcp/a").await;
    let body =
        json!({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"work","arguments":{"n":"x"}}});
    house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
    peer.set(|s| s.tools = vec![tool("New")]);
    let mismatch = json!({"code":-32020,"message":"Mcp-Param-New is missing"});
    let served = async {
        let call = peer.call().await;
        assert_eq!((call.header("mcp-param-old"), call.header("mcp-param-new")), (Some("x"), None));
        call.error(400, &mismatch);
        let call = peer.call().await;
        assert_eq!((call.header("mcp-param-old"), call.header("mcp-param-new")), (None, Some("x")));
        call.result(json!({"resultType":"complete","content":[]}));
    };
    let (reply, ()) = tokio::join!(house.tell("/mcp/a", &session, &body), served);
    assert_eq!(reply.json()["result"], json!({"content":[]}));
    // Once: a service that never has enough is refused in the end.
    let served = async {
        peer.call().await.error(400, &mismatch);
        peer.call().await.error(400, &mismatch);
    };
    let (reply, ()) = tokio::join!(house.tell("/mcp/a", &session, &body), served);
    assert_eq!(reply.code(), -32600);
}

#[tokio::test]
async fn a_batch_of_a_legacy_app_is_answered_by_a_modern_service_message_by_message() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let session = house.open_with("/mcp/a", "2025-03-26", json!({"sampling":{}})).await;
    let body = format!(
        "[{},{},{}]",
        call(1, "work"),
        call(2, "work"),
        r#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#
    );
    let served = async {
        peer.call().await.result(asks(&json!({"k":{"method":"sampling/createMessage","params":{}}})));
    };
    let (mut stream, ()) = tokio::join!(house.stream("/mcp/a", &session, body), served);
    // A question within a batch reaches the app while the batch is under way.
    let question = stream.next().await.unwrap();
    assert_eq!(question["method"], "sampling/createMessage");
    let said = json!({"jsonrpc":"2.0","id":question["id"],"result":{"x":1}}).to_string();
    house.post("/mcp/a", &session, &said).await;
    let served = async {
        for n in [1, 2] {
            peer.call().await.result(json!({"resultType":"complete","n":n}));
        }
    };
    let read = async {
        let mut ids = Vec::new();
        while let Some(message) = stream.next().await {
            ids.push((message["id"].clone(), message["result"].clone()));
        }
        ids
    };
    let (answers, ()) = tokio::join!(read, served);
    let want = [(json!(1), json!({"n":1})), (json!(2), json!({"n":2})), (json!(3), json!({}))];
    assert_eq!(answers, want);
}
