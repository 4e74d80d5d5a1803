use super::params::{Header, Property};
use crate::{Flaw, MAX_DEPTH, Object, flaw::short, header, scan};
use http::HeaderName;
use serde_json::value::RawValue;
use std::collections::HashSet;

const ANNOTATION: &str = "x-mcp-header";

/// Why a tool's `x-mcp-header` annotations are invalid. Its text goes on with a sentence about the tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAnnotation {
    /// It is no text.
    #[error("an x-mcp-header is no text")]
    NoText,
    /// It is empty.
    #[error("an x-mcp-header is empty")]
    Empty,
    /// It holds characters that no header's name may hold.
    #[error("the x-mcp-header “{0}” can't be part of a header's name")]
    NoToken(Box<str>),
    /// Two properties have it; upper and lower case count as one.
    #[error("the x-mcp-header “{0}” stands at two properties")]
    Repeated(Box<str>),
    /// What it stands at is no string, integer or boolean.
    #[error("the x-mcp-header “{0}” stands at something that is no string, integer or boolean")]
    Type(Box<str>),
    /// What it stands at can't be found in the arguments by the names of properties alone.
    #[error("the x-mcp-header “{0}” stands at something that is not always at the same place")]
    OutOfReach(Box<str>),
    /// The schema has annotations, and names that stand twice or a nesting that is too deep: another reader
    /// could find others.
    #[error("an x-mcp-header stands in a schema that can be read in two ways: {0}")]
    Ambiguous(Flaw),
}

/// The annotated properties of a schema, and those on the way to them.
pub(super) fn properties(schema: &RawValue) -> Result<Vec<Property>, BadAnnotation> {
    // The second is how an escaped name would have to be written.
    if !schema.get().contains(ANNOTATION) && !schema.get().contains("\\u00") {
        return Ok(Vec::new());
    }
    let mut walk = Walk::default();
    let properties = walk.schema(schema, Place::Root, 0)?.under;
    if !properties.is_empty() {
        scan::check(schema.get()).map_err(BadAnnotation::Ambiguous)?;
    }
    Ok(properties)
}

/// Where in a schema one of its parts stands.
#[derive(Clone, Copy)]
enum Place {
    Root,
    /// At a property that is reached from the root by `properties` alone.
    Property,
    /// Anywhere else, such as under `items`, `oneOf`, `$defs`.
    Elsewhere,
}

#[derive(Default)]
struct Walk {
    seen: HashSet<HeaderName>,
}

#[derive(Default)]
struct Found {
    header: Option<Header>,
    under: Vec<Property>,
}

impl Walk {
    fn schema(&mut self, json: &RawValue, place: Place, depth: usize) -> Result<Found, BadAnnotation> {
        let mut found = Found::default();
        if depth > MAX_DEPTH {
            return Ok(found);
        }
        // What is no object (`true`, a typing error) annotates nothing.
        let Ok(schema) = Object::parse(json.get()) else { return Ok(found) };
        for (keyword, value) in schema.members() {
            match keyword {
                ANNOTATION => found.header = Some(self.annotation(&schema, value, place)?),
                "properties" => {
                    let place = match place {
                        Place::Root | Place::Property => Place::Property,
                        Place::Elsewhere => Place::Elsewhere,
                    };
                    let Ok(properties) = Object::parse(value.get()) else { continue };
                    for (name, value) in properties.members() {
                        let Found { header, under } = self.schema(value, place, depth + 2)?;
                        if header.is_some() || !under.is_empty() {
                            found.under.push(Property { name: name.into(), header, under });
                        }
                    }
                }
                // Their members' names are anybody's, their values schemas.
                "patternProperties" | "dependentSchemas" | "dependencies" | "$defs" | "definitions" => {
                    let Ok(schemas) = Object::parse(value.get()) else { continue };
                    for (_, value) in schemas.members() {
                        self.elsewhere(value, depth + 2)?;
                    }
                }
                // Values, in which the name means nothing.
                "default" | "const" | "enum" | "example" | "examples" => {}
                _ => self.elsewhere(value, depth + 1)?,
            }
        }
        Ok(found)
    }

    /// Looks for annotations where none may be.
    fn elsewhere(&mut self, json: &RawValue, depth: usize) -> Result<(), BadAnnotation> {
        if depth > MAX_DEPTH {
            return Ok(());
        }
        if json.get().starts_with('[') {
            let parts: Vec<&RawValue> = serde_json::from_str(json.get()).unwrap_or_default();
            return parts.into_iter().try_for_each(|part| self.elsewhere(part, depth + 1));
        }
        self.schema(json, Place::Elsewhere, depth).map(drop)
    }

    fn annotation(
        &mut self,
        schema: &Object<'_>,
        value: &RawValue,
        place: Place,
    ) -> Result<Header, BadAnnotation> {
        let Ok(text) = serde_json::from_str::<String>(value.get()) else { return Err(BadAnnotation::NoText) };
        if text.is_empty() {
            return Err(BadAnnotation::Empty);
        }
        if !matches!(place, Place::Property) {
            return Err(BadAnnotation::OutOfReach(short(&text)));
        }
        let name = HeaderName::from_bytes(format!("{}{text}", header::PARAM_PREFIX).as_bytes())
            .map_err(|_| BadAnnotation::NoToken(short(&text)))?;
        if !matches!(schema.text("type").as_deref(), Some("string" | "integer" | "boolean")) {
            return Err(BadAnnotation::Type(short(&text)));
        }
        if !self.seen.insert(name.clone()) {
            return Err(BadAnnotation::Repeated(short(&text)));
        }
        Ok(Header { label: format!("Mcp-Param-{text}").into(), name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw;
    use serde_json::{Value, json};

    fn paths(schema: &Value) -> Result<Vec<String>, BadAnnotation> {
        fn list(properties: &[Property], path: &str, out: &mut Vec<String>) {
            for property in properties {
                let path = format!("{path}/{}", property.name);
                out.extend(property.header.iter().map(|h| format!("{path} {}", h.label)));
                list(&property.under, &path, out);
            }
        }
        let mut out = Vec::new();
        list(&properties(&raw(schema))?, "", &mut out);
        Ok(out)
    }

    fn one(property: Value) -> Result<Vec<String>, BadAnnotation> {
        paths(&json!({"type": "object", "properties": {"p": property}}))
    }

    #[test]
    fn annotated_properties_are_found_at_any_depth_of_properties() {
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "query": {"type": "string", "description": "no x-mcp-header here"},
            "where": {"type": "object", "properties": {
                "row": {"type": "integer", "x-mcp-header": "Method"},
                "deep": {"type": "object", "properties": {"": {"type": "boolean", "x-mcp-header": "!#"}}},
            }},
        }});
        assert_eq!(
            paths(&schema).unwrap(),
            ["/region Mcp-Param-Region", "/where/row Mcp-Param-Method", "/where/deep/ Mcp-Param-!#"]
        );
    }

    #[test]
    fn an_annotation_needs_a_name_that_a_header_can_have() {
        let at = |annotation: Value| one(json!({"type": "string", "x-mcp-header": annotation})).unwrap_err();
        assert_eq!(at(json!("")), BadAnnotation::Empty);
        assert_eq!(at(json!(7)), BadAnnotation::NoText);
        assert_eq!(at(json!(null)), BadAnnotation::NoText);
        for bad in ["My Region", "Region:Primary", "Région", "Region\t1", "a\r\nb", "a/b", "\u{0}"] {
            assert!(matches!(at(json!(bad)), BadAnnotation::NoToken(_)), "{bad:?}");
        }
    }

    #[test]
    fn an_annotation_stands_at_a_string_an_integer_or_a_boolean() {
        for good in ["string", "integer", "boolean"] {
            assert_eq!(one(json!({"type": good, "x-mcp-header": "A"})).unwrap(), ["/p Mcp-Param-A"]);
        }
        for bad in
            [json!("number"), json!("object"), json!("array"), json!("null"), json!(["string", "null"])]
        {
            let told = one(json!({"type": bad, "x-mcp-header": "A"}));
            assert_eq!(told, Err(BadAnnotation::Type("A".into())), "{bad}");
        }
        assert_eq!(one(json!({"x-mcp-header": "A"})), Err(BadAnnotation::Type("A".into())));
    }

    #[test]
    fn two_annotations_may_not_differ_in_case_alone() {
        let schema = |a: &str, b: &str| {
            paths(&json!({"properties": {
                "a": {"type": "string", "x-mcp-header": a},
                "o": {"properties": {"b": {"type": "string", "x-mcp-header": b}}},
            }}))
        };
        assert_eq!(schema("MyField", "myfield"), Err(BadAnnotation::Repeated("myfield".into())));
        assert_eq!(schema("A", "A"), Err(BadAnnotation::Repeated("A".into())));
        assert_eq!(schema("A", "B").unwrap().len(), 2);
    }

    #[test]
    fn an_annotation_that_properties_alone_do_not_reach_is_invalid() {
        let leaf = json!({"type": "string", "x-mcp-header": "A"});
        let inner = json!({"properties": {"b": leaf}});
        for keyword in ["items", "additionalProperties", "not", "if", "then", "else", "contains", "x-new"] {
            for part in [&leaf, &inner] {
                let told = one(json!({ keyword: part }));
                assert_eq!(told, Err(BadAnnotation::OutOfReach("A".into())), "{keyword}");
            }
        }
        for keyword in ["oneOf", "anyOf", "allOf", "prefixItems"] {
            let told = one(json!({ keyword: [true, inner] }));
            assert_eq!(told, Err(BadAnnotation::OutOfReach("A".into())), "{keyword}");
        }
        for keyword in ["$defs", "definitions", "patternProperties", "dependentSchemas"] {
            let told = paths(&json!({ keyword: {"default": leaf}, "properties": {} }));
            assert_eq!(told, Err(BadAnnotation::OutOfReach("A".into())), "{keyword}");
        }
        assert_eq!(paths(&leaf), Err(BadAnnotation::OutOfReach("A".into())));
    }

    #[test]
    fn the_name_means_nothing_where_it_is_a_value_or_a_propertys_own() {
        let value = json!({"x-mcp-header": ""});
        for keyword in ["default", "const", "examples"] {
            assert_eq!(one(json!({ keyword: value })), Ok(vec![]), "{keyword}");
        }
        assert_eq!(paths(&json!({"properties": {"x-mcp-header": {"type": "object"}}})), Ok(vec![]));
    }

    #[test]
    fn an_escaped_spelling_is_the_same_annotation() {
        let escaped = r#"{"properties":{"p":{"type":"string","x-mcp-h\u0065ader":"A"}}}"#;
        let schema = serde_json::from_str::<Box<RawValue>>(escaped).unwrap();
        assert_eq!(properties(&schema).unwrap().len(), 1);
    }

    #[test]
    fn a_schema_that_two_readers_understand_differently_is_invalid_only_where_it_is_annotated() {
        let read = |json: &str| properties(&serde_json::from_str::<Box<RawValue>>(json).unwrap());
        let twice = r#"{"properties":{"p":{"type":"string","x-mcp-header":"A"}},"properties":{}}"#;
        assert_eq!(read(twice), Err(BadAnnotation::Ambiguous(Flaw::Duplicate("properties".into()))));
        assert_eq!(read(r#"{"description":"x-mcp-header","type":"a","type":"b"}"#), Ok(vec![]));
        let deep = format!(
            r#"{{"properties":{{"p":{{"type":"string","x-mcp-header":"A"}}}},"d":{}{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(read(&deep), Err(BadAnnotation::Ambiguous(Flaw::TooDeep)));
    }
}
