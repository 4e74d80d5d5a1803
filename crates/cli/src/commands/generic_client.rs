use crate::{
    cli::List,
    face::{Face, unexpected},
    output::{Cell, Output, Style},
};
use bellhop_cli::problem::Stop;
use control::{Answer, Query};

/// What to type into a program that Bellhop doesn't know.
pub(super) async fn show(face: &Face, out: &Output, list: List, form: Option<&str>) -> Result<(), Stop> {
    let Answer::GenericClient(facts) = face.query(Query::GenericClient).await? else {
        return Err(unexpected());
    };
    if list.json {
        return Ok(out.json(&facts)?);
    }
    let whole = match form {
        Some("json") => Some(&facts.json),
        Some("toml") => Some(&facts.toml),
        Some(_) => Some(&facts.command),
        None => None,
    };
    if let Some(text) = whole {
        for line in text.lines() {
            out.line(line)?;
        }
        return Ok(());
    }
    let scopes = facts.scopes.join(" ");
    let pairs = [
        ("Address", &facts.endpoint),
        ("Authorization URL", &facts.authorization_url),
        ("Token URL", &facts.token_url),
        ("Client id", &facts.client_id),
        ("Scopes", &scopes),
        ("As a command", &facts.command),
        ("For a script", &facts.script),
    ];
    let pairs = pairs.map(|(name, value)| [Cell::new(Style::Faint, name), value.as_str().into()]);
    Ok(out.pairs(pairs.into())?)
}
