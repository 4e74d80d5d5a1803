//! A call that the provider does not allow: held while the person signs in with more permissions, and then finished.

use crate::{asking::call, house::House};
use control::{Answer, Command};
use model::ServiceId;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// An app before a service whose sign-in may not do what the app wants.
struct App {
    house: House,
    service: ServiceId,
    token: String,
    session: String,
}

impl App {
    async fn new() -> Arc<Self> {
        let house = House::new().await;
        let url = house.playground().await;
        let (service, _) = house.connect(&url, Some("play")).await;
        let token = house.let_in("Tester", "play:read").await;
        let session = house.session(&token).await;
        let app = Self { house, service, token, session };
        // The person signs in again, and takes out all but their name.
        let (attempt, address) = app.sign_in(&["openid", "email"]).await;
        app.house.allow_in_browser(&address).await;
        app.house.end_of(&attempt).await;
        Arc::new(app)
    }

    async fn sign_in(&self, permissions: &[&str]) -> (model::AttemptId, String) {
        let mut command = Command::sign_in(self.service.clone(), false);
        let Command::SignIn { permissions: asked, .. } = &mut command else { unreachable!() };
        *asked = Some(permissions.iter().map(|&p| p.to_owned()).collect());
        match self.house.engine.face().command(command).await.unwrap() {
            Answer::SignIn { attempt, address } => (attempt, address.unwrap()),
            other => panic!("{other:?}"),
        }
    }

    async fn read(&self, id: u32) -> String {
        let message = call(id, "play_list_notes", json!({}));
        self.house.send(&self.token, Some(&self.session), message).await.text().await.unwrap()
    }

    fn reads(self: &Arc<Self>, id: u32) -> JoinHandle<String> {
        let app = Arc::clone(self);
        tokio::spawn(async move { app.read(id).await })
    }

    async fn wanted(&self) -> Vec<String> {
        self.house.services().await[0].permissions.wanted.clone()
    }

    async fn wants(&self, wanted: &[&str]) {
        crate::house::soon(async {
            while self.wanted().await != wanted {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }
}

fn done(answer: &str) -> bool {
    answer.contains("\"result\"") && !answer.contains("\"error\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_lacks_a_permission_waits_for_the_person_and_finishes_when_they_sign_in_with_it() {
    let app = App::new().await;
    let held: Vec<_> = (3..6).map(|id| app.reads(id)).collect();
    app.wants(&["notes"]).await;
    let service = app.house.services().await.remove(0);
    assert!(service.awaited_by[0].starts_with("Tester on "), "{service:?}");
    let (attempt, address) = app.sign_in(&["openid", "email", "notes"]).await;
    app.house.allow_in_browser(&address).await;
    app.house.end_of(&attempt).await;
    for held in held {
        let answer = held.await.unwrap();
        assert!(done(&answer), "{answer}");
    }
    assert!(app.wanted().await.is_empty());
    let notices = app.house.desk.notices.lock().unwrap().clone();
    assert_eq!(notices.iter().filter(|n| n.title.contains("needs to be allowed more")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_does_not_bring_what_is_wanted_ends_the_calls_and_nobody_is_asked_again_for_an_hour() {
    let app = App::new().await;
    let held = app.reads(3);
    app.wants(&["notes"]).await;
    let (attempt, address) = app.sign_in(&["openid"]).await;
    app.house.allow_in_browser(&address).await;
    app.house.end_of(&attempt).await;
    let answer = held.await.unwrap();
    assert!(answer.contains("engine.permission_not_granted"), "{answer}");
    let next = app.read(4).await;
    assert!(next.contains("relay.lacks_permission") && next.contains("notes"), "{next}");
    assert!(app.wanted().await.is_empty(), "nothing waits for the person");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_breaks_off_allowing_more_keeps_what_they_had() {
    let app = App::new().await;
    let held = app.reads(3);
    app.wants(&["notes"]).await;
    let (attempt, _) = app.sign_in(&["openid", "email", "notes"]).await;
    app.house.engine.face().command(Command::CancelSignIn { attempt }).await.unwrap();
    let answer = held.await.unwrap();
    assert!(answer.contains("engine.sign_in_declined"), "{answer}");
    let service = app.house.services().await.remove(0);
    assert_eq!(service.permissions.granted, ["openid", "email"]);
    assert!(service.permissions.wanted.is_empty());
}
