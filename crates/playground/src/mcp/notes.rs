//! The notes: as resources, in a prompt, and for the tools.

use super::{Change, message::RpcError};
use crate::{House, state::Stored};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SCHEME: &str = "note://";
/// The most notes, and the most characters of one.
const MOST_NOTES: usize = 100;
const MOST_TEXT: usize = 10_000;

/// The notes, or those of the first start.
fn notes(stored: &Stored) -> BTreeMap<String, String> {
    stored.notes.clone().unwrap_or_else(|| {
        let first = [
            ("welcome", "Welcome to the playground. An AI app that reads this came here through Bellhop."),
            ("groceries", "Bread, apples, coffee."),
            ("ideas", "Ask an app to read all notes and to write a new one."),
        ];
        first.map(|(name, text)| (name.to_owned(), text.to_owned())).into()
    })
}

pub(super) fn names(house: &House) -> Vec<String> {
    house.store.read(|s| notes(s).into_keys().collect())
}

pub(super) fn text(house: &House, name: &str) -> Option<String> {
    house.store.read(|s| notes(s).remove(name))
}

/// Write a note, and tell the clients. What a person reads when it can't be done.
pub(super) fn write(house: &House, name: &str, text: &str) -> Result<(), &'static str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 40 || !name.chars().all(fits) {
        return Err("A name has 1 to 40 characters of a-z, 0-9 and -.");
    }
    if text.chars().count() > MOST_TEXT {
        return Err("A note has at most 10000 characters.");
    }
    let new = house
        .store
        .change(|stored| {
            let mut notes = notes(stored);
            let new = !notes.contains_key(name);
            if new && notes.len() >= MOST_NOTES {
                return Err("There is room for 100 notes only.");
            }
            notes.insert(name.to_owned(), text.to_owned());
            stored.notes = Some(notes);
            Ok(new)
        })
        .map_err(|_| "The note could not be kept. Try again.")??;
    // An error says that nobody listens.
    let _ = house.changes.send(if new { Change::List } else { Change::Resource(format!("{SCHEME}{name}")) });
    Ok(())
}

pub(super) fn list(house: &House) -> Value {
    let resources: Vec<_> = names(house)
        .into_iter()
        .map(|name| json!({ "uri": format!("{SCHEME}{name}"), "name": name, "mimeType": "text/plain" }))
        .collect();
    json!({ "resources": resources })
}

pub(super) fn templates() -> Value {
    json!({ "resourceTemplates": [
        { "uriTemplate": "note://{name}", "name": "note", "title": "A note", "mimeType": "text/plain" },
    ]})
}

pub(super) fn read(house: &House, uri: &str) -> Result<Value, RpcError> {
    let text =
        uri.strip_prefix(SCHEME).and_then(|name| text(house, name)).ok_or_else(|| RpcError::resource(uri))?;
    Ok(json!({ "contents": [{ "uri": uri, "mimeType": "text/plain", "text": text }] }))
}

pub(super) fn prompts() -> Value {
    json!({ "prompts": [{
        "name": "summarise",
        "title": "Summarise a note",
        "description": "Asks for a short summary of a note.",
        "arguments": [{ "name": "note", "description": "The note's name", "required": true }],
    }]})
}

pub(super) fn prompt(house: &House, params: &Value) -> Result<Value, RpcError> {
    if params["name"] != "summarise" {
        return Err(RpcError::params("there is no such prompt"));
    }
    let note = params["arguments"]["note"].as_str().ok_or_else(|| RpcError::params("note is missing"))?;
    let text = text(house, note).ok_or_else(|| RpcError::params(format!("there is no note {note}")))?;
    Ok(json!({
        "description": format!("A summary of {note}"),
        "messages": [{
            "role": "user",
            "content": { "type": "text", "text": format!("Summarise this note in one sentence:\n\n{text}") },
        }],
    }))
}
