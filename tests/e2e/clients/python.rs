//! The official Python SDK as an app, and FastMCP as a service. Where there is no Python for them, these are skipped.

use crate::clients::sdk;
use bellhop_tests::{App, Bellhop, Peer, Process, Session, Talk, peers, python};
use serde_json::{Value, json};

/// Proves sdks.3: in both eras, with services of both.
#[tokio::test]
async fn the_python_sdk_uses_services_of_both_eras() {
    if python().is_none() {
        return;
    }
    let expected = sdk::expected().await;
    for service_era in ["legacy", "modern"] {
        let service = Peer::fixture(service_era).await;
        let bellhop = Bellhop::start().await.with_open("fixture", &service).await;
        let (app, tokens) = App::let_in_at(&bellhop, "/mcp/fixture", "Python", &["fixture:write"]).await;
        for (mode, era) in [("legacy", "legacy"), ("auto", "modern")] {
            let what = format!("mode {mode}, a service of the era “{service_era}”");
            let mut command = python().unwrap();
            command.arg(peers("python/client.py")).args([
                &app.endpoint,
                "--mode",
                mode,
                "--bearer",
                &tokens.access,
            ]);
            let mut process = Process::start(command);
            let status = process.ended().await;
            assert!(status.success(), "{what}:\n{}\n{}", process.output(), process.errors());
            let seen: Vec<Value> =
                process.output().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(seen[0]["era"], era, "{what}");
            sdk::same(&seen, &expected, &what);
            service.until("cancelled", |e| e["tool"] == "test_slow").await;
            assert_eq!(service.all("finished"), Vec::<Value>::new());
        }
    }
}

/// The same calls in a conversation of either era.
async fn uses_fastmcp(talk: &Talk, asking: &str) {
    let listed = talk.ask("tools/list", json!({})).await;
    let tools = listed.answer()["result"]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["echo", "weather", "fail", "slow", "ask", "ask_in_result"]);
    assert_eq!(tools[0]["outputSchema"]["x-fastmcp-wrap-result"], true, "{}", tools[0]);

    let call = |name: &str, arguments: Value| {
        let params = json!({ "name": name, "arguments": arguments, "_meta": { "progressToken": "how far" } });
        async { talk.ask("tools/call", params).await }
    };
    let said = call("echo", json!({ "text": "grüße \u{1FAD6}" })).await;
    assert_eq!(said.answer()["result"]["structuredContent"], json!({ "result": "grüße \u{1FAD6}" }));
    let weather = call("weather", json!({ "city": "Ulm" })).await;
    assert_eq!(weather.answer()["result"]["structuredContent"], json!({ "city": "Ulm", "degrees": -1.5 }));
    let failed = call("fail", json!({})).await;
    assert_eq!(failed.answer()["result"]["isError"], true, "{failed:?}");

    let counted = call("slow", json!({ "steps": 3 })).await;
    let (answer, before) = counted.messages.split_last().unwrap();
    assert_eq!(answer["result"]["content"][0]["text"], "3 steps");
    let steps: Vec<f64> = before.iter().map(|m| m["params"]["progress"].as_f64().unwrap()).collect();
    assert_eq!(steps, [1.0, 2.0, 3.0], "{before:?}");
    assert!(before.iter().all(|m| m["params"]["progressToken"] == "how far"), "{before:?}");

    let note = talk.ask("resources/read", json!({ "uri": "note:///tea" })).await;
    assert_eq!(note.answer()["result"]["contents"][0]["text"], "The note tea.");
    let greeting = talk.ask("prompts/get", json!({ "name": "greet", "arguments": { "name": "Anna" } })).await;
    assert_eq!(greeting.answer()["result"]["messages"][0]["content"]["text"], "Say hello to Anna.");
    // FastMCP asks by a request in the one era and in a result in the other, and refuses the other way.
    let asked = call(asking, json!({})).await;
    assert_eq!(asked.answer()["result"]["content"][0]["text"], "Hello Anna", "{asked:?}");
}

/// Proves sdks.4: FastMCP speaks both eras; an app of either uses it, is asked, and is told of when it leaves.
#[tokio::test]
async fn fastmcp_is_used_by_apps_of_both_eras() {
    let Some(service) = Peer::python("python/server.py").await else { return };
    let bellhop = Bellhop::start().await.with_open("fastmcp", &service).await;
    let (app, tokens) = App::let_in_at(&bellhop, "/mcp/fastmcp", "Typist", &["fastmcp:write"]).await;
    uses_fastmcp(&Talk::legacy(&app.http, &app.endpoint, Some(&tokens.access)).await, "ask").await;
    uses_fastmcp(&Talk::modern(&app.http, &app.endpoint, Some(&tokens.access)).await, "ask_in_result").await;
    assert_eq!(service.all("answered").len(), 2);
    assert_eq!(service.all("finished").len(), 2);

    let session = Session::open(&app, &tokens).await;
    let (id, mut events) = session.watch("slow", json!({ "steps": 6000 })).await;
    events.next().await.expect("the call is under way");
    let left =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } });
    session.post(&left).await;
    service.until("cancelled", |_| true).await;
}
