//! What changes in a result, an error or a capability between the two eras. All else stays as it came.

use crate::Limits;
use protocol::{Object, Revision, code, meta, method, raw};
use serde_json::value::RawValue;

/// What a service's answer is to the app.
pub(crate) enum Turn {
    /// Its result.
    Result(Box<RawValue>),
    /// Its error.
    Error(Box<RawValue>),
    /// Questions first: their keys and the requests, and, from the modern era, the state to send back.
    Ask(Vec<(String, Box<RawValue>)>, Option<Box<RawValue>>),
}

/// A result of the legacy era, for an app of the modern one.
pub(crate) fn result_for_modern(result: &RawValue, cacheable: bool, limits: &Limits) -> Box<RawValue> {
    let Ok(mut object) = Object::parse(result.get()) else { return result.to_owned() };
    if object.get("resultType").is_none() {
        object.set("resultType", raw("complete"));
    }
    if cacheable {
        object = cacheable_for(object, limits);
    }
    object.to_raw()
}

/// How long the app may keep what Bellhop answers, and that nobody else may have it. Above 0, since there are
/// apps that otherwise list again before and after each call.
pub(crate) fn cacheable_for<'a>(object: Object<'a>, limits: &Limits) -> Object<'a> {
    let ttl = u64::try_from(limits.ttl.as_millis()).unwrap_or(u64::MAX);
    object.with("ttlMs", ttl).with("cacheScope", "private")
}

/// An error of the legacy era, for an app of the modern one.
pub(crate) fn error_for_modern(error: &RawValue) -> Turn {
    let Ok(object) = Object::parse(error.get()) else { return Turn::Error(error.to_owned()) };
    let number = object.get("code").and_then(|c| c.get().parse::<i64>().ok());
    match number {
        Some(code::RESOURCE_NOT_FOUND) => Turn::Error(object.with("code", code::INVALID_PARAMS).to_raw()),
        Some(code::URL_ELICITATION) => {
            let asked = object.object("data").and_then(|d| {
                let list = d.list("elicitations")?;
                Some(list.into_iter().enumerate().map(|(n, e)| (format!("url-{}", n + 1), url(e))).collect())
            });
            match asked {
                Some(asked) => Turn::Ask(asked, None),
                None => Turn::Error(object.with("code", code::INTERNAL).to_raw()),
            }
        }
        _ => Turn::Error(error.to_owned()),
    }
}

/// An address that the person has to open, as a question of the modern era.
fn url(elicitation: &RawValue) -> Box<RawValue> {
    let params = Object::parse(elicitation.get()).unwrap_or_default().with("mode", "url");
    question_for_modern(method::ELICIT, Some(params))
}

/// A request of a service of the legacy era, as a question in a result.
pub(crate) fn question_for_modern(method: &str, params: Option<Object<'_>>) -> Box<RawValue> {
    let mut params = params.unwrap_or_default();
    // Only the era before needs a name for what is asked at an address.
    params.remove("elicitationId");
    Object::new().with("method", method).with("params", params).to_raw()
}

/// The answer to a request of the modern era that has to ask first.
pub(crate) fn input_required(asked: &[(String, Box<RawValue>)], state: &str) -> Box<RawValue> {
    let mut requests = Object::new();
    for (key, request) in asked {
        requests.put(key.clone(), request.clone());
    }
    Object::new()
        .with("resultType", "input_required")
        .with("inputRequests", requests)
        .with("requestState", state)
        .to_raw()
}

/// A result of the modern era, for an app of the legacy one.
pub(crate) fn result_for_legacy(result: &RawValue, tool: bool) -> Turn {
    let Ok(mut object) = Object::parse(result.get()) else { return Turn::Result(result.to_owned()) };
    if object.text("resultType").as_deref() == Some("input_required") {
        let mut asked = Vec::new();
        if let Some(requests) = object.object("inputRequests") {
            asked.extend(requests.members().map(|(k, r)| (k.to_owned(), r.to_owned())));
        }
        return Turn::Ask(asked, object.get("requestState").map(ToOwned::to_owned));
    }
    for name in ["resultType", "ttlMs", "cacheScope"] {
        object.remove(name);
    }
    // The era before knows objects alone here.
    if tool && object.get("structuredContent").is_some_and(|s| !s.get().starts_with('{')) {
        object.remove("structuredContent");
    }
    Turn::Result(object.to_raw())
}

/// An error of the modern era, for an app of the legacy one, to which the era's own codes mean nothing.
pub(crate) fn error_for_legacy(error: &RawValue) -> Box<RawValue> {
    let Ok(object) = Object::parse(error.get()) else { return error.to_owned() };
    let number = object.get("code").and_then(|c| c.get().parse::<i64>().ok());
    match number {
        Some(code::HEADER_MISMATCH | code::MISSING_CAPABILITY | code::UNSUPPORTED_VERSION) => {
            object.with("code", code::INVALID_REQUEST).to_raw()
        }
        _ => error.to_owned(),
    }
}

/// The questions of a result, as a request to an app of the legacy era: method and params.
pub(crate) fn question_for_legacy(
    request: &RawValue,
    revision: Revision,
    elicitation: impl FnOnce() -> String,
) -> Option<(String, Object<'static>)> {
    let request = Object::parse(request.get()).ok()?;
    let asked = request.text("method")?.into_owned();
    let params = request.get("params").map(ToOwned::to_owned);
    let mut params =
        params.as_ref().and_then(|p| Object::parse(p.get()).ok()).unwrap_or_default().into_owned();
    if asked == method::ELICIT {
        if params.text("mode").as_deref() == Some("url") {
            params.set("elicitationId", raw(&elicitation()));
        } else if revision < Revision::V20251125 {
            params.remove("mode");
        }
    }
    Some((asked, params))
}

/// What an app of the modern era can do, as a service of the legacy era understands it.
pub(crate) fn capabilities_for_legacy(declared: &RawValue) -> Box<RawValue> {
    without_tasks(declared, &[])
}

/// What an app of the legacy era can do, as a service of the modern era understands it. Only what it declared.
pub(crate) fn capabilities_for_modern(declared: &RawValue, revision: Revision) -> Box<RawValue> {
    let declared = without_tasks(declared, &["tasks"]);
    let Ok(mut object) = Object::parse(declared.get()) else { return raw(&Object::new()) };
    if let Some(roots) = object.object("roots").map(Object::into_owned) {
        let mut roots = roots;
        roots.remove("listChanged");
        object.set("roots", roots.to_raw());
    }
    // Asking at an address came with 2025-11-25.
    if revision < Revision::V20251125 && object.get("elicitation").is_some() {
        object.set("elicitation", Object::new().with("form", Object::new()).to_raw());
    }
    object.to_raw()
}

/// Tasks of the one era are not those of the other, so neither side is offered them across.
fn without_tasks(declared: &RawValue, also: &[&str]) -> Box<RawValue> {
    let Ok(mut object) = Object::parse(declared.get()) else { return raw(&Object::new()) };
    for name in also {
        object.remove(name);
    }
    if let Some(extensions) = object.object("extensions").map(Object::into_owned) {
        let mut extensions = extensions;
        extensions.remove(meta::TASKS);
        object.set("extensions", extensions.to_raw());
    }
    object.to_raw()
}

/// What a service can do, for an app of the other era.
pub(crate) fn offers_across(capabilities: &RawValue) -> Box<RawValue> {
    without_tasks(capabilities, &["tasks"])
}

/// A tool of a service of the modern era as the legacy era may have it; `None` when it may as it is.
pub(crate) fn tool_for_legacy(tool: &Object<'_>) -> Option<Box<RawValue>> {
    let schema = tool.get("outputSchema")?;
    let is_object = Object::parse(schema.get()).is_ok_and(|s| s.text("type").as_deref() == Some("object"));
    if is_object {
        return None;
    }
    let mut tool = tool.clone();
    tool.remove("outputSchema");
    Some(tool.to_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn a_result_goes_to_the_other_era_and_back_unchanged() {
        let result = json(r#"{"content":[{"type":"new","n":1e400}],"isError":false,"_meta":{"x":1}}"#);
        let there = result_for_modern(&result, true, &Limits::default());
        assert!(there.get().contains(r#""resultType":"complete","ttlMs":60000,"cacheScope":"private""#));
        let Turn::Result(back) = result_for_legacy(&there, true) else { panic!("a result") };
        assert_eq!(back.get(), result.get());
    }

    #[test]
    fn errors_change_only_in_what_the_other_era_does_not_know() {
        let Turn::Error(e) = error_for_modern(&json(r#"{"code":-32002,"message":"m","data":{"uri":"x"}}"#))
        else {
            panic!("an error")
        };
        assert_eq!(e.get(), r#"{"code":-32602,"message":"m","data":{"uri":"x"}}"#);
        let same = json(r#"{"code":-32603,"message":"m","data":[1]}"#);
        assert!(matches!(error_for_modern(&same), Turn::Error(e) if e.get() == same.get()));
        assert_eq!(error_for_legacy(&same).get(), same.get());
        for hidden in [-32020, -32021, -32022] {
            let e = error_for_legacy(&json(&format!(r#"{{"code":{hidden},"message":"m"}}"#)));
            assert_eq!(e.get(), r#"{"code":-32600,"message":"m"}"#);
        }
    }

    #[test]
    fn an_address_that_has_to_be_opened_becomes_a_question() {
        let error = json(
            r#"{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url","elicitationId":"e","url":"https://a.example/","message":"Open"}]}}"#,
        );
        let Turn::Ask(asked, None) = error_for_modern(&error) else { panic!("a question") };
        assert_eq!(
            asked[0].1.get(),
            r#"{"method":"elicitation/create","params":{"mode":"url","url":"https://a.example/","message":"Open"}}"#
        );
        let (method, params) =
            question_for_legacy(&asked[0].1, Revision::V20251125, || "e-1".into()).unwrap();
        assert_eq!(method, "elicitation/create");
        assert_eq!(
            params.to_raw().get(),
            r#"{"mode":"url","url":"https://a.example/","message":"Open","elicitationId":"e-1"}"#
        );
    }

    #[test]
    fn an_app_is_never_said_to_do_more_than_it_declared() {
        let declared = json(
            r#"{"roots":{"listChanged":true},"elicitation":{"form":{},"url":{}},"tasks":{"list":{}},"extensions":{"io.modelcontextprotocol/tasks":{},"x/y":{}},"new":{"z":1}}"#,
        );
        assert_eq!(
            capabilities_for_modern(&declared, Revision::V20250618).get(),
            r#"{"roots":{},"elicitation":{"form":{}},"extensions":{"x/y":{}},"new":{"z":1}}"#
        );
        assert_eq!(capabilities_for_modern(&json("{}"), Revision::V20251125).get(), "{}");
    }

    #[test]
    fn an_output_schema_that_is_no_object_is_left_out_for_the_legacy_era() {
        let tool = |schema: &str| json(&format!(r#"{{"name":"t","outputSchema":{schema}}}"#));
        let legacy = |t: &RawValue| tool_for_legacy(&Object::parse(t.get()).unwrap());
        assert_eq!(legacy(&tool(r#"{"type":"array"}"#)).unwrap().get(), r#"{"name":"t"}"#);
        assert!(legacy(&tool(r#"{"type":"object"}"#)).is_none());
        let Turn::Result(r) = result_for_legacy(&json(r#"{"structuredContent":[1]}"#), true) else {
            panic!("a result")
        };
        assert_eq!(r.get(), "{}");
    }
}
