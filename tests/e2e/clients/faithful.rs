//! What a service says and an app hears is the same, as the direct connection shows.

use bellhop_tests::{App, Bellhop, Http, Peer, Talk};
use serde_json::{Value, json};

/// The requests that are sent both ways.
fn requests(tools: &Value, prompts: &Value, resources: &Value) -> Vec<(&'static str, Value)> {
    let mut requests: Vec<(&'static str, Value)> =
        ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]
            .map(|method| (method, json!({})))
            .to_vec();
    let names = |list: &Value, member: &str| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one[member].as_str().unwrap().to_owned()).collect()
    };
    for name in names(tools, "name") {
        // They change the service, or hang up on whoever reads.
        if name.starts_with("test_trigger_") || name == "test_reconnection" {
            continue;
        }
        let arguments = match name.as_str() {
            "test_sampling" => json!({ "prompt": "Which tea?" }),
            "test_elicitation" => json!({ "message": "Who are you? \u{1FAD6}" }),
            "test_structured" => {
                json!({ "city": "Köln" })
            }
            "test_headers" => json!({ "city": "Ulm", "note": "süß" }),
            "test_slow" => json!({ "steps": 3 }),
            "json_schema_2020_12_tool" => json!({ "name": "Anna", "contactMethod": "phone", "phone": "1" }),
            _ => json!({}),
        };
        let token = json!({ "progressToken": format!("of {name}"), "bellhop.example/trace": { "a": null } });
        requests.push(("tools/call", json!({ "name": name, "arguments": arguments, "_meta": token })));
        requests.push(("tools/call", json!({ "name": name })));
    }
    for prompt in prompts.as_array().unwrap() {
        let arguments: serde_json::Map<String, Value> = prompt["arguments"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|argument| (argument["name"].as_str().unwrap().to_owned(), json!("Grüße")))
            .collect();
        requests.push(("prompts/get", json!({ "name": prompt["name"], "arguments": arguments })));
        requests.push(("prompts/get", json!({ "name": prompt["name"] })));
    }
    for uri in names(resources, "uri").into_iter().chain(["test://template/a%20b/data".to_owned()]) {
        requests.push(("resources/read", json!({ "uri": uri })));
    }
    let prompt = json!({ "type": "ref/prompt", "name": "test_prompt_with_arguments" });
    let template = json!({ "type": "ref/resource", "uri": "test://template/{id}/data" });
    let argument = |name: &str, value: &str| json!({ "name": name, "value": value });
    let context = json!({ "arguments": { "arg1": "paris" } });
    requests.extend([
        ("completion/complete", json!({ "ref": prompt, "argument": argument("arg1", "pa") })),
        (
            "completion/complete",
            json!({ "ref": prompt, "argument": argument("arg2", "pa"), "context": context }),
        ),
        ("completion/complete", json!({ "ref": template, "argument": argument("id", "ü") })),
        // What there is not.
        ("tools/call", json!({ "name": "no_such_tool", "arguments": {} })),
        ("prompts/get", json!({ "name": "no_such_prompt" })),
        ("resources/read", json!({ "uri": "test://no-such-resource" })),
    ]);
    requests
}

/// Take out what is Bellhop's to choose.
fn plain(method: &str, messages: &[Value]) -> Vec<Value> {
    let mut messages = messages.to_vec();
    for message in &mut messages {
        // The id of an answer is its request's; that of a question is Bellhop's, for two services may ask with the
        // same one.
        message.as_object_mut().unwrap().remove("id");
        let Some(result) = message.get_mut("result").and_then(Value::as_object_mut) else { continue };
        // Sealed for the app it was given to.
        result.remove("requestState");
        if method.ends_with("/list") {
            // Bellhop answers from what it saw last, in its own name, and says itself for how long that is good.
            result.remove("ttlMs");
            result.remove("cacheScope");
            if let Some(meta) = result.get_mut("_meta").and_then(Value::as_object_mut) {
                meta.remove("io.modelcontextprotocol/serverInfo");
            }
        }
    }
    messages
}

async fn same(era: &str, direct: Talk, through: Talk) {
    for part in ["capabilities", "instructions"] {
        assert_eq!(through.hello[part], direct.hello[part], "{era}: {part}");
    }
    let mut lists = Vec::new();
    for list in ["tools", "prompts", "resources"] {
        let heard = direct.ask(&format!("{list}/list"), json!({})).await;
        lists.push(heard.answer()["result"][list].clone());
    }
    let mut wrong = String::new();
    for (method, params) in requests(&lists[0], &lists[1], &lists[2]) {
        let (one, other) =
            (direct.ask(method, params.clone()).await, through.ask(method, params.clone()).await);
        let (left, right) = (plain(method, &one.messages), plain(method, &other.messages));
        if one.status != other.status || left != right {
            wrong += &format!(
                "{method} {params}\n  direct  {} {}\n  through {} {}\n",
                one.status,
                json!(left),
                other.status,
                json!(right)
            );
        }
    }
    assert!(wrong.is_empty(), "{era}:\n{wrong}");
}

/// Proves faithful.1.
#[tokio::test]
async fn an_app_and_a_service_of_the_old_era_hear_the_same_as_without_bellhop() {
    let service = Peer::fixture("legacy").await;
    let bellhop = Bellhop::start().await.with_open("fixture", &service).await;
    let (app, tokens) = App::let_in_at(&bellhop, "/mcp/fixture", "Twin", &["fixture:write"]).await;
    let direct = Talk::legacy(&Http::default(), service.url(), None).await;
    let through = Talk::legacy(&app.http, &app.endpoint, Some(&tokens.access)).await;
    same("legacy", direct, through).await;
}

/// Proves faithful.2.
#[tokio::test]
async fn an_app_and_a_service_of_the_new_era_hear_the_same_as_without_bellhop() {
    let service = Peer::fixture("modern").await;
    let bellhop = Bellhop::start().await.with_open("fixture", &service).await;
    let (app, tokens) = App::let_in_at(&bellhop, "/mcp/fixture", "Twin", &["fixture:write"]).await;
    let direct = Talk::modern(&Http::default(), service.url(), None).await;
    let through = Talk::modern(&app.http, &app.endpoint, Some(&tokens.access)).await;
    same("modern", direct, through).await;
}
