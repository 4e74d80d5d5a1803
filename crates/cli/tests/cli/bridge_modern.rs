//! Apps of the modern era: requests that stand for themselves, subscriptions, and both eras in one process.

use crate::{
    bridge::{call, initialize, mcp},
    engine_side::{Body, Log, Seen, Served, empty, events, json, whole},
    program::{App, Place},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::{
    io,
    pin::Pin,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::{Notify, mpsc};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

fn modern(id: impl Into<Value>, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "newer", "version": "2" },
    });
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

fn tool(id: impl Into<Value>, name: &str) -> Value {
    modern(id, "tools/call", json!({ "name": name }))
}

fn listen(id: impl Into<Value>) -> Value {
    let filter =
        json!({ "toolsListChanged": true, "promptsListChanged": true, "resourceSubscriptions": ["a:b"] });
    modern(id, "subscriptions/listen", json!({ "notifications": filter }))
}

fn cancel(id: impl Into<Value>) -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id.into() } })
}

/// A stream that says when the other side has dropped it, and then says nothing.
struct Watched(Arc<Notify>);

impl Stream for Watched {
    type Item = Result<Bytes, io::Error>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Pending
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.unwrap()
}

fn event(message: &Value) -> Bytes {
    format!("data: {message}\n\n").into()
}

fn acknowledged(id: &Value, filter: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
        "params": { "_meta": { SUBSCRIPTION: id }, "notifications": filter } })
}

fn changed(id: &Value, method: &str) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": { "_meta": { SUBSCRIPTION: id } } })
}

/// What a modern server says to a request that is no call of a tool.
fn era(seen: &Seen) -> Option<Response<Body>> {
    let message = seen.json();
    if message["method"] != "server/discover" {
        return None;
    }
    let result = json!({ "resultType": "complete", "supportedVersions": ["2026-07-28"] });
    Some(json(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })))
}

/// A modern server whose tools do what their names say, and which keeps no session.
fn stateless(closed: Arc<Notify>) -> impl Fn(Seen) -> Response<Body> + Send + Sync + 'static {
    move |seen| {
        if let Some(response) = era(&seen) {
            return response;
        }
        if seen.method == Method::GET {
            return empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        let message = seen.json();
        let id = &message["id"];
        let error = |status: StatusCode, error: Value| {
            let body = json!({ "jsonrpc": "2.0", "id": id, "error": error, "extra": 1 });
            whole(status, "application/json", body.to_string())
        };
        let progress =
            json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progress": 1 } });
        match message["params"]["name"].as_str().unwrap_or("") {
            "hang" => events(vec![progress], Watched(closed.clone())),
            "stop short" => events(vec![progress], stream::empty()),
            "version" => error(
                StatusCode::BAD_REQUEST,
                json!({ "code": -32022, "message": "No.", "data": { "supported": ["2026-07-28"] } }),
            ),
            "unknown" => error(StatusCode::NOT_FOUND, json!({ "code": -32601, "message": "No such method." })),
            "nobody's" => whole(
                StatusCode::BAD_REQUEST,
                "application/json",
                json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32600, "message": "No.", "data": [7] } })
                    .to_string(),
            ),
            name => json(&json!({ "jsonrpc": "2.0", "id": id, "result": { "said": name } })),
        }
    }
}

#[tokio::test]
async fn a_modern_request_stands_for_itself_without_session_and_version() {
    let place = Place::new();
    let served = Served::start(&place.home, stateless(Arc::default()));
    let mut app = place.bridge();
    let discovered = app.ask(modern(0, "server/discover", json!({}))).await;
    assert_eq!(discovered["result"]["supportedVersions"], json!(["2026-07-28"]));
    let asked = tool("a", "plain");
    assert_eq!(app.ask(asked.clone()).await["result"], json!({ "said": "plain" }));
    let (_, rest) = app.end().await;
    assert_eq!(rest, "");
    assert_eq!(served.log.whats(), ["server/discover", "tools/call"], "and no goodbye");
    let seen = served.log.until("tools/call").await;
    assert_eq!(seen.json(), asked, "as the app sent it");
    for header in ["mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name"] {
        assert_eq!(seen.header(header), None, "{header}");
    }
    assert_eq!(seen.header("bellhop-bridge"), Some("tester"));
}

#[tokio::test]
async fn a_modern_error_reaches_the_app_as_it_is() {
    let place = Place::new();
    let served = Served::start(&place.home, stateless(Arc::default()));
    let mut app = place.bridge();
    let answer = app.ask(tool(1, "version")).await;
    let error = json!({ "code": -32022, "message": "No.", "data": { "supported": ["2026-07-28"] } });
    assert_eq!(answer, json!({ "jsonrpc": "2.0", "id": 1, "error": error, "extra": 1 }));
    let answer = app.ask(tool("two", "unknown")).await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!("two"), &json!(-32601)));
    let answer = app.ask(tool(3, "nobody's")).await;
    assert_eq!(answer["id"], 3, "an error to nobody is one to who asked");
    assert_eq!(answer["error"], json!({ "code": -32600, "message": "No.", "data": [7] }));
    assert_eq!(served.log.whats(), ["tools/call"; 3], "a 404 is no lost session");
}

#[tokio::test]
async fn a_cancelled_modern_request_closes_its_stream_and_nothing_more_is_written_for_it() {
    let place = Place::new();
    let closed = Arc::new(Notify::new());
    let served = Served::start(&place.home, stateless(closed.clone()));
    let mut app = place.bridge();
    assert_eq!(app.ask(tool(1, "hang")).await["method"], "notifications/progress");
    app.send(cancel(1)).await;
    soon(closed.notified()).await;
    // One that is not there (any more) is settled too.
    app.send(cancel(1)).await;
    app.send(cancel("never")).await;
    assert_eq!(app.ask(tool(2, "plain")).await["id"], 2);
    let (code, rest) = app.end().await;
    assert_eq!((code, rest.as_str()), (Some(0), ""));
    assert_eq!(served.log.whats(), ["tools/call"; 2], "closing says it");
}

#[tokio::test]
async fn a_modern_call_under_way_when_bellhop_ends_gets_an_error_and_the_next_one_works() {
    let place = Place::new();
    let first = Served::start(&place.home, stateless(Arc::default()));
    let mut app = place.bridge();
    assert_eq!(app.ask(tool(1, "hang")).await["method"], "notifications/progress");
    first.crash().await;
    let answer = app.next().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32011)));
    app.send(tool(2, "plain")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let _second = Served::start(&place.home, stateless(Arc::default()));
    assert_eq!(app.next().await["id"], 2, "it waits for Bellhop to be back");
    assert_eq!(app.ask(tool(3, "stop short")).await["method"], "notifications/progress");
    let answer = app.next().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(3), &json!(-32011)));
}

/// Both eras at once.
fn both() -> impl Fn(Seen) -> Response<Body> + Send + Sync + 'static {
    let (old, new) = (mcp("s"), stateless(Arc::default()));
    move |seen| {
        let message = seen.json();
        let meta = &message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
        if meta.is_string() || message["method"] == "server/discover" { new(seen) } else { old(seen) }
    }
}

#[tokio::test]
async fn an_app_may_discover_and_then_initialize_and_go_on_in_both_eras() {
    let place = Place::new();
    let served = Served::start(&place.home, both());
    let mut app = place.bridge();
    assert!(app.ask(modern("probe", "server/discover", json!({}))).await["result"].is_object());
    app.initialize().await;
    assert_eq!(app.next().await["method"], "notifications/tools/list_changed");
    assert_eq!(app.ask(call(1, "plain")).await["result"], "plain");
    assert_eq!(app.ask(tool(2, "plain")).await["result"], json!({ "said": "plain" }));
    assert_eq!(app.ask(call(3, "hang")).await["method"], "notifications/progress");
    app.send(cancel(3)).await;
    let passed = served.log.until("notifications/cancelled").await;
    assert_eq!(passed.header("mcp-session-id"), Some("s1"), "Bellhop hears of a legacy one");
    let sessions: Vec<_> = served
        .log
        .all()
        .iter()
        .filter(|s| s.what() == "tools/call")
        .map(|s| s.header("mcp-session-id").map(str::to_owned))
        .collect();
    assert_eq!(sessions, [Some("s1".to_owned()), None, Some("s1".to_owned())]);
}

#[tokio::test]
async fn a_modern_request_does_not_wait_for_an_initialize_under_way() {
    let place = Place::new();
    let inner = both();
    let let_in = Arc::new(AtomicBool::new(false));
    let waits = let_in.clone();
    let _served = Served::start(&place.home, move |seen| {
        if seen.json()["method"] == "initialize" && !waits.load(Ordering::SeqCst) {
            return events(vec![], stream::pending());
        }
        inner(seen)
    });
    let mut app = place.bridge();
    app.send(initialize()).await;
    assert_eq!(app.ask(tool(2, "plain")).await["id"], 2);
}

/// The id of a subscription, and what its stream is fed by.
type Opened = (Value, mpsc::UnboundedSender<Bytes>);

/// A server of subscriptions: each gets its acknowledgment and then what the test says.
struct Subscriptions {
    senders: Arc<Mutex<Vec<Opened>>>,
    agreed: Value,
}

impl Subscriptions {
    fn new() -> Self {
        let agreed = json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:b"] });
        Self { senders: Arc::default(), agreed }
    }

    fn answer(&self) -> impl Fn(Seen) -> Response<Body> + Send + Sync + 'static {
        let (senders, agreed, inner) = (self.senders.clone(), self.agreed.clone(), stateless(Arc::default()));
        move |seen| {
            let message = seen.json();
            if message["method"] != "subscriptions/listen" {
                return inner(seen);
            }
            let (sender, receiver) = mpsc::unbounded_channel();
            senders.lock().unwrap().push((message["id"].clone(), sender));
            let rest = stream::unfold(receiver, |mut r| async move { Some((Ok(r.recv().await?), r)) });
            events(vec![acknowledged(&message["id"], agreed.clone())], SyncStream(Mutex::new(Box::pin(rest))))
        }
    }

    fn say(&self, id: &Value, message: &Value) {
        let senders = self.senders.lock().unwrap();
        senders.iter().rfind(|(i, _)| i == id).unwrap().1.send(event(message)).unwrap();
    }

    /// End this stream, as HTTP ends one.
    fn end(&self, id: &Value) {
        self.senders.lock().unwrap().retain(|(i, _)| i != id);
    }
}

/// Any stream, made `Sync` for the body's sake.
struct SyncStream<S>(Mutex<Pin<Box<S>>>);

impl<S: Stream> Stream for SyncStream<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.lock().unwrap().as_mut().poll_next(cx)
    }
}

fn listens(log: &Log) -> usize {
    log.whats().iter().filter(|w| *w == "subscriptions/listen").count()
}

#[tokio::test]
async fn subscriptions_bring_what_happens_as_it_comes_many_at_once_until_the_app_cancels() {
    let place = Place::new();
    let server = Subscriptions::new();
    let served = Served::start(&place.home, server.answer());
    let mut app = place.bridge();
    let ids = [json!(1), json!("two"), json!(3)];
    for id in &ids {
        assert_eq!(app.ask(listen(id.clone())).await, acknowledged(id, server.agreed.clone()));
    }
    for id in ids.iter().rev() {
        let note = changed(id, "notifications/tools/list_changed");
        server.say(id, &note);
        assert_eq!(app.next().await, note);
    }
    assert_eq!(app.ask(tool(9, "plain")).await["id"], 9, "they hold up nothing");
    app.send(cancel("two")).await;
    app.ask(tool(10, "plain")).await;
    let gone = async {
        let sender = server.senders.lock().unwrap().iter().find(|(i, _)| *i == "two").unwrap().1.clone();
        sender.closed().await;
    };
    soon(gone).await;
    server.say(&json!(3), &changed(&json!(3), "notifications/tools/list_changed"));
    assert_eq!(app.next().await["params"]["_meta"][SUBSCRIPTION], 3);
    assert_eq!(listens(&served.log), 3, "nothing is asked for again");
    let (code, rest) = app.end().await;
    assert_eq!((code, rest.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn a_subscription_survives_a_restart_and_the_app_only_hears_of_what_it_may_have_missed() {
    let place = Place::new();
    let server = Subscriptions::new();
    let first = Served::start(&place.home, server.answer());
    let mut app = place.bridge();
    let id = json!("sub");
    app.ask(listen(id.clone())).await;
    first.crash().await;
    let second = Served::start(&place.home, server.answer());
    // All it asked for and was agreed to; the prompts were not.
    assert_eq!(app.next().await, changed(&id, "notifications/tools/list_changed"));
    let mut updated = changed(&id, "notifications/resources/updated");
    updated["params"]["uri"] = json!("a:b");
    assert_eq!(app.next().await, updated);
    assert_eq!(
        second.log.until("subscriptions/listen").await.json(),
        listen(id.clone()),
        "as the app sent it"
    );
    let note = changed(&id, "notifications/tools/list_changed");
    server.say(&id, &note);
    assert_eq!(app.next().await, note, "and it goes on");
    app.send(cancel("sub")).await;
    assert_eq!(app.ask(tool(9, "plain")).await["id"], 9);
    let (_, rest) = app.end().await;
    assert_eq!(rest, "");
}

#[tokio::test]
async fn a_subscription_that_was_cancelled_during_an_outage_is_not_asked_for_again() {
    let place = Place::new();
    let server = Subscriptions::new();
    let first = Served::start(&place.home, server.answer());
    let mut app = place.bridge();
    app.ask(listen(1)).await;
    app.ask(listen(2)).await;
    first.crash().await;
    app.send(cancel(1)).await;
    // An answer shows that the line before it was read.
    app.line("{").await;
    assert_eq!(app.next().await["error"]["code"], -32700);
    let second = Served::start(&place.home, server.answer());
    assert_eq!(app.next().await["params"]["_meta"][SUBSCRIPTION], 2);
    app.next().await;
    app.ask(tool(9, "plain")).await;
    assert_eq!(listens(&second.log), 1);
}

#[tokio::test]
async fn a_subscription_that_bellhop_ends_with_an_answer_has_ended() {
    let place = Place::new();
    let server = Subscriptions::new();
    let served = Served::start(&place.home, server.answer());
    let mut app = place.bridge();
    let id = json!(1);
    app.ask(listen(1)).await;
    let result = json!({ "jsonrpc": "2.0", "id": 1, "result": { "resultType": "complete" } });
    server.say(&id, &result);
    assert_eq!(app.next().await, result);
    app.ask(listen(2)).await;
    let error = json!({ "jsonrpc": "2.0", "id": 2, "error": { "code": -32011, "message": "Cut off." } });
    server.say(&json!(2), &error);
    assert_eq!(app.next().await, error);
    // Longer than the pause before another try.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(listens(&served.log), 2);
}

#[tokio::test]
async fn the_goodbye_of_a_bellhop_that_quits_does_not_end_a_subscription() {
    let place = Place::new();
    let server = Subscriptions::new();
    let first = Served::start(&place.home, server.answer());
    let mut app = place.bridge();
    let id = json!(1);
    app.ask(listen(1)).await;
    // As Bellhop quits: first it takes no more connections.
    std::fs::remove_file(place.home.socket()).unwrap();
    server.say(&id, &json!({ "jsonrpc": "2.0", "id": 1, "result": { "resultType": "complete" } }));
    server.end(&id);
    // Time to pass that on, if it did.
    tokio::time::sleep(Duration::from_millis(300)).await;
    first.crash().await;
    let _second = Served::start(&place.home, server.answer());
    assert_eq!(app.next().await, changed(&id, "notifications/tools/list_changed"));
}

#[tokio::test]
async fn a_subscription_of_an_app_that_was_cut_off_ends_with_the_reason_and_asks_nobody() {
    let place = Place::new();
    let server = Subscriptions::new();
    let (inner, out) = (server.answer(), Arc::new(AtomicBool::new(false)));
    let cut_off = out.clone();
    let served = Served::start(&place.home, move |seen| {
        if cut_off.load(Ordering::SeqCst) {
            let body = json!({ "sentence": "Tester was cut off.", "next": "Connect it again." });
            return whole(StatusCode::FORBIDDEN, "application/json", body.to_string());
        }
        inner(seen)
    });
    let mut app = place.bridge();
    app.ask(listen(1)).await;
    out.store(true, Ordering::SeqCst);
    server.end(&json!(1));
    let answer = app.next().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32010)));
    assert_eq!(answer["error"]["message"], "Tester was cut off. Connect it again.");
    // A POST would put a question to the person.
    assert_eq!(served.log.whats(), ["subscriptions/listen", "GET"]);
}

#[tokio::test]
async fn the_end_of_input_ends_subscriptions_at_once_and_answers_calls_under_way() {
    let place = Place::new();
    let server = Subscriptions::new();
    let _served = Served::start(&place.home, server.answer());
    let mut app = place.bridge();
    app.ask(listen(1)).await;
    app.send(tool(2, "plain")).await;
    let (code, rest) = app.end().await;
    assert_eq!(code, Some(0));
    assert_eq!(serde_json::from_str::<Value>(&rest).unwrap()["id"], 2);
}

#[tokio::test]
async fn more_requests_at_once_than_there_are_connections_get_an_error_and_the_rest_works() {
    let place = Place::new();
    let _served = Served::start(&place.home, stateless(Arc::default()));
    let mut app = place.bridge();
    for id in 0..513 {
        app.send(tool(id, "hang")).await;
    }
    let mut refused = vec![];
    for _ in 0..513 {
        let message = app.next().await;
        if message.get("error").is_some() {
            refused.push(message);
        }
    }
    assert_eq!(refused.len(), 1);
    assert_eq!((&refused[0]["id"], &refused[0]["error"]["code"]), (&json!(512), &json!(-32012)));
    app.send(cancel(0)).await;
    assert_eq!(app.ask(tool(600, "plain")).await["id"], 600);
}

/// Every kind of standard stream that an app may hand on.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn sockets_and_files_do_as_well_as_pipes() {
    use std::{fs::File, os::unix::net::UnixStream};
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let place = Place::new();
    let _served = Served::start(&place.home, stateless(Arc::default()));

    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut command = place.command(&["mcp", "--app", "tester", "--no-start"]);
    let input = std::os::fd::OwnedFd::from(theirs.try_clone().unwrap());
    command.stdin(Stdio::from(input)).stdout(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
    let mut child = command.spawn().unwrap();
    drop(command);
    ours.set_nonblocking(true).unwrap();
    let (read, mut write) = tokio::net::UnixStream::from_std(ours).unwrap().into_split();
    write.write_all(format!("{}\n", tool(1, "plain")).as_bytes()).await.unwrap();
    let mut line = String::new();
    soon(BufReader::new(read).read_line(&mut line)).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["id"], 1);
    drop(write);
    assert_eq!(soon(child.wait()).await.unwrap().code(), Some(0));

    let folder = place.home.root();
    let (input, output) = (folder.join("in"), folder.join("out"));
    std::fs::write(&input, format!("{}\n{}", tool(1, "plain"), tool(2, "plain"))).unwrap();
    let mut command = place.command(&["mcp", "--app", "tester", "--no-start"]);
    command.stdin(File::open(&input).unwrap()).stdout(File::create(&output).unwrap());
    assert_eq!(soon(command.spawn().unwrap().wait()).await.unwrap().code(), Some(0));
    let lines = std::fs::read_to_string(&output).unwrap();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    for line in lines.lines() {
        assert!(serde_json::from_str::<Value>(line).unwrap()["result"].is_object(), "{line}");
    }
}

/// A pipe that is shared with others keeps its ways for them.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_shared_pipe_still_waits_for_whoever_else_uses_it() {
    use rustix::fs::{OFlags, fcntl_getfl};
    let place = Place::new();
    let _served = Served::start(&place.home, stateless(Arc::default()));
    let (input, mut write) = io::pipe().unwrap();
    let (_read, output) = io::pipe().unwrap();
    let mut command = place.command(&["mcp", "--app", "tester", "--no-start"]);
    command.stdin(Stdio::from(input.try_clone().unwrap())).stdout(Stdio::from(output.try_clone().unwrap()));
    let mut child = command.spawn().unwrap();
    drop(command);
    io::Write::write_all(&mut write, format!("{}\n", tool(1, "plain")).as_bytes()).unwrap();
    drop(write);
    assert_eq!(soon(child.wait()).await.unwrap().code(), Some(0));
    assert!(!fcntl_getfl(&input).unwrap().contains(OFlags::NONBLOCK));
    assert!(!fcntl_getfl(&output).unwrap().contains(OFlags::NONBLOCK));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_the_small_program_the_bridge_works_all_the_same() {
    let place = Place::new();
    let _served = Served::start(&place.home, stateless(Arc::default()));
    let alone = place.home.root().join("bellhop");
    std::fs::copy(env!("CARGO_BIN_EXE_bellhop"), &alone).unwrap();
    let mut command = tokio::process::Command::new(&alone);
    command.args(["mcp", "--app", "tester", "--no-start", "--home"]).arg(place.home.root()).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut app = App::of(command);
    assert_eq!(app.ask(tool(1, "plain")).await["id"], 1);
    assert_eq!(program_of(&app), alone);
    // With it, it is that one.
    let mut app = place.bridge();
    assert_eq!(app.ask(tool(1, "plain")).await["id"], 1);
    assert_eq!(program_of(&app).file_name().unwrap(), "bellhop-bridge");
}

#[cfg(target_os = "linux")]
fn program_of(app: &App) -> std::path::PathBuf {
    std::fs::read_link(format!("/proc/{}/exe", app.child.id().unwrap())).unwrap()
}

#[tokio::test]
async fn an_app_that_reads_slowly_gets_every_line_whole() {
    let place = Place::new();
    let _served = Served::start(&place.home, mcp("s"));
    let mut app: App = place.bridge();
    app.initialize().await;
    assert_eq!(app.next().await["method"], "notifications/tools/list_changed");
    for id in 0..20 {
        app.send(call(id, "large")).await;
    }
    // More than pipes and the bridge hold waits now.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut ids = vec![];
    for _ in 0..20 {
        let answer = app.next().await;
        assert_eq!(answer["result"].as_str().unwrap().len(), 1 << 20);
        ids.push(answer["id"].as_u64().unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..20).collect::<Vec<_>>());
}
