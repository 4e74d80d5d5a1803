//! Bad input: refused for what it is, and the next request is served.

use crate::{
    service::Fixture,
    support::{House, call},
};
use bytes::Bytes;
use http::{Method, StatusCode};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn what_is_no_message_is_refused_with_its_own_code() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let bomb = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"a":{}{}}}}}"#,
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    for (body, code) in [
        ("", -32700),
        ("{", -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#, -32600),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","n\u0061me":"write"}}"#,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"x":{"a":1,"a":2}}}}"#,
            -32600,
        ),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (r#"{"id":1,"method":"ping"}"#, -32600),
        (bomb.as_str(), -32600),
    ] {
        let reply = house.post("/mcp/a", &session, body).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::BAD_REQUEST, code), "{:.80}", body);
    }
    assert!(service.got("tools/call").is_empty());
    assert_eq!(house.call("/mcp/a", &session, "echo").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_wrong_type_size_version_and_method_have_their_own_status() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let id = ("mcp-session-id", session.as_str());
    let post = |headers: Vec<(&'static str, String)>, body: Bytes| {
        let house = &house;
        let id = id.1.to_owned();
        async move {
            let mut all: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
            all.push(("mcp-session-id", &id));
            house.raw(Method::POST, "/mcp/a", &all, body).await.status()
        }
    };
    let json = || ("content-type", "application/json".to_owned());
    let ping = || Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    assert_eq!(post(vec![("content-type", "text/plain".into())], ping()).await, 415);
    assert_eq!(post(vec![], ping()).await, 415);
    assert_eq!(post(vec![json()], vec![b' '; (4 << 20) + 1].into()).await, 413);
    assert_eq!(post(vec![json(), ("mcp-protocol-version", "1999-01-01".into())], ping()).await, 400);
    assert_eq!(post(vec![json(), ("mcp-protocol-version", "2026-07-28".into())], ping()).await, 400);
    assert_eq!(post(vec![json(), ("mcp-protocol-version", "2025-03-26".into())], ping()).await, 200);
    assert_eq!(post(vec![("content-type", "Application/JSON; charset=utf-8".into())], ping()).await, 200);
    assert_eq!(house.send(Method::PUT, "/mcp/a", &[JSON, id], "{}").await.status, 405);
    assert_eq!(house.send(Method::GET, "/mcp/A-B", &[id], "").await.status, 404);
}

#[tokio::test]
async fn what_needs_a_session_says_so_without_one() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    assert_eq!(house.send(Method::POST, "/mcp", &[JSON], &call(1, "a_echo")).await.status, 400);
    assert_eq!(house.post("/mcp", "unknown", &call(1, "a_echo")).await.status, 404);
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(house.send(method, "/mcp", &[], "").await.status, 405);
    }
    let session = house.open("/mcp").await;
    let head = house.send(Method::HEAD, "/mcp", &[("mcp-session-id", &session)], "").await;
    assert_eq!(
        (head.status, head.headers["content-type"].to_str().unwrap()),
        (StatusCode::OK, "text/event-stream")
    );
}

#[tokio::test]
async fn an_initialize_that_names_another_era_gets_the_newest_of_its_own() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    assert_eq!(house.open_as("/mcp", "2026-07-28").await.1["protocolVersion"], "2025-11-25");
    assert_eq!(house.open_as("/mcp", "2024-11-05").await.1["protocolVersion"], "2024-11-05");
}

#[tokio::test]
async fn a_batch_is_answered_in_the_one_revision_that_has_them() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open_as("/mcp/a", "2025-03-26").await.0;
    let body = format!(
        r#"[{},{{"jsonrpc":"2.0","method":"notifications/x"}},{}]"#,
        call(1, "echo"),
        call(2, "fail")
    );
    let mut stream = house.stream("/mcp/a", &session, body).await;
    assert_eq!(stream.next().await.unwrap()["id"], 1);
    assert_eq!(stream.next().await.unwrap()["id"], 2);
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn an_id_that_is_in_use_is_refused() {
    let service = Fixture::start().await;
    let house = House::one(&service).await;
    let session = house.open("/mcp/a").await;
    let mut stream = house.stream("/mcp/a", &session, call(1, "slow")).await;
    stream.next().await.unwrap();
    assert_eq!(house.call("/mcp/a", &session, "echo").await.status, 400);
    service.slow(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    stream.next().await.unwrap();
    assert_eq!(house.call("/mcp/a", &session, "echo").await.status, 200);
}
