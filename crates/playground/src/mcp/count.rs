use super::{
    message::{self, RpcError},
    sessions::Running,
    tools,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;

/// Count slowly and say how far it is. `None` when it was cancelled.
pub(super) async fn run(
    running: &Running,
    params: &Value,
    out: &mpsc::Sender<Value>,
) -> Option<Result<Value, RpcError>> {
    let number = |name: &str, default: u64, most: u64| match &params["arguments"][name] {
        Value::Null => Some(default),
        value => value.as_u64().filter(|n| (1..=most).contains(n)),
    };
    let (Some(steps), Some(pause)) = (number("steps", 10, 600), number("pause_ms", 500, 10_000)) else {
        return Some(Ok(tools::failed("steps is from 1 to 600 and pause_ms from 1 to 10000")));
    };
    let token = &params["_meta"]["progressToken"];
    for step in 1..=steps {
        tokio::select! {
            () = running.stop.cancelled() => {
                tracing::info!("a count was cancelled before step {step} of {steps}");
                return None;
            }
            () = tokio::time::sleep(Duration::from_millis(pause)) => {}
        }
        if !token.is_null() {
            let progress = json!({
                "progressToken": token,
                "progress": step,
                "total": steps,
                "message": format!("{step} of {steps}"),
            });
            // Nobody may be listening any more; that is no reason to stop.
            let _ = out.send(message::notification("notifications/progress", progress)).await;
        }
    }
    Some(Ok(tools::said(&format!("Counted to {steps}."))))
}
