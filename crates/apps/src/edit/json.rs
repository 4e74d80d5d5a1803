use super::{Cuts, Fault, newline, position};
use crate::{ENTRY, known::Format};
use jsonc_parser::{
    CollectOptions, ParseOptions,
    ast::{self, Object, ObjectProp},
    common::Ranged,
    parse_to_ast, parse_to_serde_value,
};
use serde_json::{Map, Value};
use std::ops::Range;

/// What the app itself would accept. More lenient, and Bellhop would call well what the app rejects.
fn options(format: Format) -> ParseOptions {
    let lenient = format == Format::Jsonc;
    ParseOptions {
        allow_comments: lenient,
        allow_trailing_commas: lenient,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn syntax(error: &jsonc_parser::errors::ParseError) -> Fault {
    Fault::Syntax {
        line: error.line_display(),
        column: error.column_display(),
        what: error.kind().to_string().to_lowercase(),
    }
}

fn parse(format: Format, text: &str) -> Result<Option<ast::Value<'_>>, Fault> {
    parse_to_ast(text, &CollectOptions::default(), &options(format)).map(|r| r.value).map_err(|e| syntax(&e))
}

/// The document as a value; null when there is none.
pub(super) fn read(format: Format, text: &str) -> Result<Value, Fault> {
    parse_to_serde_value::<Value>(text, &options(format)).map_err(|e| syntax(&e))
}

/// The same, after making sure that our entry has one unmistakable place.
pub(super) fn check(format: Format, text: &str, groups: &[String]) -> Result<Value, Fault> {
    if let Some(root) = parse(format, text)? {
        let (inner, depth) = descend(text, &root, groups)?;
        if depth == groups.len() {
            only(text, inner, ENTRY)?;
        }
    }
    read(format, text)
}

/// The one property of this name.
fn only<'a, 'b>(
    text: &str,
    object: &'b Object<'a>,
    key: &str,
) -> Result<Option<(usize, &'b ObjectProp<'a>)>, Fault> {
    let mut found = object.properties.iter().enumerate().filter(|(_, p)| p.name.as_str() == key);
    let first = found.next();
    match found.next() {
        Some((_, second)) => {
            Err(Fault::Twice { line: position(text, second.range.start).0, key: key.to_owned() })
        }
        None => Ok(first),
    }
}

/// The innermost of the groups that is there, and how many there are.
fn descend<'a, 'b>(
    text: &str,
    root: &'b ast::Value<'a>,
    groups: &[String],
) -> Result<(&'b Object<'a>, usize), Fault> {
    let line = |at: usize| position(text, at).0;
    let Some(mut object) = root.as_object() else {
        return Err(Fault::Form { line: line(root.start()), key: String::new() });
    };
    for (depth, key) in groups.iter().enumerate() {
        match only(text, object, key)? {
            None => return Ok((object, depth)),
            Some((_, prop)) => match prop.value.as_object() {
                Some(inner) => object = inner,
                None => return Err(Fault::Form { line: line(prop.range.start), key: key.clone() }),
            },
        }
    }
    Ok((object, groups.len()))
}

/// How this text is laid out.
struct Style {
    newline: &'static str,
    /// One step of indentation.
    unit: String,
    /// What follows a colon or a comma on one line.
    gap: &'static str,
}

impl Style {
    fn of(text: &str, root: Option<&Object<'_>>) -> Self {
        let first = root.and_then(|r| r.properties.first()).map(|p| p.range.start);
        let unit = first.and_then(|at| own_line(text, at)).map(|line| text[line.indent].to_owned());
        let minified = first.is_some_and(|_| !text.trim_end().contains('\n') && !text.contains("\": "));
        Self {
            newline: newline(text),
            unit: unit.filter(|u| !u.is_empty()).unwrap_or_else(|| "  ".to_owned()),
            gap: if minified { "" } else { " " },
        }
    }

    /// A value as it is written behind its key. `indent` is that of the key's line; `None` writes one line.
    fn render(&self, value: &Value, indent: Option<&str>, out: &mut String) {
        let (open, close, items): (_, _, Vec<(Option<&String>, &Value)>) = match value {
            Value::Object(map) => ('{', '}', map.iter().map(|(k, v)| (Some(k), v)).collect()),
            Value::Array(list) => ('[', ']', list.iter().map(|v| (None, v)).collect()),
            plain => return out.push_str(&plain.to_string()),
        };
        // Lists stay on one line: ours are the few arguments of a program.
        let indent = indent.filter(|_| value.is_object());
        let inner = indent.map(|i| format!("{i}{}", self.unit));
        out.push(open);
        for (i, (key, value)) in items.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            match &inner {
                Some(inner) => out.extend([self.newline, inner.as_str()]),
                None if i > 0 => out.push_str(self.gap),
                None => {}
            }
            if let Some(key) = key {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                out.push_str(self.gap);
            }
            self.render(value, inner.as_deref(), out);
        }
        if let Some(indent) = indent {
            out.extend([self.newline, indent]);
        }
        out.push(close);
    }

    fn property(&self, key: &str, value: &Value, indent: Option<&str>) -> String {
        let mut out = format!("{}:{}", Value::from(key), self.gap);
        self.render(value, indent, &mut out);
        out
    }
}

/// A property that begins its line.
struct OwnLine {
    /// From the line break before it to its first character.
    lead: Range<usize>,
    /// The white space in front of it.
    indent: Range<usize>,
}

fn own_line(text: &str, at: usize) -> Option<OwnLine> {
    let start = text[..at].trim_end_matches([' ', '\t']).len();
    let before = text[..start].strip_suffix('\n')?;
    let line_break = before.strip_suffix('\r').unwrap_or(before).len();
    Some(OwnLine { lead: line_break..at, indent: start..at })
}

/// The white space that the line of this offset begins with.
fn indent_at(text: &str, at: usize) -> &str {
    let line = &text[text[..at].rfind('\n').map_or(0, |n| n + 1)..at];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Behind spaces and comments, from `at` on: to the next line break (`whole` false), or across it.
fn skip(text: &str, mut at: usize, whole: bool) -> usize {
    loop {
        let rest = &text[at..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if blank > 0 {
            at += blank;
        } else if rest.starts_with("//") {
            at += rest.find(['\n', '\r']).unwrap_or(rest.len());
        } else if let Some(body) = rest.strip_prefix("/*") {
            let end = body.find("*/").map_or(rest.len(), |n| n + 4);
            if !whole && rest[..end].contains('\n') {
                return at;
            }
            at += end;
        } else if whole && rest.starts_with(['\n', '\r']) {
            at += 1;
        } else {
            return at;
        }
    }
}

/// The comma that follows what ends at `end`.
fn comma_after(text: &str, end: usize) -> Option<usize> {
    let at = skip(text, end, true);
    text[at..].starts_with(',').then_some(at)
}

fn ends_line(text: &str, at: usize) -> bool {
    let rest = &text[skip(text, at, false)..];
    rest.is_empty() || rest.starts_with(['\n', '\r'])
}

/// The text with our entry in it.
pub(super) fn put(
    format: Format,
    text: &str,
    groups: &[String],
    entry: &Map<String, Value>,
) -> Result<String, Fault> {
    let root = parse(format, text)?;
    let style = Style::of(text, root.as_ref().and_then(ast::Value::as_object));
    let nest = |groups: &[String]| {
        let inner = Value::Object(Map::from_iter([(ENTRY.to_owned(), Value::Object(entry.clone()))]));
        groups.iter().rev().fold(inner, |inner, key| Value::Object(Map::from_iter([(key.clone(), inner)])))
    };
    let Some(root) = root else {
        // Nothing but white space and comments, which stay in front.
        let mut out = text.trim_end().to_owned();
        if !out.is_empty() {
            out.push_str(style.newline);
        }
        style.render(&nest(groups), Some(""), &mut out);
        out.push_str(style.newline);
        return Ok(out);
    };
    let (object, depth) = descend(text, &root, groups)?;
    let mut cuts = Cuts::default();
    if depth < groups.len() {
        insert(text, &style, object, &groups[depth], &nest(&groups[depth + 1..]), &mut cuts);
    } else if let Some((_, prop)) = only(text, object, ENTRY)? {
        let mut value = String::new();
        let lines = text[prop.range.start..prop.range.end].contains('\n');
        let indent = indent_at(text, prop.range.start);
        style.render(&Value::Object(entry.clone()), lines.then_some(indent), &mut value);
        cuts.replace(prop.value.start()..prop.value.end(), value);
    } else {
        insert(text, &style, object, ENTRY, &Value::Object(entry.clone()), &mut cuts);
    }
    Ok(cuts.apply(text))
}

/// Add a property behind all others.
fn insert(text: &str, style: &Style, object: &Object<'_>, key: &str, value: &Value, cuts: &mut Cuts) {
    let inside = object.range.start + 1..object.range.end - 1;
    let Some((first, last)) = object.properties.first().zip(object.properties.last()) else {
        if text.trim_end().contains('\n') || text.trim() == &text[object.range.start..object.range.end] {
            let outer = indent_at(text, object.range.start);
            let indent = format!("{outer}{}", style.unit);
            let comments = text[inside.clone()].trim_end();
            let property = style.property(key, value, Some(&indent));
            let line = format!("{comments}{0}{indent}{property}{0}{outer}", style.newline);
            cuts.replace(inside, line);
        } else {
            cuts.insert(inside.end, style.property(key, value, None));
        }
        return;
    };
    let comma = comma_after(text, last.range.end);
    let behind = comma.map_or(last.range.end, |c| c + 1);
    if comma.is_none() {
        cuts.insert(last.range.end, ",");
    }
    match own_line(text, first.range.start) {
        Some(line) => {
            let indent = &text[line.indent];
            let at = if ends_line(text, behind) { skip(text, behind, false) } else { behind };
            let property = style.property(key, value, Some(indent));
            let comma = if comma.is_some() { "," } else { "" };
            cuts.insert(at, format!("{}{indent}{property}{comma}", style.newline));
        }
        None => cuts.insert(behind, format!("{}{}", style.gap, style.property(key, value, None))),
    }
}

/// The text without our entry, and without the groups behind the first `keep` that it leaves empty.
pub(super) fn take(format: Format, text: &str, groups: &[String], keep: usize) -> Result<String, Fault> {
    let Some(root) = parse(format, text)? else { return Ok(text.to_owned()) };
    let (object, depth) = descend(text, &root, groups)?;
    if depth < groups.len() {
        return Ok(text.to_owned());
    }
    let Some((index, _)) = only(text, object, ENTRY)? else { return Ok(text.to_owned()) };
    let (mut object, mut index) = (object, index);
    for depth in (keep..groups.len()).rev() {
        if !is_alone(text, object, index) {
            break;
        }
        let (outer, _) = descend(text, &root, &groups[..depth])?;
        let Some((at, _)) = only(text, outer, &groups[depth])? else { break };
        (object, index) = (outer, at);
    }
    let mut cuts = Cuts::default();
    remove(text, object, index, &mut cuts);
    Ok(cuts.apply(text))
}

/// Whether there is nothing but white space beside this property, not even a comment.
fn is_alone(text: &str, object: &Object<'_>, index: usize) -> bool {
    let own = object.properties[index].range;
    let behind = comma_after(text, own.end).map_or(own.end, |comma| comma + 1);
    is_blank(&text[object.range.start + 1..own.start]) && is_blank(&text[behind..object.range.end - 1])
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_whitespace())
}

/// Remove a property with what separates it from its neighbours.
fn remove(text: &str, object: &Object<'_>, index: usize, cuts: &mut Cuts) {
    if is_alone(text, object, index) {
        return cuts.remove(object.range.start + 1..object.range.end - 1);
    }
    let props = &object.properties;
    let Range { start, end } = props[index].range.start..props[index].range.end;
    let comma = comma_after(text, end);
    // A line break may only go with its line: what stayed behind could end up inside a comment.
    let line = own_line(text, start).filter(|_| ends_line(text, comma.map_or(end, |c| c + 1)));
    let from = line.as_ref().map_or(start, |line| line.lead.start);
    if let Some(comma) = comma {
        cuts.remove(from..end);
        let next = props.get(index + 1).map(|next| next.range.start);
        let next = next.filter(|next| line.is_none() && is_blank(&text[comma + 1..*next]));
        cuts.remove(comma..next.unwrap_or(comma + 1));
        return;
    }
    // The last one: the comma in front of it has nothing left to part.
    let previous = index.checked_sub(1).and_then(|i| comma_after(text, props[i].range.end));
    match previous {
        Some(previous) if line.is_none() && is_blank(&text[previous + 1..start]) => {
            cuts.remove(previous..end)
        }
        Some(previous) => {
            cuts.remove(previous..previous + 1);
            cuts.remove(from.max(previous + 1)..end);
        }
        None => cuts.remove(from..end),
    }
}
