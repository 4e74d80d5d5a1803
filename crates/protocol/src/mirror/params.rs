use super::{BadAnnotation, Mismatch, argument::Argument, only, schema, value};
use crate::Object;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::value::RawValue;
use std::convert::Infallible;

/// Which arguments of a tool are mirrored in `Mcp-Param-*` headers: the `x-mcp-header` annotations of its
/// `inputSchema`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params {
    properties: Vec<Property>,
}

/// A property that is mirrored, or on the way to one that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) name: Box<str>,
    pub(super) header: Option<Header>,
    pub(super) under: Vec<Property>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: HeaderName,
    /// The name as the tool's author wrote it.
    pub(super) label: Box<str>,
}

impl Params {
    /// Reads a tool's `inputSchema`. Costs next to nothing where it has no annotations.
    ///
    /// # Errors
    /// Why the annotations are invalid, and with them the tool.
    pub fn of_schema(schema: &RawValue) -> Result<Self, BadAnnotation> {
        schema::properties(schema).map(|properties| Self { properties })
    }

    /// Whether nothing is mirrored.
    pub fn is_empty(&self) -> bool {
        self.properties.is_empty()
    }

    /// The headers for a call with these arguments.
    ///
    /// None for an argument that is not there, null, or of a kind that has no header: a list, an object, a
    /// fraction, an integer beyond ±(2^53 − 1). Whether such an argument will do is for the service to say.
    pub fn headers(&self, arguments: Option<&RawValue>) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        let Ok(()) = each::<Infallible>(&self.properties, arguments, &mut |header, argument| {
            if let Some(text) = argument.mirrored() {
                headers.push((header.name.clone(), value::encode(&text)));
            }
            Ok(())
        });
        headers
    }

    /// Checks the `Mcp-Param-*` headers of a call against its arguments. Headers that the tool does not name
    /// are ignored, as the specification says. Numbers are compared by what they are worth.
    ///
    /// # Errors
    /// The first header that is missing, there twice, malformed, different, or of no argument.
    pub fn check(&self, headers: &HeaderMap, arguments: Option<&RawValue>) -> Result<(), Mismatch> {
        each(&self.properties, arguments, &mut |header, argument| {
            let label = &header.label;
            let Some(value) = only(headers, &header.name, label)? else {
                return match argument.mirrored() {
                    Some(_) => Err(Mismatch::missing(label)),
                    None => Ok(()),
                };
            };
            let said = value::read(value).ok_or_else(|| Mismatch::malformed(label))?;
            match &argument {
                Argument::None => Err(Mismatch::unmatched(label, &said)),
                argument if argument.is(&said) => Ok(()),
                argument => Err(Mismatch::different(label, &said, argument.shown())),
            }
        })
    }
}

/// Goes through the headers with the argument that each mirrors.
fn each<E>(
    properties: &[Property],
    arguments: Option<&RawValue>,
    then: &mut dyn FnMut(&Header, Argument<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let object = arguments.and_then(|a| Object::parse(a.get()).ok());
    for property in properties {
        let argument = object.as_ref().and_then(|o| o.get(&property.name));
        if let Some(header) = &property.header {
            then(header, Argument::of(argument))?;
        }
        if !property.under.is_empty() {
            each(&property.under, argument, then)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn params() -> Params {
        Params::of_schema(&raw(&json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "count": {"type": "integer", "x-mcp-header": "Count"},
            "dry": {"type": "boolean", "x-mcp-header": "Dry"},
            "where": {"type": "object", "properties": {
                "region": {"type": "string", "x-mcp-header": "Where-Region"},
            }},
        }})))
        .unwrap()
    }

    /// Taken as text: a value of serde_json's would lose what this is about.
    fn written(arguments: &str) -> Vec<(String, String)> {
        let arguments = serde_json::from_str::<Box<RawValue>>(arguments).unwrap();
        let text = |v: HeaderValue| v.to_str().unwrap().to_owned();
        params().headers(Some(&arguments)).into_iter().map(|(n, v)| (n.to_string(), text(v))).collect()
    }

    fn checked(arguments: &str, headers: &[(&str, &str)]) -> Result<(), Mismatch> {
        let map = headers
            .iter()
            .map(|(n, v)| (n.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(v.as_bytes()).unwrap()))
            .collect();
        params().check(&map, Some(&serde_json::from_str::<Box<RawValue>>(arguments).unwrap()))
    }

    #[test]
    fn arguments_are_mirrored_as_decimal_numbers_lower_case_flags_and_safe_texts() {
        let arguments =
            r#"{"count":-7,"region":"Hello, 世界","dry":false,"where":{"region":"us-west1"},"other":"x"}"#;
        let want = [
            ("mcp-param-region", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            ("mcp-param-count", "-7"),
            ("mcp-param-dry", "false"),
            ("mcp-param-where-region", "us-west1"),
        ]
        .map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(written(arguments), want);
        assert_eq!(written(r#"{"count":4.2e1}"#), [("mcp-param-count".into(), "42".into())]);
        assert_eq!(written(r#"{"region":""}"#), [("mcp-param-region".into(), String::new())]);
    }

    #[test]
    fn what_is_missing_null_or_has_no_header_is_not_mirrored() {
        for arguments in [
            "{}",
            "[]",
            "null",
            r#"{"region":null,"where":null}"#,
            r#"{"region":["x"],"where":"region"}"#,
            r#"{"count":9007199254740992}"#,
            r#"{"count":1.5}"#,
            r#"{"where.region":"x"}"#,
            r#"{"region":"\ud800"}"#,
        ] {
            assert_eq!(written(arguments), [], "{arguments}");
            assert_eq!(checked(arguments, &[]), Ok(()), "{arguments}");
        }
        assert_eq!(params().headers(None), []);
        assert_eq!(params().check(&HeaderMap::new(), None), Ok(()));
    }

    #[test]
    fn headers_that_say_what_the_arguments_say_pass() {
        for (arguments, header, value) in [
            (r#"{"region":"foo"}"#, "mcp-param-region", " foo "),
            (r#"{"region":"foo"}"#, "MCP-PARAM-REGION", "=?base64?Zm9v?="),
            (r#"{"region":"SGVsbG8="}"#, "mcp-param-region", "SGVsbG8="),
            (r#"{"region":""}"#, "mcp-param-region", ""),
            (r#"{"region":"a\u0062"}"#, "mcp-param-region", "ab"),
            (r#"{"region":"42"}"#, "mcp-param-region", "42"),
            (r#"{"count":42}"#, "mcp-param-count", "42.0"),
            (r#"{"count":42.0}"#, "mcp-param-count", "42"),
            (r#"{"count":9007199254740993}"#, "mcp-param-count", "9007199254740993"),
            (r#"{"count":1.5}"#, "mcp-param-count", "1.50"),
            (r#"{"dry":true}"#, "mcp-param-dry", "true"),
            (r#"{}"#, "mcp-param-unknown", "\u{ff}"),
        ] {
            assert_eq!(checked(arguments, &[(header, value)]), Ok(()), "{arguments} {value}");
        }
    }

    #[test]
    fn headers_that_contradict_the_arguments_are_told() {
        let region = "Mcp-Param-Region";
        assert_eq!(checked(r#"{"region":"x"}"#, &[]), Err(Mismatch::missing(region)));
        assert_eq!(
            checked(r#"{"region":"x"}"#, &[(region, "X")]),
            Err(Mismatch::different(region, "X", "x"))
        );
        assert_eq!(
            checked(r#"{"region":"x"}"#, &[(region, "x"), (region, "x")]),
            Err(Mismatch::repeated(region))
        );
        for nothing in ["{}", r#"{"region":null}"#] {
            assert_eq!(checked(nothing, &[(region, "x")]), Err(Mismatch::unmatched(region, "x")));
            assert_eq!(checked(nothing, &[(region, "=?base64?x?=")]), Err(Mismatch::malformed(region)));
        }
        for malformed in ["=?base64?SGVsbG8?=", "=?base64?SGVs!!!bG8=?=", "\u{fc}"] {
            assert_eq!(
                checked(r#"{"region":"Hello"}"#, &[(region, malformed)]),
                Err(Mismatch::malformed(region))
            );
        }
        for (arguments, name, value) in [
            (r#"{"region":"42"}"#, "Mcp-Param-Region", "42.0"),
            (r#"{"region":["x"]}"#, "Mcp-Param-Region", "x"),
            (r#"{"count":42}"#, "Mcp-Param-Count", "0x2a"),
            (r#"{"count":9007199254740993}"#, "Mcp-Param-Count", "9007199254740992"),
            (r#"{"dry":true}"#, "Mcp-Param-Dry", "True"),
        ] {
            assert!(
                matches!(checked(arguments, &[(name, value)]), Err(Mismatch::Different { .. })),
                "{value}"
            );
        }
    }

    #[test]
    fn a_tool_without_annotations_mirrors_nothing() {
        let schema = json!({"type": "object", "properties": {"region": {"type": "string"}}});
        assert!(Params::of_schema(&raw(&schema)).unwrap().is_empty());
        assert!(!params().is_empty());
    }

    fn argument() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            "(?s)[ \t]?(=\\?base64\\?)?.*(\\?=)?".prop_map(Value::String),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            let names = prop_oneof![Just("region"), Just("count"), Just("dry"), Just("where"), Just("x")];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                prop::collection::vec((names, inner), 0..5)
                    .prop_map(|m| m.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_mirrored_passes_the_check_and_fails_it_with_a_header_less(arguments in argument()) {
            let arguments = raw(&arguments);
            let headers = params().headers(Some(&arguments));
            let map: HeaderMap = headers.iter().cloned().collect();
            prop_assert_eq!(params().check(&map, Some(&arguments)), Ok(()));
            for (name, _) in headers {
                let mut less = map.clone();
                less.remove(&name);
                prop_assert!(matches!(params().check(&less, Some(&arguments)), Err(Mismatch::Missing(_))));
            }
        }

        #[test]
        fn an_altered_text_fails_the_check(said in "(?s).*", meant in "(?s).*") {
            let map: HeaderMap =
                [("mcp-param-region".parse::<HeaderName>().unwrap(), value::encode(&said))].into_iter().collect();
            let outcome = params().check(&map, Some(&raw(&json!({ "region": meant }))));
            prop_assert_eq!(outcome.is_ok(), said == meant);
        }
    }
}
