//! For any valid document, connect then disconnect is the identity, and no other key changes.

use crate::computer::{Computer, id};
use bellhop_apps::{AppState, Method};
use proptest::prelude::*;
use serde_json::Value;
use std::fs;

/// How a document is written down.
#[derive(Debug, Clone)]
struct Style {
    unit: &'static str,
    newline: &'static str,
    comments: bool,
    trailing_comma: bool,
    spaced: bool,
    mark: bool,
    one_line: bool,
}

fn style() -> impl Strategy<Value = Style> {
    let unit = prop::sample::select(vec!["  ", "    ", "\t", " ", ""]);
    let newline = prop::sample::select(vec!["\n", "\r\n"]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (unit, newline, flags).prop_map(|(unit, newline, (comments, trailing_comma, spaced, mark, one_line))| {
        Style { unit, newline, comments, trailing_comma, spaced, mark, one_line }
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ -~äé{}\\[\\],:/*#\"\\\\]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z/]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A config: any keys, and perhaps a group of entries somewhere among them.
fn config(group: &'static str) -> impl Strategy<Value = Value> {
    let keys = prop::collection::vec(("[a-z]{1,6}", value()), 0..4);
    let entries = prop::option::of(prop::collection::btree_map("[a-z]{1,5}", value(), 0..3));
    (keys, entries, any::<prop::sample::Index>()).prop_map(move |(mut keys, entries, at)| {
        if let Some(entries) = entries {
            let at = at.index(keys.len() + 1);
            keys.insert(at, (group.to_owned(), Value::Object(entries.into_iter().collect())));
        }
        Value::Object(keys.into_iter().collect())
    })
}

impl Style {
    fn write(&self, value: &Value, indent: &str, out: &mut String) {
        let (open, close, items): (_, _, Vec<(Option<&String>, &Value)>) = match value {
            Value::Object(map) => ('{', '}', map.iter().map(|(k, v)| (Some(k), v)).collect()),
            Value::Array(list) => ('[', ']', list.iter().map(|v| (None, v)).collect()),
            plain => return out.push_str(&plain.to_string()),
        };
        let inner = format!("{indent}{}", self.unit);
        out.push(open);
        for (i, (key, value)) in items.iter().enumerate() {
            if self.one_line {
                out.push_str(if self.comments && i == 1 { "/* , } */" } else { "" });
            } else {
                out.push_str(if self.comments && i == 1 { " // { , \"" } else { "" });
                out.extend([self.newline, &inner]);
                if self.comments && i == 0 {
                    out.extend(["// \"bellhop\": {", self.newline, &inner]);
                }
            }
            if let Some(key) = key {
                out.extend([
                    Value::from(key.as_str()).to_string().as_str(),
                    if self.spaced { " : " } else { ":" },
                ]);
            }
            self.write(value, &inner, out);
            if i + 1 < items.len() || self.trailing_comma {
                out.push_str(if self.spaced { " ," } else { "," });
            }
        }
        if !items.is_empty() && !self.one_line {
            out.push_str(if self.comments { " // last" } else { "" });
            out.extend([self.newline, indent]);
        } else if self.comments {
            out.push_str("/* x */");
        }
        out.push(close);
    }

    fn document(&self, value: &Value) -> String {
        let mut out = if self.mark { "\u{feff}" } else { "" }.to_owned();
        if self.comments {
            out.extend(["// a config", self.newline]);
        }
        self.write(value, "", &mut out);
        out.push_str(self.newline);
        out
    }
}

fn parsed(text: &str) -> Value {
    let text = text.trim_start_matches('\u{feff}');
    jsonc_parser::parse_to_serde_value(text, &jsonc_parser::ParseOptions::default()).unwrap()
}

fn without_ours(mut value: Value, group: &str) -> Value {
    let root = value.as_object_mut().unwrap();
    if let Some(entries) = root.get_mut(group).and_then(Value::as_object_mut) {
        entries.remove("bellhop");
        if entries.is_empty() {
            root.remove(group);
        }
    }
    value
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_comes_back_to_the_byte_and_nothing_else_changes_meanwhile(
        value in config("mcpServers"),
        style in style(),
        bridge in any::<bool>(),
    ) {
        let text = style.document(&value);
        let computer = Computer::new();
        let file = computer.write("cursor", &text);
        let apps = computer.apps();
        let method = if bridge { Method::Bridge } else { Method::Http };
        apps.connect(&id("cursor"), Some(method)).unwrap();
        let connected = fs::read_to_string(&file).unwrap();
        prop_assert!(parsed(&connected)["mcpServers"]["bellhop"].is_object());
        prop_assert_eq!(without_ours(parsed(&connected), "mcpServers"), without_ours(value.clone(), "mcpServers"));
        // Every line that was there is there still, in order: at most a comma was added to it.
        let mut lines = connected.lines().map(|l| l.replace([',', ' '], ""));
        if !style.one_line && value["mcpServers"].as_object().is_some_and(|o| !o.is_empty()) {
            for line in text.lines().map(|l| l.replace([',', ' '], "")) {
                prop_assert!(lines.any(|l| l == line), "{:?} is gone from\n{}", line, connected);
            }
        }

        // Without the backups, the text alone must give back the same document.
        fs::remove_dir_all(&computer.surroundings.backups).unwrap();
        apps.disconnect(&id("cursor")).unwrap();
        let left = parsed(&fs::read_to_string(&file).unwrap());
        prop_assert_eq!(without_ours(left, "mcpServers"), without_ours(value, "mcpServers"));

        fs::write(&file, &text).unwrap();
        apps.connect(&id("cursor"), Some(method)).unwrap();
        apps.disconnect(&id("cursor")).unwrap();
        prop_assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }

    #[test]
    fn toml_comes_back_to_the_byte_and_nothing_else_changes_meanwhile(
        value in config("mcp_servers"),
        crlf in any::<bool>(),
        mark in any::<bool>(),
        cut in any::<bool>(),
        bridge in any::<bool>(),
    ) {
        // TOML has no null, and a plain value may not follow a table.
        let Ok(table) = toml::Table::try_from(no_null(value)) else { return Ok(()) };
        let mut text = format!("# a config\n{}", toml::to_string_pretty(&table).unwrap());
        if cut {
            text.truncate(text.trim_end().len());
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let text = format!("{}{text}", if mark { "\u{feff}" } else { "" });
        let computer = Computer::new();
        let file = computer.write("codex", &text);
        let apps = computer.apps();
        let method = if bridge { Method::Bridge } else { Method::Http };
        apps.connect(&id("codex"), Some(method)).unwrap();
        let connected = fs::read_to_string(&file).unwrap();
        prop_assert!(connected.starts_with(&text), "our table stands behind all that was there");
        fs::remove_dir_all(&computer.surroundings.backups).unwrap();
        apps.disconnect(&id("codex")).unwrap();
        let left = fs::read_to_string(&file).unwrap();
        prop_assert_eq!(left.trim_end(), text.trim_end());

        fs::write(&file, &text).unwrap();
        apps.connect(&id("codex"), Some(method)).unwrap();
        apps.disconnect(&id("codex")).unwrap();
        prop_assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_stands_in_a_config_is_edited_and_restored_or_left_untouched(
        app in prop::sample::select(vec!["cursor", "claude-code", "codex"]),
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..14),
    ) {
        let text = pieces.concat();
        let computer = Computer::new();
        let file = computer.write(app, &text);
        let apps = computer.apps();
        let state = apps.get(&id(app)).unwrap().state;
        match apps.connect(&id(app), None) {
            Ok(_) => {
                let connected = matches!(apps.get(&id(app)).unwrap().state, AppState::Connected { .. });
                prop_assert!(connected, "{}", text);
                apps.disconnect(&id(app)).unwrap();
                prop_assert_eq!(apps.get(&id(app)).unwrap().state, AppState::Disconnected);
                if state == AppState::Disconnected {
                    prop_assert_eq!(fs::read_to_string(&file).unwrap(), text);
                }
            }
            Err(_) => {
                prop_assert!(state != AppState::Disconnected, "{}: it looked well and was refused", text);
                prop_assert_eq!(fs::read_to_string(&file).unwrap(), text);
            }
        }
    }
}

/// What configs are made of, right and wrong.
const PIECES: [&str; 30] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\n",
    "\r\n",
    " ",
    "\t",
    "//",
    "/*",
    "*/",
    "#",
    "\\",
    "=",
    "é",
    "\u{feff}",
    "1",
    "null",
    "\"a\"",
    "a",
    "mcpServers",
    "\"mcpServers\": {",
    "\"bellhop\": {}",
    "mcp_servers",
    "[mcp_servers.a]\n",
    "[mcp_servers.bellhop]\n",
    "url = \"http://127.0.0.1:1/mcp\"\n",
];

fn no_null(value: Value) -> Value {
    match value {
        Value::Null => Value::from(0),
        Value::Array(list) => list.into_iter().map(no_null).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, no_null(v))).collect(),
        other => other,
    }
}
