//! Services that take an API token.

use crate::{
    asking::call,
    house::{House, home, soon},
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use control::{Answer, Command, Section, SectionName, ServiceState, SignInEnd, SignInPhase};
use model::AttemptId;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// The token that a service takes; without one it takes everybody.
type Door = Arc<Mutex<Option<&'static str>>>;

async fn answer(State(door): State<Door>, headers: HeaderMap, Json(message): Json<Value>) -> Response {
    let wanted = door.lock().unwrap().map(|token| format!("Bearer {token}"));
    let shown = headers.get("authorization").map(|v| v.to_str().unwrap().to_owned());
    if wanted.is_some() && shown != wanted {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let tool = json!({ "name": "list", "inputSchema": { "type": "object" },
        "annotations": { "readOnlyHint": true } });
    let result = match message["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
            "serverInfo": { "name": "keys", "version": "1" } }),
        Some("tools/list") => json!({ "tools": [tool] }),
        Some("tools/call") => json!({ "content": [] }),
        _ if message["id"].is_null() => return StatusCode::ACCEPTED.into_response(),
        _ => {
            let error = json!({ "code": -32601, "message": "no" });
            return Json(json!({ "jsonrpc": "2.0", "id": message["id"], "error": error })).into_response();
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}

/// A house whose catalogue has a tile for such a service.
async fn house(token: Option<&'static str>) -> (tempfile::TempDir, House, Door) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let door = Door::new(Mutex::new(token));
    let app = Router::new().route("/mcp", post(answer)).with_state(Arc::clone(&door));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let (folder, home) = home();
    let entry = json!({ "name": "org.example/keys", "title": "Keys", "description": "Takes a token.",
        "version": "1.0.0", "remotes": [{ "type": "streamable-http", "url": url }],
        "_meta": { "app.bellhop.desktop/tile": { "tokenPage": "https://keys.example/new" } } });
    std::fs::write(home.join("catalogue.json"), json!([entry]).to_string()).unwrap();
    (folder, House::at_home(home, |_| {}).await, door)
}

async fn begin(house: &House, command: Value) -> AttemptId {
    let command: Command = serde_json::from_value(command).unwrap();
    match soon(house.engine.face().command(command)).await.unwrap() {
        Answer::SignIn { attempt, .. } => attempt,
        other => panic!("{other:?}"),
    }
}

/// The phase of the only sign-in, once it is one of those.
async fn phase(house: &House, is: impl Fn(&SignInPhase) -> bool) -> SignInPhase {
    let looking = async {
        loop {
            let Section::SignIns(all) = house.section(SectionName::SignIns).await else { panic!() };
            if let Some(found) = all.into_iter().map(|s| s.phase).find(&is) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(looking).await
}

async fn give(house: &House, attempt: &AttemptId, token: &str) {
    let command =
        json!({ "do": "give_token", "attempt": attempt, "token": token, "header": null, "ends": null });
    house.engine.face().command(serde_json::from_value(command).unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_token_is_asked_for_with_the_page_where_it_is_made_and_that_it_has_ended_is_written_down() {
    let (_folder, house, door) = house(Some("right")).await;
    let add = json!({ "do": "add_service", "catalogue": "keys", "method": "token", "open_browser": false });
    let attempt = begin(&house, add).await;
    let asked = phase(&house, |p| matches!(p, SignInPhase::Token { why: None, .. })).await;
    let SignInPhase::Token { page, .. } = asked else { unreachable!() };
    assert_eq!(page.as_deref(), Some("https://keys.example/new"));
    give(&house, &attempt, "wrong").await;
    phase(&house, |p| matches!(p, SignInPhase::Token { why: Some(_), .. })).await;
    give(&house, &attempt, "right").await;
    assert!(matches!(house.end_of(&attempt).await, SignInEnd::Connected { .. }));

    let token = house.let_in("Reader", "keys:read").await;
    let session = house.session(&token).await;
    let read = |id| house.send(&token, Some(&session), call(id, "keys_list", json!({})));
    let first = read(2).await.text().await.unwrap();
    assert!(first.contains("\"result\""), "{first}");
    // The person deleted it at the provider.
    *door.lock().unwrap() = Some("another");
    let ended = async {
        loop {
            let service = house.services().await.remove(0);
            if matches!(service.state, ServiceState::NeedsSignIn { .. }) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // Once it is refused for good, calls wait for the person.
    let calling = async {
        let _ = tokio::join!(read(3), read(4));
        std::future::pending::<()>().await;
    };
    soon(async {
        tokio::select! { () = calling => {}, () = ended => {} }
    })
    .await;
    let written = async {
        loop {
            let Section::Activity(all) = house.section(SectionName::Activity).await else { panic!() };
            if serde_json::to_string(&all).unwrap().contains("needs_sign_in") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(written).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_needed_no_sign_in_and_now_does_is_signed_in_to_in_the_way_that_it_has() {
    let (_folder, house, door) = house(None).await;
    let add = json!({ "do": "add_service", "catalogue": "keys", "open_browser": false });
    let attempt = begin(&house, add).await;
    let SignInEnd::Connected { service, .. } = house.end_of(&attempt).await else { panic!() };
    *door.lock().unwrap() = Some("right");
    let again = json!({ "do": "sign_in", "service": service, "open_browser": false, "ask": true });
    let attempt = begin(&house, again).await;
    phase(&house, |p| matches!(p, SignInPhase::Asking { .. })).await;
    let go_on = json!({ "do": "continue_sign_in", "attempt": attempt, "method": "auto" });
    house.engine.face().command(serde_json::from_value(go_on).unwrap()).await.unwrap();
    phase(&house, |p| matches!(p, SignInPhase::Token { .. })).await;
    give(&house, &attempt, "right").await;
    let SignInEnd::Connected { service: same, .. } = house.end_of(&attempt).await else { panic!() };
    assert_eq!(same, service);
}
