use super::{
    desk::Desk,
    webdriver::{Page, test},
};
use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use bellhop_tests::{Process, approve, program};
use serde_json::{Value, json};
use std::process::Command;

/// Begin to sign in to the service at an address that is typed.
async fn begin(window: &Page, address: &str) {
    window.click(&test("nav-services")).await;
    window.fill(&test("address"), address).await;
    window.click(&test("connect-address")).await;
    window.see("[data-test=sign-in][data-phase=asking]").await;
}

async fn disconnect(window: &Page, name: &str) {
    window.click(&test(&format!("disconnect-{name}"))).await;
    window.click(&test("ask-yes")).await;
    window.gone(&test("service")).await;
}

/// Proves desktop.11.
#[tokio::test]
async fn a_person_reads_what_is_asked_for_before_the_browser_opens_and_what_became_of_it_in_the_end() {
    let desk = Desk::ready().await;
    let playground = Process::start(Command::new(program("bellhop-playground")));
    let said: Value = playground.line("its address", |line| serde_json::from_str(line).ok()).await;
    let window = desk.open().await;
    begin(&window, said["url"].as_str().unwrap()).await;
    window.see(&test("permission-notes")).await;
    window.picture("services-asking").await;
    assert!(desk.opened().is_empty(), "nothing is opened before the person goes on");
    window.click(&test("continue")).await;
    window.see("[data-test=sign-in][data-phase=browser]").await;
    approve(&desk.opens(1).await, "allow").await;
    window.says("[data-test=service][data-state=connected]", "you@playground.example").await;
    let (name, _) = desk.bellhop.services().await.remove(0);
    disconnect(&window, &name).await;
    window.see("[data-test=receipt][data-dead=seen_dead]").await;
    window.picture("services-receipt").await;
}

/// A service that takes one token, and knows no other way.
async fn keyed(headers: HeaderMap, Json(message): Json<Value>) -> Response {
    if headers.get("authorization").is_none_or(|value| value != "Bearer right") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let result = match message["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
            "serverInfo": { "name": "keyed", "version": "1" } }),
        Some("tools/list") => json!({ "tools": [] }),
        _ if message["id"].is_null() => return StatusCode::ACCEPTED.into_response(),
        _ => {
            let error = json!({ "code": -32601, "message": "no" });
            return Json(json!({ "jsonrpc": "2.0", "id": message["id"], "error": error })).into_response();
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}

/// Proves desktop.12.
#[tokio::test]
async fn a_person_gives_an_api_token_in_the_window_and_a_wrong_one_is_asked_for_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/mcp", post(keyed))).await });
    let desk = Desk::ready().await;
    let window = desk.open().await;
    begin(&window, &address).await;
    window.click(&test("continue")).await;
    window.see("[data-test=sign-in][data-phase=token]").await;
    window.fill(&test("key"), "wrong").await;
    window.click(&test("give-key")).await;
    window.see("[data-test=sign-in][data-phase=token] [data-test=problem]").await;
    window.picture("services-key").await;
    window.fill(&test("key"), "right").await;
    window.click(&test("give-key")).await;
    window.see("[data-test=service][data-state=connected]").await;
    let all = window.all().await;
    assert!(!all.contains("right\n") && !all.contains("Bearer"), "{all}");
}
