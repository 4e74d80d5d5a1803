use crate::{Flaw, flaw::short};
use std::{borrow::Cow, collections::HashSet};

/// How deeply objects and lists may be nested. Deeper ones are refused before any recursive reader sees them.
pub const MAX_DEPTH: usize = 64;

/// Names of one object: a list while it is short, a set when it isn't, so that an object of a million members
/// takes no quadratic time and a usual one no hashing.
enum Names<'a> {
    Few(Vec<Cow<'a, str>>),
    Many(HashSet<Cow<'a, str>>),
}

impl<'a> Names<'a> {
    const FEW: usize = 16;

    /// Whether the name is new here.
    fn insert(&mut self, name: Cow<'a, str>) -> bool {
        match self {
            Self::Few(list) if list.contains(&name) => false,
            Self::Few(list) if list.len() < Self::FEW => {
                list.push(name);
                true
            }
            Self::Few(list) => {
                let mut set: HashSet<_> = list.drain(..).collect();
                let new = set.insert(name);
                *self = Self::Many(set);
                new
            }
            Self::Many(set) => set.insert(name),
        }
    }
}

enum Level<'a> {
    List,
    Object(Names<'a>),
}

/// Looks through JSON that a parser has found well-formed, at every level, for what two readers could
/// understand differently (a name twice) and for what could exhaust a reader's stack.
pub(crate) fn check(json: &str) -> Result<(), Flaw> {
    let bytes = json.as_bytes();
    let mut levels: Vec<Level<'_>> = Vec::with_capacity(8);
    let mut name_next = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                if levels.len() == MAX_DEPTH {
                    return Err(Flaw::TooDeep);
                }
                name_next = *byte == b'{';
                levels.push(if name_next { Level::Object(Names::Few(Vec::new())) } else { Level::List });
            }
            b'}' | b']' => {
                levels.pop();
                name_next = false;
            }
            b',' => name_next = matches!(levels.last(), Some(Level::Object(_))),
            b'"' => {
                let end = end_of_text(bytes, at);
                if name_next && let Some(Level::Object(names)) = levels.last_mut() {
                    let name = text(json.get(at..=end).unwrap_or_default());
                    if !names.insert(name.clone()) {
                        return Err(Flaw::Duplicate(short(&name)));
                    }
                    name_next = false;
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// The place of the quote that ends the text that begins at `start`.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        // Texts are most of what large messages are made of.
        let rest = bytes.get(at..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest).map(|found| (at + found, rest.get(found))) {
            Some((escape, Some(b'\\'))) => at = escape + 2,
            Some((quote, _)) => return quote,
            None => return bytes.len().saturating_sub(1),
        }
    }
}

/// What a quoted text says, so that `"a"` and `"\u0061"` are found to be one name. A text that says nothing
/// (half of a surrogate pair) stands for itself.
fn text(quoted: &str) -> Cow<'_, str> {
    let bare = quoted.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(quoted);
    if !bare.contains('\\') {
        return Cow::Borrowed(bare);
    }
    serde_json::from_str::<String>(quoted).map_or(Cow::Borrowed(quoted), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_stands_twice_is_found_at_every_level_and_behind_escapes() {
        for bad in [
            r#"{"a":1,"a":2}"#,
            r#"{"x":[{"y":{"a":1,"b":",}\"","a":2}}]}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"a":1},"b":2,"a":3}"#,
        ] {
            assert!(matches!(check(bad), Err(Flaw::Duplicate(_))), "{bad}");
        }
    }

    #[test]
    fn a_name_that_stands_twice_is_told_in_one_short_line() {
        let name = format!("\u{7f}{}", "x".repeat(1000));
        let told = check(&format!(r#"{{"{name}":1,"\n":2,"{name}":3}}"#)).unwrap_err().to_string();
        assert!(told.chars().count() < 120 && !told.chars().any(char::is_control), "{told:?}");
    }

    #[test]
    fn equal_names_in_different_objects_are_fine() {
        check(r#"{"a":{"a":[{"a":"a"},{"a":"a,\"a\":"}]},"b":"a"}"#).unwrap();
    }

    #[test]
    fn a_duplicate_is_found_among_many_names() {
        let many: Vec<_> = (0..1000).map(|n| format!("\"k{n}\":0")).collect();
        check(&format!("{{{}}}", many.join(","))).unwrap();
        assert!(check(&format!("{{{},\"k7\":1}}", many.join(","))).is_err());
    }

    #[test]
    fn nesting_is_refused_just_above_the_limit() {
        let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(check(&nest(MAX_DEPTH)), Ok(()));
        assert_eq!(check(&nest(MAX_DEPTH + 1)), Err(Flaw::TooDeep));
    }

    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            ".*".prop_map(serde_json::Value::String),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
                prop::collection::btree_map(".*", inner, 0..6)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_without_duplicates_passes(v in value()) {
            prop_assert_eq!(check(&v.to_string()), Ok(()));
        }

        #[test]
        fn any_text_at_all_is_scanned_without_a_panic(text in ".*") {
            let _ = check(&text);
        }
    }
}
