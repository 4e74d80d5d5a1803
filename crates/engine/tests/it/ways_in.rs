//! Access keys; and what a person does with connections that are there.

use crate::{
    asking::call,
    house::{House, home, soon},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bellhop_engine::Keys;
use control::{Answer, Command, ConnectionState, ConnectionView, Method, Query};
use serde_json::{Value, json};

async fn house() -> House {
    let house = House::new().await;
    let url = house.playground().await;
    house.connect(&url, Some("play")).await;
    house
}

fn add(name: &str, scope: &str) -> Command {
    Command::AddAccessKey { name: name.to_owned(), scope: scope.parse().unwrap(), ends: None }
}

async fn key(house: &House, name: &str, scope: &str) -> String {
    match house.engine.face().command(add(name, scope)).await.unwrap() {
        Answer::AccessKey { key, .. } => key.0,
        other => panic!("{other:?}"),
    }
}

async fn row(house: &House, app: &str) -> ConnectionView {
    house.connections().await.into_iter().find(|c| c.app == app).unwrap()
}

/// What a ping at this endpoint is answered with by whoever shows this.
async fn ping(house: &House, path: &str, authorization: &str) -> u16 {
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } } });
    let post = house.http.post(house.at(path).await).json(&hello);
    let post = post.header("accept", "application/json, text/event-stream");
    let answer = post.header("authorization", authorization).send().await.unwrap();
    if answer.status() == 401 {
        let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Bearer ") && !challenge.contains("Basic"), "{challenge}");
    }
    answer.status().as_u16()
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_key_is_used_as_bearer_or_password_within_its_scope_and_shown_once() {
    let house = house().await;
    let key = key(&house, "Backup script", "play:read").await;
    for path in ["/mcp", "/mcp/play"] {
        for shown in [format!("Bearer {key}"), basic("anybody", &key), basic("", &key)] {
            assert_eq!(ping(&house, path, &shown).await, 200, "{path}");
        }
        let almost: String = key.chars().rev().collect();
        let almost = format!("bhk_{}", almost.trim_end_matches("_khb"));
        for wrong in [
            format!("Bearer {almost}"),
            basic("x", &almost),
            basic(&key, ""),
            format!("Basic {key}"),
            "Basic".into(),
        ] {
            assert_eq!(ping(&house, path, &wrong).await, 401, "{path}");
        }
    }
    let session = house.session(&key).await;
    let said = async |tool: &str, arguments: Value| {
        house.send(&key, Some(&session), call(2, tool, arguments)).await.text().await.unwrap()
    };
    assert!(said("play_list_notes", json!({})).await.contains("\"result\""));
    // Nobody is at the desk to allow more; whether they are asked is another matter.
    let denying = async {
        let request = house.request().await;
        house.engine.face().command(Command::Deny { request: request.id }).await.unwrap();
    };
    let write = said("play_write_note", json!({ "name": "a", "text": "b" }));
    let (write, ()) = tokio::join!(write, denying);
    assert!(write.contains("engine.more_denied"), "{write}");

    let row = row(&house, "Backup script").await;
    assert_eq!((row.method, row.scope.to_string().as_str()), (Method::AccessKey, "play:read"));
    assert_eq!(row.key.clone().map(|k| (k.ends, k.old)), Some((None, false)));
    let everything =
        format!("{:?} {:?}", house.connections().await, house.section(control::SectionName::Activity).await);
    assert!(!everything.contains(&key[4..]), "the key is in no section");

    house.engine.face().command(Command::Revoke { connection: row.id }).await.unwrap();
    assert_eq!(ping(&house, "/mcp", &format!("Bearer {key}")).await, 401);
    assert_eq!(ping(&house, "/mcp", &basic("x", &key)).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_no_password_and_two_keys_in_use_have_two_names() {
    let house = house().await;
    let token = house.let_in("Tester", "play:read").await;
    assert_eq!(ping(&house, "/mcp", &basic("x", &token)).await, 401, "only access keys count there");
    key(&house, "Script", "play:read").await;
    let same = house.engine.face().command(add(" Script\u{200b}", "play:read")).await.unwrap_err();
    assert_eq!(same.code, "engine.key_name_taken");
    let connection = row(&house, "Script").await.id;
    house.engine.face().command(Command::Revoke { connection }).await.unwrap();
    key(&house, "Script", "play:write").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_key_a_name_and_a_pause_outlive_a_restart_and_the_files_hold_no_key() {
    let (folder, home) = home();
    let file = folder.path().join("key");
    let first = House::at_home(home.clone(), |o| o.keys = Some(Keys::File(file.clone()))).await;
    let url = first.playground().await;
    first.connect(&url, Some("play")).await;
    let (one, two) = (key(&first, "One", "play:read").await, key(&first, "Two", "play:read").await);
    let connection = row(&first, "Two").await.id;
    let face = first.engine.face();
    face.command(Command::PauseConnection { connection: connection.clone() }).await.unwrap();
    let name = Some("My \u{202e}second".to_owned());
    face.command(Command::Rename { connection: connection.clone(), name }).await.unwrap();
    drop(face);
    first.engine.finish().await;
    drop(first);
    for entry in std::fs::read_dir(home.root()).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
        for key in [&one, &two] {
            assert!(!text.contains(&key[4..]), "{path:?}");
        }
    }
    let house = House::at_home(home, |o| o.keys = Some(Keys::File(file))).await;
    assert_eq!(ping(&house, "/mcp", &format!("Bearer {one}")).await, 200);
    let row = row(&house, "Two").await;
    assert_eq!((row.name.as_str(), row.named), ("My second", true));
    assert!(matches!(row.state, ConnectionState::Paused { .. }));
    let face = house.engine.face();
    face.command(Command::Rename { connection: connection.clone(), name: None }).await.unwrap();
    let unseen = Command::Rename { connection, name: Some("\u{200b}".to_owned()) };
    assert_eq!(face.command(unseen).await.unwrap_err().code, "engine.no_name");
    assert!(house.connections().await.iter().any(|c| c.name.starts_with("Two on ") && !c.named));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_connection_gets_one_sentence_and_the_others_go_on() {
    let house = house().await;
    let (paused, other) =
        (house.let_in("Paused", "play:read").await, house.let_in("Other", "play:read").await);
    let sessions = (house.session(&paused).await, house.session(&other).await);
    let connection = row(&house, "Paused").await.id;
    let face = house.engine.face();
    face.command(Command::PauseConnection { connection: connection.clone() }).await.unwrap();
    let list = async |token: &str, session: &str| {
        house.send(token, Some(session), call(2, "play_list_notes", json!({}))).await.text().await.unwrap()
    };
    let refused = list(&paused, &sessions.0).await;
    assert!(refused.contains("paused in Bellhop"), "{refused}");
    assert!(list(&other, &sessions.1).await.contains("\"result\""));
    let resume = Command::ResumeConnection { connection };
    assert!(resume.widens());
    face.command(resume).await.unwrap();
    assert!(list(&paused, &sessions.0).await.contains("\"result\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_connections_or_all_are_cut_off_together() {
    let house = house().await;
    let mut tokens = Vec::new();
    for name in ["One", "Two", "Three"] {
        tokens.push(house.let_in(name, "play:read").await);
    }
    let key = key(&house, "Key", "play:read").await;
    tokens.push(key);
    let status = async |token: &str| ping(&house, "/mcp", &format!("Bearer {token}")).await;
    let ids = [row(&house, "One").await.id, row(&house, "Two").await.id];
    let face = house.engine.face();
    face.command(Command::RevokeSeveral { connections: ids.to_vec() }).await.unwrap();
    let mut seen = Vec::new();
    for token in &tokens {
        seen.push(status(token).await);
    }
    assert_eq!(seen, [401, 401, 200, 200]);
    let ghost = Command::RevokeSeveral { connections: vec!["ghost".into(), row(&house, "Three").await.id] };
    assert_eq!(face.command(ghost).await.unwrap_err().code, "engine.unknown_connection");
    assert_eq!(status(&tokens[2]).await, 401, "one that can't be cut off keeps no other");
    face.command(Command::RevokeAll).await.unwrap();
    assert_eq!(status(&tokens[3]).await, 401);
    assert!(house.connections().await.iter().all(|c| matches!(c.state, ConnectionState::Revoked { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_was_cut_off_is_asked_about_no_more_until_the_person_asks_it_back() {
    let house = house().await;
    house.let_in("Tester", "play:read").await;
    let connection = row(&house, "Tester").await.id;
    let face = house.engine.face();
    face.command(Command::Revoke { connection: connection.clone() }).await.unwrap();
    // Under a registration of its own, as an app that starts anew has one.
    let body = json!({ "redirect_uris": ["http://127.0.0.1/callback"], "client_name": "Tester" });
    let registered = house.http.post(house.at("/register").await).json(&body).send().await.unwrap();
    let client = registered.json::<Value>().await.unwrap()["client_id"].as_str().unwrap().to_owned();
    let query = [
        ("response_type", "code"),
        ("client_id", &client),
        ("redirect_uri", "http://127.0.0.1:4711/callback"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    let address = url::Url::parse_with_params(&house.at("/authorize").await, query).unwrap();
    let answer = house.http.get(address.clone()).send().await.unwrap();
    let led = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(led.contains("error=access_denied") && led.contains("choose+Connect"), "{led}");
    assert!(house.requests().await.is_empty());
    // Another app is asked about as ever.
    let other = house.let_in("Other", "play:read").await;
    assert_eq!(ping(&house, "/mcp", &format!("Bearer {other}")).await, 200);

    let readmit = Command::Readmit { connection };
    assert!(readmit.widens());
    face.command(readmit).await.unwrap();
    let page = house.http.get(address).send().await.unwrap();
    assert_eq!(page.status(), 200);
    soon(house.request()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_generic_client_is_there_from_the_first_start_and_two_programs_with_it_are_two_connections() {
    let house = house().await;
    let Answer::GenericClient(facts) = house.engine.face().query(Query::GenericClient).await.unwrap() else {
        panic!()
    };
    assert_eq!(facts.endpoint, house.endpoint().await);
    assert!(
        facts.authorization_url.ends_with("/authorize") && facts.scopes.contains(&"play:read".to_owned())
    );
    for _ in 0..2 {
        let asking = house.asks_again(&facts.client_id).await;
        house.approve(&house.request().await, "play:read").await.unwrap();
        let tokens: Value = house.redeem(&asking).await.json().await.unwrap();
        let shown = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        assert_eq!(ping(&house, "/mcp", &shown).await, 200, "{tokens}");
    }
    // No program is seen behind either: they may be two.
    let live = house.connections().await.into_iter().filter(|c| c.state == ConnectionState::Allowed);
    assert_eq!(live.map(|c| c.app).collect::<Vec<_>>(), ["Generic client", "Generic client"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_reaches_what_was_allowed_and_not_fetched_yet() {
    let house = house().await;
    let led = async |asking: &crate::house::Asking| {
        let answered = house.http.get(&asking.wait).send().await.unwrap();
        answered.headers()["location"].to_str().unwrap().to_owned()
    };
    // All of it.
    let asking = house.app_asks("Tester").await;
    house.approve(&house.request().await, "play:read").await.unwrap();
    house.engine.face().command(Command::RevokeAll).await.unwrap();
    let to = led(&asking).await;
    assert!(to.contains("error=access_denied") && !to.contains("code="), "{to}");
    // And one app's, with the connection that it had.
    let first = house.app_asks("Other").await;
    house.approve(&house.request().await, "play:read").await.unwrap();
    house.redeem(&first).await;
    let again = house.asks_again(&first.client).await;
    house.approve(&house.request().await, "play:read").await.unwrap();
    let live = house.connections().await.into_iter().find(|c| c.state == ConnectionState::Allowed).unwrap();
    house.engine.face().command(Command::Revoke { connection: live.id }).await.unwrap();
    let to = led(&again).await;
    assert!(to.contains("error=access_denied"), "{to}");
}
