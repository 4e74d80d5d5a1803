#![expect(deprecated, reason = "the old era has sampling and roots, and the new one still does")]

use rmcp::{
    ClientHandler, ErrorData, RoleClient,
    model::{
        ClientConfig, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
        Implementation, ListRootsResult, ProgressNotificationParam,
    },
    service::{NotificationContext, RequestContext},
};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

/// An app that answers whatever it is asked.
#[derive(Default)]
pub(super) struct Asked {
    /// How far the last call is: every step since it began.
    pub(super) progress: watch::Sender<Vec<f64>>,
}

impl ClientHandler for Asked {
    fn get_info(&self) -> ClientConfig {
        let capabilities = json!({ "elicitation": { "form": {} }, "sampling": {}, "roots": {} });
        let who = Implementation::new("bellhop-tests", "1");
        ClientConfig::new(serde_json::from_value(capabilities).unwrap(), who)
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let asked = json!(request);
        let fields = asked["requestedSchema"]["properties"].as_object().cloned().unwrap_or_default();
        let content: Map<String, Value> = fields.into_iter().map(|(name, _)| (name, json!("Anna"))).collect();
        Ok(serde_json::from_value(json!({ "action": "accept", "content": content })).unwrap())
    }

    async fn create_message(
        &self,
        _request: CreateMessageRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let content = json!({ "type": "text", "text": "Two of Assam" });
        Ok(serde_json::from_value(
            json!({ "role": "assistant", "content": content, "model": "tests", "stopReason": "endTurn" }),
        )
        .unwrap())
    }

    async fn list_roots(&self, _context: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        Ok(serde_json::from_value(json!({ "roots": [{ "uri": "file:///srv/tea", "name": "tea" }] })).unwrap())
    }

    async fn on_progress(&self, step: ProgressNotificationParam, _context: NotificationContext<RoleClient>) {
        self.progress.send_modify(|steps| {
            if step.progress == 0.0 {
                steps.clear();
            }
            steps.push(step.progress);
        });
    }
}
