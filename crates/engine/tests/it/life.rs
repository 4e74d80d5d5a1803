//! The main job: sign in to a service, let an app in, see its calls, cut it off.

use crate::house::{House, soon};
use control::{ActivityFilter, ActivityKind, Answer, Command, ConnectionState, Query, Section, SectionName};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn call(id: u32, tool: &str, arguments: Value) -> Value {
    json!({
        "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": { "name": tool, "arguments": arguments, "_meta": { "progressToken": id } },
    })
}

async fn kinds(house: &House) -> Vec<ActivityKind> {
    let query = Query::Activity { filter: ActivityFilter::default() };
    match house.engine.face().query(query).await.unwrap() {
        Answer::Activity { entries } => entries.into_iter().map(|e| e.kind).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_connected_an_app_let_in_its_call_seen_and_its_leave_taken() {
    let house = House::new().await;
    let mut view = house.engine.face().watch(&[SectionName::Services, SectionName::Connections]);
    let url = house.playground().await;
    let (_, name) = house.connect(&url, Some("play")).await;
    assert_eq!(name, "play");
    let service = house.services().await.remove(0);
    assert_eq!(service.account.as_deref(), Some(playground::ACCOUNT));
    // Its tools arrive in the view by themselves.
    soon(async {
        loop {
            if let Some(Section::Services(all)) = view.recv().await
                && all.first().is_some_and(|s| s.tools.iter().any(|t| t.name == "slow_count"))
            {
                return;
            }
        }
    })
    .await;

    let token = house.let_in("Tester", "play:read").await;
    let session = house.session(&token).await;
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let tools: Value = house.send(&token, Some(&session), list).await.json().await.unwrap();
    let names: Vec<_> = tools["result"]["tools"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert!(names.contains(&&json!("play_slow_count")), "{names:?}");

    // A slow call shows in the row while it runs, when nothing else changes.
    while tokio::time::timeout(Duration::from_millis(700), view.recv()).await.is_ok() {}
    let slow = call(3, "play_slow_count", json!({ "steps": 600, "pause_ms": 100 }));
    let mut answer = house.send(&token, Some(&session), slow).await.bytes_stream();
    answer.next().await.unwrap().unwrap();
    let row = soon(async {
        loop {
            if let Some(Section::Connections(all)) = view.recv().await
                && let [row] = all.as_slice()
                && row.calls_now == 1
            {
                return row.clone();
            }
        }
    })
    .await;
    assert!(row.last_active.is_some() && row.name.starts_with("Tester on "));

    // Revoked, its stream ends with an error, at once.
    let begun = Instant::now();
    house.engine.face().command(Command::Revoke { connection: row.id }).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    let mut rest = Vec::new();
    soon(async {
        while let Some(Ok(part)) = answer.next().await {
            rest.extend_from_slice(&part);
        }
    })
    .await;
    assert!(String::from_utf8_lossy(&rest).contains("\"error\""), "{}", String::from_utf8_lossy(&rest));
    let refused = house.send(&token, Some(&session), call(4, "play_slow_count", json!({}))).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().contains("resource_metadata"));
    assert!(matches!(house.connections().await[0].state, ConnectionState::Revoked { .. }));
    soon(async {
        let wanted = [
            ActivityKind::ServiceConnected,
            ActivityKind::ConnectionAllowed,
            ActivityKind::Call,
            ActivityKind::ConnectionRevoked,
        ];
        loop {
            let seen = kinds(&house).await;
            if wanted.iter().all(|w| seen.contains(w)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_asks_again_gets_a_new_connection_and_loses_the_old() {
    let house = House::new().await;
    let url = house.playground().await;
    house.connect(&url, Some("play")).await;
    let asking = house.app_asks("Tester").await;
    house.approve(&house.request().await, "play:read").await.unwrap();
    let first: Value = house.redeem(&asking).await.json().await.unwrap();
    let asking = house.asks_again(&asking.client).await;
    house.approve(&house.request().await, "play:read").await.unwrap();
    let second: Value = house.redeem(&asking).await.json().await.unwrap();
    let status = async |tokens: &Value| {
        let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        house.send(tokens["access_token"].as_str().unwrap(), None, hello).await.status()
    };
    assert_eq!(status(&first).await, 401);
    assert_ne!(status(&second).await, 401);
    let states: Vec<_> = house.connections().await.into_iter().map(|c| c.state).collect();
    assert!(matches!(states.as_slice(), [ConnectionState::Allowed, ConnectionState::Revoked { .. }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_app_may_not_do_does_not_happen_and_is_written_down() {
    let house = House::new().await;
    let url = house.playground().await;
    house.connect(&url, Some("play")).await;
    let token = house.let_in("Tester", "play:read").await;
    let session = house.session(&token).await;
    let write = |id| call(id, "play_write_note", json!({ "name": "x", "text": "x" }));
    let asking = async {
        let request = house.request().await;
        house.engine.face().command(Command::Deny { request: request.id }).await.unwrap();
    };
    tokio::join!(async { house.send(&token, Some(&session), write(2)).await.text().await }, asking)
        .0
        .unwrap();
    // The person has just said no, so they are not asked again.
    let answer = house.send(&token, Some(&session), write(3)).await.text().await.unwrap();
    assert!(answer.contains("relay.not_allowed"), "{answer}");
    let notes = house.send(&token, Some(&session), call(4, "play_list_notes", json!({}))).await;
    assert!(!notes.text().await.unwrap().contains("\"x\""), "nothing was written");
    soon(async {
        while !kinds(&house).await.contains(&ActivityKind::Refused) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_paused_no_call_passes_and_afterwards_it_does() {
    let house = House::new().await;
    let url = house.playground().await;
    house.connect(&url, Some("play")).await;
    let token = house.let_in("Tester", "play:read").await;
    let session = house.session(&token).await;
    let face = house.engine.face();
    face.command(Command::Pause { length: control::PauseFor::UntilResume }).await.unwrap();
    let count = |id| call(id, "play_slow_count", json!({ "steps": 1, "pause_ms": 1 }));
    let paused = house.send(&token, Some(&session), count(2)).await.text().await.unwrap();
    assert!(paused.contains("Bellhop is paused"), "{paused}");
    face.command(Command::Resume).await.unwrap();
    let passes = house.send(&token, Some(&session), count(3)).await.text().await.unwrap();
    assert!(passes.contains("\"result\""), "{passes}");
}
