use crate::{
    cli::List,
    face::{Face, unexpected},
    output::{Cell, Output, Style, say},
};
use bellhop_cli::problem::Stop;
use control::{Answer, AppMethod, AppState, AppView, Command, ConfigChange, Query};
use model::Problem;

/// The AI apps on this computer.
pub(super) async fn list(face: &Face, out: &Output, list: List) -> Result<(), Stop> {
    let apps = face.apps().await?;
    if list.json {
        return Ok(out.json(&apps)?);
    }
    let rows = apps.iter().map(row).collect();
    Ok(out.table(["APP", "NAME", "HERE", "STATE", "CONFIG"], rows, "Bellhop knows no apps.")?)
}

fn row(app: &AppView) -> [Cell; 5] {
    let state = match &app.state {
        AppState::Connected { method: AppMethod::Http } => Cell::new(Style::Good, "connected"),
        AppState::Connected { method: AppMethod::Bridge } => {
            Cell::new(Style::Good, "connected by the bridge")
        }
        AppState::Disconnected => Cell::new(Style::Faint, "not connected"),
        AppState::Other { problem } | AppState::Unreadable { problem } => {
            Cell::new(Style::Bad, problem.sentence.as_str())
        }
    };
    [
        Cell::new(Style::Strong, app.id.as_str()),
        app.name.as_str().into(),
        if app.found { "yes" } else { "no" }.into(),
        state,
        app.file.as_str().into(),
    ]
}

/// Write Bellhop into an app's config, or show what would be written.
pub(super) async fn connect(face: &Face, out: &Output, app: &str, dry_run: bool) -> Result<(), Stop> {
    let app = find(face, app).await?;
    if dry_run {
        let query = Query::AppPreview { app: app.id, method: None };
        let Answer::AppPreview(preview) = face.query(query).await? else { return Err(unexpected()) };
        show(out, &preview.changes)?;
        say("Nothing was written.");
        return Ok(());
    }
    let command = Command::ConnectApp { app: app.id, method: None };
    let Answer::AppWritten { changes, next, .. } = face.command(command).await? else {
        return Err(unexpected());
    };
    show(out, &changes)?;
    say(&format!("Connected {}. {next}", app.name));
    Ok(())
}

/// Take Bellhop out of an app's config.
pub(super) async fn disconnect(face: &Face, out: &Output, app: &str) -> Result<(), Stop> {
    let app = find(face, app).await?;
    let Answer::AppWritten { changes, next, .. } =
        face.command(Command::DisconnectApp { app: app.id }).await?
    else {
        return Err(unexpected());
    };
    show(out, &changes)?;
    if changes.iter().all(|change| change.diff.is_empty()) {
        say(&format!("{} was not connected.", app.name));
        return Ok(());
    }
    say(&format!("Disconnected {}. {next}", app.name));
    Ok(())
}

fn show(out: &Output, changes: &[ConfigChange]) -> Result<(), Stop> {
    for change in changes {
        match (change.diff.is_empty(), change.created) {
            (true, _) => say(&format!("{} stays as it is.", change.file)),
            (false, true) => say(&format!("{} is new.", change.file)),
            (false, false) => {}
        }
        out.diff(&change.diff)?;
    }
    Ok(())
}

async fn find(face: &Face, wanted: &str) -> Result<AppView, Stop> {
    let means = |app: &AppView| app.id.as_str() == wanted || app.name.eq_ignore_ascii_case(wanted);
    face.apps().await?.into_iter().find(means).ok_or_else(|| {
        Problem::new(
            "cli.no_app",
            format!("Bellhop doesn't know an app named {wanted}."),
            "`bellhop apps` lists those it knows.",
        )
        .with("app", wanted)
        .into()
    })
}
