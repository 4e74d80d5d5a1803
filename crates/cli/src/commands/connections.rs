use super::person;
use crate::{
    cli::{Connections, List},
    face::Face,
    output::{Cell, Output, Style, say},
    times,
};
use bellhop_cli::problem::Stop;
use control::{Command, ConnectionState, ConnectionView, Method};
use model::{Listing, Problem};

/// The apps that were let in.
pub(super) async fn list(face: &Face, out: &Output, list: List) -> Result<(), Stop> {
    let connections = face.connections().await?;
    if list.json {
        return Ok(out.json(&connections)?);
    }
    let rows = connections.iter().map(row).collect();
    let nothing = "No app was let in yet. `bellhop apps` lists those on this computer.";
    let heads = ["ID", "NAME", "METHOD", "SCOPE", "CONNECTED", "LAST ACTIVE", "STATE"];
    Ok(out.table(heads, rows, nothing)?)
}

fn row(connection: &ConnectionView) -> [Cell; 7] {
    let method = match connection.method {
        Method::Oauth => "browser",
        Method::Bridge => "bridge",
        Method::Device => "code",
        Method::AccessKey => "access key",
    };
    let active = match connection.last_active {
        _ if connection.calls_now > 0 => "now".to_owned(),
        Some(at) => times::relative(at),
        None => "never".to_owned(),
    };
    let state = match connection.state {
        ConnectionState::Allowed => Cell::new(Style::Good, "allowed"),
        ConnectionState::Paused { since } => {
            Cell::new(Style::Bad, format!("paused {}", times::relative(since)))
        }
        ConnectionState::Revoked { on, refused } => {
            let turned = if refused { ", turned away" } else { "" };
            Cell::new(Style::Faint, format!("revoked {}{turned}", times::relative(on)))
        }
    };
    [
        connection.id.as_str().chars().take(8).collect::<String>().into(),
        Cell::new(Style::Strong, connection.name.as_str()),
        method.into(),
        connection.scope.to_string().into(),
        times::relative(connection.connected_on).into(),
        active.into(),
        state,
    ]
}

/// Change something about connections.
pub(super) async fn change(face: &Face, command: Connections) -> Result<(), Stop> {
    match command {
        Connections::Tools { id, listing } => show_tools(face, &id, listing).await,
        Connections::Revoke { all: true, .. } => {
            face.command(Command::RevokeAll).await?;
            say("Revoked every connection.");
            Ok(())
        }
        Connections::Revoke { ids, .. } => revoke(face, &ids).await,
        Connections::Pause { id } => {
            let connection = meant(face, &id).await?;
            face.command(Command::PauseConnection { connection: connection.id }).await?;
            say(&format!("Paused {}.", connection.name));
            Ok(())
        }
        Connections::Resume { id } => {
            let connection = meant(face, &id).await?;
            person::prove(face).await?;
            face.command(Command::ResumeConnection { connection: connection.id }).await?;
            say(&format!("{} goes on.", connection.name));
            Ok(())
        }
        Connections::Rename { id, name } => {
            let connection = meant(face, &id).await?;
            face.command(Command::Rename { connection: connection.id, name: name.clone() }).await?;
            let back = || format!("{} on {}", connection.app, connection.computer);
            say(&format!("{} is now called {}.", connection.name, name.unwrap_or_else(back)));
            Ok(())
        }
        Connections::Readmit { id } => readmit(face, &id).await,
    }
}

/// Cut apps off, all of them together. When it is not clear who one of them is, nobody is.
async fn revoke(face: &Face, ids: &[String]) -> Result<(), Stop> {
    let mut meant_all = Vec::new();
    for id in ids {
        meant_all.push(meant(face, id).await?);
    }
    let command = match &*meant_all {
        [one] => Command::Revoke { connection: one.id.clone() },
        several => Command::RevokeSeveral { connections: several.iter().map(|c| c.id.clone()).collect() },
    };
    face.command(command).await?;
    for connection in meant_all {
        say(&format!("Revoked {}.", connection.name));
    }
    Ok(())
}

/// Let an app that was cut off ask again.
async fn readmit(face: &Face, id: &str) -> Result<(), Stop> {
    let refused = |c: &ConnectionView| matches!(c.state, ConnectionState::Revoked { refused: true, .. });
    let all = face.connections().await?.into_iter().filter(refused);
    // Several of one name are one app: asking one back asks all of them back.
    let found = all
        .into_iter()
        .find(|c| c.name == id || c.id.as_str() == id || (id.len() >= 4 && c.id.as_str().starts_with(id)));
    let Some(connection) = found else {
        return Err(Problem::new(
            "cli.not_refused",
            format!("No app that is turned away is called {id}."),
            "`bellhop connections` lists them.",
        )
        .with("id", id)
        .into());
    };
    person::prove(face).await?;
    face.command(Command::Readmit { connection: connection.id }).await?;
    say(&format!("{} may ask again.", connection.app));
    Ok(())
}

/// Choose how tools are shown to an app.
async fn show_tools(face: &Face, id: &str, listing: Listing) -> Result<(), Stop> {
    let connection = meant(face, id).await?;
    face.command(Command::ShowTools { connection: connection.id, listing }).await?;
    let name = &connection.name;
    say(&match listing {
        Listing::Auto => {
            format!("{name} is shown all tools, or two that find them when they are too many for it.")
        }
        Listing::Full => format!("{name} is shown all tools."),
        Listing::Compact => format!("{name} is shown two tools, which find and call the others."),
    });
    Ok(())
}

/// The connection that is allowed and meant by this.
pub(super) async fn meant(face: &Face, id: &str) -> Result<ConnectionView, Stop> {
    let means = |c: &ConnectionView| {
        // Four characters at least, so that no slip means another app.
        c.name == id || c.id.as_str() == id || (id.len() >= 4 && c.id.as_str().starts_with(id))
    };
    let allowed = |c: &ConnectionView| !matches!(c.state, ConnectionState::Revoked { .. });
    let found: Vec<_> = face.connections().await?.into_iter().filter(means).collect();
    let live: Vec<_> = found.iter().filter(|c| allowed(c)).collect();
    let problem = |code, sentence: String| {
        Problem::new(code, sentence, "`bellhop connections` lists them.").with("id", id)
    };
    match (&*live, &*found) {
        ([connection], _) => Ok((*connection).clone()),
        ([], []) => Err(problem("cli.no_connection", format!("There is no connection {id}.")).into()),
        ([], [gone, ..]) => Err(problem("cli.revoked", format!("{} was revoked already.", gone.name)).into()),
        _ => Err(problem("cli.several_connections", format!("{id} could mean several connections.")).into()),
    }
}
