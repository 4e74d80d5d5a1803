use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
        InputRequiredResult, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam,
        ProtocolVersion, ServerCapabilities, ServerConfig,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::{Value, json};
use std::{borrow::Cow, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A service made with rmcp, in both eras.
#[derive(Clone, Default)]
struct Tools {
    cancelled: Arc<Notify>,
}

/// One that is served until this is dropped.
pub(super) struct Served {
    /// Its address.
    pub(super) url: String,
    tools: Tools,
    _stop: DropGuard,
}

impl Served {
    pub(super) async fn start() -> Self {
        let tools = Tools::default();
        let stop = CancellationToken::new();
        let config = StreamableHttpServerConfig::default().with_cancellation_token(stop.child_token());
        let own = tools.clone();
        let service: StreamableHttpService<Tools, LocalSessionManager> =
            StreamableHttpService::new(move || Ok(own.clone()), Arc::default(), config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let router = axum::Router::new().nest_service("/mcp", service);
        let over = stop.clone();
        tokio::spawn(async move {
            let over = async move { over.cancelled().await };
            axum::serve(listener, router).with_graceful_shutdown(over).await.unwrap();
        });
        Self { url, tools, _stop: stop.drop_guard() }
    }

    /// Wait until it was told that nobody waits for the slow tool any more.
    pub(super) async fn cancelled(&self) {
        tokio::time::timeout(bellhop_tests::PATIENCE, self.tools.cancelled.notified()).await.unwrap();
    }
}

fn schema() -> Value {
    json!({ "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] })
}

fn said(text: impl Into<String>) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text.into())]).into()
}

fn question() -> Value {
    json!({ "mode": "form", "message": "What is your name?", "requestedSchema": schema() })
}

impl Tools {
    /// Asks in the manner of the caller's era.
    async fn ask(
        &self,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> CallToolResponse {
        let modern = context.meta.protocol_version() == Some(ProtocolVersion::V_2026_07_28);
        let answer = if modern {
            let Some(answers) = &request.input_responses else {
                let asked = json!({ "name": { "method": "elicitation/create", "params": question() } });
                let asked = serde_json::from_value(asked).unwrap();
                return InputRequiredResult::new(Some(asked), Some("asked".into())).into();
            };
            assert_eq!(request.request_state.as_deref(), Some("asked"));
            json!(answers)["name"].clone()
        } else {
            let question = serde_json::from_value(question()).unwrap();
            json!(context.peer.create_elicitation(question).await.unwrap())
        };
        said(format!("Hello {}", answer["content"]["name"].as_str().unwrap()))
    }

    async fn slow(&self, context: &RequestContext<RoleServer>) -> CallToolResponse {
        let token = context.meta.get_progress_token().unwrap();
        for step in 1..1_000_u32 {
            let step = ProgressNotificationParam::new(token.clone(), f64::from(step));
            let _ = context.peer.notify_progress(step).await;
            tokio::select! {
                () = context.ct.cancelled() => {
                    self.cancelled.notify_one();
                    return said("cancelled");
                }
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
        }
        said("done")
    }
}

impl ServerHandler for Tools {
    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(&[ProtocolVersion::V_2026_07_28, ProtocolVersion::V_2025_11_25])
    }

    fn get_info(&self) -> ServerConfig {
        let who = Implementation::new("rmcp-peer", "1.0.0");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build()).with_server_info(who)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" } });
        let tools = json!({ "tools": [tool("echo"), tool("ask"), tool("slow")] });
        Ok(serde_json::from_value(tools).unwrap())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(match request.name.as_ref() {
            "echo" => said(request.arguments.unwrap()["text"].as_str().unwrap()),
            "ask" => self.ask(&request, &context).await,
            "slow" => self.slow(&context).await,
            _ => return Err(ErrorData::invalid_params("There is no such tool", None)),
        })
    }
}
