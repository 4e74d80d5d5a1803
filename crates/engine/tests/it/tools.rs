//! How tools are shown to an app, and what is said of a service that can't be asked for them.

use crate::house::{House, home, soon};
use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use bellhop_engine::Keys;
use control::{Command, Section, SectionName};
use model::Listing;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

async fn listed(house: &House, token: &str, session: &str) -> Vec<String> {
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let tools: Value = house.send(token, Some(session), list).await.json().await.unwrap();
    let tools = tools["result"]["tools"].as_array().unwrap_or_else(|| panic!("{tools}"));
    tools.iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_chooses_how_tools_are_shown_and_that_outlives_a_restart() {
    let (folder, home) = home();
    let key = folder.path().join("key");
    let house = House::at_home(home.clone(), |o| o.keys = Some(Keys::File(key))).await;
    let url = house.playground().await;
    house.connect(&url, Some("play")).await;
    let token = house.let_in("Tester", "play:read").await;
    let session = house.session(&token).await;
    let all = listed(&house, &token, &session).await;
    assert!(all.contains(&"play_slow_count".to_owned()), "{all:?}");
    let row = house.connections().await.remove(0);
    assert_eq!((row.shown.listing, row.shown.compact), (Listing::Auto, false));
    assert_eq!(row.shown.tools as usize, all.len());

    let mut view = house.engine.face().watch(&[SectionName::Connections]);
    let choose = |listing| Command::ShowTools { connection: row.id.clone(), listing };
    assert!(!choose(Listing::Compact).widens(), "it lets nobody do more");
    house.engine.face().command(choose(Listing::Compact)).await.unwrap();
    soon(async {
        loop {
            if let Some(Section::Connections(rows)) = view.recv().await
                && rows.first().is_some_and(|r| r.shown.listing == Listing::Compact && r.shown.compact)
            {
                return;
            }
        }
    })
    .await;
    assert_eq!(listed(&house, &token, &session).await, ["find_tools", "call_tool"]);
    let through = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": { "name": "call_tool",
        "arguments": { "name": "play_slow_count", "arguments": { "steps": 1, "pause_ms": 1 } } } });
    let answer = house.send(&token, Some(&session), through).await.text().await.unwrap();
    assert!(answer.contains("\"content\""), "{answer}");
    // It is written down as the tool that was used.
    let logged = soon(async {
        loop {
            if let Section::Activity(entries) = house.section(SectionName::Activity).await
                && let Some(entry) = entries.into_iter().find(|e| e.tool.is_some())
            {
                return entry;
            }
        }
    })
    .await;
    assert_eq!((logged.tool.as_deref(), logged.service.as_deref()), (Some("slow_count"), Some("play")));
    house.engine.finish().await;
    drop(house);

    let house = House::at_home(home, |o| o.keys = None).await;
    let row = house.connections().await.remove(0);
    assert_eq!(row.shown.listing, Listing::Compact);
    let session = house.session(&token).await;
    assert_eq!(listed(&house, &token, &session).await, ["find_tools", "call_tool"]);
    house.engine.face().command(Command::Revoke { connection: row.id.clone() }).await.unwrap();
    let choose = Command::ShowTools { connection: row.id, listing: Listing::Full };
    assert_eq!(house.engine.face().command(choose).await.err().unwrap().code, "engine.unknown_connection");
}

/// A service that greets everybody and lists its tools when it is well.
async fn moody(State(well): State<Arc<AtomicBool>>, Json(message): Json<Value>) -> axum::response::Response {
    let result = match message["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
            "serverInfo": { "name": "moody", "version": "1" } }),
        Some("tools/list") if well.load(Ordering::SeqCst) => {
            json!({ "tools": [{ "name": "sigh", "inputSchema": { "type": "object" } }] })
        }
        Some("tools/list") => return StatusCode::BAD_GATEWAY.into_response(),
        _ if message["id"].is_null() => return StatusCode::ACCEPTED.into_response(),
        _ => {
            let error = json!({ "code": -32601, "message": "no" });
            return Json(json!({ "jsonrpc": "2.0", "id": message["id"], "error": error })).into_response();
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_can_not_say_what_it_offers_shows_as_such_and_then_no_longer() {
    let house = House::new().await;
    let well = Arc::new(AtomicBool::new(false));
    let app = Router::new().route("/mcp", post(moody)).with_state(well.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut view = house.engine.face().watch(&[SectionName::Services]);
    let add = || Command::add_service(None, Some(url.clone()), Some("moody".parse().unwrap()), false);
    soon(house.engine.face().command(add())).await.unwrap();
    let mut until = async |wanted: fn(&control::ServiceView) -> bool| {
        soon(async {
            loop {
                if let Some(Section::Services(all)) = view.recv().await
                    && let Some(service) = all.into_iter().find(wanted)
                {
                    return service;
                }
            }
        })
        .await
    };
    let service = until(|s| s.trouble.is_some()).await;
    let trouble = service.trouble.unwrap();
    assert_eq!(&*trouble.code, "relay.status");
    assert!(trouble.sentence.contains("502"), "{trouble}");
    // Signing in again looks again.
    well.store(true, Ordering::SeqCst);
    let again = Command::sign_in(service.id, false);
    soon(house.engine.face().command(again)).await.unwrap();
    let service = until(|s| s.trouble.is_none() && !s.tools.is_empty()).await;
    assert_eq!(service.tools[0].name, "sigh");
}
