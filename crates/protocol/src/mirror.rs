//! What of a modern request is mirrored in HTTP headers (SEP-2243), so that what stands between the two sides
//! can route without reading bodies: written for requests that Bellhop sends, checked on those it gets.

mod argument;
mod mismatch;
mod number;
mod params;
mod schema;
mod value;

pub use mismatch::Mismatch;
pub use params::Params;
pub use schema::BadAnnotation;
pub use value::{decode, encode};

use crate::{Request, header, method};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;

/// Checks `MCP-Protocol-Version` (`version` is what `_meta` says), `Mcp-Method`, and `Mcp-Name` where the
/// method has it.
///
/// A request that lacks the parameter which the header mirrors needs no header: that it lacks it is for who
/// answers the method to say.
///
/// # Errors
/// The first header that is missing, there twice, malformed or different.
pub fn check(headers: &HeaderMap, version: &str, request: &Request<'_>) -> Result<(), Mismatch> {
    same(headers, &header::PROTOCOL_VERSION, "MCP-Protocol-Version", version)?;
    same(headers, &header::METHOD, "Mcp-Method", &request.method)?;
    let Some(source) = source_of(&request.method) else { return Ok(()) };
    const LABEL: &str = "Mcp-Name";
    let body = request.param(source.param);
    match (only(headers, &header::NAME, LABEL)?, body) {
        (None, Some(_)) if source.required => Err(Mismatch::missing(LABEL)),
        (None, _) => Ok(()),
        (Some(value), body) => {
            let said = value::read(value).ok_or_else(|| Mismatch::malformed(LABEL))?;
            match body {
                Some(body) if body == said => Ok(()),
                Some(body) => Err(Mismatch::different(LABEL, &said, &body)),
                None => Err(Mismatch::unmatched(LABEL, &said)),
            }
        }
    }
}

/// What `Mcp-Name` says of this request; `None` when its method has no such header, or it lacks the parameter.
pub fn name_of<'r>(request: &'r Request<'_>) -> Option<Cow<'r, str>> {
    request.param(source_of(&request.method)?.param)
}

/// Where `Mcp-Name` comes from.
struct Source {
    param: &'static str,
    required: bool,
}

fn source_of(method: &str) -> Option<Source> {
    match method {
        method::TOOLS_CALL | method::PROMPTS_GET => Some(Source { param: "name", required: true }),
        method::RESOURCES_READ => Some(Source { param: "uri", required: true }),
        // SEP-2663 asks clients for it, but names no error when it is missing.
        method::TASKS_GET | method::TASKS_UPDATE | method::TASKS_CANCEL => {
            Some(Source { param: "taskId", required: false })
        }
        _ => None,
    }
}

/// A header that must be there and say this, in its own characters: these two know no base64.
fn same(headers: &HeaderMap, name: &HeaderName, label: &'static str, body: &str) -> Result<(), Mismatch> {
    let value = only(headers, name, label)?.ok_or_else(|| Mismatch::missing(label))?;
    let said = value.to_str().map_err(|_| Mismatch::malformed(label))?;
    if value::trimmed(said) == body { Ok(()) } else { Err(Mismatch::different(label, said, body)) }
}

/// The header's value. One that is there twice could be understood differently by two readers.
fn only<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
    label: &str,
) -> Result<Option<&'h HeaderValue>, Mismatch> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Mismatch::repeated(label)),
        (value, None) => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    const VERSION: &str = "2026-07-28";

    fn outcome(headers: &[(&str, &str)], json: &str) -> Result<(), Mismatch> {
        let map = headers
            .iter()
            .map(|(n, v)| (n.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(v.as_bytes()).unwrap()))
            .collect();
        let Message::Request(request) = Message::parse(json.as_bytes()).unwrap() else { panic!("a request") };
        check(&map, VERSION, &request)
    }

    fn call(name: &str, headers: &[(&str, &str)]) -> Result<(), Mismatch> {
        let json = serde_json::json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name},
        });
        outcome(headers, &json.to_string())
    }

    #[test]
    fn a_request_whose_headers_say_what_its_body_says_passes() {
        let head = [("MCP-Protocol-Version", VERSION), ("MCP-METHOD", "tools/call")];
        for (name, value) in [
            ("my-tool_name", "my-tool_name"),
            ("foo", " foo\t"),
            ("foo", "=?base64?Zm9v?="),
            ("日本語", "=?base64?5pel5pys6Kqe?="),
            ("=?base64?Zm9v", "=?base64?Zm9v"),
        ] {
            assert_eq!(call(name, &[head[0], head[1], ("mcp-name", value)]), Ok(()), "{value}");
        }
        let read =
            r#"{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"file:///a%20b?c=1"}}"#;
        let headers = [head[0], ("Mcp-Method", "resources/read"), ("Mcp-Name", "file:///a%20b?c=1")];
        assert_eq!(outcome(&headers, read), Ok(()));
    }

    #[test]
    fn a_header_that_is_missing_repeated_malformed_or_different_is_told() {
        let version = ("MCP-Protocol-Version", VERSION);
        let method = ("Mcp-Method", "tools/call");
        let name = ("Mcp-Name", "foo");
        assert_eq!(call("foo", &[method, name]), Err(Mismatch::missing("MCP-Protocol-Version")));
        assert_eq!(call("foo", &[version, name]), Err(Mismatch::missing("Mcp-Method")));
        assert_eq!(call("foo", &[version, method]), Err(Mismatch::missing("Mcp-Name")));
        assert_eq!(
            call("foo", &[version, version, method, name]),
            Err(Mismatch::repeated("MCP-Protocol-Version"))
        );
        assert_eq!(call("foo", &[version, method, name, name]), Err(Mismatch::repeated("Mcp-Name")));
        assert_eq!(
            call("foo", &[("MCP-Protocol-Version", "2025-11-25"), method, name]),
            Err(Mismatch::different("MCP-Protocol-Version", "2025-11-25", VERSION))
        );
        assert_eq!(
            call("foo", &[version, ("Mcp-Method", "TOOLS/CALL"), name]),
            Err(Mismatch::different("Mcp-Method", "TOOLS/CALL", "tools/call"))
        );
        assert_eq!(
            call("bar", &[version, method, name]).unwrap_err().to_string(),
            "Header mismatch: Mcp-Name says “foo”, the body says “bar”."
        );
        for malformed in
            ["=?base64?Zm9?=", "=?base64?Zm!v?=", "=?base64?/w==?=", "=?base64?=", "f\u{f6}\u{f6}"]
        {
            let told = call("foo", &[version, method, ("Mcp-Name", malformed)]);
            assert_eq!(told, Err(Mismatch::malformed("Mcp-Name")), "{malformed}");
        }
        // Encoded, but a header that knows no encoding.
        let encoded = call("foo", &[version, ("Mcp-Method", "=?base64?dG9vbHMvY2FsbA==?="), name]);
        assert!(matches!(encoded, Err(Mismatch::Different { .. })));
    }

    #[test]
    fn a_name_is_only_asked_for_where_the_method_and_the_body_have_it() {
        let head = |method| [("MCP-Protocol-Version", VERSION), ("Mcp-Method", method)];
        let json = |method: &str, params: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
        };
        assert_eq!(outcome(&head("tools/list"), &json("tools/list", r#"{"name":"x"}"#)), Ok(()));
        assert_eq!(outcome(&head("tools/call"), &json("tools/call", "{}")), Ok(()));
        let said = [head("tools/call")[0], head("tools/call")[1], ("Mcp-Name", "x")];
        assert_eq!(
            outcome(&said, &json("tools/call", r#"{"name":7}"#)),
            Err(Mismatch::unmatched("Mcp-Name", "x"))
        );
        let task = json("tasks/get", r#"{"taskId":"t"}"#);
        assert_eq!(outcome(&head("tasks/get"), &task), Ok(()));
        let other = [head("tasks/get")[0], head("tasks/get")[1], ("Mcp-Name", "u")];
        assert_eq!(outcome(&other, &task), Err(Mismatch::different("Mcp-Name", "u", "t")));
    }

    #[test]
    fn the_name_of_a_request_is_what_its_method_mirrors() {
        for (json, name) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","uri":"u"}}"#, Some("a")),
            (r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"a\u0062"}}"#, Some("ab")),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"name":"a","uri":"u"}}"#,
                Some("u"),
            ),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tasks/cancel","params":{"taskId":"t"}}"#, Some("t")),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"name":"a"}}"#, None),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, None),
        ] {
            let Message::Request(request) = Message::parse(json.as_bytes()).unwrap() else {
                panic!("a request")
            };
            assert_eq!(name_of(&request).as_deref(), name, "{json}");
        }
    }

    #[test]
    fn a_long_value_is_not_echoed_whole() {
        let long = "x".repeat(10_000);
        let told = call(
            &long,
            &[("MCP-Protocol-Version", VERSION), ("Mcp-Method", "tools/call"), ("Mcp-Name", "y\tz")],
        )
        .unwrap_err()
        .to_string();
        assert!(told.len() < 200, "{told}");
        assert!(!told.contains('\t'));
    }
}
