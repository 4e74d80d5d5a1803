//! Subscriptions of apps of the modern era.

use crate::{
    peer::Peer,
    said::until,
    support::{House, Stream, limits},
    visit::Ask,
};
use http::StatusCode;
use serde_json::{Value, json};

const ID: &str = "io.modelcontextprotocol/subscriptionId";

fn listen(id: &str, wanted: Value) -> Ask {
    Ask::new(id, "subscriptions/listen", json!({"notifications":wanted}))
}

async fn next(stream: &mut Stream) -> Value {
    stream.next().await.expect("something said")
}

fn changed(kind: &str) -> Value {
    json!({"jsonrpc":"2.0","method":format!("notifications/{kind}/list_changed")})
}

#[tokio::test]
async fn a_subscription_is_acknowledged_first_and_all_it_says_is_tagged_with_its_id() {
    for (peer, own) in [(Peer::legacy().await, 1), (Peer::modern().await, 1)] {
        let house = House::before(&peer).await;
        house.ask(Ask::new(1, "tools/list", json!({}))).await;
        peer.wait_for_listeners(own).await;
        let wanted = json!({"toolsListChanged":true,"promptsListChanged":false,"unknown":true});
        let mut all = house.ask_stream(listen("one", wanted.clone()).at("/mcp")).await;
        let mut prompts = house.ask_stream(listen("two", json!({"promptsListChanged":true}))).await;
        let first = next(&mut all).await;
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
        assert_eq!(first["params"], json!({"notifications":{"toolsListChanged":true},"_meta":{ID:"one"}}));
        assert_eq!(next(&mut prompts).await["params"]["_meta"][ID], "two");
        peer.set(|s| s.tools.push(json!({"name":"fresh","inputSchema":{"type":"object"}})));
        peer.say(&changed("tools"));
        let told = next(&mut all).await;
        assert_eq!(told["method"], "notifications/tools/list_changed");
        assert_eq!(told["params"]["_meta"][ID], "one");
        // It was said once the list has it.
        let listed = house.ask(Ask::new(1, "tools/list", json!({})).at("/mcp")).await.json();
        assert!(listed.to_string().contains("a_fresh"));
        // Who did not ask for tools hears nothing of them; the end is the next that is said.
        house.revoke();
        let end = next(&mut prompts).await;
        assert_eq!((&end["id"], &end["result"]["resultType"]), (&json!("two"), &json!("complete")));
        assert_eq!(end["result"]["_meta"][ID], "two");
        assert_eq!(prompts.next().await, None);
        assert_eq!(next(&mut all).await["id"], "one");
        assert_eq!(all.next().await, None);
    }
}

#[tokio::test]
async fn the_first_request_ever_may_be_a_subscription() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let house = House::before(&peer).await;
        let wanted = json!({"toolsListChanged":true,"resourceSubscriptions":["x://one"]});
        let mut stream = house.ask_stream(listen("s", wanted.clone())).await;
        assert_eq!(next(&mut stream).await["params"]["notifications"], wanted);
        // Bellhop's own, and the one for the resource.
        peer.wait_for_listeners(2).await;
        peer.set(|s| s.tools.clear());
        peer.say(&changed("tools"));
        assert_eq!(next(&mut stream).await["method"], "notifications/tools/list_changed");
    }
}

#[tokio::test]
async fn what_can_not_be_heard_of_is_left_out_of_what_is_acknowledged() {
    let peer = Peer::legacy().await;
    peer.set(|s| s.capabilities = json!({"tools":{}}));
    let house = House::before(&peer).await;
    house.ask(Ask::new(1, "tools/list", json!({}))).await;
    let wanted =
        json!({"toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["x://one", 7]});
    let mut stream = house.ask_stream(listen("s", wanted)).await;
    assert_eq!(next(&mut stream).await["params"]["notifications"], json!({"toolsListChanged":true}));
    let missing = house.ask(Ask::new(1, "subscriptions/listen", json!({}))).await;
    assert_eq!((missing.status, missing.code()), (StatusCode::OK, -32602));
}

#[tokio::test]
async fn resources_of_services_of_both_eras_are_heard_of_under_the_names_that_apps_know() {
    let (old, new) = (Peer::legacy().await, Peer::modern().await);
    let services = [("a", old.url()), ("b", new.url())];
    let house = House::new(&services, "a:read b:read", limits()).await;
    house.ask(Ask::new(1, "resources/list", json!({})).at("/mcp")).await;
    let uris = json!(["bellhop://a/x://one", "bellhop://b/x://one"]);
    let mut stream = house.ask_stream(listen("s", json!({"resourceSubscriptions":uris})).at("/mcp")).await;
    assert_eq!(next(&mut stream).await["params"]["notifications"]["resourceSubscriptions"], uris);
    let asked = old.wait_for("resources/subscribe", 1).await;
    assert_eq!(asked[0].json()["params"], json!({"uri":"x://one"}));
    let is = |g: &crate::service::Got| {
        g.json()["params"]["notifications"]["resourceSubscriptions"] == json!(["x://one"])
    };
    until(|| new.got("subscriptions/listen").iter().any(is).then_some(()), "a subscription").await;
    let update =
        json!({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x://one"}});
    for (peer, uri) in [(&old, "bellhop://a/x://one"), (&new, "bellhop://b/x://one")] {
        peer.say(&update);
        let told = next(&mut stream).await;
        assert_eq!(told["method"], "notifications/resources/updated");
        assert_eq!(told["params"], json!({"uri":uri,"_meta":{ID:"s"}}));
    }
    // With the app's stream, those at the services end.
    let sessions = old.sessions();
    drop(stream);
    old.wait_for_sessions(sessions - 1).await;
    new.wait_for_listeners(1).await;
}

#[tokio::test]
async fn no_more_subscriptions_are_open_for_one_app_than_the_limit() {
    let peer = Peer::modern().await;
    let limits = bellhop_relay::Limits { sessions: 2, ..limits() };
    let house = House::new(&[("a", peer.url())], "a:read", limits).await;
    let other = house.beside("connection-2", "a:read").await;
    let wanted = json!({"toolsListChanged":true});
    let mut others = other.ask_stream(listen("other", wanted.clone())).await;
    let mut streams = Vec::new();
    for id in ["one", "two", "three"] {
        let mut stream = house.ask_stream(listen(id, wanted.clone())).await;
        assert_eq!(next(&mut stream).await["method"], "notifications/subscriptions/acknowledged");
        streams.push(stream);
    }
    let end = next(&mut streams[0]).await;
    assert_eq!((&end["id"], &end["result"]["resultType"]), (&json!("one"), &json!("complete")));
    assert_eq!(streams[0].next().await, None);
    // Room is made within a connection alone.
    next(&mut others).await;
    peer.wait_for_listeners(1).await;
    peer.set(|s| s.tools.clear());
    peer.say(&changed("tools"));
    for stream in streams[1..].iter_mut().chain([&mut others]) {
        assert_eq!(next(stream).await["method"], "notifications/tools/list_changed");
    }
}

#[tokio::test]
async fn a_subscription_hears_nothing_of_services_outside_of_its_scope() {
    let (a, b) = (Peer::legacy().await, Peer::legacy().await);
    let house = House::new(&[("a", a.url()), ("b", b.url())], "a:read", limits()).await;
    house.relay.refresh_inventory(&"id-b".into()).await.unwrap();
    house.ask(Ask::new(1, "tools/list", json!({})).at("/mcp")).await;
    a.wait_for_listeners(1).await;
    b.wait_for_listeners(1).await;
    let uris = json!(["bellhop://b/x://one"]);
    let wanted = json!({"toolsListChanged":true,"resourceSubscriptions":uris});
    let mut stream = house.ask_stream(listen("s", wanted).at("/mcp")).await;
    assert_eq!(next(&mut stream).await["params"]["notifications"], json!({"toolsListChanged":true}));
    b.set(|s| s.tools.clear());
    b.say(&changed("tools"));
    until(|| house.relay.tools(&"id-b".into()).is_empty().then_some(()), "the change").await;
    a.set(|s| s.tools.clear());
    a.say(&changed("tools"));
    assert_eq!(next(&mut stream).await["method"], "notifications/tools/list_changed");
    house.revoke();
    assert_eq!(next(&mut stream).await["id"], "s", "heard once, of its own");
    assert!(b.got("resources/subscribe").is_empty());
    let refused = house.ask(listen("t", json!({"toolsListChanged":true})).at("/mcp/b")).await;
    assert_eq!(refused.json()["error"]["data"]["code"], "relay.no_service");
}

#[tokio::test]
async fn nobody_is_asked_for_changes_of_a_resource_that_says_none() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        peer.set(|s| s.capabilities = json!({"resources":{}}));
        let house = House::before(&peer).await;
        house.ask(Ask::new(1, "resources/list", json!({}))).await;
        let listeners = peer.got("subscriptions/listen").len();
        let mut stream = house.ask_stream(listen("s", json!({"resourceSubscriptions":["x://one"]}))).await;
        let acknowledged = next(&mut stream).await;
        assert_eq!(acknowledged["params"]["notifications"], json!({}), "{acknowledged}");
        // Whatever were asked of it would have come before this.
        house.ask(Ask::new(2, "resources/list", json!({}))).await;
        assert!(peer.got("resources/subscribe").is_empty());
        assert_eq!(peer.got("subscriptions/listen").len(), listeners);
    }
}
