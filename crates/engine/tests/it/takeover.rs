//! One Bellhop: two engines that want one home.

use crate::house::{Desk, House, home, soon};
use bellhop_engine::{Desktop, Engine, Home, Keys, Options};
use control::{ConnectionState, Section, SectionName};
use serde_json::json;
use std::{
    env,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

const HOME: &str = "BELLHOP_TEST_SERVE_HERE";

/// Not a test but what `bellhop serve` is: started by the one below in a process of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the other side of a_desktop_takes_over_from_serve"]
async fn serve() {
    let Some(home) = env::var_os(HOME) else { return };
    let engine = Engine::start(Options::headless(Home::find(Some(home.into())).unwrap())).await.unwrap();
    engine.finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desktop_takes_over_from_serve_and_what_was_allowed_stays_allowed() {
    let (folder, home) = home();
    let key = folder.path().join("key");
    let first = House::at_home(home.clone(), |o| {
        o.desktop = None;
        o.keys = Some(Keys::File(key));
    })
    .await;
    let url = first.playground().await;
    first.connect(&url, Some("play")).await;
    let token = first.let_in("Tester", "play:read").await;
    let endpoint = first.endpoint().await;
    let port = url::Url::parse(&endpoint).unwrap().port().unwrap();
    first.engine.finish().await;
    drop(first);

    let mut serve = Command::new(env::current_exe().unwrap())
        .args(["--exact", "takeover::serve", "--ignored"])
        .env(HOME, home.root())
        .env("BELLHOP_PORT", port.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    soon(async {
        while home.connect().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let second = Engine::start(Options::headless(home.clone())).await.err().unwrap();
    assert_eq!(second.code, "engine.running");
    assert!(second.sentence.contains("bellhop serve") && second.sentence.contains(&serve.id().to_string()));

    let usual = |o: &mut Options| {
        o.keys = None;
        o.port = Some(port);
    };
    let desktop = soon(House::at_home(home.clone(), usual)).await;
    let ended = soon(tokio::task::spawn_blocking(move || serve.wait())).await.unwrap().unwrap();
    assert!(ended.success(), "serve ended by itself");
    assert_eq!(desktop.endpoint().await, endpoint, "apps find it where it was");
    let ping = desktop.send(&token, None, json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })).await;
    assert_ne!(ping.status(), 401, "the app's token is good still");
    assert!(matches!(desktop.connections().await[0].state, ConnectionState::Allowed));
    home.connect().await.expect("its socket was not taken away by the one that ended");

    // A second desktop does not push the first one out.
    let options = Options {
        desktop: Some(Arc::new(Desk::default()) as Arc<dyn Desktop>),
        ..Options::headless(home.clone())
    };
    let other = Engine::start(options).await.err().unwrap();
    assert!(other.code == "engine.running" && other.sentence.contains("The Bellhop app"), "{other}");
    assert!(matches!(desktop.section(SectionName::Status).await, Section::Status(s) if s.desktop));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_an_engine_has_finished_its_port_its_socket_and_its_lock_are_free() {
    let (_folder, home) = home();
    for _ in 0..5 {
        let house = House::at_home(home.clone(), |_| {}).await;
        house.engine.finish().await;
        assert!(home.connect().await.is_err(), "the socket is closed before anybody is told of the end");
        let port = url::Url::parse(&house.endpoint().await).unwrap().port().unwrap();
        tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
        drop(house);
    }
}
