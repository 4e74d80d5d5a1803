//! The loopback door: what is let through it, and what is not.

use bellhop_tests::{App, Bellhop, Raw, Session, Tokens};
use serde_json::{Value, json};

/// A Bellhop with an app, to see afterwards that it still answers.
struct House {
    bellhop: Bellhop,
    app: App,
    tokens: Tokens,
    session: Session,
}

impl House {
    async fn open() -> Self {
        let bellhop = Bellhop::start().await.with_playground().await;
        let (app, tokens) = App::let_in(&bellhop, "Honest", &["playground:read"]).await;
        let session = Session::open(&app, &tokens).await;
        Self { bellhop, app, tokens, session }
    }

    /// The lines of a head, with the Host that is right, and none of it ended.
    fn head(&self, first: &str, more: &[&str]) -> String {
        let host = format!("Host: 127.0.0.1:{}", self.bellhop.port);
        [first, &host].iter().chain(more).map(|line| format!("{line}\r\n")).collect()
    }

    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.tokens.access)
    }

    /// POST this body to `/mcp` as the app, with the session.
    async fn post(&self, content_type: &str, body: &[u8]) -> (u16, Value) {
        let mut raw = Raw::open(&self.bellhop).await;
        let length = format!("Content-Length: {}", body.len());
        let session = format!("Mcp-Session-Id: {}", self.session.id);
        let kind = format!("Content-Type: {content_type}");
        let lines = [
            &self.bearer(),
            &kind,
            &length,
            &session,
            "Accept: application/json, text/event-stream",
            "Connection: close",
        ];
        raw.say(self.head("POST /mcp HTTP/1.1", &lines) + "\r\n").await;
        raw.say(body).await;
        let (status, body) = raw.answer().await.expect("an answer");
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    async fn still_answers(&self) {
        let said = self.session.call("playground_list_notes", json!({})).await;
        assert_eq!(said["isError"], false, "{said}");
    }
}

/// Proves doors.1 and doors.2: the answer comes while the body is still owed, so nothing of it was read.
#[tokio::test]
async fn a_strange_host_or_origin_is_refused_before_the_body_is_read() {
    let house = House::open().await;
    let port = house.bellhop.port;
    let own = format!("Host: 127.0.0.1:{port}");
    let strange: Vec<Vec<String>> = vec![
        vec![],
        vec![format!("Host: evil.example:{port}")],
        vec!["Host: 127.0.0.1".into()],
        vec!["Host: 127.0.0.1:1".into()],
        vec![format!("Host: 0.0.0.0:{port}")],
        vec![own.clone(), own.clone()],
        vec![own.clone(), "Origin: http://evil.example".into()],
        vec![own.clone(), "Origin: null".into()],
        vec![own.clone(), format!("Origin: http://localhost:{port}")],
        vec![own.clone(), "Sec-Fetch-Site: cross-site".into()],
        vec![own.clone(), "Sec-Fetch-Site: same-site".into()],
    ];
    for lines in strange {
        let mut raw = Raw::open(&house.bellhop).await;
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        // With a token that is good: the door comes first.
        let rest =
            format!("{}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n", house.bearer());
        raw.say(format!("POST /mcp HTTP/1.1\r\n{lines}{rest}")).await;
        assert_eq!(raw.status().await, Some(403), "{lines}");
    }
    for path in ["/register", "/token", "/authorize", "/.well-known/oauth-authorization-server"] {
        let mut raw = Raw::open(&house.bellhop).await;
        raw.say(format!("GET {path} HTTP/1.1\r\nHost: evil.example:{port}\r\n\r\n")).await;
        assert_eq!(raw.status().await, Some(403), "{path}");
    }
    house.still_answers().await;
}

/// Proves doors.3: every method on an MCP route without a good token gets 401 and the way to the metadata.
#[tokio::test]
async fn without_a_good_token_the_answer_names_the_metadata() {
    let house = House::open().await;
    let foreign = house.tokens.access.chars().rev().collect::<String>();
    let values = [
        None,
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Bearer {foreign}")),
        Some(format!("Bearer {}", house.tokens.refresh)),
        Some(format!("Basic {}", house.tokens.access)),
        Some(house.tokens.access.clone()),
        Some(format!("Bearer {}x", house.tokens.access)),
    ];
    for path in ["/mcp", "/mcp/playground"] {
        let metadata = house.bellhop.url(&format!("/.well-known/oauth-protected-resource{path}"));
        for method in ["POST", "GET", "HEAD", "DELETE"] {
            for value in &values {
                let mut raw = Raw::open(&house.bellhop).await;
                let authorization = value.as_ref().map(|v| format!("Authorization: {v}"));
                let lines: Vec<&str> =
                    authorization.as_deref().into_iter().chain(["Content-Length: 0"]).collect();
                raw.say(house.head(&format!("{method} {path} HTTP/1.1"), &lines) + "\r\n").await;
                let head = raw.head().await;
                assert!(head.starts_with("HTTP/1.1 401 "), "{method} {path} {value:?}: {head}");
                assert!(head.contains(&format!("resource_metadata=\"{metadata}\"")), "{head}");
                assert_eq!(head.contains("error=\"invalid_token\""), value.is_some(), "{value:?} {head}");
            }
        }
    }
    house.still_answers().await;
}

/// Proves doors.4.
#[tokio::test]
async fn a_token_in_the_address_is_refused_even_when_it_is_good() {
    let house = House::open().await;
    for query in [format!("access_token={}", house.tokens.access), "x=1&%61ccess_token=y".to_owned()] {
        let mut raw = Raw::open(&house.bellhop).await;
        raw.say(
            house.head(&format!("POST /mcp?{query} HTTP/1.1"), &[&house.bearer(), "Content-Length: 0"])
                + "\r\n",
        )
        .await;
        assert_eq!(raw.status().await, Some(400));
    }
    house.still_answers().await;
}

/// Proves doors.5: what is no good message gets the right answer, and the next one is answered as ever.
#[tokio::test]
async fn a_message_that_is_none_gets_an_error_that_says_so() {
    let house = House::open().await;
    let call = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"playground_list_notes","arguments":{arguments}}}}}"#
        )
    };
    let deep = call(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)));
    let cases: [(&str, Vec<u8>, u16, i64); 11] = [
        ("no JSON", b"{".to_vec(), 400, -32700),
        ("nothing", b"".to_vec(), 400, -32700),
        ("no UTF-8", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}".to_vec(), 400, -32700),
        ("two texts", call("{}").repeat(2).into(), 400, -32700),
        ("a number", b"7".to_vec(), 400, -32600),
        ("no message", b"{\"id\":1}".to_vec(), 400, -32600),
        ("an id that is none", br#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#.to_vec(), 400, -32600),
        ("a key twice", br#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#.to_vec(), 400, -32600),
        ("a key twice, inside", br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"playground_list_notes","name":"playground_fail"}}"#.to_vec(), 400, -32600),
        ("nested too deep", deep.into(), 400, -32600),
        ("several at once", format!("[{}]", call("{}")).into(), 400, -32600),
    ];
    for (what, body, status, code) in cases {
        let (seen, answer) = house.post("application/json", &body).await;
        assert_eq!(seen, status, "{what}: {answer}");
        assert_eq!(answer["error"]["code"], code, "{what}: {answer}");
        house.still_answers().await;
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        assert_eq!(house.post(kind, call("{}").as_bytes()).await.0, 415, "{kind}");
    }
    let wide = call(&format!("{{\"text\":\"{}\"}}", "x".repeat(4 * 1024 * 1024)));
    assert_eq!(house.post("application/json", wide.as_bytes()).await.0, 413);
    house.still_answers().await;
    // Just below the limit it is a message like any other.
    let fits = call(&format!("{{\"text\":\"{}\"}}", "x".repeat(4 * 1024 * 1024 - 1024)));
    assert_eq!(house.post("application/json; charset=utf-8", fits.as_bytes()).await.0, 200);
}

/// Proves doors.6: bytes that are no HTTP end their connection and nothing else.
#[tokio::test]
async fn broken_http_ends_its_own_connection_alone() {
    let house = House::open().await;
    let post = |more: &[&str]| {
        let lines: Vec<&str> = ["Content-Type: application/json"].iter().chain(more).copied().collect();
        let bearer = house.bearer();
        house.head("POST /mcp HTTP/1.1", &[lines.as_slice(), &[&bearer]].concat()) + "\r\n"
    };
    let floods: Vec<String> = (0..200).map(|n| format!("X-Flood-{n}: x")).collect();
    let floods: Vec<&str> = floods.iter().map(String::as_str).collect();
    let long = format!("X-Long: {}", "x".repeat(200 * 1024));
    let cases = [
        ("no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03 hello\r\n\r\n".to_owned()),
        ("a line without sense", "what is this\r\n\r\n".to_owned()),
        ("two lengths", post(&["Content-Length: 2", "Content-Length: 5"]) + "{}   "),
        ("a length that is none", post(&["Content-Length: two"]) + "{}"),
        ("a negative length", post(&["Content-Length: -1"]) + "{}"),
        ("a length and chunks", post(&["Content-Length: 2", "Transfer-Encoding: chunked"]) + "zz\r\n\r\n"),
        ("chunks that are none", post(&["Transfer-Encoding: chunked"]) + "zz\r\nhello\r\n0\r\n\r\n"),
        ("a chunk without end", post(&["Transfer-Encoding: chunked"]) + "ffffffffffffffffff\r\n"),
        ("too many headers", post(&floods)),
        ("a header too long", post(&[&long])),
        ("a space before a colon", post(&["X-Space : y"])),
        ("a bare line feed in a header", post(&["X-Feed: a\rb"])),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
    ];
    for (what, bytes) in cases {
        let mut raw = Raw::open(&house.bellhop).await;
        raw.say(bytes).await;
        let status = raw.status().await;
        assert!(status.is_none_or(|s| (400..500).contains(&s)), "{what}: {status:?}");
        house.still_answers().await;
    }
}

/// Proves doors.7: who says hello and then nothing is hung up on, and many of them keep nobody out.
#[tokio::test]
async fn slow_heads_are_cut_and_keep_nobody_out() {
    let house = House::open().await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut raw = Raw::open(&house.bellhop).await;
        raw.say(house.head("POST /mcp HTTP/1.1", &["X-Slow: yes"])).await;
        slow.push(raw);
    }
    house.still_answers().await;
    for raw in &mut slow {
        raw.hung_up().await;
    }
    house.still_answers().await;
}

/// Proves doors.8: an app can't reach what it was not given, however it spells it.
#[tokio::test]
async fn an_app_gets_no_further_than_its_scope() {
    let house = House::open().await;
    // The person is asked for the right spelling once, and says no.
    let arguments = json!({ "name": "playground_write_note", "arguments": { "name": "a", "text": "b" } });
    let deny = async {
        let id = house.bellhop.request("Honest").await;
        house.bellhop.run(&["deny", &id]).await.well();
    };
    let (denied, ()) = tokio::join!(house.session.ask("tools/call", arguments), deny);
    assert!(denied.get("error").is_some(), "{denied}");
    for (tool, arguments) in [
        ("playground_write_note", json!({ "name": "a", "text": "b" })),
        ("playground_Write_Note", json!({ "name": "a", "text": "b" })),
        ("write_note", json!({ "name": "a", "text": "b" })),
        ("playground__write_note", json!({})),
        ("", json!({})),
    ] {
        let answer = house.session.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await;
        assert!(answer.get("error").is_some(), "{tool}: {answer}");
    }
    let unknown = house.session.ask("playground/secret", json!({})).await;
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    let notes = house.session.call("playground_list_notes", json!({})).await;
    assert!(!notes["content"].to_string().contains("\"a\""), "{notes}");

    let bearer = format!("Bearer {}", house.tokens.access);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = Session::initialize(1).to_string();
    let ghost = house.bellhop.url("/mcp/ghost");
    let other = house.app.http.send(hyper::Method::POST, &ghost, &headers, body).await;
    assert!(matches!(other.status.as_u16(), 401 | 404));
}

/// Proves apps.8: registrations that name an address nobody should be sent to are refused.
#[tokio::test]
async fn an_app_is_never_sent_where_anybody_could_listen() {
    let house = House::open().await;
    let register = house.app.server["registration_endpoint"].as_str().unwrap();
    for redirect in [
        "http://evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1@evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://127.0.0.1/callback#fragment",
        "",
    ] {
        let answer = house
            .app
            .http
            .json(register, &json!({ "client_name": "Thief", "redirect_uris": [redirect] }))
            .await;
        assert_eq!(answer.status, 400, "{redirect}");
    }
    // What was registered is compared whole, but for the port of a loopback address.
    let stranger = format!(
        "{}?response_type=code&client_id={}&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fother&code_challenge={}&code_challenge_method=S256",
        house.app.server["authorization_endpoint"].as_str().unwrap(),
        house.app.client,
        "a".repeat(43),
    );
    let answer = house.app.http.get(&stranger).await;
    assert_eq!(answer.status, 400, "the person is told; the browser goes nowhere");
    assert_eq!(answer.header("location"), "");
}
