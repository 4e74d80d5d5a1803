//! An entry in the form of the official registry's `server.json` (schema 2025-12-11), read into a [`Tile`].

use super::tile::{At, Extra, Kind, Tile};
use model::ShortName;
use serde::Deserialize;

/// Where what is ours stands in an entry's `_meta`.
pub(super) const EXTENSION: &str = "app.bellhop.desktop/tile";

/// The members of `server.json` that matter here. What else there is belongs to others and is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Server {
    name: String,
    title: Option<String>,
    description: String,
    #[expect(dead_code, reason = "an entry must have one")]
    version: String,
    website_url: Option<String>,
    #[serde(default)]
    remotes: Vec<Remote>,
    #[serde(default, rename = "_meta")]
    meta: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Remote {
    r#type: String,
    url: String,
    #[serde(default)]
    headers: Vec<serde_json::Value>,
    #[serde(default)]
    variables: serde_json::Map<String, serde_json::Value>,
}

/// Read one entry; `own` when it stands in the person's file.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that begins with the entry.
pub(super) fn tile(entry: &str, own: bool) -> Result<Tile, Wrong> {
    let server: Server = serde_json::from_str(entry)?;
    let extra: Extra = match server.meta.get(EXTENSION) {
        Some(ours) => serde_json::from_value(ours.clone()).map_err(|e| format!("in {EXTENSION}: {e}"))?,
        None => Extra::default(),
    };
    let (space, last) = server.name.split_once('/').ok_or("its name is not of the form namespace/name")?;
    let plain = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    if !plain(space, ".-") || !plain(last, "._-") || !(3..=200).contains(&server.name.len()) {
        return Err("its name is not of the form namespace/name".into());
    }
    if !(1..=100).contains(&server.description.chars().count()) {
        return Err("its description is empty or has more than 100 characters".into());
    }
    if server.title.as_ref().is_some_and(|t| !(1..=100).contains(&t.chars().count())) {
        return Err("its title is empty or has more than 100 characters".into());
    }
    let colour =
        |c: &String| c.len() == 7 && c.starts_with('#') && c[1..].bytes().all(|b| b.is_ascii_hexdigit());
    if !extra.colour.as_ref().is_none_or(colour) {
        return Err("its colour is not of the form #rrggbb".into());
    }
    if extra.mark.as_ref().is_some_and(|m| !(1..=2).contains(&m.chars().count())) {
        return Err("its mark is not one or two letters".into());
    }
    for page in [&server.website_url, &extra.token_page, &extra.revoke_page].into_iter().flatten() {
        if !url::Url::parse(page).is_ok_and(|u| u.scheme() == "https" && u.host().is_some()) {
            return Err("a page of it is no https address".into());
        }
    }
    let id = extra.id.clone().unwrap_or_else(|| last.to_owned());
    let title = server.title.clone().unwrap_or_else(|| last.to_owned());
    let name = extra
        .short_name
        .clone()
        .or_else(|| ShortName::nearest(&id))
        .ok_or("no short name can be made from its id")?;
    Ok(Tile {
        at: place(&server, extra.kind, own)?,
        id,
        title,
        about: server.description,
        website: server.website_url,
        full_name: server.name,
        name,
        own,
        extra,
    })
}

fn place(server: &Server, kind: Option<Kind>, own: bool) -> Result<At, Wrong> {
    let remote = server.remotes.iter().find(|r| ["streamable-http", "sse"].contains(&r.r#type.as_str()));
    match (kind, remote) {
        (Some(Kind::Playground), _) if own => Err("there is one playground, and it is Bellhop's".into()),
        (Some(Kind::Playground), _) => Ok(At::Playground),
        (Some(Kind::Wordpress), Some(remote)) => {
            let site = remote.variables.get("site").and_then(|v| v.get("placeholder"));
            let example = site.and_then(serde_json::Value::as_str).unwrap_or("https://example.org");
            Ok(At::Site { example: example.to_owned() })
        }
        (_, None) => Err("it has no remote of type streamable-http or sse".into()),
        (None, Some(Remote { variables, url, .. })) if !variables.is_empty() || url.contains(['{', '}']) => {
            Err("its address has variables, which Bellhop can't fill in".into())
        }
        // A header that is required would be missing in each call; the usual one is what signing in brings.
        (None, Some(Remote { headers, .. })) if headers.iter().any(is_strange) => {
            Err("it requires a header other than Authorization, which Bellhop can't fill in".into())
        }
        (None, Some(remote)) => {
            let url = signin::typed_address(&remote.url).map_err(|e| e.to_string())?;
            Ok(At::Url { url: if own { url.to_string() } else { remote.url.clone() } })
        }
    }
}

fn is_strange(header: &serde_json::Value) -> bool {
    let name = header.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
    header.get("isRequired") == Some(&true.into()) && !name.eq_ignore_ascii_case("authorization")
}

/// What is wrong with an entry, and in which of its lines, counted from 0, where that is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) what: String,
}

impl From<serde_json::Error> for Wrong {
    fn from(e: serde_json::Error) -> Self {
        let said = e.to_string();
        let what = said.split(" at line ").next().unwrap_or(&said).to_owned();
        Self { line: e.line().saturating_sub(1), what }
    }
}

impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self { line: 0, what }
    }
}

impl From<&str> for Wrong {
    fn from(what: &str) -> Self {
        what.to_owned().into()
    }
}
