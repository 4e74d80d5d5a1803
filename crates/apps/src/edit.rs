//! Edits of a config's text: look at our entry, put it in, take it out.
//!
//! The text is cut and pasted by the places a parser found, never printed anew, so that what isn't ours keeps
//! its bytes. Afterwards both texts are read again and compared without our entry: an edit that changed
//! anything else is given up.

mod json;
mod toml;

use crate::{AppsError, ENTRY, known::Format};
use serde_json::{Map, Value};
use std::path::Path;

/// Why a text can't be edited. Lines and columns count from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Syntax { line: usize, column: usize, what: String },
    Form { line: usize, key: String },
    Twice { line: usize, key: String },
    Unsafe,
}

impl Fault {
    /// The fault as one of this file.
    pub(crate) fn of(self, file: &Path) -> AppsError {
        let file = file.to_owned();
        match self {
            Self::Syntax { line, column, what } => AppsError::Syntax { file, line, column, what },
            Self::Form { line, key } => AppsError::Form { file, line, key },
            Self::Twice { line, key } => AppsError::Twice { file, line, key },
            Self::Unsafe => AppsError::Unsafe { file },
        }
    }
}

/// What a text says of us.
#[derive(Debug, PartialEq)]
pub(crate) struct Sight {
    /// Our entry.
    pub(crate) entry: Option<Value>,
    /// How many of the groups that lead to it are there.
    pub(crate) groups: usize,
}

/// Read the text.
pub(crate) fn look(format: Format, text: &str, groups: &[String]) -> Result<Sight, Fault> {
    let root = match format {
        Format::Json | Format::Jsonc => json::check(format, text, groups)?,
        Format::Toml => toml::check(text, groups)?,
    };
    let mut at = &root;
    for (depth, key) in groups.iter().enumerate() {
        match at.get(key) {
            Some(next) => at = next,
            None => return Ok(Sight { entry: None, groups: depth }),
        }
    }
    Ok(Sight { entry: at.get(ENTRY).cloned(), groups: groups.len() })
}

/// The text with our entry in it, in place of one that may be there.
pub(crate) fn put(
    format: Format,
    text: &str,
    groups: &[String],
    entry: &Map<String, Value>,
) -> Result<String, Fault> {
    let wanted = Some(Value::Object(entry.clone()));
    let is_good = |after: &str| keeps_all_else(format, text, after, groups, wanted.as_ref());
    match format {
        Format::Json | Format::Jsonc => Some(json::put(format, text, groups, entry)?).filter(|t| is_good(t)),
        Format::Toml => toml::put(text, groups, entry)?.into_iter().find(|t| is_good(t)),
    }
    .ok_or(Fault::Unsafe)
}

/// The text without our entry, and without those groups behind the first `keep` that are empty then.
pub(crate) fn take(format: Format, text: &str, groups: &[String], keep: usize) -> Result<String, Fault> {
    let is_good = |after: &str| keeps_all_else(format, text, after, groups, None);
    match format {
        Format::Json | Format::Jsonc => Some(json::take(format, text, groups, keep)?).filter(|t| is_good(t)),
        Format::Toml => toml::take(text, groups)?.into_iter().find(|t| is_good(t)),
    }
    .ok_or(Fault::Unsafe)
}

/// Whether the text holds nothing: no comment, no key but our groups, and those empty.
pub(crate) fn is_bare(format: Format, text: &str, groups: &[String]) -> bool {
    let Ok(mut root) = read(format, text) else { return false };
    prune(&mut root, groups);
    let empty = root.is_null() || root.as_object().is_some_and(Map::is_empty);
    empty && !text.contains("//") && !text.contains("/*") && !text.contains('#')
}

fn read(format: Format, text: &str) -> Result<Value, Fault> {
    match format {
        Format::Json | Format::Jsonc => json::read(format, text),
        Format::Toml => toml::read(text),
    }
}

/// Whether two texts differ in our entry alone, and the second has it as wanted.
fn keeps_all_else(
    format: Format,
    before: &str,
    after: &str,
    groups: &[String],
    wanted: Option<&Value>,
) -> bool {
    let (Ok(mut before), Ok(mut after)) = (read(format, before), read(format, after)) else { return false };
    let found = prune(&mut after, groups);
    prune(&mut before, groups);
    let hollow = |v: &Value| v.is_null() || v.as_object().is_some_and(Map::is_empty);
    found.as_ref() == wanted && (before == after || (hollow(&before) && hollow(&after)))
}

/// Remove our entry and the groups that are empty without it; what was removed comes back.
fn prune(root: &mut Value, groups: &[String]) -> Option<Value> {
    let object = root.as_object_mut()?;
    let Some((group, rest)) = groups.split_first() else { return object.shift_remove(ENTRY) };
    let inner = object.get_mut(group)?;
    let entry = prune(inner, rest);
    if inner.as_object().is_some_and(Map::is_empty) {
        object.shift_remove(group);
    }
    entry
}

/// Pieces of a text to be replaced; they must not overlap.
#[derive(Default)]
struct Cuts(Vec<(std::ops::Range<usize>, String)>);

impl Cuts {
    fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.0.push((at..at, text.into()));
    }

    fn remove(&mut self, range: std::ops::Range<usize>) {
        self.0.push((range, String::new()));
    }

    fn replace(&mut self, range: std::ops::Range<usize>, text: impl Into<String>) {
        self.0.push((range, text.into()));
    }

    /// The text after all cuts.
    fn apply(mut self, text: &str) -> String {
        // Stable: insertions at one place stay in the order they were made.
        self.0.sort_by_key(|(range, _)| range.start);
        let mut out = String::with_capacity(text.len() + 256);
        let mut at = 0;
        for (range, with) in self.0 {
            out.push_str(&text[at..range.start]);
            out.push_str(&with);
            at = range.end;
        }
        out.push_str(&text[at..]);
        out
    }
}

/// The line break this text uses; the first one decides.
fn newline(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Line and column of an offset, from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let head = &text[..text.floor_char_boundary(offset)];
    let line = head.matches('\n').count() + 1;
    let column = head[head.rfind('\n').map_or(0, |n| n + 1)..].chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> Vec<String> {
        vec!["amp".to_owned(), "servers".to_owned()]
    }

    fn entry() -> Map<String, Value> {
        Map::from_iter([("url".to_owned(), Value::from("x"))])
    }

    #[test]
    fn groups_within_groups_are_made_as_needed_and_go_again_as_far_as_they_were_made() {
        for (before, there) in [
            ("{\n}\n", 0),
            ("{\n  \"amp\": {}\n}\n", 1),
            ("{\n  \"amp\": {\n    \"servers\": {}\n  }\n}\n", 2),
        ] {
            assert_eq!(look(Format::Json, before, &groups()).unwrap(), Sight { entry: None, groups: there });
            let after = put(Format::Json, before, &groups(), &entry()).unwrap();
            let sight = look(Format::Json, &after, &groups()).unwrap();
            assert_eq!(sight, Sight { entry: Some(Value::Object(entry())), groups: 2 });
            let taken = take(Format::Json, &after, &groups(), there).unwrap();
            let sight = look(Format::Json, &taken, &groups()).unwrap();
            assert_eq!(sight, Sight { entry: None, groups: there }, "{taken}");
        }
    }

    #[test]
    fn a_comment_in_a_group_we_made_keeps_the_group() {
        let text =
            "{\n  \"amp\": {\n    \"servers\": {\n      // mine\n      \"bellhop\": {}\n    }\n  }\n}\n";
        let taken = take(Format::Jsonc, text, &groups(), 0).unwrap();
        assert_eq!(taken, "{\n  \"amp\": {\n    \"servers\": {\n      // mine\n    }\n  }\n}\n");
    }

    #[test]
    fn what_stands_behind_our_entry_never_ends_up_in_a_comment() {
        for (text, expected) in [
            ("{\"servers\": {\"a\": 1, // one\n\"bellhop\": {}}}", "{\"servers\": {\"a\": 1 // one\n}}"),
            ("{\"servers\": {// one\n\"bellhop\": {}, \"a\": 1}}", "{\"servers\": {// one\n\"a\": 1}}"),
            ("{\"servers\": {// one\n\"bellhop\": {} /* two\n */}}", "{\"servers\": {// one\n /* two\n */}}"),
        ] {
            assert_eq!(take(Format::Jsonc, text, &["servers".to_owned()], 1).unwrap(), expected);
        }
    }

    #[test]
    fn tables_below_our_table_go_with_it_and_comments_around_it_stay() {
        let text = "# a\n[s.bellhop]\nurl = \"x\" # b\n\n# c\n[s.bellhop.tools]\nread = 1\n\n# d\n[t]\n";
        let taken = take(Format::Toml, text, &["s".to_owned()], 1).unwrap();
        assert_eq!(taken, "# a\n\n# c\n\n# d\n[t]\n");
    }

    #[test]
    fn an_edit_that_changed_anything_else_is_given_up() {
        let groups = ["s".to_owned()];
        let wanted = Value::Object(entry());
        let good = r#"{"s": {"bellhop": {"url": "x"}}, "a": 1}"#;
        assert!(keeps_all_else(Format::Json, r#"{"a": 1}"#, good, &groups, Some(&wanted)));
        assert!(!keeps_all_else(Format::Json, r#"{"a": 2}"#, good, &groups, Some(&wanted)));
        assert!(!keeps_all_else(Format::Json, r#"{"a": 1}"#, good, &groups, None));
    }
}
