//! The owner-only socket and the loopback port: who may do what.

use crate::house::{House, home, soon};
use bellhop_engine::{Home, Keys};
use control::{Answer, Client, Command, KeysChoice, Outcome, PauseFor, Proof, Query, Section, SectionName};
use futures_util::poll;
use model::Secret;
use std::{pin::pin, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn client(home: &Home) -> Client {
    Client::open(home.connect().await.unwrap()).await.unwrap().0
}

fn code(outcome: Outcome) -> String {
    outcome.err().map(|p| p.code.to_string()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_widens_access_needs_a_window_that_this_engine_opened() {
    let house = House::new().await;
    let home = house.engine.home();
    let stranger = client(home).await;
    assert_eq!(code(stranger.command(Command::Resume).await.unwrap()), "engine.needs_window");
    let guess = Proof::Window { secret: "0".repeat(64) };
    assert_eq!(code(stranger.prove(guess).await.unwrap()), "engine.proof");
    // No PIN counts where there is a desktop.
    assert_eq!(code(stranger.prove(Proof::Pin { pin: "2468".into() }).await.unwrap()), "engine.no_pin");

    let secret = house.engine.window_secret();
    let window = client(home).await;
    window.prove(Proof::Window { secret: secret.clone() }).await.unwrap().unwrap();
    for _ in 0..2 {
        window.command(Command::Resume).await.unwrap().unwrap();
    }
    assert_eq!(code(stranger.prove(Proof::Window { secret }).await.unwrap()), "engine.proof");
    assert_eq!(code(stranger.command(Command::Resume).await.unwrap()), "engine.needs_window");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_lets_somebody_do_more_is_refused_to_a_program_that_is_no_person() {
    for (desktop, refusal) in [(true, "engine.needs_window"), (false, "engine.needs_pin")] {
        let house = House::with(|o| {
            if !desktop {
                o.desktop = None;
            }
        })
        .await;
        let url = house.playground().await;
        house.connect(&url, Some("play")).await;
        house.let_in("Tester", "play:read").await;
        let connection = house.connections().await.remove(0).id;
        let stranger = client(house.engine.home()).await;
        let scope: model::Scope = "play:write".parse().unwrap();
        for widening in [
            Command::AddAccessKey { name: "mine".into(), scope: scope.clone(), ends: None },
            Command::Approve { request: "r".into(), snapshot: "s".into(), scope: scope.clone() },
            Command::ResumeConnection { connection: connection.clone() },
            Command::Readmit { connection: connection.clone() },
            Command::Resume,
        ] {
            assert!(widening.widens());
            assert_eq!(code(stranger.command(widening).await.unwrap()), refusal);
        }
        for narrowing in [
            Command::PauseConnection { connection: connection.clone() },
            Command::Revoke { connection: connection.clone() },
            Command::RevokeAll,
        ] {
            assert!(!narrowing.widens());
            stranger.command(narrowing).await.unwrap().unwrap();
        }
        assert_eq!(house.connections().await.len(), 1, "no key was made");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_counts_for_the_next_command_and_no_other() {
    let house = House::with(|o| o.desktop = None).await;
    house.engine.set_pin(Secret::new("2468")).await.unwrap();
    let terminal = client(house.engine.home()).await;
    let pin = || Proof::Pin { pin: "2468".into() };
    assert_eq!(code(terminal.command(Command::Resume).await.unwrap()), "engine.needs_pin");
    terminal.prove(pin()).await.unwrap().unwrap();
    terminal.command(Command::Resume).await.unwrap().unwrap();
    assert_eq!(code(terminal.command(Command::Resume).await.unwrap()), "engine.needs_pin");
    // Spent on something that needs none, it is spent.
    terminal.prove(pin()).await.unwrap().unwrap();
    terminal.command(Command::Pause { length: PauseFor::Minutes15 }).await.unwrap().unwrap();
    assert_eq!(code(terminal.command(Command::Resume).await.unwrap()), "engine.needs_pin");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_person_chooses_where_the_keys_are_kept() {
    let house = House::with(|o| o.keys = None).await;
    let stranger = client(house.engine.home()).await;
    for keys in [KeysChoice::Session, KeysChoice::Passphrase { passphrase: "known to me".into() }] {
        let outcome = stranger.command(Command::Unlock { keys }).await.unwrap();
        assert_eq!(code(outcome), "engine.needs_window");
    }
    let keys = KeysChoice::Session;
    house.engine.face().command(Command::Unlock { keys }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_types_the_passphrase_of_a_locked_vault_unlocks_it() {
    let (_folder, home) = home();
    let first =
        House::at_home(home.clone(), |o| o.keys = Some(Keys::Passphrase(Secret::new("right one")))).await;
    first.engine.finish().await;
    drop(first);
    let _locked = House::at_home(home.clone(), |o| o.keys = None).await;
    let terminal = client(&home).await;
    let unlock = |passphrase: &str| Command::Unlock {
        keys: KeysChoice::Passphrase { passphrase: passphrase.to_owned() },
    };
    assert!(terminal.command(unlock("wrong one")).await.unwrap().is_err());
    let session = Command::Unlock { keys: KeysChoice::Session };
    assert_eq!(code(terminal.command(session).await.unwrap()), "engine.needs_window");
    terminal.command(unlock("right one")).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_comes_to_its_end_when_whoever_gave_it_has_left() {
    let house = House::new().await;
    let url = house.playground().await;
    house.connect(&url, Some("play")).await;
    let token = house.let_in("Tester", "play:read").await;
    house.session(&token).await;
    let connection = house.connections().await.remove(0).id;
    {
        let face = house.engine.face();
        let mut revoking = pin!(face.command(Command::Revoke { connection }));
        let _ = poll!(&mut revoking);
    }
    soon(async {
        while house.send(&token, None, serde_json::json!({})).await.status() != 401 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    {
        let face = house.engine.face();
        let mut finishing = pin!(face.command(Command::Finish));
        let _ = poll!(&mut finishing);
    }
    soon(house.engine.finished()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_face_that_watches_is_sent_what_changes() {
    let house = House::new().await;
    let stream = house.engine.home().connect().await.unwrap();
    let (face, mut events) = Client::open(stream).await.unwrap();
    face.watch(vec![SectionName::Status]).await.unwrap().unwrap();
    face.command(Command::Pause { length: PauseFor::UntilResume }).await.unwrap().unwrap();
    soon(async {
        loop {
            if let Some(control::FromEngine::View { section: Section::Status(status), .. }) =
                events.recv().await
                && matches!(status.pause, control::PauseView::Paused { .. })
            {
                return;
            }
        }
    })
    .await;
    assert!(matches!(face.query(Query::Doctor).await.unwrap(), Ok(Answer::Doctor(_))));
}

/// Send raw bytes to the port, and read what comes until it closes or goes quiet.
async fn raw(house: &House, request: &str) -> String {
    let endpoint = url::Url::parse(&house.endpoint().await).unwrap();
    let port = endpoint.port().unwrap();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = request.replace("PORT", &port.to_string());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while let Ok(Ok(n)) = tokio::time::timeout(Duration::from_secs(2), stream.read(&mut part)).await {
        if n == 0 {
            break;
        }
        answer.extend_from_slice(&part[..n]);
        if answer.windows(4).any(|w| w == b"\r\n\r\n") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_has_no_door_to_the_controls() {
    let house = House::new().await;
    let upgrade = "GET /control HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: Upgrade\r\n\
                   Upgrade: bellhop-control/1\r\n\r\n";
    assert!(raw(&house, upgrade).await.starts_with("HTTP/1.1 404"));
    // Nor does the bridge's header count there.
    let bridge = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nBellhop-Bridge: Codex\r\n\
                  Content-Length: 0\r\n\r\n";
    assert!(raw(&house, bridge).await.starts_with("HTTP/1.1 401"));
    assert!(house.requests().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_could_be_read_in_two_ways_is_refused_or_ends_the_connection() {
    let house = House::new().await;
    for bad in [
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /mcp HTTP/1.1\r\nHost : 127.0.0.1:PORT\r\n\r\n",
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n folded: x\r\n\r\n",
    ] {
        let answer = raw(&house, bad).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{bad:?}: {answer}");
    }
    let foreign = "GET /authorize HTTP/1.1\r\nHost: evil.example:PORT\r\n\r\n";
    assert!(raw(&house, foreign).await.starts_with("HTTP/1.1 403"));
    let long = format!("GET /{} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", "a".repeat(100_000));
    let answer = raw(&house, &long).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
}
