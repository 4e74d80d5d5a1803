use crate::{
    cli::List,
    face::Face,
    output::{Cell, Output, Style},
    times,
};
use bellhop_cli::problem::Stop;
use control::{KeysState, PauseView, StatusView};

/// How Bellhop is.
pub(super) async fn status(face: &Face, out: &Output, list: List) -> Result<(), Stop> {
    let status = face.status().await?;
    if list.json {
        return Ok(out.json(&status)?);
    }
    show(out, &status)
}

fn show(out: &Output, status: &StatusView) -> Result<(), Stop> {
    let place = if status.desktop { "in the tray" } else { "without a desktop" };
    let head = format!("Bellhop {} runs {place} (process {}).", status.version, status.pid);
    out.line(Cell::new(Style::Strong, head))?;
    let endpoint = match &status.endpoint {
        Some(endpoint) => Cell::from(endpoint.as_str()),
        None => Cell::new(Style::Bad, "not at all"),
    };
    let calls = match status.pause {
        PauseView::Running => Cell::from("pass"),
        PauseView::Paused { until: Some(until) } => {
            Cell::new(Style::Bad, format!("paused until {}", times::exact(until)))
        }
        PauseView::Paused { until: None } => Cell::new(Style::Bad, "paused until you resume"),
    };
    out.pairs(vec![
        ["  Apps reach it at".into(), endpoint],
        ["  Keys".into(), keys(&status.keys)],
        ["  Calls".into(), calls],
        ["  Files".into(), status.home.as_str().into()],
    ])?;
    for problem in &status.problems {
        out.line(Cell::new(Style::Bad, format!("! {}", problem.sentence)))?;
        out.line(format!("  {}", problem.next))?;
        if let Some(waiting) = problem.values.get("awaited_by") {
            out.line(format!("  A call waits for that: {waiting}"))?;
        }
    }
    if let Some(next) = next(status) {
        out.line(format!("  {next}"))?;
    }
    Ok(())
}

/// Where a person opens the vault.
fn next(status: &StatusView) -> Option<&'static str> {
    match &status.keys {
        KeysState::Open { .. } => None,
        _ if status.desktop => Some("Open Bellhop's window for that."),
        KeysState::Locked { kept, .. } if kept == "passphrase" => {
            Some("`bellhop serve --keys passphrase` asks for it.")
        }
        KeysState::Locked { .. } => None,
        KeysState::Unchosen { .. } => {
            Some("End Bellhop, and start `bellhop serve` with --keys: `bellhop serve --help`.")
        }
    }
}

fn keys(keys: &KeysState) -> Cell {
    let place = |kept: &str| match kept {
        "keychain" => "in the system's keychain".to_owned(),
        "passphrase" => "under a passphrase".to_owned(),
        "file" => "in a file".to_owned(),
        "session" => "in memory only, forgotten when Bellhop ends".to_owned(),
        other => other.to_owned(),
    };
    match keys {
        KeysState::Open { kept } => place(kept).into(),
        KeysState::Locked { kept, .. } => Cell::new(Style::Bad, format!("{}, locked", place(kept))),
        KeysState::Unchosen { .. } => Cell::new(Style::Bad, "not chosen yet where to keep them"),
    }
}
