use super::{Cuts, Fault, newline, position};
use crate::ENTRY;
use serde_json::{Map, Value};
use std::ops::Range;
use toml_edit::{Document, DocumentMut, InlineTable, Item, Table};

/// The document as a value.
pub(super) fn read(text: &str) -> Result<Value, Fault> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let (line, column) = position(text, error.span().map_or(0, |s| s.start));
        // The parser's longer form quotes the line, which may hold a key.
        Fault::Syntax { line, column, what: error.message().lines().next().unwrap_or("not valid").to_owned() }
    })?;
    serde_json::to_value(table).map_err(|_| Fault::Unsafe)
}

/// The same, after making sure that the groups are tables.
pub(super) fn check(text: &str, groups: &[String]) -> Result<Value, Fault> {
    let root = read(text)?;
    let mut at = &root;
    for key in groups {
        match at.get(key) {
            None => break,
            Some(next) if next.is_object() => at = next,
            Some(_) => return Err(Fault::Form { line: line_of(text, key), key: key.clone() }),
        }
    }
    Ok(root)
}

fn line_of(text: &str, key: &str) -> usize {
    let document = Document::parse(text).ok();
    let span = document.and_then(|d| d.get_key_value(key).and_then(|(k, item)| k.span().or(item.span())));
    position(text, span.map_or(0, |s| s.start)).0
}

fn value(json: &Value) -> toml_edit::Value {
    match json {
        Value::String(s) => s.as_str().into(),
        Value::Bool(b) => (*b).into(),
        Value::Number(n) => n.as_i64().unwrap_or_default().into(),
        Value::Array(list) => list.iter().map(value).collect(),
        Value::Object(map) => toml_edit::Value::InlineTable(inline(map)),
        Value::Null => "".into(),
    }
}

fn inline(map: &Map<String, Value>) -> InlineTable {
    map.iter().map(|(k, v)| (k.as_str(), value(v))).collect()
}

/// Our table with its header, lines separated by `line_break`, the last one not ended.
fn block(groups: &[String], entry: &Map<String, Value>, line_break: &str) -> String {
    let lines = entry.iter().map(|(k, v)| format!("{line_break}{k} = {}", value(v)));
    format!("[{}.{ENTRY}]{}", groups.join("."), lines.collect::<String>())
}

/// The texts with our entry that may do, the one that changes least first.
pub(super) fn put(text: &str, groups: &[String], entry: &Map<String, Value>) -> Result<Vec<String>, Fault> {
    check(text, groups)?;
    let line_break = newline(text);
    let block = block(groups, entry, line_break);
    let mut texts = Vec::new();
    match ours(text, groups) {
        Some(lines) => {
            // Into the place of the first table of ours; tables below it (`[x.bellhop.y]`) go.
            let mut cuts = Cuts::default();
            for (i, line) in lines.into_iter().enumerate() {
                if i == 0 { cuts.replace(line, block.clone()) } else { cuts.remove(line) }
            }
            texts.push(cuts.apply(text));
        }
        None => {
            let mut out = text.to_owned();
            if !out.is_empty() && !out.ends_with('\n') {
                out.push_str(line_break);
            }
            if !out.trim().is_empty() && !out.ends_with("\n\n") && !out.ends_with("\r\n\r\n") {
                out.push_str(line_break);
            }
            texts.push(format!("{out}{block}{line_break}"));
        }
    }
    texts.extend(printed(text, |document| {
        let group = descend(document.as_item_mut(), groups)?;
        group.insert(ENTRY, Item::Value(toml_edit::Value::InlineTable(inline(entry))));
        Some(())
    }));
    Ok(texts)
}

/// The texts without our entry that may do, the one that changes least first.
pub(super) fn take(text: &str, groups: &[String]) -> Result<Vec<String>, Fault> {
    check(text, groups)?;
    let mut texts = Vec::new();
    if let Some(lines) = ours(text, groups) {
        let mut cuts = Cuts::default();
        for line in lines {
            let end = text[line.end..].find('\n').map_or(text.len(), |n| line.end + n + 1);
            // The blank line that was set in front of it goes too, unless it now parts two other things.
            let above = text[..line.start].strip_suffix('\n').map(|t| t.strip_suffix('\r').unwrap_or(t));
            let start = above.filter(|t| t.ends_with('\n')).filter(|_| starts_blank(&text[end..]));
            cuts.remove(start.map_or(line.start, str::len)..end);
        }
        texts.push(cuts.apply(text));
    }
    texts.extend(printed(text, |document| {
        descend(document.as_item_mut(), groups)?.remove(ENTRY);
        Some(())
    }));
    texts.push(text.to_owned());
    Ok(texts)
}

fn starts_blank(text: &str) -> bool {
    text.is_empty() || text.starts_with('\n') || text.starts_with("\r\n")
}

/// The text as toml_edit prints it after an edit, for entries in inline tables and dotted keys. It ends every
/// line it prints in a line feed: where the text has others, so must the result.
fn printed(text: &str, edit: impl FnOnce(&mut DocumentMut) -> Option<()>) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    edit(&mut document)?;
    let out = document.to_string();
    Some(if newline(text) == "\r\n" { out.replace("\r\n", "\n").replace('\n', "\r\n") } else { out })
}

fn descend<'a>(root: &'a mut Item, groups: &[String]) -> Option<&'a mut dyn toml_edit::TableLike> {
    let mut at = root;
    for key in groups {
        at = at.as_table_like_mut()?.get_mut(key)?;
    }
    at.as_table_like_mut()
}

/// Where our entry stands, when it is written as tables with headers: from each header to its last value.
fn ours(text: &str, groups: &[String]) -> Option<Vec<Range<usize>>> {
    let document = Document::parse(text).ok()?;
    let mut at = document.as_item();
    for key in groups {
        at = at.as_table_like()?.get(key)?;
    }
    let mut ranges = Vec::new();
    tables(at.as_table_like()?.get(ENTRY)?.as_table()?, &mut ranges)?;
    ranges.sort_by_key(|r| r.start);
    (!ranges.is_empty()).then_some(ranges)
}

/// The ranges of this table and of all below it; `None` where one is written otherwise.
fn tables(table: &Table, ranges: &mut Vec<Range<usize>>) -> Option<()> {
    if table.is_dotted() {
        return None;
    }
    if !table.is_implicit() {
        let mut range = table.span()?;
        for (_, item) in table.iter() {
            if let Item::Value(value) = item {
                range.end = range.end.max(value.span()?.end);
            } else {
                tables(item.as_table()?, ranges)?;
            }
        }
        ranges.push(range);
        return Some(());
    }
    table.iter().try_for_each(|(_, item)| tables(item.as_table()?, ranges))
}
