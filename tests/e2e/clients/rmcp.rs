//! The official Rust SDK (rmcp), as an app and as a service.

mod app;
mod service;

use crate::clients::rmcp::{app::Asked, service::Served};
use bellhop_tests::{App, Bellhop, Peer, until};
use rmcp::{
    ClientLifecycleMode, ClientServiceExt, RoleClient,
    model::{CallToolRequestParams, CallToolResult, ProtocolVersion},
    service::RunningService,
    transport::{StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig},
};
use serde_json::{Value, json};

type Client = RunningService<RoleClient, Asked>;

/// How it begins a conversation in each era.
fn lifecycles() -> [(&'static str, ClientLifecycleMode); 2] {
    let modern = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
    [("old", ClientLifecycleMode::Initialize), ("new", modern)]
}

async fn connect(url: &str, bearer: &str, lifecycle: ClientLifecycleMode) -> Client {
    // The second caller finds it installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = StreamableHttpClientTransportConfig::with_uri(url).auth_header(bearer);
    let transport = StreamableHttpClientTransport::from_config(config);
    Asked::default().serve_with_lifecycle(transport, lifecycle).await.unwrap()
}

fn params(tool: &str, arguments: &Value) -> CallToolRequestParams {
    let mut params = CallToolRequestParams::new(tool.to_owned());
    params.arguments = arguments.as_object().cloned();
    params
}

async fn call(client: &Client, tool: &str, arguments: Value) -> CallToolResult {
    client.call_tool(params(tool, &arguments)).await.unwrap_or_else(|e| panic!("{tool}: {e}"))
}

async fn text(client: &Client, tool: &str, arguments: Value) -> String {
    let result = call(client, tool, arguments).await;
    assert_ne!(result.is_error, Some(true), "{tool}: {result:?}");
    json!(result)["content"][0]["text"].as_str().unwrap().to_owned()
}

/// Proves sdks.5: rmcp as an app of either era, with services of both.
#[tokio::test]
async fn rmcp_uses_services_of_both_eras() {
    for service_era in ["legacy", "modern"] {
        let service = Peer::fixture(service_era).await;
        let bellhop = Bellhop::start().await.with_open("fixture", &service).await;
        let (app, tokens) = App::let_in_at(&bellhop, "/mcp/fixture", "Rust", &["fixture:write"]).await;
        for (n, (era, lifecycle)) in lifecycles().into_iter().enumerate() {
            let what = format!("an app of the {era} era, a service of the era “{service_era}”");
            let client = connect(&app.endpoint, &tokens.access, lifecycle).await;
            let tools = client.list_all_tools().await.unwrap();
            assert_eq!(tools.len(), 31, "{what}");
            assert_eq!(client.list_all_prompts().await.unwrap().len(), 5, "{what}");
            assert_eq!(client.list_all_resources().await.unwrap().len(), 4, "{what}");

            let said = text(&client, "test_simple_text", json!({})).await;
            assert_eq!(said, "This is a simple text response for testing.", "{what}");
            let object = call(&client, "test_structured", json!({ "city": "Ulm" })).await.structured_content;
            assert_eq!(object, Some(json!({ "city": "Ulm", "degrees": -1.5, "über": true })), "{what}");

            let name = text(&client, "test_elicitation", json!({ "message": "Who are you?" })).await;
            assert!(name.contains(r#""username":"Anna""#), "{what}: {name}");
            let sampled = text(&client, "test_sampling", json!({ "prompt": "tea" })).await;
            assert_eq!(sampled, "LLM response: Two of Assam", "{what}");
            let all = text(&client, "test_input_required_result_multiple_inputs", json!({})).await;
            assert_eq!(all, "Two of Assam Anna, 1 roots", "{what}");

            let steps = client.service().progress.subscribe();
            text(&client, "test_tool_with_progress", json!({})).await;
            assert_eq!(*steps.borrow(), [0.0, 50.0, 100.0], "{what}");

            let mut steps = client.service().progress.subscribe();
            let slow = client.call_tool(params("test_slow", &json!({ "steps": 6000 })));
            tokio::select! {
                ended = slow => panic!("{what}: {ended:?}"),
                moved = steps.changed() => moved.unwrap(),
            }
            // It was dropped, which is how a call is left there.
            until("the service is told", async || (service.all("cancelled").len() > n).then_some(())).await;
            assert_eq!(service.all("finished"), Vec::<Value>::new(), "{what}");
            let said = text(&client, "test_simple_text", json!({})).await;
            assert_eq!(said, "This is a simple text response for testing.", "{what}");
            client.cancel().await.unwrap();
        }
    }
}

/// Proves sdks.6: rmcp as a service, which speaks both eras, with apps of either.
#[tokio::test]
async fn rmcp_is_used_by_apps_of_both_eras() {
    let served = Served::start().await;
    let bellhop = Bellhop::start().await;
    bellhop.run(&["services", "add", &served.url, "--name", "rmcp", "--no-browser"]).await.well();
    let (app, tokens) = App::let_in_at(&bellhop, "/mcp/rmcp", "Rust", &["rmcp:write"]).await;
    for (era, lifecycle) in lifecycles() {
        let client = connect(&app.endpoint, &tokens.access, lifecycle).await;
        let tools = client.list_all_tools().await.unwrap();
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        assert_eq!(names, ["echo", "ask", "slow"], "{era}");
        assert_eq!(text(&client, "echo", json!({ "text": "grüße" })).await, "grüße", "{era}");
        assert_eq!(text(&client, "ask", json!({})).await, "Hello Anna", "{era}");

        let mut steps = client.service().progress.subscribe();
        let slow = client.call_tool(params("slow", &json!({})));
        tokio::select! {
            ended = slow => panic!("{era}: {ended:?}"),
            moved = steps.changed() => moved.unwrap(),
        }
        served.cancelled().await;
        client.cancel().await.unwrap();
    }
}
