//! The service behind all subjects: an MCP server that costs little, in both eras. It reads and writes JSON as
//! servers do, whole and as values.
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
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::net::TcpListener;

type Body = BoxBody<Bytes, Infallible>;
type Answer = Response<Body>;

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
    let Ok(mut message) = serde_json::from_slice::<Value>(&body) else {
        return Ok(error(StatusCode::BAD_REQUEST, &Value::Null, -32700, "not a request"));
    };
    let (id, params) = (message["id"].take(), message["params"].take());
    if id.is_null() {
        return Ok(empty(StatusCode::ACCEPTED));
    }
    let (era, rest) = head.uri.path()[1..].split_once('/').unwrap_or((&head.uri.path()[1..], ""));
    let modern = params["_meta"]["io.modelcontextprotocol/protocolVersion"] == MODERN;
    Ok(match (modern, message["method"].as_str().unwrap_or_default()) {
        (true, _) if era == "legacy" => error(StatusCode::BAD_REQUEST, &id, -32000, "no session"),
        (false, _) if era == "modern" => {
            error(StatusCode::BAD_REQUEST, &id, -32022, "this server speaks 2026-07-28 only")
        }
        (false, "initialize") => initialize(&id),
        (true, "server/discover") => discover(&id),
        (_, "ping") => result(&id, json!({})),
        (_, "tools/list") => result(&id, list(modern, rest)),
        (false, _) if !head.headers.contains_key("mcp-session-id") => {
            error(StatusCode::BAD_REQUEST, &id, -32000, "no session")
        }
        (_, "tools/call") => call(id, modern, params),
        (true, _) => error(StatusCode::NOT_FOUND, &id, -32601, "no such method"),
        (false, _) => error(StatusCode::OK, &id, -32601, "no such method"),
    })
}

fn initialize(id: &Value) -> Answer {
    static SESSIONS: AtomicU64 = AtomicU64::new(0);
    let hello = json!({
        "protocolVersion": LEGACY,
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "bellhop-bench", "version": "1" },
    });
    let mut answer = result(id, hello);
    let session = format!("session-{}", SESSIONS.fetch_add(1, Ordering::Relaxed));
    if let Ok(session) = session.parse() {
        answer.headers_mut().insert("mcp-session-id", session);
    }
    answer
}

fn discover(id: &Value) -> Answer {
    let about = json!({
        "resultType": "complete",
        "supportedVersions": [MODERN],
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "bellhop-bench", "version": "1" },
        "ttlMs": 3_600_000,
        "cacheScope": "private",
    });
    result(id, about)
}

/// The list of tools: the two that can be called, and as many more as the path says.
fn list(modern: bool, rest: &str) -> Value {
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
    list
}

fn call(id: Value, modern: bool, mut params: Value) -> Answer {
    let said = params["arguments"]["text"].take();
    let said = if said.is_null() { "".into() } else { said };
    let mut content = json!({ "content": [{ "type": "text", "text": said }], "isError": false });
    if modern {
        content["resultType"] = "complete".into();
    }
    if params["name"] == "stream" { stream(&id, &params, content) } else { result(&id, content) }
}

/// An event stream: so many progress messages at this pace, then the result.
fn stream(id: &Value, params: &Value, content: Value) -> Answer {
    let number = |name| params["arguments"][name].as_u64().unwrap_or(0);
    let (events, every) = (number("events"), number("every_ms"));
    let token = params["_meta"]["progressToken"].clone();
    let last = json!({ "jsonrpc": "2.0", "id": id, "result": content });
    let body = futures_util::stream::unfold(0, move |n| {
        let progress = json!({
            "jsonrpc": "2.0",
            "method": "notifications/progress",
            "params": { "progressToken": token, "progress": n },
        });
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

fn result(id: &Value, result: Value) -> Answer {
    let mut answer = json!({ "jsonrpc": "2.0", "id": id });
    answer["result"] = result;
    json_answer(StatusCode::OK, &answer)
}

fn error(status: StatusCode, id: &Value, code: i32, message: &str) -> Answer {
    let mut error = json!({ "code": code, "message": message });
    if code == -32022 {
        error["data"] = json!({ "supported": [MODERN] });
    }
    json_answer(status, &json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

fn json_answer(status: StatusCode, message: &Value) -> Answer {
    let mut answer = Response::new(full(message.to_string().into()));
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
