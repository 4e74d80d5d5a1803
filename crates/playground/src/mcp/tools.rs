use super::{message::RpcError, notes};
use crate::House;
use serde_json::{Value, json};

/// The tools: two that read, one that writes, a slow one and a failing one.
pub(super) fn list() -> Value {
    let name = json!({ "type": "string", "description": "The note's name, such as groceries" });
    json!({ "tools": [
        {
            "name": "list_notes",
            "title": "List notes",
            "description": "Lists the names of all notes.",
            "inputSchema": { "type": "object", "properties": {} },
            "outputSchema": {
                "type": "object",
                "properties": { "notes": { "type": "array", "items": { "type": "string" } } },
                "required": ["notes"],
            },
            "annotations": { "title": "List notes", "readOnlyHint": true, "openWorldHint": false },
        },
        {
            "name": "read_note",
            "title": "Read a note",
            "description": "Reads one note.",
            "inputSchema": { "type": "object", "properties": { "name": name }, "required": ["name"] },
            "annotations": { "title": "Read a note", "readOnlyHint": true, "openWorldHint": false },
        },
        {
            "name": "write_note",
            "title": "Write a note",
            "description": "Writes a note. One of that name is written anew.",
            "inputSchema": {
                "type": "object",
                "properties": { "name": name, "text": { "type": "string", "description": "What it shall say" } },
                "required": ["name", "text"],
            },
            "annotations": {
                "title": "Write a note",
                "readOnlyHint": false,
                "destructiveHint": false,
                "idempotentHint": true,
                "openWorldHint": false,
            },
        },
        {
            "name": "slow_count",
            "title": "Count slowly",
            "description": "Counts to a number, says how far it is, and can be cancelled.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "steps": { "type": "integer", "minimum": 1, "maximum": 600, "default": 10 },
                    "pause_ms": { "type": "integer", "minimum": 1, "maximum": 10000, "default": 500 },
                },
            },
            "annotations": { "title": "Count slowly", "readOnlyHint": true, "openWorldHint": false },
        },
        {
            "name": "fail",
            "title": "Fail",
            "description": "Always fails, to see what that looks like.",
            "inputSchema": { "type": "object", "properties": {} },
            "annotations": { "title": "Fail", "readOnlyHint": true, "openWorldHint": false },
        },
    ]})
}

/// Whether this request is answered on an event stream.
pub(super) fn streams(method: &str, params: &Value) -> bool {
    method == "tools/call" && params["name"] == "slow_count"
}

/// Call a tool that takes no time.
pub(super) fn call(house: &House, params: &Value) -> Result<Value, RpcError> {
    let argument = |name: &str| params["arguments"][name].as_str();
    let name = params["name"].as_str().ok_or_else(|| RpcError::params("the tool's name is missing"))?;
    Ok(match name {
        "list_notes" => {
            let names = notes::names(house);
            let mut result = said(&names.join("\n"));
            result["structuredContent"] = json!({ "notes": names });
            result
        }
        "read_note" => match argument("name") {
            None => failed("name is missing"),
            Some(name) => match notes::text(house, name) {
                Some(text) => said(&text),
                None => failed(&format!("There is no note named {name}. list_notes says which there are.")),
            },
        },
        "write_note" => match (argument("name"), argument("text")) {
            (Some(name), Some(text)) => match notes::write(house, name, text) {
                Ok(()) => said(&format!("Wrote {name}.")),
                Err(why) => failed(why),
            },
            _ => failed("name and text are needed"),
        },
        "fail" => failed("This tool always fails. Nothing is wrong."),
        other => return Err(RpcError::params(format!("there is no tool {other}"))),
    })
}

pub(super) fn said(text: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": text }], "isError": false })
}

/// A tool's failure is a result, so that the model reads it and can do better.
pub(super) fn failed(why: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": why }], "isError": true })
}
