//! What must be so of the headers that mirror a request.

use bellhop_protocol::{Message, Object, Request, header, method, mirror};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, value::RawValue};
use std::collections::HashSet;

/// The version that `_meta` is taken to say.
const VERSION: &str = "2026-07-28";

/// The bytes are lines of headers, an empty line, a line with a tool's schema, and a request.
///
/// # Panics
/// When something is not so.
pub(crate) fn holds(bytes: &[u8]) {
    let (head, rest) = cut(bytes, b"\n\n");
    let (schema, body) = cut(rest, b"\n");
    let headers = headers(head);
    for value in headers.values() {
        if let Some(text) = mirror::decode(value) {
            encoded(&text);
        }
    }
    encoded(&String::from_utf8_lossy(bytes));
    let params = serde_json::from_slice::<Box<RawValue>>(schema).ok().and_then(|s| annotations(&s));
    let Ok(Message::Request(request)) = Message::parse(body) else { return };
    standard(&headers, &request);
    if let Some(params) = params {
        arguments(&params, &headers, request.params.as_ref().and_then(|p| p.get("arguments")));
    }
}

/// What stands before and behind the first of these separators.
fn cut<'a>(bytes: &'a [u8], separator: &[u8]) -> (&'a [u8], &'a [u8]) {
    match bytes.windows(separator.len()).position(|w| w == separator) {
        Some(at) => (&bytes[..at], &bytes[at + separator.len()..]),
        None => (bytes, &[]),
    }
}

/// The lines that HTTP takes for headers.
fn headers(head: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in head.split(|b| *b == b'\n').take(100) {
        let (name, value) = cut(line, b":");
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}

/// A text is written as a value that nothing on the way takes for something else, and comes back.
fn encoded(text: &str) {
    let value = mirror::encode(text);
    let bytes = value.as_bytes();
    assert!(bytes.iter().all(|b| matches!(b, b' '..=b'~')) && bytes.trim_ascii() == bytes, "{value:?}");
    assert_eq!(mirror::decode(&value).as_deref(), Some(text));
}

/// `MCP-Protocol-Version`, `Mcp-Method` and `Mcp-Name`.
fn standard(headers: &HeaderMap, request: &Request<'_>) {
    let name = mirror::name_of(request);
    match mirror::check(headers, VERSION, request) {
        Ok(()) => {
            let only = |name| {
                let mut values = headers.get_all(name).iter();
                values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes)
            };
            assert_eq!(only(header::PROTOCOL_VERSION).map(<[u8]>::trim_ascii), Some(VERSION.as_bytes()));
            assert_eq!(only(header::METHOD).map(<[u8]>::trim_ascii), Some(request.method.as_bytes()));
            let named = [method::TOOLS_CALL, method::PROMPTS_GET, method::RESOURCES_READ];
            if named.contains(&request.method.as_ref()) {
                let said = headers.get(header::NAME).and_then(mirror::decode);
                assert_eq!(said.as_deref(), name.as_deref(), "a name that is not the body's passed");
            }
        }
        Err(mismatch) => sentence(&mismatch.to_string()),
    }
    // What we would send ourselves passes.
    let Ok(method) = HeaderValue::from_str(&request.method) else { return };
    if method.is_empty() || method.as_bytes().trim_ascii() != method.as_bytes() || method.to_str().is_err() {
        return;
    }
    let mut ours = HeaderMap::new();
    ours.insert(header::PROTOCOL_VERSION, HeaderValue::from_static(VERSION));
    ours.insert(header::METHOD, method);
    if let Some(name) = name {
        ours.insert(header::NAME, mirror::encode(&name));
    }
    assert_eq!(mirror::check(&ours, VERSION, request), Ok(()));
}

/// A sentence for an app is one line, and not long.
fn sentence(text: &str) {
    assert!(text.chars().count() < 300 && !text.chars().any(char::is_control), "{text:?}");
}

/// The annotations of a schema, which a plainer reader finds as well.
fn annotations(schema: &RawValue) -> Option<mirror::Params> {
    match mirror::Params::of_schema(schema) {
        Ok(params) => {
            if let Ok(schema) = serde_json::from_str::<Value>(schema.get()) {
                let mut found = 0;
                let full = filled(&schema, &mut found);
                let headers = params.headers(Some(&bellhop_protocol::raw(&full)));
                assert_eq!(headers.len(), found, "other annotations than the plain reader's");
                let names: HashSet<_> = headers.iter().map(|(name, _)| name).collect();
                assert_eq!(names.len(), headers.len(), "two arguments have one header");
                assert!(names.iter().all(|n| n.as_str().starts_with(header::PARAM_PREFIX)));
            }
            Some(params)
        }
        Err(bad) => {
            sentence(&bad.to_string());
            assert!(mentions(schema.get()), "a schema without annotations was refused: {bad}");
            None
        }
    }
}

/// Whether `x-mcp-header` stands anywhere as a name.
fn mentions(json: &str) -> bool {
    if let Ok(object) = Object::parse(json) {
        return object.members().any(|(name, value)| name == "x-mcp-header" || mentions(value.get()));
    }
    serde_json::from_str::<Vec<&RawValue>>(json).is_ok_and(|list| list.iter().any(|v| mentions(v.get())))
}

/// Arguments in which every annotated property has a value, and how many can have one.
fn filled(schema: &Value, found: &mut usize) -> Value {
    let mut arguments = serde_json::Map::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let before = *found;
        let under = filled(property, found);
        if *found > before {
            arguments.insert(name.clone(), under);
        } else if property.get("x-mcp-header").is_some() {
            *found += 1;
            arguments.insert(name.clone(), "value".into());
        }
    }
    Value::Object(arguments)
}

/// `Mcp-Param-*`.
fn arguments(params: &mirror::Params, headers: &HeaderMap, arguments: Option<&RawValue>) {
    let ours: HeaderMap = params.headers(arguments).into_iter().collect();
    assert_eq!(params.check(&ours, arguments), Ok(()), "what we would send does not pass");
    match params.check(headers, arguments) {
        // What passes says the same as what we would send; a number may be written in another way.
        Ok(()) => {
            for (name, value) in &ours {
                let said = headers.get(name).and_then(mirror::decode);
                let meant = mirror::decode(value);
                let number = |text: &Option<String>| text.as_ref().and_then(|t| t.parse::<f64>().ok());
                assert!(
                    said == meant || number(&said).is_some() && number(&said) == number(&meant),
                    "{name}"
                );
            }
        }
        Err(mismatch) => sentence(&mismatch.to_string()),
    }
}
