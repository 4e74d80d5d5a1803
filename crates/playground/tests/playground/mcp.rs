use crate::peer::{Served, SignedIn};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// An MCP client with a session.
struct Session<'a> {
    served: &'a Served,
    signed_in: SignedIn,
    id: String,
    version: String,
}

fn bare(served: &Served, method: Method, access: &str) -> RequestBuilder {
    let accept = "application/json, text/event-stream";
    served.http.request(method, served.at("/mcp")).bearer_auth(access).header("accept", accept)
}

fn initialize(version: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
    }})
}

impl<'a> Session<'a> {
    async fn start(served: &'a Served, version: &str) -> Self {
        let signed_in = served.sign_in().await;
        let response =
            bare(served, Method::POST, signed_in.access()).json(&initialize(version)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let id = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        let answer: Value = response.json().await.unwrap();
        let version = answer["result"]["protocolVersion"].as_str().unwrap().to_owned();
        Self { served, signed_in, id, version }
    }

    fn request(&self, method: Method) -> RequestBuilder {
        bare(self.served, method, self.signed_in.access())
            .header("mcp-session-id", &self.id)
            .header("mcp-protocol-version", &self.version)
    }

    async fn post(&self, message: Value) -> Response {
        self.request(Method::POST).json(&message).send().await.unwrap()
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.post(message).await.json().await.unwrap()
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await["result"].clone()
    }

    async fn count(&self, id: &str, steps: u64, pause: u64) -> Events {
        let params = json!({
            "name": "slow_count",
            "arguments": { "steps": steps, "pause_ms": pause },
            "_meta": { "progressToken": "p" },
        });
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        Events::of(self.post(message).await)
    }
}

/// The messages of an event stream as they come.
struct Events {
    response: Response,
    buffer: String,
}

impl Events {
    fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, buffer: String::new() }
    }

    /// The next message; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let event: String = self.buffer.drain(..end + 2).collect();
                if let Some(data) = event.lines().find_map(|l| l.strip_prefix("data: ")) {
                    return Some(serde_json::from_str(data).unwrap());
                }
                continue;
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn each_revision_that_is_spoken_is_agreed_on_and_any_other_gets_the_newest() {
    let served = Served::new().await;
    for (asked, agreed) in [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        assert_eq!(Session::start(&served, asked).await.version, agreed);
    }
    served.end().await;
}

#[tokio::test]
async fn tools_say_whether_they_read_and_do_what_they_say() {
    let served = Served::new().await;
    let session = Session::start(&served, "2025-11-25").await;
    let tools = session.ask("tools/list", json!({})).await["result"]["tools"].clone();
    let reads: Vec<_> = tools
        .as_array()
        .unwrap()
        .iter()
        .map(|t| (t["name"].as_str().unwrap(), t["annotations"]["readOnlyHint"] == true))
        .collect();
    assert_eq!(
        reads,
        [
            ("list_notes", true),
            ("read_note", true),
            ("write_note", false),
            ("slow_count", true),
            ("fail", true)
        ]
    );

    let written = session.call("write_note", json!({ "name": "plan", "text": "Sleep" })).await;
    assert_eq!(written["isError"], false);
    assert_eq!(session.call("read_note", json!({ "name": "plan" })).await["content"][0]["text"], "Sleep");
    let listed = session.call("list_notes", json!({})).await;
    assert!(listed["structuredContent"]["notes"].as_array().unwrap().contains(&json!("plan")));
    served.end().await;
}

#[tokio::test]
async fn a_tool_that_fails_answers_with_an_error_the_model_can_read() {
    let served = Served::new().await;
    let session = Session::start(&served, "2025-06-18").await;
    for (tool, arguments) in [
        ("fail", json!({})),
        ("read_note", json!({ "name": "nothing" })),
        ("read_note", json!({})),
        ("write_note", json!({ "name": "Not Good", "text": "" })),
        ("write_note", json!({ "name": "long", "text": "x".repeat(10_001) })),
        ("slow_count", json!({ "steps": 0 })),
    ] {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": arguments } });
        let response = session.post(message).await;
        let answer = if tool == "slow_count" {
            Events::of(response).next().await.unwrap()
        } else {
            response.json().await.unwrap()
        };
        assert_eq!(answer["result"]["isError"], true, "{tool}");
    }
    assert_eq!(session.ask("tools/call", json!({ "name": "nothing" })).await["error"]["code"], -32602);
    served.end().await;
}

#[tokio::test]
async fn notes_are_resources_and_a_prompt_quotes_one() {
    let served = Served::new().await;
    let session = Session::start(&served, "2025-11-25").await;
    let list = session.ask("resources/list", json!({})).await["result"]["resources"].clone();
    assert!(list.as_array().unwrap().iter().any(|r| r["uri"] == "note://groceries"));
    let read = session.ask("resources/read", json!({ "uri": "note://groceries" })).await;
    let text = read["result"]["contents"][0]["text"].as_str().unwrap().to_owned();
    let prompt = session
        .ask("prompts/get", json!({ "name": "summarise", "arguments": { "note": "groceries" } }))
        .await;
    assert!(prompt["result"]["messages"][0]["content"]["text"].as_str().unwrap().contains(&text));
    assert_eq!(session.ask("resources/read", json!({ "uri": "note://none" })).await["error"]["code"], -32002);
    served.end().await;
}

#[tokio::test]
async fn a_slow_tool_says_how_far_it_is_while_it_runs() {
    let served = Served::new().await;
    let session = Session::start(&served, "2025-11-25").await;
    let mut events = session.count("slow", 3, 1).await;
    for step in 1..=3 {
        let progress = events.next().await.unwrap();
        assert_eq!(progress["method"], "notifications/progress");
        assert_eq!(
            (&progress["params"]["progress"], &progress["params"]["total"]),
            (&json!(step), &json!(3))
        );
        assert_eq!(progress["params"]["progressToken"], "p");
    }
    let answer = events.next().await.unwrap();
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!("slow"), &json!(false)));
    assert!(events.next().await.is_none());
    served.end().await;
}

#[tokio::test]
async fn a_cancelled_call_ends_without_an_answer_and_leaves_the_others_alone() {
    let served = Served::new().await;
    let session = Session::start(&served, "2025-11-25").await;
    let mut cancelled = session.count("a", 600, 10_000).await;
    let mut other = session.count("b", 2, 1).await;
    let message =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "a" } });
    assert_eq!(session.post(message).await.status(), StatusCode::ACCEPTED);
    assert!(cancelled.next().await.is_none());
    let mut last = None;
    while let Some(message) = other.next().await {
        last = Some(message);
    }
    assert_eq!(last.unwrap()["id"], "b");
    served.end().await;
}

#[tokio::test]
async fn a_revoked_sign_in_ends_its_streams_and_sessions() {
    let served = Served::new().await;
    let session = Session::start(&served, "2025-11-25").await;
    let mut call = session.count("a", 600, 10_000).await;
    let mut listening = Events::of(session.request(Method::GET).send().await.unwrap());
    let form = [("token", session.signed_in.refresh())];
    served.http.post(served.at("/revoke")).form(&form).send().await.unwrap();
    assert!(call.next().await.is_none());
    assert!(listening.next().await.is_none());
    let next = session.post(json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })).await;
    assert_eq!(next.status(), StatusCode::UNAUTHORIZED);
    served.end().await;
}

#[tokio::test]
async fn the_sessions_own_stream_tells_of_new_notes_and_of_changes_in_those_subscribed() {
    let served = Served::new().await;
    let session = Session::start(&served, "2025-06-18").await;
    let mut listening = Events::of(session.request(Method::GET).send().await.unwrap());
    let second = session.request(Method::GET).send().await.unwrap();
    assert_eq!(second.status(), StatusCode::CONFLICT);

    session.call("write_note", json!({ "name": "ideas", "text": "unheard" })).await;
    session.ask("resources/subscribe", json!({ "uri": "note://ideas" })).await;
    session.call("write_note", json!({ "name": "ideas", "text": "heard" })).await;
    session.call("write_note", json!({ "name": "new", "text": "" })).await;
    let first = listening.next().await.unwrap();
    assert_eq!(
        (&first["method"], &first["params"]["uri"]),
        (&json!("notifications/resources/updated"), &json!("note://ideas"))
    );
    assert_eq!(listening.next().await.unwrap()["method"], "notifications/resources/list_changed");

    assert_eq!(session.request(Method::DELETE).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert!(listening.next().await.is_none());
    served.end().await;
}

#[tokio::test]
async fn a_session_is_needed_is_known_only_to_its_own_sign_in_and_ends_when_deleted() {
    let served = Served::new().await;
    let session = Session::start(&served, "2025-11-25").await;
    let stranger = served.sign_in().await;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let send = async |access: &str, id: Option<&str>| {
        let mut request = bare(&served, Method::POST, access).json(&ping);
        if let Some(id) = id {
            request = request.header("mcp-session-id", id);
        }
        request.send().await.unwrap().status()
    };
    let own = session.signed_in.access();
    assert_eq!(send(own, None).await, StatusCode::BAD_REQUEST);
    assert_eq!(send(own, Some("made-up")).await, StatusCode::NOT_FOUND);
    assert_eq!(send(stranger.access(), Some(&session.id)).await, StatusCode::NOT_FOUND);
    assert_eq!(send(own, Some(&session.id)).await, StatusCode::OK);
    session.request(Method::DELETE).send().await.unwrap();
    assert_eq!(send(own, Some(&session.id)).await, StatusCode::NOT_FOUND);
    served.end().await;
}

#[tokio::test]
async fn bad_messages_get_the_right_refusal_and_the_session_goes_on() {
    let served = Served::new().await;
    let session = Session::start(&served, "2025-11-25").await;
    let send = async |kind: &str, body: String| {
        let request = session.request(Method::POST).header("content-type", kind).body(body);
        request.send().await.unwrap()
    };
    let json_type = "application/json; charset=utf-8";
    let code = async |response: Response| response.json::<Value>().await.unwrap()["error"]["code"].clone();
    assert_eq!(code(send(json_type, "{".into()).await).await, -32700);
    for body in [
        "1",
        "{}",
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
    ] {
        assert_eq!(code(send(json_type, body.into()).await).await, -32600, "{body}");
    }
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(send("text/plain", ping.into()).await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(
        send(json_type, format!("[{ping}]")).await.status(),
        StatusCode::BAD_REQUEST,
        "no batches any more"
    );
    let large =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#, "x".repeat(4 << 20));
    assert_eq!(send(json_type, large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let unknown_revision = session.request(Method::POST).header("mcp-protocol-version", "1999-01-01");
    assert_eq!(unknown_revision.json(&json!({})).send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(send(json_type, ping.into()).await.status(), StatusCode::OK);
    served.end().await;
}

#[tokio::test]
async fn a_client_of_a_newer_era_learns_without_a_session_that_it_has_to_initialize() {
    let served = Served::new().await;
    let signed_in = served.sign_in().await;
    let message = json!({ "jsonrpc": "2.0", "id": 9, "method": "server/discover", "params": {} });
    let request =
        bare(&served, Method::POST, signed_in.access()).header("mcp-protocol-version", "2026-07-28");
    let response = request.json(&message).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let answer: Value = response.json().await.unwrap();
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32601), &json!(9)));
    served.end().await;
}

#[tokio::test]
async fn the_oldest_revision_may_send_several_messages_at_once() {
    let served = Served::new().await;
    let session = Session::start(&served, "2025-03-26").await;
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "ping" },
        { "jsonrpc": "2.0", "method": "notifications/initialized" },
        { "jsonrpc": "2.0", "id": 2, "method": "nothing" },
    ]);
    let mut events = Events::of(session.post(batch).await);
    let mut ids = vec![];
    while let Some(answer) = events.next().await {
        ids.push(answer["id"].as_i64().unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
    served.end().await;
}

#[tokio::test]
async fn a_sign_in_without_the_scope_for_notes_is_told_which_scope_is_needed() {
    let served = Served::new().await;
    let client = served.client().await;
    let mut query = served.query(&client);
    query.insert("scope", "openid".to_owned());
    let page = served.authorize(&query).await.text().await.unwrap();
    let code = served.press(&page, "allow").await.remove("code").unwrap();
    let tokens: Value = served.redeem(&client, &code).await.json().await.unwrap();
    let response = bare(&served, Method::POST, tokens["access_token"].as_str().unwrap())
        .json(&initialize("2025-11-25"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("insufficient_scope") && challenge.contains("scope=\"notes\""), "{challenge}");
    served.end().await;
}
