//! Bad input from apps and services: refused for what it is, in bounded memory, while others are served.

use crate::{
    peer::Peer,
    said::{Call, Events, answer},
    support::{House, LONG, limits},
    visit::Ask,
};
use axum::body::Body;
use bellhop_relay::Limits;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Another app's call goes through.
async fn undisturbed(house: &House, peer: &Peer) {
    let served = async {
        let call = peer.call().await;
        let modern = call.json()["params"]["_meta"][crate::visit::VERSION].is_string();
        call.result(if modern { json!({"resultType":"complete","ok":1}) } else { json!({"ok":1}) });
    };
    let (answer, ()) = tokio::join!(house.ask(Ask::work("other")), served);
    assert_eq!(answer.json()["result"]["ok"], 1, "{}", answer.json());
}

#[tokio::test]
async fn what_is_no_message_is_refused_in_the_modern_era_too() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let body = |extra: &str| {
        let ask = Ask::work(1).body.to_string();
        ask.replace(r#""arguments":{}"#, &format!(r#""arguments":{extra}"#))
    };
    assert!(body("{\"here\":1}").contains("here"));
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    let headers = [
        ("content-type", "application/json"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "work"),
    ];
    let mut not_text = body("{\"x\":\"?\"}").into_bytes();
    let at = not_text.iter().position(|b| *b == b'?').unwrap();
    not_text[at] = 0xff;
    for (bytes, code) in [
        (not_text, -32700),
        (body("{\"x\":1,\"x\":2}").into_bytes(), -32600),
        (body("{\"x\":1,\"\\u0078\":2}").into_bytes(), -32600),
        (body(&deep).into_bytes(), -32600),
        (format!("[{}]", body("{}")).into_bytes(), -32600),
        (b"{".to_vec(), -32700),
    ] {
        let response = house.raw(Method::POST, "/mcp/a", &headers, bytes).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let text = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        let said: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(said["error"]["code"], code, "{said}");
    }
    assert!(peer.got("tools/call").is_empty());
    undisturbed(&house, &peer).await;
}

#[tokio::test]
async fn answers_that_nobody_asked_for_and_notifications_with_ids_do_no_harm() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let house = House::before(&peer).await;
        let session = house.open("/mcp").await;
        house.tell("/mcp", &session, &json!({"jsonrpc":"2.0","id":1,"method":"tools/list"})).await;
        for id in [json!(1), json!("bellhop-1"), json!("bellhop-initialize"), json!("q1"), json!(1.5)] {
            for outcome in [json!({"result":{}}), json!({"error":{"code":1,"message":"m"}})] {
                let mut said = outcome;
                said["jsonrpc"] = "2.0".into();
                said["id"] = id.clone();
                let headers = [("content-type", "application/json"), ("mcp-session-id", &session)];
                let taken = house.send(Method::POST, "/mcp", &headers, &said.to_string()).await;
                assert_eq!((taken.status, taken.text.as_str()), (StatusCode::ACCEPTED, ""));
                let headers = [("content-type", "application/json"), ("mcp-protocol-version", "2026-07-28")];
                let refused = house.send(Method::POST, "/mcp", &headers, &said.to_string()).await;
                assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, -32600));
            }
        }
        for method in ["notifications/cancelled", "notifications/initialized", "notifications/progress"] {
            let params = json!({"requestId":1,"progressToken":1,"progress":1});
            let said = json!({"jsonrpc":"2.0","id":5,"method":method,"params":params});
            assert_eq!(house.tell("/mcp", &session, &said).await.code(), -32601, "{method}");
            let refused = house.ask(Ask::new(5, method, params).at("/mcp")).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, -32601));
        }
        assert!(peer.got("").is_empty());
        undisturbed(&house, &peer).await;
    }
}

/// Sends a body that goes on and on; what is read back, and how much could be written.
async fn endless(house: &House, head: &str, chunked: bool) -> (String, usize) {
    let socket = tokio::net::TcpStream::connect(house.address).await.unwrap();
    let (mut read, mut write) = socket.into_split();
    let head = format!(
        "POST /mcp/a HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\n{head}\r\n\r\n",
        house.address
    );
    let piece = vec![b' '; 64 << 10];
    let writing = async {
        let mut written = 0;
        if write.write_all(head.as_bytes()).await.is_err() {
            return written;
        }
        while written < 1 << 30 {
            let size = if chunked {
                write.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await
            } else {
                Ok(())
            };
            let end: &[u8] = if chunked { b"\r\n" } else { b"" };
            if size.is_err() || write.write_all(&piece).await.is_err() || write.write_all(end).await.is_err()
            {
                break;
            }
            written += piece.len();
        }
        written
    };
    let reading = async {
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(n) = read.read(&mut piece).await {
            answer.extend_from_slice(&piece[..n]);
            if n == 0 {
                break;
            }
        }
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::time::timeout(LONG, async { tokio::join!(reading, writing) }).await.expect("an end in time")
}

#[tokio::test]
async fn a_body_of_a_gibibyte_is_refused_long_before_its_end() {
    let peer = Peer::modern().await;
    let house = House::before(&peer).await;
    let announced = format!("content-length: {}", 1 << 30);
    for (head, chunked) in [(announced.as_str(), false), ("transfer-encoding: chunked", true)] {
        let ((said, written), ()) = tokio::join!(endless(&house, head, chunked), undisturbed(&house, &peer));
        assert!(said.starts_with("HTTP/1.1 413"), "{said}");
        // What lies in sockets beside the 4 MiB that are read at most.
        assert!(written < 64 << 20, "{written} bytes were taken");
    }
}

/// A body of many such pieces, and how many of them were taken.
fn pieces(piece: String) -> (Body, Arc<AtomicUsize>) {
    let (taken, piece) = (Arc::new(AtomicUsize::new(0)), Bytes::from(piece));
    let count = taken.clone();
    let body = stream::repeat_with(move || {
        count.fetch_add(piece.len(), Ordering::SeqCst);
        Ok::<_, io::Error>(piece.clone())
    });
    (Body::from_stream(body.take(1 << 20)), taken)
}

fn respond(call: Call, media: &'static str, body: Body) {
    call.respond(([("content-type", media)], body));
}

/// Waits until no more is taken, and says how much was.
async fn settled(taken: &AtomicUsize) -> usize {
    let mut last = 0;
    for _ in 0..400 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = taken.load(Ordering::SeqCst);
        if now == last && now > 0 {
            return now;
        }
        last = now;
    }
    panic!("it goes on and on: {last} bytes");
}

#[tokio::test]
async fn an_endless_stream_to_an_app_that_does_not_read_is_held_back_at_the_service() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let house = House::before(&peer).await;
        let session = house.open("/mcp/a").await;
        let note = json!({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":0,"x":"y".repeat(60_000)}});
        for modern in [false, true] {
            let served = async {
                let call = peer.call().await;
                let token = call.json()["params"]["_meta"]["progressToken"].clone();
                let mut note = note.clone();
                note["params"]["progressToken"] = token;
                let (body, taken) = pieces(format!("data: {note}\n\n"));
                respond(call, "text/event-stream", body);
                taken
            };
            let calling = async {
                if modern {
                    house.ask_stream(Ask::work(1).meta("progressToken", 0)).await
                } else {
                    house.stream("/mcp/a", &session, crate::support::call(1, "work")).await
                }
            };
            let (stream, taken) = tokio::join!(calling, served);
            let most = settled(&taken).await;
            assert!(most < 64 << 20, "{most} bytes were taken");
            undisturbed(&house, &peer).await;
            drop(stream);
        }
        house.connection.gate.close();
        house.connection.gate.drained().await;
    }
}

#[tokio::test]
async fn an_event_or_an_answer_without_end_is_one_error() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let is_modern = peer.state.lock().unwrap().speaks == crate::peer::Speaks::Modern;
        let small = Limits { message: 1 << 20, ..limits() };
        let house = House::new(&[("a", peer.url())], "a:write", small).await;
        let session = house.open("/mcp/a").await;
        let body = serde_json::from_str(&crate::support::call(1, "work")).unwrap();
        for modern in [false, true] {
            // An answer of one message is held back where it has to change, and passes where it has not.
            let medias: &[&str] = if modern == is_modern {
                &["text/event-stream"]
            } else {
                &["text/event-stream", "application/json"]
            };
            for media in medias {
                let served = async {
                    let start = if *media == "application/json" { "" } else { "data: " };
                    let (body, taken) = pieces("x".repeat(64 << 10));
                    let first = stream::once(async move { Ok::<_, io::Error>(Bytes::from(start)) });
                    respond(
                        peer.call().await,
                        media,
                        Body::from_stream(
                            first.chain(body.into_data_stream().map(|p| p.map_err(io::Error::other))),
                        ),
                    );
                    taken
                };
                let calling = async {
                    if modern {
                        house.ask(Ask::work(1)).await
                    } else {
                        house.tell("/mcp/a", &session, &body).await
                    }
                };
                let (answer, taken) = tokio::join!(calling, served);
                assert_eq!(answer.json()["error"]["data"]["code"], "relay.too_large", "{}", answer.json());
                assert!(taken.load(Ordering::SeqCst) < 64 << 20);
            }
        }
        undisturbed(&house, &peer).await;
    }
}

#[tokio::test]
async fn a_packed_answer_is_refused_and_never_unpacked() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let house = House::before(&peer).await;
        let session = house.open("/mcp/a").await;
        let body = serde_json::from_str(&crate::support::call(1, "work")).unwrap();
        for modern in [false, true] {
            for media in ["application/json", "text/event-stream"] {
                let served = async {
                    let call = peer.call().await;
                    assert_eq!(call.header("accept-encoding"), None);
                    call.respond((
                        [("content-type", media), ("content-encoding", "gzip")],
                        vec![0x1f, 0x8b, 8, 0],
                    ));
                };
                let calling = async {
                    if modern {
                        house.ask(Ask::work(1)).await
                    } else {
                        house.tell("/mcp/a", &session, &body).await
                    }
                };
                let (answer, ()) = tokio::join!(calling, served);
                assert_eq!(answer.json()["error"]["data"]["code"], "relay.no_mcp", "{}", answer.json());
            }
        }
        undisturbed(&house, &peer).await;
    }
}

#[tokio::test]
async fn nonsense_on_a_services_stream_is_passed_over_and_the_answer_still_counts() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let house = House::before(&peer).await;
        let session = house.open("/mcp/a").await;
        let body = serde_json::from_str(&crate::support::call(1, "work")).unwrap();
        for modern in [false, true] {
            let served = async {
                let (events, id): (Events, Value) = peer.call().await.stream();
                let deep = format!("{{\"a\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
                for nonsense in [
                    "",
                    "{",
                    "7",
                    "[]",
                    "{}",
                    r#"{"jsonrpc":"2.0"}"#,
                    r#"{"jsonrpc":"1.0","id":1,"result":{}}"#,
                    &deep,
                ] {
                    events.say(nonsense);
                }
                events.write("event: x\nid: 1\n\n: a comment\n\nretry: x\ndata\n\n".into());
                events.say(answer(&json!("nobody's"), "{}"));
                events.say(answer(&id, r#"{"ok":1}"#));
                // What comes after the answer is nobody's.
                events.say(answer(&id, r#"{"ok":2}"#));
            };
            let calling = async {
                if modern {
                    house.ask(Ask::work(1)).await
                } else {
                    house.tell("/mcp/a", &session, &body).await
                }
            };
            let (reply, ()) = tokio::join!(calling, served);
            let answers: Vec<&String> = reply.texts.iter().filter(|t| t.contains("\"ok\"")).collect();
            assert_eq!(answers.len(), 1, "{:?}", reply.texts);
            assert_eq!(reply.json()["result"]["ok"], 1);
            assert_eq!(reply.json()["id"], 1);
        }
    }
}

#[tokio::test]
async fn lists_without_end_are_held_no_more_than_a_message_is() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        peer.set(|s| {
            s.tools =
                vec![json!({"name":"t","inputSchema":{"type":"object"},"description":"x".repeat(10_000)})];
            s.endless = true;
        });
        let small = Limits { message: 100_000, ..limits() };
        let house = House::new(&[("a", peer.url())], "a:write", small).await;
        let listed = house.ask(Ask::new(1, "tools/list", json!({}))).await.json();
        assert_eq!(listed["error"]["data"]["code"], "relay.too_large", "{listed}");
        assert!(peer.got("tools/list").len() <= 11);
    }
}

#[tokio::test]
async fn a_service_that_falls_silent_is_one_error_and_is_told_in_the_manner_of_its_era() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let is_modern = peer.state.lock().unwrap().speaks == crate::peer::Speaks::Modern;
        let impatient = Limits { answer: Duration::from_millis(300), ..limits() };
        let house = House::new(&[("a", peer.url())], "a:write", impatient).await;
        let session = house.open("/mcp/a").await;
        let body = serde_json::from_str(&crate::support::call(1, "work")).unwrap();
        let mut told = 0;
        for modern in [false, true] {
            for begins in [false, true] {
                let served = async {
                    let call = peer.call().await;
                    let token = call.json()["params"]["_meta"]["progressToken"].clone();
                    if !begins {
                        return (Some(call), None);
                    }
                    let (events, _) = call.stream();
                    events.say(json!({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":token}}));
                    (None, Some(events))
                };
                let calling = async {
                    if modern {
                        house.ask(Ask::work(1).meta("progressToken", 1)).await
                    } else {
                        house.tell("/mcp/a", &session, &body).await
                    }
                };
                let (answer, (_call, events)) = tokio::join!(calling, served);
                assert_eq!(answer.json()["error"]["data"]["code"], "relay.timed_out", "{}", answer.json());
                assert_eq!(answer.texts.len(), if begins { 2 } else { 1 });
                if let Some(events) = events {
                    events.closed().await;
                }
                told += usize::from(!is_modern);
                peer.wait_for("notifications/cancelled", told).await;
            }
        }
        assert_eq!(peer.got("notifications/cancelled").len(), told);
    }
}
