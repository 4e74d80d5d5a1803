//! Apps that come by the owner-only socket, known by the program that started them.

use crate::house::{House, soon};
use control::{Command, ConnectionState, Method};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn house() -> Arc<House> {
    let house = House::new().await;
    let url = house.playground().await;
    house.connect(&url, Some("play")).await;
    Arc::new(house)
}

/// What a bridge sends first, and what it is answered: the status and the rest.
async fn knock(house: Arc<House>, method: &str) -> (u16, String) {
    let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let body = if method == "POST" { hello } else { "" };
    let mut stream = house.engine.home().connect().await.unwrap();
    let head = format!(
        "{method} /mcp HTTP/1.1\r\nHost: bellhop\r\nBellhop-Bridge: Tester\r\nConnection: close\r\n\
         Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_of_one_app_ask_the_person_once() {
    let house = house().await;
    let knocks: Vec<_> = (0..8).map(|_| tokio::spawn(knock(Arc::clone(&house), "POST"))).collect();
    let request = house.request().await;
    assert_eq!((request.app.as_str(), request.method), ("Tester", Method::Bridge));
    house.approve(&request, "play:read").await.unwrap();
    for answer in knocks {
        assert_eq!(soon(answer).await.unwrap().0, 200);
    }
    assert_eq!(soon(knock(Arc::clone(&house), "POST")).await.0, 200, "known from now on");
    assert_eq!(house.connections().await.len(), 1);
    assert_eq!(house.desk.raises_of(&request.id), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_is_denied_or_cut_off_hears_it_and_asks_again_only_when_the_person_asked_it_back() {
    let house = house().await;
    assert_eq!(soon(knock(Arc::clone(&house), "GET")).await.0, 403);
    assert!(house.requests().await.is_empty(), "listening is no reason to ask the person");

    let knocking = tokio::spawn(knock(Arc::clone(&house), "POST"));
    let request = house.request().await;
    house.approve(&request, "play:read").await.unwrap();
    assert_eq!(soon(knocking).await.unwrap().0, 200);
    let connection = house.connections().await.remove(0).id;
    house.engine.face().command(Command::Revoke { connection: connection.clone() }).await.unwrap();
    assert!(matches!(house.connections().await[0].state, ConnectionState::Revoked { refused: true, .. }));
    for method in ["DELETE", "POST", "GET"] {
        let (status, answer) = soon(knock(Arc::clone(&house), method)).await;
        assert!(status == 403 && answer.contains("authority.turned_away"), "{answer}");
    }
    assert!(house.requests().await.is_empty(), "nobody is asked about an app that was cut off");
    house.engine.face().command(Command::Readmit { connection }).await.unwrap();
    assert!(matches!(house.connections().await[0].state, ConnectionState::Revoked { refused: false, .. }));

    let knocking = tokio::spawn(knock(Arc::clone(&house), "POST"));
    let request = house.request().await;
    house.engine.face().command(Command::Deny { request: request.id }).await.unwrap();
    let (status, answer) = soon(knocking).await.unwrap();
    assert!(status == 403 && answer.contains("engine.bridge_denied"), "{answer}");
    assert!(house.connections().await.iter().all(|c| c.state != ConnectionState::Allowed));
}

/// A process that nobody started any more, and that speaks to the socket.
#[cfg(target_os = "linux")]
fn orphan(socket: &std::path::Path, out: &std::path::Path) {
    const KNOCK: &str = "
import os, socket, sys
before = os.getpid()
if os.fork(): os._exit(0)
while os.getppid() == before: pass
body = b'{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}'
def knock():
    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
    s.sendall(b'POST /mcp HTTP/1.1\\r\\nHost: bellhop\\r\\nBellhop-Bridge: Orphan\\r\\nConnection: close\\r\\nAccept: application/json, text/event-stream\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n' % len(body) + body)
    answer = b''
    while True:
        part = s.recv(4096)
        if not part: return answer[9:12].decode()
        answer += part
answers = knock() + ' ' + knock()
open(sys.argv[2] + '.part', 'w').write(answers)
os.rename(sys.argv[2] + '.part', sys.argv[2])
";
    let mut child =
        std::process::Command::new("python3").args(["-c", KNOCK]).args([socket, out]).spawn().unwrap();
    child.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_nobody_seems_to_have_started_is_let_in_for_itself_alone() {
    let house = house().await;
    let folder = tempfile::tempdir().unwrap();
    for n in 0..2 {
        let out = folder.path().join(n.to_string());
        let socket = house.engine.home().socket();
        let answers = out.clone();
        tokio::task::spawn_blocking(move || orphan(&socket, &answers)).await.unwrap();
        let request = house.request().await;
        // Where something above all processes adopts orphans, that is what is seen.
        if request.program.is_some() {
            return;
        }
        house.approve(&request, "play:read").await.unwrap();
        soon(async {
            while !out.exists() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await;
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "200 200", "asked once for one process");
    }
    assert_eq!(house.connections().await.len(), 2, "and again for the next");
}
