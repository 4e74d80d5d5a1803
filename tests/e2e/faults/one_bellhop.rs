//! One Bellhop for a home, and a home that outlives it.

use bellhop_tests::{App, Bellhop, Process, Session};
use serde_json::json;
use std::net::TcpListener;

/// Proves one.1.
#[tokio::test]
async fn a_second_serve_says_that_one_runs_and_ends_well() {
    let mut bellhop = Bellhop::start().await;
    let pid = bellhop.process().pid();
    let mut second = Process::start(bellhop.serve_command());
    assert_eq!(second.ended().await.code(), Some(0), "{}", second.errors());
    let said = second.output() + &second.errors();
    assert!(said.contains("running already") && said.contains(&pid.to_string()), "{said}");
    assert_eq!(bellhop.json(&["status"]).await["pid"], pid, "the first one runs on");
}

/// Proves one.2.
#[tokio::test]
async fn a_port_in_use_is_said_with_its_owner() {
    let mut bellhop = Bellhop::cold(Default::default());
    let taken = TcpListener::bind(("127.0.0.1", bellhop.port)).unwrap();
    let mut serve = Process::start(bellhop.serve_command());
    assert_eq!(serve.ended().await.code(), Some(1));
    let said = serve.errors();
    let own = std::env::current_exe().unwrap();
    // As the system shows it, which is at most fifteen characters of a name.
    let owner: String = own.file_name().unwrap().to_string_lossy().chars().take(12).collect();
    assert!(said.contains(&format!("Port {} is in use by {owner}", bellhop.port)), "{said}");
    assert!(said.contains("--port"), "and what to do: {said}");

    drop(taken);
    bellhop.serve().await;
    assert_eq!(bellhop.json(&["status"]).await["endpoint"], bellhop.url("/mcp"));
}

/// Proves one.3.
#[tokio::test]
async fn what_was_signed_in_and_allowed_outlives_a_crash() {
    let mut bellhop = Bellhop::kept().await.with_playground().await;
    let (app, tokens) = App::let_in(&bellhop, "Survivor", &["playground:write"]).await;
    let session = Session::open(&app, &tokens).await;
    session.call("playground_write_note", json!({ "name": "crash", "text": "kept" })).await;
    let before = (bellhop.json(&["services"]).await, bellhop.json(&["connections"]).await[0]["id"].clone());

    bellhop.crash();
    bellhop.run(&["status"]).await.refused("Bellhop isn't answering.");
    bellhop.serve().await;
    let services = bellhop.json(&["services"]).await;
    assert_eq!(services[0]["name"], before.0[0]["name"]);
    assert_eq!(services[0]["account"], before.0[0]["account"]);
    assert_eq!(services[0]["state"]["state"], "connected");
    let row = bellhop.connection("Survivor").await;
    assert_eq!((&row["id"], &row["state"]["state"]), (&before.1, &json!("allowed")));
    bellhop.logged("what happened before", |e| e["kind"] == "connection_allowed").await;

    // The same token, and the same sign-in.
    let session = Session::open(&app, &tokens).await;
    let read = session.call("playground_read_note", json!({ "name": "crash" })).await;
    assert_eq!(read["content"][0]["text"], "kept");
}

/// Proves one.4: with `--keys session` nothing that was secret is there after the end.
#[tokio::test]
async fn with_session_keys_a_restart_forgets_the_sign_ins() {
    let mut bellhop = Bellhop::start().await.with_playground().await;
    let (app, tokens) = App::let_in(&bellhop, "Forgotten", &["playground:read"]).await;
    bellhop.restart().await;
    assert_eq!(bellhop.services().await, []);
    let bearer = format!("Bearer {}", tokens.access);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = Session::initialize(1).to_string();
    let answer = app.http.send(hyper::Method::POST, &app.endpoint, &headers, body).await;
    assert_eq!(answer.status, hyper::StatusCode::UNAUTHORIZED);
}

/// Proves one.5.
#[tokio::test]
async fn any_free_port_is_taken_and_said() {
    let bellhop = Bellhop::cold(Default::default());
    let serve = Process::start(bellhop.command(&["serve", "--keys", "session", "--port", "0"]));
    let address =
        serve.line("where it is", |line| line.strip_prefix("Bellhop is ready at ").map(str::to_owned)).await;
    assert_eq!(bellhop.json(&["status"]).await["endpoint"], address.as_str());
    assert!(!address.contains(":0/"), "{address}");
    assert!(
        serve.errors().contains("No PIN is set"),
        "it says that nobody can let an app in: {}",
        serve.errors()
    );
}
