//! Entries that the person adds to the catalogue, and what a tile makes of its service.

use crate::house::{House, home, soon};
use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::post};
use control::{Command, Section, SectionName};
use serde_json::{Value, json};

/// A service whose tools say nothing of themselves, but for one.
async fn silent(Json(message): Json<Value>) -> axum::response::Response {
    let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" } });
    let mut denies = tool("get_thing");
    denies["annotations"] = json!({ "readOnlyHint": false });
    let result = match message["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
            "serverInfo": { "name": "silent", "version": "1" } }),
        Some("tools/list") => json!({ "tools": [tool("list_things"), denies, tool("delete_thing")] }),
        Some("tools/call") => json!({ "content": [{ "type": "text", "text": message["params"]["name"] }] }),
        _ if message["id"].is_null() => return StatusCode::ACCEPTED.into_response(),
        _ => {
            let error = json!({ "code": -32601, "message": "no" });
            return Json(json!({ "jsonrpc": "2.0", "id": message["id"], "error": error })).into_response();
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}

/// Proves catalogue.4, catalogue.5 and catalogue.7.
#[tokio::test(flavor = "multi_thread")]
async fn a_persons_own_tile_is_added_and_its_read_list_decides_where_the_service_says_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/mcp", post(silent))).await });
    let (_folder, home) = home();
    let entry = json!({ "name": "org.example/silent", "title": "Silent", "description": "Says nothing.",
        "version": "1.0.0", "remotes": [{ "type": "streamable-http", "url": url }],
        "_meta": { "app.bellhop.desktop/tile": { "readTools": ["list_things", "get_thing"] } } });
    std::fs::write(home.join("catalogue.json"), format!("[{entry},\n{{}}]")).unwrap();
    let house = House::at_home(home, |_| {}).await;

    let Section::Catalogue(tiles) = house.section(SectionName::Catalogue).await else { panic!() };
    let tile = tiles.iter().find(|t| t.id == "silent").unwrap();
    assert_eq!((tile.title.as_str(), tile.mark.as_str(), tile.own), ("Silent", "S", true));
    assert!(tiles.len() > 10, "the others are still there");
    let Section::Status(status) = house.section(SectionName::Status).await else { panic!() };
    let problem = status.problems.iter().find(|p| p.code == "engine.catalogue_file").unwrap();
    assert_eq!(problem.values["line"], "2");

    let mut view = house.engine.face().watch(&[SectionName::Services]);
    let add = json!({ "do": "add_service", "catalogue": "silent", "open_browser": false });
    let add: Command = serde_json::from_value(add).unwrap();
    soon(house.engine.face().command(add)).await.unwrap();
    let tools = soon(async {
        loop {
            if let Some(Section::Services(all)) = view.recv().await
                && let Some(service) = all.into_iter().find(|s| !s.tools.is_empty())
            {
                return service.tools;
            }
        }
    })
    .await;
    let reads: Vec<_> = tools.iter().filter(|t| t.reads).map(|t| t.name.as_str()).collect();
    assert_eq!(reads, ["list_things"]);

    let token = house.let_in("Reader", "silent:read").await;
    let session = house.session(&token).await;
    let call = |id: u32, name: &str| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": { "name": name, "arguments": {} } })
    };
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let listed = house.send(&token, Some(&session), list).await.text().await.unwrap();
    assert!(listed.contains("silent_list_things") && !listed.contains("delete_thing"), "{listed}");
    let answer = house.send(&token, Some(&session), call(3, "silent_list_things")).await;
    assert!(answer.text().await.unwrap().contains("\"text\":\"list_things\""));
}
