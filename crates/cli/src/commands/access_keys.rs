use super::{connections, person};
use crate::{
    cli::List,
    face::{Face, unexpected},
    output::{Cell, Output, Style, say},
    private, times,
};
use bellhop_cli::problem::Stop;
use control::{Answer, Command, ConnectionState, ConnectionView, KeyView};
use model::{Problem, Scope, Timestamp};
use std::path::Path;

/// The keys that let somebody in.
pub(super) async fn list(face: &Face, out: &Output, list: List) -> Result<(), Stop> {
    let mut keys = face.connections().await?;
    keys.retain(|c| c.key.is_some());
    if list.json {
        return Ok(out.json(&keys)?);
    }
    let rows = keys.iter().filter_map(|c| Some(row(c, c.key.as_ref()?))).collect();
    let nothing = "There is no access key. `bellhop access-keys add` makes one.";
    out.table(["NAME", "SCOPE", "MADE", "LAST USED", "ENDS", "STATE"], rows, nothing)?;
    for old in keys.iter().filter(|c| c.key.as_ref().is_some_and(|k| k.old)) {
        let made = times::relative(old.connected_on);
        say(&format!("{} was made {made}: make another in its place, and remove it.", old.app));
    }
    Ok(())
}

fn row(connection: &ConnectionView, key: &KeyView) -> [Cell; 6] {
    let state = match connection.state {
        ConnectionState::Paused { .. } => Cell::new(Style::Bad, "paused"),
        _ if key.old => Cell::new(Style::Bad, "old"),
        _ => Cell::new(Style::Good, "works"),
    };
    [
        Cell::new(Style::Strong, connection.app.as_str()),
        connection.scope.to_string().into(),
        times::relative(connection.connected_on).into(),
        connection.last_active.map_or("never".to_owned(), times::relative).into(),
        key.ends.map_or("never".to_owned(), times::exact).into(),
        state,
    ]
}

/// Make a key. Standard output has the key and nothing else, so that a script can take it; with `file` that file has
/// it.
pub(super) async fn add(
    face: &Face,
    out: &Output,
    name: String,
    scope: Scope,
    ends: Option<Timestamp>,
    file: Option<&Path>,
) -> Result<(), Stop> {
    // Before the key is made: one that is then nowhere would have to be revoked again.
    let place = file.map(private::File::prepare).transpose()?;
    say(&format!("Whoever has the key “{name}” may then do: {scope}"));
    person::prove(face).await?;
    let command = Command::AddAccessKey { name: name.clone(), scope, ends };
    let Answer::AccessKey { connection, key } = face.command(command).await? else {
        return Err(unexpected());
    };
    match place {
        None => {
            out.line(key.0)?;
            say(
                "It is not shown again. Send it as a bearer, or as the password where only a password is known.",
            );
        }
        Some(place) => {
            if let Err(problem) = place.fill(&key.0) {
                face.command(Command::Revoke { connection }).await?;
                return Err(problem.into());
            }
            say("The key is in that file and nowhere else.");
        }
    }
    Ok(())
}

/// Revoke a key.
pub(super) async fn remove(face: &Face, id: &str) -> Result<(), Stop> {
    let by_name = face.connections().await?.into_iter().find(|c| c.key.is_some() && c.app == id);
    let connection = match by_name {
        Some(connection) => connection,
        None => connections::meant(face, id).await?,
    };
    if connection.key.is_none() {
        return Err(Problem::new(
            "cli.no_key",
            format!("{} has no access key.", connection.name),
            "`bellhop access-keys` lists the keys; `bellhop connections revoke` cuts an app off.",
        )
        .with("id", id)
        .into());
    }
    face.command(Command::Revoke { connection: connection.id }).await?;
    say(&format!("Removed the access key “{}”.", connection.app));
    Ok(())
}
