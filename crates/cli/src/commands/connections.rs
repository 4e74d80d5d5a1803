use crate::{
    cli::List,
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
    };
    let active = match connection.last_active {
        _ if connection.calls_now > 0 => "now".to_owned(),
        Some(at) => times::relative(at),
        None => "never".to_owned(),
    };
    let state = match connection.state {
        ConnectionState::Allowed => Cell::new(Style::Good, "allowed"),
        ConnectionState::Revoked { on } => {
            Cell::new(Style::Faint, format!("revoked {}", times::relative(on)))
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

/// Cut an app off.
pub(super) async fn revoke(face: &Face, _out: &Output, id: &str) -> Result<(), Stop> {
    let connection = meant(face, id).await?;
    face.command(Command::Revoke { connection: connection.id }).await?;
    say(&format!("Revoked {}.", connection.name));
    Ok(())
}

/// Choose how tools are shown to an app.
pub(super) async fn show_tools(face: &Face, _out: &Output, id: &str, listing: Listing) -> Result<(), Stop> {
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
async fn meant(face: &Face, id: &str) -> Result<ConnectionView, Stop> {
    let means = |c: &ConnectionView| {
        // Four characters at least, so that no slip means another app.
        c.name == id || c.id.as_str() == id || (id.len() >= 4 && c.id.as_str().starts_with(id))
    };
    let allowed = |c: &ConnectionView| c.state == ConnectionState::Allowed;
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
