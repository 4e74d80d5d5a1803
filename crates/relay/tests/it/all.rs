//! The endpoint of all services: names, scopes, merged lists.

use crate::{
    service::Fixture,
    support::{House, limits},
};
use serde_json::{Value, json};

async fn list(house: &House, session: &str, method: &str, member: &str) -> Vec<Value> {
    let body = json!({"jsonrpc":"2.0","id":1,"method":method}).to_string();
    house.post("/mcp", session, &body).await.json()["result"][member].as_array().unwrap().clone()
}

fn names(list: &[Value]) -> Vec<&str> {
    list.iter().map(|t| t["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lists_are_merged_in_order_and_entries_keep_all_but_their_name() {
    let (a, b) = (Fixture::start().await, Fixture::start().await);
    let house = House::new(&[("a", a.url()), ("b", b.url())], "a:write b:write", limits()).await;
    let session = house.open("/mcp").await;
    let tools = list(&house, &session, "tools/list", "tools").await;
    let own: Vec<_> =
        crate::service::tools().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect();
    let want: Vec<_> = ["a", "b"].iter().flat_map(|s| own.iter().map(move |n| format!("{s}_{n}"))).collect();
    assert_eq!(names(&tools), want);
    let write = tools.iter().find(|t| t["name"] == "b_write").unwrap();
    assert_eq!(*write, json!({"name":"b_write","inputSchema":{"type":"object"},"future":{"a":[1.10]}}));
    assert_eq!(list(&house, &session, "tools/list", "tools").await, tools);
    assert_eq!(names(&list(&house, &session, "prompts/list", "prompts").await), ["a_greet", "b_greet"]);
}

#[tokio::test]
async fn a_tool_that_changes_things_needs_write_and_is_not_even_listed_without() {
    let (a, b) = (Fixture::start().await, Fixture::start().await);
    let house = House::new(&[("a", a.url()), ("b", b.url())], "a:read", limits()).await;
    for (path, tool, echo) in [("/mcp", "a_write", "a_echo"), ("/mcp/a", "write", "echo")] {
        let session = house.open(path).await;
        let listed = house.post(path, &session, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
        assert!(
            listed.text.contains(&format!("\"{echo}\"")) && !listed.text.contains("write"),
            "{}",
            listed.text
        );
        assert!(!listed.text.contains("b_"));
        let refused = house.call(path, &session, tool).await;
        assert_eq!(refused.json()["error"]["data"]["scope"], "a:write");
        assert!(refused.text.contains("allow “a:write”"), "{}", refused.text);
        assert_eq!(house.call(path, &session, "tasks_or_anything").await.json()["result"], Value::Null);
        assert!(house.call(path, &session, echo).await.json()["result"].is_object());
    }
    assert!(a.got("tools/call").iter().all(|g| g.json()["params"]["name"] == "echo"));
    // Of a service outside of its scope an app learns nothing.
    let session = house.open("/mcp").await;
    assert_eq!(house.call("/mcp", &session, "b_echo").await.code(), -32602);
    let refused = house.send(
        http::Method::POST,
        "/mcp/b",
        &[("content-type", "application/json")],
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#,
    );
    assert_eq!(refused.await.json()["error"]["data"]["code"], "relay.no_service");
    assert!(b.got("tools/call").is_empty());
}

#[tokio::test]
async fn a_changed_scope_counts_from_the_next_call_on() {
    let service = Fixture::start().await;
    let house = House::new(&[("a", service.url())], "a:write", limits()).await;
    let session = house.open("/mcp").await;
    assert!(house.call("/mcp", &session, "a_write").await.json()["result"].is_object());
    let grant = bellhop_relay::Grant { name: "Test".into(), scope: "a:read".parse().unwrap() };
    house.connection.grant.store(std::sync::Arc::new(grant));
    assert_eq!(house.call("/mcp", &session, "a_write").await.code(), protocol::code::NOT_ALLOWED);
}

#[tokio::test]
async fn methods_nobody_knows_pass_to_one_service_and_not_to_all() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"future/thing","params":{"taskId":"t","n":1e400}}"#;
    let all = house.open("/mcp").await;
    let reply = house.post("/mcp", &all, body).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (200, -32601));
    let one = house.open("/mcp/a").await;
    assert!(
        house.post("/mcp/a", &one, body).await.text.contains("saw")
            || service.got("future/thing")[0].text == body
    );
    assert_eq!(service.got("future/thing")[0].text, body);
}

#[tokio::test]
async fn prompts_resources_completions_and_levels_find_their_service() {
    let (a, b) = (Fixture::start().await, Fixture::start().await);
    let house = House::new(&[("a", a.url()), ("b", b.url())], "a:read b:read", limits()).await;
    let session = house.open("/mcp").await;
    let send = |method: &str, params: Value| {
        let body = json!({"jsonrpc":"2.0","id":1,"method":method,"params":params}).to_string();
        let (house, session) = (&house, &session);
        async move { house.post("/mcp", session, &body).await.json()["result"]["saw"]["params"].clone() }
    };
    let resources = list(&house, &session, "resources/list", "resources").await;
    assert_eq!(resources[1]["uri"], "bellhop://b/x://shared");
    assert_eq!(send("prompts/get", json!({"name":"b_greet","arguments":{"x":1}})).await["name"], "greet");
    assert_eq!(send("resources/read", json!({"uri":"bellhop://b/x://shared"})).await["uri"], "x://shared");
    assert_eq!(
        send("resources/subscribe", json!({"uri":"bellhop://b/x://shared"})).await["uri"],
        "x://shared"
    );
    let reference =
        json!({"ref":{"type":"ref/prompt","name":"b_greet","title":"t"},"argument":{"name":"x","value":"y"}});
    assert_eq!(
        send("completion/complete", reference).await["ref"],
        json!({"type":"ref/prompt","name":"greet","title":"t"})
    );
    assert!(a.got("prompts/get").is_empty() && a.got("resources/read").is_empty());
    // The level reaches the open session at once and the other one when it is opened.
    send("logging/setLevel", json!({"level":"debug"})).await;
    b.wait_for("logging/setLevel", 1).await;
    house.call("/mcp", &session, "a_echo").await;
    assert_eq!(a.wait_for("logging/setLevel", 1).await[0].json()["params"]["level"], "debug");
}

#[tokio::test]
async fn a_dead_service_is_left_out_and_holds_nobody_back() {
    let (a, b) = (Fixture::start().await, Fixture::start().await);
    b.state.lock().unwrap().silent = true;
    let limits = bellhop_relay::Limits { merge: std::time::Duration::from_millis(300), ..limits() };
    let house = House::new(&[("a", a.url()), ("b", b.url())], "a:write b:write", limits).await;
    let session = house.open("/mcp").await;
    let tools = list(&house, &session, "tools/list", "tools").await;
    assert!(tools.iter().all(|t| t["name"].as_str().unwrap().starts_with("a_")));
    assert!(!tools.is_empty());
}

#[tokio::test]
async fn initialize_says_what_is_behind_the_endpoint() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let all = house.open_as("/mcp", "2025-11-25").await.1;
    assert_eq!(all["serverInfo"]["name"], "bellhop");
    assert!(all["instructions"].as_str().unwrap().contains("a is Service a"));
    assert_eq!(all["capabilities"]["resources"]["subscribe"], true);
    assert!(all["capabilities"]["logging"].is_object() && all["capabilities"]["experimental"].is_null());
    let one = house.open_as("/mcp/a", "2025-11-25").await.1;
    assert_eq!(one["serverInfo"]["name"], "fixture");
    assert_eq!(one["instructions"], "Be kind.");
    assert!(one["capabilities"]["experimental"].is_object());
}
