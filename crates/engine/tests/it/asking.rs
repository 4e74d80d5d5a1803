//! A call that its connection does not allow: held while the person is asked, and then finished.

use crate::house::{House, soon};
use control::{
    ActivityFilter, ActivityKind, Answer, Command, ConnectionState, PauseFor, Query, RequestAbout,
    RequestView, SectionName,
};
use model::Secret;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

pub fn call(id: u32, tool: &str, arguments: Value) -> Value {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

/// An app that was let in with `play:read`, and a service to write to.
struct App {
    house: Arc<House>,
    token: String,
    session: String,
}

impl App {
    async fn new() -> Self {
        Self::at(House::new().await).await
    }

    async fn at(house: House) -> Self {
        let url = house.playground().await;
        house.connect(&url, Some("play")).await;
        let token = house.let_in("Tester", "play:read").await;
        let session = house.session(&token).await;
        Self { house: Arc::new(house), token, session }
    }

    async fn write(&self, id: u32) -> String {
        let message = call(id, "play_write_note", json!({ "name": "tea", "text": "Two of Assam" }));
        soon(async { self.house.send(&self.token, Some(&self.session), message).await.text().await })
            .await
            .unwrap()
    }

    /// Call a tool that writes, without waiting for the answer.
    fn writes(self: &Arc<Self>, id: u32) -> JoinHandle<String> {
        let app = Arc::clone(self);
        tokio::spawn(async move { app.write(id).await })
    }

    async fn read(&self, id: u32) -> String {
        let message = call(id, "play_list_notes", json!({}));
        self.house.send(&self.token, Some(&self.session), message).await.text().await.unwrap()
    }

    async fn command(&self, command: Command) -> control::Outcome {
        self.house.engine.face().command(command).await
    }

    async fn kinds(&self) -> Vec<ActivityKind> {
        let query = Query::Activity { filter: ActivityFilter::default() };
        match self.house.engine.face().query(query).await.unwrap() {
            Answer::Activity { entries } => entries.into_iter().map(|e| e.kind).collect(),
            other => panic!("{other:?}"),
        }
    }

    async fn logged(&self, kind: ActivityKind) {
        soon(async {
            while !self.kinds().await.contains(&kind) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}

fn done(answer: &str) -> bool {
    answer.contains("\"result\"") && !answer.contains("\"error\"")
}

fn more(request: &RequestView) -> Option<&str> {
    match &request.about {
        RequestAbout::More { tool, .. } => tool.as_deref(),
        RequestAbout::Connect => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_may_not_waits_for_the_person_and_finishes_when_they_allow_it() {
    let app = Arc::new(App::new().await);
    let held = app.writes(2);
    let request = app.house.request().await;
    assert_eq!((request.app.as_str(), more(&request)), ("Tester", Some("write_note")));
    assert_eq!(request.asked.to_string(), "play:write");
    assert_eq!((request.services.len(), request.code.as_str()), (1, ""));
    soon(async {
        while app.house.desk.raises_of(&request.id) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(!held.is_finished());
    app.house.approve(&request, "play:write").await.unwrap();
    let answer = held.await.unwrap();
    assert!(done(&answer), "{answer}");
    // The token that the app has is good for it from now on, and its lists have grown.
    let next = app.write(3).await;
    assert!(done(&next), "{next}");
    let list = json!({ "jsonrpc": "2.0", "id": 4, "method": "tools/list" });
    let list = app.house.send(&app.token, Some(&app.session), list).await.text().await.unwrap();
    assert!(list.contains("play_write_note"), "{list}");
    let row = app.house.connections().await.remove(0);
    assert_eq!(row.scope.to_string(), "play:read play:write");
    assert!(app.house.requests().await.is_empty());
    app.logged(ActivityKind::ConnectionWidened).await;
    let end = app.house.engine.face().query(Query::RequestEnd { request: request.id }).await;
    assert!(matches!(end, Ok(Answer::RequestEnd { allowed: true })), "{end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_calls_wait_the_person_is_asked_once() {
    let app = Arc::new(App::new().await);
    let held: Vec<_> = (2..7).map(|id| app.writes(id)).collect();
    let request = app.house.request().await;
    soon(async {
        while app.house.connections().await[0].calls_now != 5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(app.house.requests().await.len(), 1);
    soon(async {
        while app.house.desk.raises_of(&request.id) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    app.house.approve(&request, "play:write").await.unwrap();
    for held in held {
        let answer = held.await.unwrap();
        assert!(done(&answer), "{answer}");
    }
    assert!(app.house.desk.raises_of(&request.id) <= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_no_the_call_says_so_and_the_next_one_is_refused_without_asking() {
    let app = Arc::new(App::new().await);
    let held = app.writes(2);
    let request = app.house.request().await;
    app.command(Command::Deny { request: request.id.clone() }).await.unwrap();
    let answer = held.await.unwrap();
    assert!(answer.contains("engine.more_denied"), "{answer}");
    let next = app.write(3).await;
    assert!(next.contains("relay.not_allowed") && next.contains("play:write"), "{next}");
    assert!(app.house.requests().await.is_empty());
    assert_eq!(app.house.connections().await[0].scope.to_string(), "play:read");
    app.logged(ActivityKind::WideningDenied).await;
    let end = app.house.engine.face().query(Query::RequestEnd { request: request.id.clone() }).await;
    assert!(matches!(end, Ok(Answer::RequestEnd { allowed: false })), "{end:?}");
    let late = app.house.approve(&request, "play:write").await;
    assert!(late.is_err(), "a late yes changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_what_was_shown_can_be_allowed() {
    let app = Arc::new(App::new().await);
    let held = app.writes(2);
    let request = app.house.request().await;
    let other = RequestView { snapshot: "0".repeat(64), ..request.clone() };
    let code = |outcome: control::Outcome| outcome.unwrap_err().code;
    assert_eq!(code(app.house.approve(&other, "play:write").await), "engine.request_changed");
    for scope in ["", "play:read", "play:read play:write", "other:write"] {
        assert_eq!(code(app.house.approve(&request, scope).await), "engine.not_asked", "{scope}");
    }
    assert_eq!(app.house.connections().await[0].scope.to_string(), "play:read");
    app.house.approve(&request, "play:write").await.unwrap();
    assert!(done(&held.await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_revoked_connection_asked_vanishes_and_its_call_ends() {
    let app = Arc::new(App::new().await);
    let held = app.writes(2);
    let request = app.house.request().await;
    let row = app.house.connections().await.remove(0);
    app.command(Command::Revoke { connection: row.id }).await.unwrap();
    let answer = held.await.unwrap();
    assert!(answer.contains("\"error\""), "{answer}");
    assert!(app.house.requests().await.is_empty());
    assert!(app.house.approve(&request, "play:write").await.is_err());
    let row = app.house.connections().await.remove(0);
    assert!(matches!(row.state, ConnectionState::Revoked { .. }));
    assert_eq!(row.scope.to_string(), "play:read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_ends_the_call_and_leaves_the_question() {
    let app = Arc::new(App::new().await);
    let held = app.writes(2);
    let request = app.house.request().await;
    app.command(Command::Pause { length: PauseFor::UntilResume }).await.unwrap();
    let answer = held.await.unwrap();
    assert!(answer.contains("engine.paused"), "{answer}");
    app.house.approve(&request, "play:write").await.unwrap();
    app.command(Command::Resume).await.unwrap();
    let notes = app.read(3).await;
    assert!(!notes.contains("tea"), "the call did not happen after all: {notes}");
    assert!(done(&app.write(4).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_removed_takes_what_was_asked_of_it_along() {
    let app = Arc::new(App::new().await);
    let held = app.writes(2);
    let request = app.house.request().await;
    let service = app.house.services().await.remove(0).id;
    app.command(Command::RemoveService { service }).await.unwrap();
    let answer = held.await.unwrap();
    assert!(answer.contains("\"error\""), "{answer}");
    assert!(app.house.requests().await.is_empty());
    // A later service of that name inherits no answer.
    app.house.connect(&app.house.playground().await, Some("play")).await;
    assert!(app.house.approve(&request, "play:write").await.is_err());
    assert!(app.house.connections().await[0].scope.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_bellhop_ends_a_call_that_waits() {
    let app = Arc::new(App::new().await);
    let held = app.writes(2);
    app.house.request().await;
    soon(app.house.engine.finish()).await;
    let answer = held.await.unwrap();
    assert!(answer.contains("engine.ending"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_answer_nobody_is_asked() {
    let app = Arc::new(App::at(House::with(|o| o.desktop = None).await).await);
    let refused = app.write(2).await;
    assert!(refused.contains("relay.not_allowed"), "{refused}");
    assert!(app.house.requests().await.is_empty());
    // Without a desktop the person is whoever knows the PIN.
    app.house.engine.set_pin(Secret::new("2468")).await.unwrap();
    let held = app.writes(3);
    let request = app.house.request().await;
    app.house.approve(&request, "play:write").await.unwrap();
    assert!(done(&held.await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_may_do_less_than_its_connection_stays_as_it_is_until_it_is_renewed() {
    let house = House::new().await;
    let url = house.playground().await;
    house.connect(&url, Some("play")).await;
    let asking = house.app_asks("Tester").await;
    house.approve(&house.request().await, "play:write").await.unwrap();
    let first: Value = house.redeem(&asking).await.json().await.unwrap();
    let renew = async |tokens: &Value, scope: Option<&str>| -> Value {
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh)];
        form.extend([("client_id", asking.client.as_str())]);
        form.extend(scope.map(|s| ("scope", s)));
        house.http.post(house.at("/token").await).form(&form).send().await.unwrap().json().await.unwrap()
    };
    let narrow = renew(&first, Some("play:read")).await;
    assert_eq!(narrow["scope"], "play:read");
    let token = narrow["access_token"].as_str().unwrap();
    let session = house.session(token).await;
    let write = call(2, "play_write_note", json!({ "name": "tea", "text": "x" }));
    let answer = house.send(token, Some(&session), write.clone()).await.text().await.unwrap();
    assert!(answer.contains("relay.narrow_token"), "{answer}");
    assert!(house.requests().await.is_empty(), "the person has allowed it already");
    let whole = renew(&narrow, None).await;
    let token = whole["access_token"].as_str().unwrap();
    let answer = house.send(token, Some(&session), write).await.text().await.unwrap();
    assert!(done(&answer), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_may_do_more_is_told_that_its_lists_have_changed() {
    use futures_util::StreamExt;
    let app = Arc::new(App::new().await);
    let mut listening = app.house.http.get(app.house.endpoint().await).bearer_auth(&app.token);
    listening = listening.header("accept", "text/event-stream").header("mcp-session-id", &app.session);
    let mut listening = listening.send().await.unwrap().bytes_stream();
    let held = app.writes(2);
    let request = app.house.request().await;
    app.house.approve(&request, "play:write").await.unwrap();
    assert!(done(&held.await.unwrap()));
    let mut seen = Vec::new();
    soon(async {
        while !String::from_utf8_lossy(&seen).contains("notifications/tools/list_changed") {
            seen.extend_from_slice(&listening.next().await.unwrap().unwrap());
        }
    })
    .await;
    assert!(
        matches!(app.house.section(SectionName::Requests).await, control::Section::Requests(r) if r.is_empty())
    );
}
