//! The service behind all subjects: an MCP server that costs little, in both eras.
//!
//! The path says what it can do: `/legacy`, `/modern` or `/both`, then `/many/N` for a list of N tools, or
//! anything else to have another address.

use crate::message::{LEGACY, MODERN};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Frame, Incoming},
    header,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::net::TcpListener;

type Body = BoxBody<Bytes, Infallible>;
type Answer = Response<Body>;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: &'a str,
    #[serde(borrow, default)]
    params: Option<Params<'a>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    name: Option<&'a str>,
    #[serde(borrow)]
    arguments: Option<Arguments<'a>>,
    #[serde(rename = "_meta", borrow)]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(default)]
    events: u64,
    #[serde(default)]
    every_ms: u64,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<&'a str>,
    #[serde(rename = "progressToken", borrow)]
    progress: Option<&'a RawValue>,
}

/// Serve until standard input ends.
pub(crate) async fn serve(listener: TcpListener) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    if head.method == Method::DELETE {
        return Ok(empty(StatusCode::OK));
    }
    if head.method != Method::POST {
        return Ok(empty(StatusCode::METHOD_NOT_ALLOWED));
    }
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return Ok(empty(StatusCode::BAD_REQUEST));
    };
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(&body) else {
        return Ok(error(StatusCode::BAD_REQUEST, "null", -32700, "not a request"));
    };
    let Some(id) = envelope.id else { return Ok(empty(StatusCode::ACCEPTED)) };
    let id = id.get();
    let (era, rest) = head.uri.path()[1..].split_once('/').unwrap_or((&head.uri.path()[1..], ""));
    let modern = envelope.params.as_ref().and_then(|p| p.meta.as_ref()?.version) == Some(MODERN);
    Ok(match (modern, envelope.method) {
        (true, _) if era == "legacy" => error(StatusCode::BAD_REQUEST, id, -32000, "no session"),
        (false, _) if era == "modern" => {
            error(StatusCode::BAD_REQUEST, id, -32022, "this server speaks 2026-07-28 only")
        }
        (false, "initialize") => initialize(id),
        (true, "server/discover") => discover(id),
        (_, "ping") => result(id, "{}"),
        (_, "tools/list") => result(id, &list(modern, rest)),
        (false, _) if !head.headers.contains_key("mcp-session-id") => {
            error(StatusCode::BAD_REQUEST, id, -32000, "no session")
        }
        (_, "tools/call") => call(id, modern, envelope.params),
        (true, _) => error(StatusCode::NOT_FOUND, id, -32601, "no such method"),
        (false, _) => error(StatusCode::OK, id, -32601, "no such method"),
    })
}

fn initialize(id: &str) -> Answer {
    static SESSIONS: AtomicU64 = AtomicU64::new(0);
    let hello = json!({
        "protocolVersion": LEGACY,
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "bellhop-bench", "version": "1" },
    });
    let mut answer = result(id, &hello.to_string());
    let session = format!("session-{}", SESSIONS.fetch_add(1, Ordering::Relaxed));
    if let Ok(session) = session.parse() {
        answer.headers_mut().insert("mcp-session-id", session);
    }
    answer
}

fn discover(id: &str) -> Answer {
    let about = json!({
        "resultType": "complete",
        "supportedVersions": [MODERN],
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "bellhop-bench", "version": "1" },
        "ttlMs": 3_600_000,
        "cacheScope": "private",
    });
    result(id, &about.to_string())
}

/// The list of tools: the two that can be called, and as many more as the path says.
fn list(modern: bool, rest: &str) -> String {
    let many = rest.strip_prefix("many/").and_then(|n| n.parse().ok()).unwrap_or(2_usize);
    let tool = |name: &str| {
        json!({
            "name": name,
            "description": "Says what was said to it, for as long as it was told to, and nothing else.",
            "inputSchema": { "type": "object", "properties": { "text": { "type": "string" } } },
        })
    };
    let more = (2..many).map(|n| format!("tool_number_{n}"));
    let tools: Vec<Value> =
        ["echo".to_owned(), "stream".to_owned()].into_iter().chain(more).map(|n| tool(&n)).collect();
    let mut list = json!({ "tools": tools });
    if modern {
        list["resultType"] = "complete".into();
        list["ttlMs"] = 3_600_000.into();
        list["cacheScope"] = "private".into();
    }
    list.to_string()
}

fn call(id: &str, modern: bool, params: Option<Params<'_>>) -> Answer {
    let params = params.unwrap_or(Params { name: None, arguments: None, meta: None });
    let kind = if modern { r#""resultType":"complete","# } else { "" };
    let said = params.arguments.as_ref().and_then(|a| a.text).map_or(r#""""#, RawValue::get);
    let content = format!(r#"{{{kind}"content":[{{"type":"text","text":{said}}}],"isError":false}}"#);
    match params.name {
        Some("stream") => stream(id, &params, &content),
        _ => result(id, &content),
    }
}

/// An event stream: so many progress messages at this pace, then the result.
fn stream(id: &str, params: &Params<'_>, content: &str) -> Answer {
    let (events, every) = params.arguments.as_ref().map_or((0, 0), |a| (a.events, a.every_ms));
    let token = params.meta.as_ref().and_then(|m| m.progress).map_or("0", RawValue::get).to_owned();
    let last = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{content}}}"#);
    let body = futures_util::stream::unfold(0, move |n| {
        let progress = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{n}}}}}"#
        );
        let message = if n < events { Some(progress) } else { (n == events).then(|| last.clone()) };
        async move {
            if n > 0 {
                tokio::time::sleep(Duration::from_millis(every)).await;
            }
            let event = Bytes::from(format!("event: message\ndata: {}\n\n", message?));
            Some((Ok::<_, Infallible>(Frame::data(event)), n + 1))
        }
    });
    let mut answer = Response::new(BodyExt::boxed(StreamBody::new(body)));
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"));
    answer
}

fn result(id: &str, result: &str) -> Answer {
    json_answer(StatusCode::OK, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
}

fn error(status: StatusCode, id: &str, code: i32, message: &str) -> Answer {
    let data =
        if code == -32022 { format!(r#","data":{{"supported":["{MODERN}"]}}"#) } else { String::new() };
    let text =
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"{message}"{data}}}}}"#);
    json_answer(status, text)
}

fn json_answer(status: StatusCode, text: String) -> Answer {
    let mut answer = Response::new(full(text.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    answer
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(full(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

fn full(bytes: Bytes) -> Body {
    BodyExt::boxed(Full::new(bytes))
}
