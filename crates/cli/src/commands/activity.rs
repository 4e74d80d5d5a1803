use crate::{
    cli::List,
    face::{Face, unexpected},
    output::{Cell, Output, Style},
    times,
};
use bellhop_cli::problem::{Stop, not_answering};
use control::{ActivityEntry, ActivityFilter, ActivityKind, Answer, FromEngine, Query, SectionName};

/// Entries that one question brings at most.
const PAGE: u32 = 1000;
/// Entries that are shown at first.
const FIRST: u32 = 50;

/// What happened, the newest below, as it goes on with `--follow`.
pub(super) async fn activity(face: &mut Face, out: &Output, list: List, follow: bool) -> Result<(), Stop> {
    let first = page(face, ActivityFilter { limit: Some(FIRST), ..ActivityFilter::default() }).await?;
    let mut last = first.last().map_or(0, |e| e.number);
    if list.json && !follow {
        return Ok(out.json(&first)?);
    }
    if first.is_empty() && !follow {
        crate::output::say("Nothing happened yet.");
    }
    print(out, list, &first)?;
    if !follow {
        return Ok(());
    }

    // The section says that something happened. What, is asked, so that nothing is missed in a rush.
    face.watch(SectionName::Activity).await?;
    while let Some(event) = face.events.recv().await {
        if !matches!(event, FromEngine::View { .. }) {
            continue;
        }
        loop {
            let filter = ActivityFilter { after: Some(last), limit: Some(PAGE), before: None };
            let entries = page(face, filter).await?;
            print(out, list, &entries)?;
            let Some(newest) = entries.last() else { break };
            last = newest.number;
        }
    }
    Err(not_answering().into())
}

/// One page of entries, oldest first.
async fn page(face: &Face, filter: ActivityFilter) -> Result<Vec<ActivityEntry>, Stop> {
    match face.query(Query::Activity { filter }).await? {
        Answer::Activity { mut entries } => {
            entries.sort_by_key(|e| e.number);
            Ok(entries)
        }
        _ => Err(unexpected()),
    }
}

fn print(out: &Output, list: List, entries: &[ActivityEntry]) -> Result<(), Stop> {
    for entry in entries {
        if list.json {
            out.json_line(entry)?;
        } else {
            let style = if entry.outcome == "ok" { Style::Plain } else { Style::Bad };
            out.line(Cell::new(style, format!("{}  {}", times::exact(entry.at), sentence(entry))))?;
        }
    }
    Ok(())
}

fn sentence(entry: &ActivityEntry) -> String {
    let app = entry.connection.as_deref().unwrap_or("an app");
    let service = entry.service.as_deref().unwrap_or("a service");
    let mut words = match entry.kind {
        ActivityKind::ServiceConnected => format!("{service} connected"),
        ActivityKind::ServiceRemoved => format!("{service} removed"),
        ActivityKind::SignInFailed => format!("sign-in to {service} failed"),
        ActivityKind::NeedsSignIn => format!("{service} needs you to sign in again"),
        ActivityKind::AppConnected => format!("Bellhop written into the config of {app}"),
        ActivityKind::AppDisconnected => format!("Bellhop taken out of the config of {app}"),
        ActivityKind::ConnectionAllowed => format!("{app} allowed"),
        ActivityKind::ConnectionDenied => format!("{app} denied"),
        ActivityKind::ConnectionWidened => format!("{app} allowed to do more with {service}"),
        ActivityKind::WideningDenied => format!("{app} not allowed to do more with {service}"),
        ActivityKind::ConnectionRevoked => format!("{app} revoked"),
        ActivityKind::ConnectionPaused => format!("{app} paused"),
        ActivityKind::ConnectionResumed => format!("{app} resumed"),
        ActivityKind::ConnectionRenamed => format!("a connection is called {app} now"),
        ActivityKind::Call | ActivityKind::Refused => {
            let verb = if entry.kind == ActivityKind::Call { "used" } else { "was refused" };
            let tool = entry.tool.as_deref().unwrap_or("something");
            match &entry.service {
                Some(service) => format!("{app} {verb} {service} {tool}"),
                None => format!("{app} {verb} {tool}"),
            }
        }
        ActivityKind::Paused => "paused".to_owned(),
        ActivityKind::Resumed => "resumed".to_owned(),
        ActivityKind::Started => "Bellhop started".to_owned(),
        ActivityKind::Finished => "Bellhop finished".to_owned(),
    };
    if let Some(millis) = entry.millis {
        words.push_str(&format!(", {millis} ms"));
    }
    if entry.outcome != "ok" {
        words.push_str(&format!(" ({})", entry.outcome));
    }
    words
}
