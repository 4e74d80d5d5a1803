//! The real apps, set up by `bellhop connect` in a home of their own.

use bellhop_tests::{Bellhop, Process, driver, node, peers, program};
use serde_json::Value;
use std::fs;

/// Run a driver to its end, and let the app in that comes with this name meanwhile.
async fn drive(bellhop: &Bellhop, file: &str, app: &str, tool: &str) -> Vec<Value> {
    let home = bellhop.person.to_str().unwrap();
    let mut driver = driver(file, &["--configured", "--home", home, "--tool", tool, "--arguments", "{}"]);
    let handle = bellhop.request(app).await;
    bellhop.approve(&handle, &["playground:write"]).await;
    let done = driver.ended().await;
    assert!(done.success(), "{}\n{}", driver.output(), driver.errors());
    driver.output().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn step<'a>(steps: &'a [Value], event: &str) -> &'a Value {
    steps.iter().rfind(|s| s["event"] == event).unwrap_or_else(|| panic!("no {event} in {steps:?}"))
}

/// Proves clients.1: Codex, set up by Bellhop, signs in and calls a tool through its app server.
#[tokio::test]
async fn codex_signs_in_and_calls_a_tool() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let said = bellhop.run(&["connect", "codex"]).await.well();
    assert!(said.err.contains("codex mcp login bellhop"), "{said:?}");
    let config = fs::read_to_string(bellhop.person.join(".codex/config.toml")).unwrap();
    assert!(config.contains(&bellhop.url("/mcp")), "{config}");

    let steps = drive(&bellhop, "codex.mjs", "Codex", "playground_list_notes").await;
    assert_eq!(step(&steps, "listed")["url"], bellhop.url("/mcp"));
    let tools = step(&steps, "status")["tools"].as_array().unwrap();
    assert!(tools.iter().any(|tool| tool == "playground_write_note"), "{tools:?}");
    assert_eq!(step(&steps, "result")["isError"], false);
    let row = bellhop.connection("Codex").await;
    assert_eq!(row["app_id"], "codex");
    assert_eq!(row["scope"], "playground:write");
    bellhop.logged("the call", |e| e["kind"] == "call" && e["outcome"] == "ok").await;
}

/// Proves clients.2: Claude Code, set up by Bellhop, signs in, says that it is connected, and calls a tool.
#[tokio::test]
async fn claude_code_signs_in_and_calls_a_tool() {
    let bellhop = Bellhop::start().await.with_playground().await;
    bellhop.run(&["connect", "claude-code"]).await.well();
    let steps = drive(&bellhop, "claude.mjs", "Claude Code (bellhop)", "playground_list_notes").await;
    assert_eq!(step(&steps, "listed")["state"], "connected");
    assert_eq!(step(&steps, "result")["isError"], false);
    let row = bellhop.connection("Claude Code").await;
    assert_eq!(row["app_id"], "claude-code");
    bellhop.logged("the call", |e| e["kind"] == "call" && e["outcome"] == "ok").await;
}

/// Proves clients.3: MCP Inspector's command line lists and calls through the bridge.
#[tokio::test]
async fn the_inspector_reaches_a_tool_through_the_bridge() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let inspect = |more: &[&str]| {
        let mut command = node();
        command
            .env("HOME", &bellhop.person)
            .arg(peers("node_modules/.bin/mcp-inspector"))
            .args(["--cli", program("bellhop").to_str().unwrap(), "mcp", "--app", "inspector", "--home"])
            .arg(&bellhop.home)
            .args(more);
        Process::start(command)
    };
    let mut listing = inspect(&["--method", "tools/list"]);
    let handle = bellhop.request("inspector").await;
    bellhop.approve(&handle, &["playground:read"]).await;
    assert!(listing.ended().await.success(), "{}\n{}", listing.output(), listing.errors());
    let listed: Value = serde_json::from_str(&listing.output()).unwrap();
    assert!(listed["tools"].as_array().unwrap().iter().any(|t| t["name"] == "playground_list_notes"));

    let mut calling = inspect(&["--method", "tools/call", "--tool-name", "playground_list_notes"]);
    assert!(calling.ended().await.success(), "{}\n{}", calling.output(), calling.errors());
    let called: Value = serde_json::from_str(&calling.output()).unwrap();
    assert_eq!(called["isError"], false, "{called}");
}
