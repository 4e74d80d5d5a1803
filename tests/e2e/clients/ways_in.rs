//! Programs that don't sign in with a browser: by a code, and by an access key.

use base64::{Engine, engine::general_purpose::STANDARD};
use bellhop_tests::{Bellhop, Http, PIN, Process, Session};
use hyper::Method;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt};

/// What somebody who shows this is answered with.
async fn status(bellhop: &Bellhop, path: &str, authorization: &str) -> u16 {
    let headers = [
        ("authorization", authorization),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    let body = Session::initialize(1).to_string();
    Http::default().send(Method::POST, &bellhop.url(path), &headers, body).await.status.as_u16()
}

/// Proves devices.1 and devices.2.
#[tokio::test]
async fn a_script_shows_a_code_and_has_tokens_that_live_like_any_others() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let file = bellhop.folder().join("tokens");
    let out = file.to_str().unwrap();
    let args = ["token", "--device", "--name", "Report", "--scope", "playground:read", "--out", out];
    let mut script = Process::start(bellhop.command(&args));
    script.close();
    let code = bellhop.request("Report").await;
    let request = bellhop.json(&["requests"]).await[0].clone();
    assert_eq!((&request["method"], &request["asked"]), (&"device".into(), &"playground:read".into()));
    assert!(request["program"]["identity"].as_str().unwrap().contains("e2e"), "who started it: {request}");
    bellhop.approve(&code, &[]).await;
    assert!(script.ended().await.success(), "{}", script.errors());
    assert!(script.errors().contains(&code) && script.output().is_empty());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let tokens: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let text = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
    assert!(!script.errors().contains(&text("access_token")));

    let session = Session::at(&Http::default(), &text("resource"), &text("access_token")).await;
    assert_eq!(session.call("playground_list_notes", json!({})).await["isError"], false);
    assert_eq!(bellhop.connection("Report").await["method"], "device");
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", &*text("client_id")),
        ("refresh_token", &*text("refresh_token")),
    ];
    let renewed = Http::default().form(&text("token_endpoint"), &fields).await.value().await;
    let access = format!("Bearer {}", renewed["access_token"].as_str().unwrap());
    assert_eq!(status(&bellhop, "/mcp", &access).await, 200);
    bellhop.run(&["connections", "revoke", "--all"]).await.well();
    assert_eq!(status(&bellhop, "/mcp", &access).await, 401);

    // Cut off by the person, it is not asked about again until they ask it back.
    bellhop.run(&args).await.refused("choose Connect for it there first");
    let id = bellhop.connection("Report").await["id"].as_str().unwrap().to_owned();
    bellhop.run_with(&["connections", "readmit", &id], PIN).await.well();
    let mut script = Process::start(bellhop.command(&args));
    script.close();
    let code = bellhop.request("Report").await;
    bellhop.run(&["deny", &code]).await.well();
    assert!(!script.ended().await.success());
    assert!(script.errors().contains("denied in Bellhop"), "{}", script.errors());
}

/// Proves keys.8.
#[tokio::test]
async fn a_key_is_made_with_the_pin_alone_and_used_until_it_is_removed() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let add = ["access-keys", "add", "Backup script", "--scope", "playground:read"];
    bellhop.run(&add).await.refused("Nothing was typed");
    bellhop.run_with(&add, "1111").await.refused("That is not the PIN.");
    assert_eq!(bellhop.json(&["access-keys"]).await, json!([]));
    let made = bellhop.run_with(&add, PIN).await.well();
    let key = made.out.trim().to_owned();
    let (bearer, basic) =
        (format!("Bearer {key}"), format!("Basic {}", STANDARD.encode(format!("anybody:{key}"))));
    for path in ["/mcp", "/mcp/playground"] {
        assert_eq!(status(&bellhop, path, &bearer).await, 200);
        assert_eq!(status(&bellhop, path, &basic).await, 200);
    }
    let session = Session::at(&Http::default(), &bellhop.url("/mcp"), &key).await;
    assert_eq!(session.call("playground_list_notes", json!({})).await["isError"], false);
    let listed = bellhop.json(&["access-keys"]).await;
    assert_eq!((&listed[0]["app"], &listed[0]["method"]), (&"Backup script".into(), &"access_key".into()));
    bellhop.logged("that it was made", |e| e["kind"] == "connection_allowed").await;
    for entry in fs::read_dir(&bellhop.home).unwrap() {
        let text = fs::read(entry.unwrap().path()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&text).contains(&key[4..]));
    }
    bellhop.run(&["access-keys", "remove", "Backup script"]).await.well();
    assert_eq!(status(&bellhop, "/mcp", &bearer).await, 401);
    assert_eq!(status(&bellhop, "/mcp", &basic).await, 401);
}
