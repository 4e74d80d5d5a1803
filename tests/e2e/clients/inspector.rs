//! MCP Inspector's command line in all of its era settings, with services of either era.

use bellhop_tests::{App, Bellhop, Peer, Process, node, peers};
use serde_json::Value;
use std::path::Path;

/// What it is told to do.
const ORDERS: &[&[&str]] = &[
    &["--method", "tools/list"],
    &["--method", "tools/call", "--tool-name", "test_structured", "--tool-arg", "city=Ulm"],
    &["--method", "tools/call", "--tool-name", "test_headers", "--tool-arg", "city=Ulm"],
    &["--method", "tools/call", "--tool-name", "test_tool_with_progress"],
    &["--method", "prompts/list"],
    &[
        "--method",
        "prompts/get",
        "--prompt-name",
        "test_prompt_with_arguments",
        "--prompt-args",
        "arg1=a",
        "arg2=b",
    ],
    &["--method", "resources/list"],
    &["--method", "resources/read", "--uri", "test://template/7/data"],
    &["--method", "resources/templates/list"],
];

/// It can't be asked anything: a tool that needs that fails.
const ASKS: &[&str] =
    &["--method", "tools/call", "--tool-name", "test_elicitation", "--tool-arg", "message=Who?"];

fn inspect(home: &Path, url: &str, bearer: Option<&str>, era: &str, order: &[&str]) -> Process {
    let mut command = node();
    command
        .env("HOME", home)
        .arg(peers("node_modules/.bin/mcp-inspector"))
        .args(["--cli", url, "--transport", "http", "--protocol-era", era, "--format", "json", "--quiet"])
        .args(order);
    if let Some(bearer) = bearer {
        command.args(["--header", &format!("Authorization: Bearer {bearer}")]);
    }
    let mut inspector = Process::start(command);
    inspector.close();
    inspector
}

/// What it prints, without what is Bellhop's to say: who answers, and for how long that is good.
async fn printed(mut inspector: Process, what: &str) -> Value {
    let status = inspector.ended().await;
    assert!(status.success(), "{what}: {}\n{}", inspector.output(), inspector.errors());
    let mut value: Value = serde_json::from_str(&inspector.output()).unwrap();
    let result = value["result"].as_object_mut().unwrap_or_else(|| panic!("{what}: {}", inspector.output()));
    result.remove("ttlMs");
    result.remove("cacheScope");
    if let Some(meta) = result.get_mut("_meta").and_then(Value::as_object_mut) {
        meta.remove("io.modelcontextprotocol/serverInfo");
        if meta.is_empty() {
            result.remove("_meta");
        }
    }
    value
}

async fn works(era: &str) {
    let direct = Peer::fixture("both").await;
    let mut bellhop = Bellhop::start().await;
    let home = bellhop.person.clone();
    let mut doors = Vec::new();
    for service_era in ["legacy", "modern"] {
        let service = Peer::fixture(service_era).await;
        bellhop = bellhop.with_open(service_era, &service).await;
        let scope = format!("{service_era}:write");
        let path = format!("/mcp/{service_era}");
        let (app, tokens) = App::let_in_at(&bellhop, &path, "Inspector", &[&scope]).await;
        doors.push((service_era, service, app, tokens));
    }
    for order in ORDERS {
        let expected = inspect(&home, direct.url(), None, era, order);
        let expected = printed(expected, "direct").await;
        for (service_era, _, app, tokens) in &doors {
            let what = format!("{era}, a service of the era “{service_era}”, {order:?}");
            let seen = inspect(&home, &app.endpoint, Some(&tokens.access), era, order);
            assert_eq!(printed(seen, &what).await, expected, "{what}");
        }
    }
    for (service_era, _, app, tokens) in &doors {
        let mut asked = inspect(&home, &app.endpoint, Some(&tokens.access), era, ASKS);
        assert!(!asked.ended().await.success(), "{service_era}: {}", asked.output());
    }
}

/// Proves clients.4.
#[tokio::test]
async fn the_inspector_works_in_the_old_eras_way() {
    works("legacy").await;
}

/// Proves clients.4.
#[tokio::test]
async fn the_inspector_works_in_the_new_eras_way() {
    works("modern").await;
}

/// Proves clients.4.
#[tokio::test]
async fn the_inspector_works_when_it_finds_out_the_era_by_itself() {
    works("auto").await;
}
