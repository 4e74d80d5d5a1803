//! A call to a service whose sign-in has ended: held while the person signs in again, and then finished.

use crate::{asking::call, house::House};
use control::{Answer, Command, Section, SectionName, ServiceState};
use model::{ServiceId, SystemClock, SystemRandom};
use playground::Playground;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// As `house::soon`, for what may take long: before a sign-in counts as ended it is tried a second time, ten seconds
/// later.
async fn patiently<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it happens within a bounded time")
}

/// A playground that can be ended, at this port. Started again, it knows nobody.
async fn playground(port: u16) -> (String, CancellationToken, JoinHandle<()>) {
    let open = async {
        loop {
            let options = playground::Options {
                port,
                state: None,
                access_life: Duration::from_secs(600),
                clock: Arc::new(SystemClock),
                random: Arc::new(SystemRandom),
            };
            match Playground::open(options).await {
                Ok(playground) => return playground,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let (playground, stop) = (patiently(open).await, CancellationToken::new());
    let (url, stopping) = (playground.url().to_owned(), stop.clone());
    let serving = tokio::spawn(async move { playground.serve(stopping).await.unwrap() });
    (url, stop, serving)
}

struct App {
    house: House,
    service: ServiceId,
    token: String,
    session: String,
    url: String,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl App {
    async fn new() -> Self {
        let house = House::new().await;
        let (url, stop, serving) = playground(0).await;
        let (service, _) = house.connect(&url, Some("play")).await;
        let token = house.let_in("Tester", "play:read").await;
        let session = house.session(&token).await;
        let app = Self { house, service, token, session, url, stop, serving };
        let first = app.read(2).await;
        assert!(first.contains("\"result\""), "{first}");
        app
    }

    /// The same, and its sign-in has ended at the provider.
    async fn signed_out() -> Arc<Self> {
        let mut app = Self::new().await;
        app.stop.cancel();
        (&mut app.serving).await.unwrap();
        let port = url::Url::parse(&app.url).unwrap().port().unwrap();
        let (url, stop, serving) = playground(port).await;
        assert_eq!(url, app.url);
        (app.stop, app.serving) = (stop, serving);
        Arc::new(app)
    }

    async fn read(&self, id: u32) -> String {
        let message = call(id, "play_list_notes", json!({}));
        patiently(async { self.house.send(&self.token, Some(&self.session), message).await.text().await })
            .await
            .unwrap()
    }

    fn reads(self: &Arc<Self>, id: u32) -> JoinHandle<String> {
        let app = Arc::clone(self);
        tokio::spawn(async move { app.read(id).await })
    }

    /// Wait until this many connections wait for the sign-in.
    async fn awaited_by(&self, number: usize) {
        patiently(async {
            while self.house.services().await[0].awaited_by.len() != number {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    fn raised(&self) -> usize {
        self.house.desk.raised.lock().unwrap().iter().filter(|r| r.is_none()).count()
    }

    async fn sign_in(&self) -> (model::AttemptId, String) {
        let command = Command::sign_in(self.service.clone(), false);
        match patiently(self.house.engine.face().command(command)).await.unwrap() {
            Answer::SignIn { attempt, address } => (attempt, address.unwrap()),
            other => panic!("{other:?}"),
        }
    }
}

fn done(answer: &str) -> bool {
    answer.contains("\"result\"") && !answer.contains("\"error\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_meet_an_ended_sign_in_wait_for_the_person_and_finish() {
    let app = App::signed_out().await;
    let raised = app.raised();
    let held: Vec<_> = (3..6).map(|id| app.reads(id)).collect();
    app.awaited_by(1).await;
    let service = app.house.services().await.remove(0);
    assert!(service.awaited_by[0].starts_with("Tester on "), "{service:?}");
    assert!(matches!(service.state, ServiceState::NeedsSignIn { .. }));
    let Section::Status(status) = app.house.section(SectionName::Status).await else { panic!("a status") };
    assert!(status.problems[0].values["awaited_by"].starts_with("Tester on "), "{status:?}");

    let (_, address) = app.sign_in().await;
    app.house.allow_in_browser(&address).await;
    for held in held {
        let answer = held.await.unwrap();
        assert!(done(&answer), "{answer}");
    }
    assert_eq!(app.raised(), raised + 1, "the person was asked once");
    let notices = app.house.desk.notices.lock().unwrap().clone();
    assert_eq!(notices.iter().filter(|n| n.title.contains("waits for you to sign in")).count(), 1);
    app.awaited_by(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_the_person_breaks_off_ends_the_call_and_nobody_asks_again_at_once() {
    let app = App::signed_out().await;
    let held = app.reads(3);
    app.awaited_by(1).await;
    let (attempt, _) = app.sign_in().await;
    app.house.engine.face().command(Command::CancelSignIn { attempt }).await.unwrap();
    let answer = held.await.unwrap();
    assert!(answer.contains("engine.sign_in_declined"), "{answer}");
    let raised = app.raised();
    let next = app.read(4).await;
    assert!(next.contains("\"error\"") && !next.contains("engine.sign_in_declined"), "{next}");
    assert_eq!(app.raised(), raised);
    // They can still sign in, and then all is well.
    let (_, address) = app.sign_in().await;
    app.house.allow_in_browser(&address).await;
    patiently(async {
        while !matches!(app.house.services().await[0].state, ServiceState::Connected { .. }) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(done(&app.read(5).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_removed_ends_the_calls_that_wait_for_it() {
    let app = App::signed_out().await;
    let held = app.reads(3);
    app.awaited_by(1).await;
    let command = Command::RemoveService { service: app.service.clone() };
    app.house.engine.face().command(command).await.unwrap();
    let answer = held.await.unwrap();
    assert!(answer.contains("\"error\""), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_cannot_be_reached_is_no_reason_to_ask() {
    let app = Arc::new(App::new().await);
    app.stop.cancel();
    patiently(async {
        // What is open already may still be served.
        while tokio::net::TcpStream::connect(app.url.split('/').nth(2).unwrap()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let raised = app.raised();
    let answer = app.read(3).await;
    assert!(answer.contains("\"error\""), "{answer}");
    assert_eq!(app.raised(), raised);
    assert!(app.house.services().await[0].awaited_by.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_up_no_longer_shows_as_waiting() {
    let app = App::signed_out().await;
    let held = app.reads(3);
    app.awaited_by(1).await;
    held.abort();
    app.awaited_by(0).await;
    // The question is still there: the next call joins it without bringing up another window.
    let raised = app.raised();
    let held = app.reads(4);
    app.awaited_by(1).await;
    assert_eq!(app.raised(), raised);
    let (_, address) = app.sign_in().await;
    app.house.allow_in_browser(&address).await;
    assert!(done(&held.await.unwrap()));
}
