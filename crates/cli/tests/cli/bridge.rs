use crate::{
    engine_side::{Body, Seen, Served, empty, events, json, whole},
    program::{App, Place},
};
use bytes::Bytes;
use futures_util::stream;
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

pub fn initialize() -> Value {
    json!({ "jsonrpc": "2.0", "id": "first", "method": "initialize", "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": { "roots": {} },
        "clientInfo": { "name": "tester", "version": "1" },
    }})
}

pub fn call(id: u32, tool: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool } })
}

/// An MCP server with sessions, whose tools do what their names say.
pub fn mcp(prefix: &'static str) -> impl Fn(Seen) -> Response<Body> + Send + Sync + 'static {
    let sessions = AtomicU32::new(0);
    move |seen| {
        let message = seen.json();
        let answer = |result: Value| json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
        if message["method"] == "initialize" {
            let id = format!("{prefix}{}", sessions.fetch_add(1, Ordering::SeqCst) + 1);
            let mut response = json(&answer(json!({ "protocolVersion": "2025-06-18", "capabilities": {} })));
            response.headers_mut().insert("mcp-session-id", id.parse().unwrap());
            return response;
        }
        if !seen.header("mcp-session-id").is_some_and(|id| id.starts_with(prefix)) {
            return empty(StatusCode::NOT_FOUND);
        }
        if seen.method == Method::GET {
            let note = json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" });
            return events(vec![note], stream::pending());
        }
        if message.get("id").is_none() || message.get("method").is_none() {
            return empty(StatusCode::ACCEPTED);
        }
        let progress =
            json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progress": 1 } });
        match message["params"]["name"].as_str().unwrap_or("") {
            "stream" => events(vec![progress, answer(json!("streamed"))], stream::empty()),
            "hang" => events(vec![progress], stream::pending()),
            "stop short" => events(vec![progress], stream::empty()),
            "lines" => {
                whole(StatusCode::OK, "application/json", format!("{:#}", answer(json!({ "a": ["b\nc"] }))))
            }
            "page" => whole(StatusCode::OK, "text/html", "<html>"),
            "large" => json(&answer(json!("x".repeat(1 << 20)))),
            "forbidden" => {
                let body = json!({ "sentence": "Tester was cut off.", "next": "Connect it again." });
                whole(StatusCode::FORBIDDEN, "application/json", body.to_string())
            }
            "bad" => {
                let error =
                    json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32602, "message": "Bad." } });
                whole(StatusCode::BAD_REQUEST, "application/json", error.to_string())
            }
            name => json(&answer(json!(name))),
        }
    }
}

async fn started(place: &Place) -> (Served, App) {
    let served = Served::start(&place.home, mcp("s"));
    let mut app = place.bridge();
    app.initialize().await;
    // The server's own stream says that a list changed: everything is set up then.
    assert_eq!(app.next().await["method"], "notifications/tools/list_changed");
    (served, app)
}

#[tokio::test]
async fn json_and_events_both_become_lines_and_the_session_is_named_from_then_on() {
    let place = Place::new();
    let (served, mut app) = started(&place).await;
    assert_eq!(app.ask(call(1, "plain")).await["result"], "plain");
    assert_eq!(app.ask(call(2, "stream")).await["method"], "notifications/progress");
    assert_eq!(app.next().await["result"], "streamed");

    let begin = served.log.until("initialize").await;
    assert_eq!((begin.path.as_str(), begin.header("bellhop-bridge")), ("/mcp", Some("tester")));
    assert_eq!(begin.header("mcp-session-id"), None);
    assert_eq!(begin.json(), initialize(), "as the app sent it");
    let later = served.log.until("tools/call").await;
    assert_eq!(later.header("mcp-session-id"), Some("s1"));
    assert_eq!(later.header("mcp-protocol-version"), Some("2025-06-18"));
    assert_eq!(later.header("accept"), Some("application/json, text/event-stream"));
}

#[tokio::test]
async fn what_is_sent_before_the_session_is_there_waits_for_it() {
    let place = Place::new();
    let served = Served::start(&place.home, mcp("s"));
    let mut app = place.bridge();
    app.send(initialize()).await;
    app.send(call(1, "plain")).await;
    app.send(call(2, "plain")).await;
    assert_eq!(app.next().await["id"], "first");
    assert_eq!(app.next().await["result"], "plain");
    assert_eq!(app.next().await["result"], "plain");
    assert_eq!(served.log.until("tools/call").await.header("mcp-session-id"), Some("s1"));
}

#[tokio::test]
async fn an_initialize_that_is_refused_is_the_answer_to_what_waited_for_it_too() {
    let place = Place::new();
    let forbidden = |_: Seen| {
        let body = json!({ "sentence": "Tester was not let in.", "next": "Try again." });
        whole(StatusCode::FORBIDDEN, "application/json", body.to_string())
    };
    let served = Served::start(&place.home, forbidden);
    let mut app = place.bridge();
    app.send(initialize()).await;
    app.send(call(1, "plain")).await;
    for _ in 0..2 {
        let answer = app.next().await;
        assert_eq!(answer["error"]["message"], "Tester was not let in. Try again.", "{answer}");
    }
    assert_eq!(served.log.whats(), ["initialize"], "the person is not asked twice");
}

#[tokio::test]
async fn what_the_app_answers_to_the_server_is_passed_on() {
    let place = Place::new();
    let (served, mut app) = started(&place).await;
    app.send(json!({ "jsonrpc": "2.0", "id": 7, "result": { "roots": [] } })).await;
    app.ask(call(1, "plain")).await;
    assert!(served.log.all().iter().any(|s| s.json()["result"] == json!({ "roots": [] })));
}

#[tokio::test]
async fn an_answer_over_several_lines_becomes_one_line() {
    let place = Place::new();
    let (_served, mut app) = started(&place).await;
    assert_eq!(app.ask(call(1, "lines")).await["result"], json!({ "a": ["b\nc"] }));
}

#[tokio::test]
async fn many_large_answers_at_once_are_never_mixed() {
    let place = Place::new();
    let (_served, mut app) = started(&place).await;
    for id in 0..12 {
        app.send(call(id, "large")).await;
    }
    let mut ids = vec![];
    for _ in 0..12 {
        let answer = app.next().await;
        assert_eq!(answer["result"].as_str().unwrap().len(), 1 << 20);
        ids.push(answer["id"].as_u64().unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..12).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_call_that_hangs_holds_up_no_other() {
    let place = Place::new();
    let (_served, mut app) = started(&place).await;
    assert_eq!(app.ask(call(1, "hang")).await["method"], "notifications/progress");
    assert_eq!(app.ask(call(2, "plain")).await["id"], 2);
}

#[tokio::test]
async fn a_line_that_is_no_message_gets_an_error_and_the_next_one_works() {
    let place = Place::new();
    let (_served, mut app) = started(&place).await;
    for (line, code) in [
        ("{", -32700),
        ("hello", -32700),
        ("{}", -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#, -32600),
        ("[]", -32600),
    ] {
        app.line(line).await;
        let answer = app.next().await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &Value::Null), "{line}");
    }
    app.line("").await;
    app.line(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "x".repeat(4 << 20))).await;
    assert_eq!(app.next().await["error"]["code"], -32600);
    assert_eq!(app.ask(call(2, "plain")).await["id"], 2);
}

#[tokio::test]
async fn a_refusal_becomes_an_error_with_its_sentence() {
    let place = Place::new();
    let (_served, mut app) = started(&place).await;
    let answer = app.ask(call(1, "forbidden")).await;
    assert_eq!(answer["error"]["code"], -32010);
    assert_eq!(answer["error"]["message"], "Tester was cut off. Connect it again.");
    let answer = app.ask(call(2, "bad")).await;
    assert_eq!(
        (&answer["id"], &answer["error"]["code"], &answer["error"]["message"]),
        (&json!(2), &json!(-32602), &json!("Bad."))
    );
}

#[tokio::test]
async fn an_answer_that_is_no_json_never_reaches_the_app() {
    let place = Place::new();
    let (_served, mut app) = started(&place).await;
    let answer = app.ask(call(1, "page")).await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32603)));
}

#[tokio::test]
async fn a_stream_that_ends_before_the_answer_becomes_one_error() {
    let place = Place::new();
    let (_served, mut app) = started(&place).await;
    assert_eq!(app.ask(call(1, "stop short")).await["method"], "notifications/progress");
    let answer = app.next().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32011)));
    assert_eq!(app.ask(call(2, "plain")).await["id"], 2);
}

#[tokio::test]
async fn a_cancelled_call_gets_no_error_when_bellhop_goes_away() {
    let place = Place::new();
    let (served, mut app) = started(&place).await;
    assert_eq!(app.ask(call(1, "hang")).await["method"], "notifications/progress");
    app.send(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }))
        .await;
    served.log.until("notifications/cancelled").await;
    served.crash().await;
    let _again = Served::start(&place.home, mcp("t"));
    // Nothing about 1 in between: only what the new server's stream may say.
    let mut answer = app.ask(call(2, "plain")).await;
    if answer.get("method").is_some() {
        answer = app.next().await;
    }
    assert_eq!(answer["id"], 2);
}

#[tokio::test]
async fn at_the_end_of_input_the_session_ends_and_so_does_the_bridge() {
    let place = Place::new();
    let (served, mut app) = started(&place).await;
    assert_eq!(app.ask(call(1, "hang")).await["method"], "notifications/progress");
    let (code, rest) = app.end().await;
    assert_eq!((code, rest.as_str()), (Some(0), ""));
    assert_eq!(served.log.until("DELETE").await.header("mcp-session-id"), Some("s1"));
}

#[tokio::test]
async fn what_was_asked_just_before_the_end_of_input_is_still_answered() {
    let place = Place::new();
    let _served = Served::start(&place.home, mcp("s"));
    let input = format!("{}\n", initialize());
    let ran = place.run(&["mcp", "--app", "tester", "--no-start"], &input).await;
    assert_eq!(ran.code, Some(0));
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["id"], "first");
}

#[tokio::test]
async fn a_home_with_a_path_of_150_characters_and_six_variables_are_enough() {
    let place = Place::named(&"h".repeat(150));
    let _served = Served::start(&place.home, mcp("s"));
    let mut app = App::of(place.command(&["mcp"]));
    app.initialize().await;

    let named = place.home.root().to_str().unwrap();
    let mut command = place.command(&["--home", named, "mcp", "--app=tester"]);
    command.env_remove("HOME");
    App::of(command).initialize().await;
}

#[tokio::test]
async fn a_bridge_that_was_told_no_app_gives_the_name_that_the_app_says_first_and_keeps_it() {
    let place = Place::new();
    let served = Served::start(&place.home, mcp("s"));
    let mut app = App::of(place.command(&["mcp"]));
    let client = json!({ "io.modelcontextprotocol/clientInfo": { "name": "newer", "version": "2" } });
    let discover =
        json!({ "jsonrpc": "2.0", "id": 0, "method": "server/discover", "params": { "_meta": client } });
    app.ask(discover).await;
    app.initialize().await;
    app.end().await;
    for seen in served.log.all() {
        assert_eq!(seen.header("bellhop-bridge"), Some("newer"), "{}", seen.what());
    }
}

#[tokio::test]
async fn a_signal_to_end_ends_the_session_too() {
    let place = Place::new();
    let (served, mut app) = started(&place).await;
    let pid = rustix::process::Pid::from_raw(app.child.id().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(app.child.wait().await.unwrap().code(), Some(0));
    served.log.until("DELETE").await;
}

#[tokio::test]
async fn batches_of_the_oldest_revision_are_answered_one_by_one() {
    let place = Place::new();
    let served = Served::start(&place.home, |seen| {
        let answers: Vec<_> = seen
            .json()
            .as_array()
            .into_iter()
            .flatten()
            .map(|m| json!({ "jsonrpc": "2.0", "id": m["id"], "result": {} }))
            .collect();
        events(answers, stream::iter([Ok(Bytes::from_static(b": end\n\n"))]))
    });
    let mut app = place.bridge();
    app.line(&json!([call(1, "a"), call(2, "b")]).to_string()).await;
    assert_eq!([app.next().await["id"].clone(), app.next().await["id"].clone()], [json!(1), json!(2)]);
    let (_, rest) = app.end().await;
    assert_eq!(rest, "", "no error on top of the answers");
    drop(served);
}
