//! Apps that start the bridge, as their configs have it.

use bellhop_tests::{Bellhop, Bridge, Kept, Session, Setup, program};
use serde_json::{Value, json};
use std::{ffi::OsStr, process::Command};

/// Let the app in that waits under this name.
async fn let_in(bellhop: &Bellhop, app: &str) {
    let handle = bellhop.request(app).await;
    bellhop.approve(&handle, &["playground:write"]).await;
}

/// A bridge that was let in and said hello.
async fn ready(bellhop: &Bellhop) -> Bridge {
    let mut bridge = Bridge::start(bellhop, "claude-desktop");
    let id = bridge.request("initialize", &Session::initialize(0)["params"]);
    let_in(bellhop, "Claude Desktop").await;
    let hello = bridge.answer(&id).await;
    assert_eq!(hello["result"]["protocolVersion"], "2025-06-18", "{hello}");
    bridge.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    bridge
}

async fn lists_notes(bridge: &mut Bridge) {
    let answer = bridge.call("playground_list_notes", json!({})).await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
}

/// Proves bridge.1, bridge.2 and bridge.3.
#[tokio::test]
async fn an_app_with_six_variables_is_let_in_once_and_calls() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let mut bridge = ready(&bellhop).await;
    let tools = bridge.ask("tools/list", json!({})).await;
    assert!(tools["result"]["tools"].as_array().is_some_and(|t| !t.is_empty()), "{tools}");
    lists_notes(&mut bridge).await;
    let row = bellhop.connection("Claude Desktop").await;
    assert_eq!(row["method"], "bridge");
    assert!(row["program"]["name"].as_str().is_some_and(|name| name.starts_with("e2e")), "{row}");
    assert_eq!(row["scope"], "playground:write");

    // The same app, started again: nobody is asked a second time.
    let mut second = Bridge::start(&bellhop, "claude-desktop");
    second.hello().await;
    lists_notes(&mut second).await;
    lists_notes(&mut bridge).await;
    assert_eq!(bellhop.json(&["requests"]).await, json!([]));
    assert_eq!(bellhop.json(&["connections"]).await.as_array().map(Vec::len), Some(1));

    bridge.process().close();
    assert!(bridge.process().ended().await.success(), "the end of standard input ends it");
    lists_notes(&mut second).await;
}

/// Proves bridge.4.
#[tokio::test]
async fn what_an_app_sends_before_it_is_let_in_waits() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let mut bridge = Bridge::start(&bellhop, "claude-desktop");
    let hello = bridge.request("initialize", &Session::initialize(0)["params"]);
    bridge.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    let tools = bridge.request("tools/list", &json!({}));
    let_in(&bellhop, "Claude Desktop").await;
    assert!(bridge.answer(&hello).await["result"].is_object());
    let tools = bridge.answer(&tools).await;
    assert!(tools["result"]["tools"].is_array(), "{tools}");
}

/// Proves bridge.5.
#[tokio::test]
async fn a_denied_app_reads_why() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let mut bridge = Bridge::start(&bellhop, "claude-desktop");
    let id = bridge.request("initialize", &Session::initialize(0)["params"]);
    let handle = bellhop.request("Claude Desktop").await;
    bellhop.run(&["deny", &handle]).await.well();
    let answer = bridge.answer(&id).await;
    assert_eq!(answer["error"]["code"], -32010, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("Claude Desktop was not let in."), "{message}");
    assert_eq!(bellhop.json(&["connections"]).await, json!([]));
}

/// Proves bridge.6.
#[tokio::test]
async fn a_line_that_is_no_message_gets_an_error_and_the_next_one_its_answer() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let mut bridge = ready(&bellhop).await;
    bridge.line("{ this is no JSON");
    assert_eq!(bridge.answer(&Value::Null).await["error"]["code"], -32700);
    lists_notes(&mut bridge).await;
    assert!(bridge.process().runs());
}

/// Proves bridge.7.
#[tokio::test]
async fn a_revoked_app_reads_why_and_its_call_ends() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let mut bridge = ready(&bellhop).await;
    let arguments = json!({ "steps": 600, "pause_ms": 50 });
    let params =
        json!({ "name": "playground_slow_count", "arguments": arguments, "_meta": { "progressToken": 1 } });
    let slow = bridge.request("tools/call", &params);
    bridge
        .process()
        .line("how far it is", |line| line.contains("notifications/progress").then_some(()))
        .await;
    let row = bellhop.connection("Claude Desktop").await;
    bellhop.run(&["connections", "revoke", row["name"].as_str().unwrap()]).await.well();
    let answer = bridge.answer(&slow).await;
    assert!(answer["error"]["message"].is_string(), "{answer}");
    assert_eq!(bellhop.connection("Claude Desktop").await["state"]["state"], "revoked");
}

/// Proves bridge.8.
#[tokio::test]
async fn the_bridge_outlives_a_restart() {
    let mut bellhop = Bellhop::kept().await.with_playground().await;
    let mut bridge = ready(&bellhop).await;
    lists_notes(&mut bridge).await;
    bellhop.restart().await;
    lists_notes(&mut bridge).await;
    bellhop.crash();
    bellhop.serve().await;
    lists_notes(&mut bridge).await;
    assert_eq!(bellhop.json(&["requests"]).await, json!([]), "nobody was asked again");
}

/// Proves bridge.9: where nothing runs and there is no display, the bridge starts `bellhop serve`.
#[tokio::test]
async fn the_bridge_starts_bellhop_where_it_does_not_run() {
    let mut bellhop = Bellhop::kept().await.with_playground().await;
    let mut bridge = ready(&bellhop).await;
    lists_notes(&mut bridge).await;
    bellhop.stop().await;
    bellhop.run(&["status"]).await.refused("Bellhop isn't answering.");

    let mut later = Bridge::start(&bellhop, "claude-desktop");
    later.hello().await;
    lists_notes(&mut later).await;
    let status = bellhop.json(&["status"]).await;
    assert_eq!(status["desktop"], false);
    assert_eq!(status["endpoint"], bellhop.url("/mcp"), "on the port that the apps' configs name");
    // The one that was there all along finds it as well.
    lists_notes(&mut bridge).await;

    later.process().close();
    later.process().ended().await;
    assert_eq!(
        bellhop.json(&["status"]).await["pid"],
        status["pid"],
        "it outlives the bridge that started it"
    );
}

/// Proves bridge.10: all files are under a HOME of more than 150 characters, and nothing else is said.
#[tokio::test]
async fn a_long_home_is_no_hindrance() {
    let person = format!("home/{}", "n".repeat(150));
    let home = format!("{person}/.local/share/bellhop");
    let mut bellhop = Bellhop::cold(Setup { kept: Kept::File, home, person, ..Setup::default() });
    bellhop.serve().await;
    let mut bellhop = bellhop.with_playground().await;
    let start = || -> Command {
        // The six variables and nothing else, also no --home.
        let mut command = bellhop.bare(program("bellhop"));
        command.args([OsStr::new("mcp"), "--app".as_ref(), "cursor".as_ref()]);
        command
    };
    let mut bridge = Bridge::from(start());
    let id = bridge.request("initialize", &Session::initialize(0)["params"]);
    let_in(&bellhop, "Cursor").await;
    assert!(bridge.answer(&id).await["result"].is_object());
    lists_notes(&mut bridge).await;
    let again = start();
    bellhop.stop().await;
    let mut bridge = Bridge::from(again);
    bridge.hello().await;
    lists_notes(&mut bridge).await;
}
