//! All that the page can ask this process for.

use super::{Shown, line::Line};
use crate::words;
use control::{Answer, Command, Outcome, Query, SectionName};
use model::{Explain, Problem};
use serde_json::{Value, json};
use tauri::{State, WebviewWindow};

/// Do something.
#[tauri::command]
pub(crate) async fn command(line: State<'_, Line>, command: Command) -> Outcome {
    line.client()?.command(command).await.map_err(|e| e.problem())?
}

/// Look something up.
#[tauri::command]
pub(crate) async fn query(line: State<'_, Line>, query: Query) -> Outcome {
    line.client()?.query(query).await.map_err(|e| e.problem())?
}

/// Have every section of the view sent as a `view` event, now and whenever it changes.
#[tauri::command]
pub(crate) async fn watch(line: State<'_, Line>) -> Result<(), Problem> {
    let answer: Result<Answer, Problem> =
        line.client()?.watch(SectionName::ALL.to_vec()).await.map_err(|e| e.problem())?;
    answer.map(drop)
}

/// What this window is for.
#[tauri::command]
pub(crate) fn start(shown: State<'_, Shown>) -> Value {
    json!({
        "screen": if shown.request.is_some() { "consent" } else { "home" },
        "request": shown.request,
        "platform": std::env::consts::OS,
        // The web view tells it wrongly where the locale's own files are not installed.
        "language": words::language().tag(),
    })
}

/// Close this window.
#[tauri::command]
pub(crate) fn close(window: WebviewWindow) {
    if let Err(e) = window.close() {
        tracing::warn!("the window did not close: {e}");
    }
}
