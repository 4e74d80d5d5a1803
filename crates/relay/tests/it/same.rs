//! Whatever is said passes as it is: generated messages through every way between the eras.

use crate::{
    peer::Peer,
    support::{House, LONG},
    visit::{CAPABILITIES, VERSION},
};
use http::Method;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use protocol::{Object, mirror, sse::Decoder};
use serde_json::value::RawValue;

/// JSON as anybody may write it: numbers that no reader holds, escapes, empty names.
fn any_json() -> impl Strategy<Value = String> {
    let number = prop::sample::select(vec![
        "0",
        "-0",
        "1.10",
        "1E+2",
        "1e400",
        "-12345678901234567890123456789.5",
        "true",
        "null",
    ]);
    let text = prop_oneof![
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        Just(r#""\u0069\/\ud83d\ude00""#.to_owned()),
    ];
    let leaf = prop_oneof![number.prop_map(str::to_owned), text];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|v| format!("[{}]", v.join(","))),
            members(inner).prop_map(|m| format!("{{{m}}}")),
        ]
    })
}

/// Members of an object whose names nobody knows; each name once, as a message has to.
fn members(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::btree_map("x\\PC{0,4}", value, 0..5).prop_map(|members| {
        let member =
            |(name, value): (String, String)| format!("{}:{value}", serde_json::to_string(&name).unwrap());
        members.into_iter().map(member).collect::<Vec<_>>().join(",")
    })
}

/// Members with a comma in front where there are any.
fn more(members: &str) -> String {
    if members.is_empty() { String::new() } else { format!(",{members}") }
}

#[derive(Debug, Clone)]
struct Case {
    arguments: String,
    meta: String,
    params: String,
    notice: String,
    result: String,
    error: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let object = || members(any_json());
    (object(), object(), object(), object(), object(), any::<bool>()).prop_map(
        |(arguments, meta, params, notice, result, error)| Case {
            arguments,
            meta,
            params,
            notice,
            result,
            error,
        },
    )
}

/// The way from an app to a service, and what goes it.
struct Road {
    house: House,
    peer: Peer,
    session: String,
    app_is_modern: bool,
    service_is_modern: bool,
    path: &'static str,
}

fn object(text: &str) -> Object<'_> {
    Object::parse(text).unwrap()
}

/// A request's parameters without what only the modern era has.
fn stripped(params: &RawValue) -> String {
    let mut params = object(params.get());
    protocol::meta::strip(&mut params);
    params.to_raw().get().to_owned()
}

impl Road {
    async fn new(app_is_modern: bool, service_is_modern: bool, path: &'static str) -> Self {
        let peer = if service_is_modern { Peer::modern().await } else { Peer::legacy().await };
        let house = House::before(&peer).await;
        let session = house.open_with(path, "2025-11-25", serde_json::json!({})).await;
        Self { house, peer, session, app_is_modern, service_is_modern, path }
    }

    fn request(&self, case: &Case, name: &str) -> String {
        let era = format!(r#","{VERSION}":"2026-07-28","{CAPABILITIES}":{{}}"#);
        let era = if self.app_is_modern { era.as_str() } else { "" };
        format!(
            r#"{{"jsonrpc":"2.0","id":"\u0031","method":"tools/call","params":{{"name":"{name}","arguments":{{{}}},"_meta":{{"own/x":1{}{era}}}{}}}}}"#,
            case.arguments,
            more(&case.meta),
            more(&case.params),
        )
    }

    /// There and back: what the service got, and the notice and the answer as the service said them and as the
    /// app got them.
    async fn go(&self, case: &Case) {
        let public = if self.path == "/mcp" { "a_work" } else { "work" };
        let (sent, own) = (self.request(case, public), self.request(case, "work"));
        let mut headers = vec![("content-type", "application/json")];
        if self.app_is_modern {
            let name = if self.path == "/mcp" { "a_work" } else { "work" };
            headers.extend([
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", name),
            ]);
            assert_eq!(mirror::encode(name), name);
        } else {
            headers.push(("mcp-session-id", &self.session));
        }
        let notice =
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/x","params":{{{}}}}}"#, case.notice);
        let outcome = |era: &str| {
            if case.error {
                format!(r#""error":{{"code":-32603,"message":"m"{}}}"#, more(&case.result))
            } else {
                format!(r#""result":{{"content":[]{}{era}}}"#, more(&case.result))
            }
        };
        let served = async {
            let call = self.peer.call().await;
            let got = call.text.clone();
            let id = object(&got).get("id").unwrap().get().to_owned();
            let (events, _) = call.stream();
            events.say(&notice);
            let era = r#","resultType":"complete","ttlMs":5,"cacheScope":"public""#;
            let said = outcome(if self.service_is_modern { era } else { "" });
            events.say(format!(r#"{{"jsonrpc":"2.0","id":{id},{said}}}"#));
            (got, id, said)
        };
        let calling = async {
            let response = self.house.raw(Method::POST, self.path, &headers, sent.clone()).await;
            let body = http_body_util::BodyExt::collect(response.into_body());
            tokio::time::timeout(LONG, body).await.unwrap().unwrap().to_bytes()
        };
        let (body, (got, id, said)) = tokio::join!(calling, served);
        match (self.app_is_modern, self.service_is_modern) {
            (false, false) | (true, true) => assert_eq!(got, own),
            (true, false) | (false, true) => {
                let (got, own) = (object(&got), object(&own));
                assert_eq!(stripped(got.get("params").unwrap()), stripped(own.get("params").unwrap()));
                assert_eq!(got.get("method").unwrap().get(), "\"tools/call\"");
                let same_id = id == r#""\u0031""#;
                assert_eq!(same_id, self.service_is_modern, "a legacy session is shared: ids are ours");
            }
        }
        let mut events = Decoder::new(1 << 24);
        events.push(&body);
        assert_eq!(events.next_event().unwrap().unwrap().data, notice);
        let want = match (self.app_is_modern, self.service_is_modern) {
            (false, false) | (true, true) => said,
            (true, false) => outcome(r#","resultType":"complete""#),
            (false, true) => outcome(""),
        };
        let last = events.next_event().unwrap().unwrap().data;
        assert_eq!(last, format!(r#"{{"jsonrpc":"2.0","id":"\u0031",{want}}}"#));
        assert!(events.next_event().unwrap().is_none());
    }
}

#[test]
fn whatever_is_said_passes_through_every_way_but_for_what_must_change() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for app_is_modern in [false, true] {
        for service_is_modern in [false, true] {
            for path in ["/mcp/a", "/mcp"] {
                let road = runtime.block_on(Road::new(app_is_modern, service_is_modern, path));
                let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
                let run = TestRunner::new(config).run(&cases(), |case| {
                    runtime.block_on(road.go(&case));
                    Ok(())
                });
                run.unwrap_or_else(|e| panic!("{app_is_modern} {service_is_modern} {path}: {e}"));
            }
        }
    }
}
