use super::{
    SOON,
    rows::{Rows, credential},
    server::{Server, Trouble},
};
use crate::{CredentialHandle, CredentialState, Http, Interrupted, OauthCredential, Owner, WayEnd};
use model::{Clock, ManualClock, SystemRandom, Timestamp};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

const HOUR: Duration = Duration::from_secs(3600);

/// A credential, its server, its row, and a clock.
struct Scene {
    server: Arc<Server>,
    rows: Arc<Rows>,
    clock: Arc<ManualClock>,
    http: Http,
}

impl Scene {
    async fn new() -> Self {
        let server = Server::start().await;
        server.knows("refresh-0");
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        Self { server, rows: Arc::default(), clock, http: Http::new(Arc::new(model::NoProxies)).unwrap() }
    }

    /// How each way went to give the sign-in back.
    async fn give_back(&self, handle: &CredentialHandle) -> Vec<WayEnd> {
        let tried = handle.leaving(&self.server.url()).give_back(&self.http, &[], || self.clock.now()).await;
        tried.into_iter().map(|t| t.end).collect()
    }

    /// A credential that was issued just now and lives an hour.
    fn fresh(&self) -> OauthCredential {
        credential(&self.server.origin, Some(self.clock.now() + HOUR))
    }

    /// A credential whose access token has ended.
    fn ended(&self) -> OauthCredential {
        credential(&self.server.origin, Some(self.clock.now() - HOUR))
    }

    fn spawn(&self, credential: OauthCredential) -> CredentialHandle {
        Owner::spawn_ticking(
            credential,
            self.rows.clone(),
            &self.http,
            self.clock.clone(),
            Arc::new(SystemRandom),
            Duration::from_millis(10),
        )
    }

    fn posts(&self) -> usize {
        self.server.tokens().len()
    }

    fn advance(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    fn trouble(&self, trouble: impl IntoIterator<Item = Trouble>) {
        self.server.ways().trouble.extend(trouble);
    }
}

async fn state(handle: &CredentialHandle, wanted: impl FnMut(&CredentialState) -> bool) -> CredentialState {
    let mut states = handle.states();
    let found = tokio::time::timeout(SOON, states.wait_for(wanted)).await;
    match found {
        Ok(found) => found.unwrap().clone(),
        Err(_) => panic!("it stays {:?}", handle.states().borrow()),
    }
}

fn is_ready(s: &CredentialState) -> bool {
    matches!(s, CredentialState::Ready { .. })
}

fn is_degraded(s: &CredentialState) -> bool {
    matches!(s, CredentialState::Degraded { .. })
}

fn needs_sign_in(s: &CredentialState) -> bool {
    matches!(s, CredentialState::NeedsSignIn { .. })
}

#[tokio::test]
async fn a_good_token_is_handed_out_without_asking_anybody() {
    let scene = Scene::new().await;
    let handle = scene.spawn(scene.fresh());
    assert_eq!(handle.ready().unwrap().token.expose(), "access-0");
    assert_eq!(handle.wait().await.unwrap().generation, 0);
    assert_eq!(scene.posts(), 0);
    handle.stop().await;
    assert!(handle.ready().is_none());
    assert_eq!(handle.wait().await.unwrap_err().code, "signin.stopped");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_the_old_one_serves_meanwhile() {
    let scene = Scene::new().await;
    scene.server.gate.forget_permits(Semaphore::MAX_PERMITS);
    let handle = scene.spawn(scene.fresh());
    state(&handle, is_ready).await;
    scene.advance(3600 * 8 / 10);
    state(&handle, |s| *s == CredentialState::Refreshing).await;
    assert_eq!(handle.ready().unwrap().token.expose(), "access-0");
    scene.server.gate.add_permits(1);
    state(&handle, is_ready).await;
    let current = handle.ready().unwrap();
    assert_eq!((current.token.expose(), current.generation), ("access-1", 1));
    let (form, _) = &scene.server.tokens()[0];
    assert_eq!(form["refresh_token"], "refresh-0");
    assert_eq!(form["resource"], scene.server.url());
    assert_eq!(form["client_id"], "client 1");
    let row = scene.rows.row();
    assert_eq!((row.generation, row.refresh.as_deref(), row.begun), (1, Some("refresh-1"), None));
}

#[tokio::test]
async fn fifty_callers_at_the_end_cause_one_renewal_and_all_succeed() {
    let scene = Scene::new().await;
    scene.server.gate.forget_permits(Semaphore::MAX_PERMITS);
    let handle = scene.spawn(scene.ended());
    assert!(handle.ready().is_none());
    let callers: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let h = handle.clone();
                async move { h.wait().await }
            })
        })
        .collect();
    while scene.posts() == 0 {
        tokio::task::yield_now().await;
    }
    scene.server.gate.add_permits(50);
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().token.expose(), "access-1");
    }
    assert_eq!(scene.posts(), 1);
}

#[tokio::test]
async fn a_caller_that_hangs_up_loses_nothing() {
    let scene = Scene::new().await;
    scene.server.gate.forget_permits(Semaphore::MAX_PERMITS);
    let handle = scene.spawn(scene.ended());
    let caller = tokio::spawn({
        let h = handle.clone();
        async move { h.wait().await }
    });
    while scene.posts() == 0 {
        tokio::task::yield_now().await;
    }
    caller.abort();
    scene.server.gate.add_permits(1);
    state(&handle, is_ready).await;
    assert_eq!(scene.rows.row().refresh.as_deref(), Some("refresh-1"));
}

#[tokio::test]
async fn the_intent_is_on_disk_before_the_request_goes_out() {
    let scene = Scene::new().await;
    scene.server.gate.forget_permits(Semaphore::MAX_PERMITS);
    let _handle = scene.spawn(scene.ended());
    while scene.posts() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.rows.row().begun, Some(scene.clock.now()));
}

#[tokio::test]
async fn a_token_has_ended_if_either_clock_says_so() {
    let scene = Scene::new().await;
    let handle = scene.spawn(scene.fresh());
    scene.clock.set_wall(scene.clock.now() - HOUR * 24);
    assert!(handle.ready().is_some());
    scene.advance(3600);
    assert_eq!(handle.wait().await.unwrap().generation, 1, "the wall clock was set back by a day");
}

#[tokio::test]
async fn html_and_overload_are_passing_and_the_wait_that_is_asked_for_is_honoured() {
    let scene = Scene::new().await;
    scene.trouble([Trouble::Html503, Trouble::Busy("120")]);
    let handle = scene.spawn(scene.ended());
    assert_eq!(handle.wait().await.unwrap_err().code, "signin.renewal_failed");
    state(&handle, is_degraded).await;
    assert!(scene.rows.row().needs_sign_in.is_none());
    assert!(scene.rows.row().begun.is_none(), "there was an answer, so that nothing is in doubt");
    scene.advance(7);
    let now = scene.clock.now();
    let asked = move |s: &CredentialState| matches!(s, CredentialState::Degraded { next_try, .. } if *next_try == now + Duration::from_secs(120));
    state(&handle, asked).await;
    scene.advance(119);
    assert!(handle.wait().await.is_err(), "not even for somebody who needs it");
    assert_eq!(scene.posts(), 2);
    scene.advance(1);
    state(&handle, is_ready).await;
    assert_eq!(handle.ready().unwrap().token.expose(), "access-1");
}

#[tokio::test]
async fn somebody_who_needs_a_token_does_not_wait_out_a_long_pause() {
    let scene = Scene::new().await;
    scene.trouble((0..8).map(|_| Trouble::Html503));
    let handle = scene.spawn(scene.ended());
    for n in 1..=8 {
        assert!(handle.wait().await.is_err());
        assert_eq!(scene.posts(), n);
        scene.advance(10);
    }
    assert_eq!(handle.wait().await.unwrap().token.expose(), "access-1");
}

#[tokio::test]
async fn an_invalid_grant_is_asked_about_once_more_before_the_person_is() {
    let scene = Scene::new().await;
    scene.trouble([Trouble::Says("invalid_grant")]);
    let handle = scene.spawn(scene.ended());
    let caller = tokio::spawn({
        let h = handle.clone();
        async move { h.wait().await }
    });
    state(&handle, is_degraded).await;
    scene.advance(10);
    assert_eq!(caller.await.unwrap().unwrap().token.expose(), "access-1", "it was a hiccup");

    scene.trouble([Trouble::Says("invalid_grant"), Trouble::Says("invalid_grant")]);
    scene.advance(3600);
    state(&handle, is_degraded).await;
    scene.advance(10);
    let state = state(&handle, needs_sign_in).await;
    assert!(matches!(state, CredentialState::NeedsSignIn { problem } if problem.code == "signin.revoked"));
    assert_eq!(scene.posts(), 4);
    scene.advance(100_000);
    assert_eq!(handle.wait().await.unwrap_err().code, "signin.revoked");
    assert_eq!(scene.posts(), 4, "and that is the end of it");
    let row = scene.rows.row();
    assert_eq!(
        (row.needs_sign_in.as_deref(), row.refresh.as_deref()),
        (Some("signin.revoked"), Some("refresh-1"))
    );
}

#[tokio::test]
async fn another_no_is_no_reason_to_ask_the_person() {
    let scene = Scene::new().await;
    scene.trouble([Trouble::Says("invalid_client"), Trouble::Says("invalid_scope")]);
    let handle = scene.spawn(scene.ended());
    assert_eq!(handle.wait().await.unwrap_err().code, "signin.unregistered");
    state(&handle, is_degraded).await;
    scene.advance(10);
    assert_eq!(handle.wait().await.unwrap_err().code, "signin.renewal_refused");
    scene.advance(20);
    assert_eq!(handle.wait().await.unwrap().token.expose(), "access-1");
    assert!(scene.rows.row().needs_sign_in.is_none());
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_promptly_and_noted_until_then() {
    let scene = Scene::new().await;
    scene.trouble([Trouble::Lost]);
    let handle = scene.spawn(scene.ended());
    assert_eq!(handle.wait().await.unwrap_err().code, "signin.no_answer");
    assert!(scene.rows.row().begun.is_some(), "a crash now would have to try the old token once");
    // This server keeps the last answer for a moment, as a good one does.
    scene.server.knows("refresh-0");
    scene.advance(1);
    state(&handle, is_ready).await;
    assert_eq!(scene.posts(), 2);
}

#[tokio::test]
async fn after_a_crash_in_between_the_old_token_is_tried_once() {
    let scene = Scene::new().await;
    let interrupted = |scene: &Scene| OauthCredential {
        interrupted: Some(Interrupted { sent_at: scene.clock.now() }),
        ..scene.fresh()
    };
    let handle = scene.spawn(interrupted(&scene));
    state(&handle, is_ready).await;
    assert_eq!(handle.ready().unwrap().token.expose(), "access-1", "the request had never arrived");

    let scene = Scene::new().await;
    scene.server.knows("somebody else's");
    let handle = scene.spawn(interrupted(&scene));
    let state = state(&handle, needs_sign_in).await;
    assert!(
        matches!(state, CredentialState::NeedsSignIn { problem } if problem.code == "signin.interrupted")
    );
    assert_eq!(scene.posts(), 1);
}

#[tokio::test]
async fn what_is_known_to_need_the_person_asks_nobody_else() {
    let scene = Scene::new().await;
    let handle = scene
        .spawn(OauthCredential { needs_sign_in: Some("signin.interrupted".to_owned()), ..scene.fresh() });
    assert_eq!(handle.wait().await.unwrap_err().code, "signin.interrupted");
    assert_eq!(handle.refused(0).await.unwrap_err().code, "signin.interrupted");
    assert_eq!(scene.posts(), 0);
}

#[tokio::test]
async fn tokens_that_can_not_be_stored_are_used_and_stored_later() {
    let scene = Scene::new().await;
    scene.server.gate.forget_permits(Semaphore::MAX_PERMITS);
    let handle = scene.spawn(scene.ended());
    while scene.posts() == 0 {
        tokio::task::yield_now().await;
    }
    scene.rows.row().full = true;
    scene.server.gate.add_permits(2);
    assert_eq!(handle.wait().await.unwrap().token.expose(), "access-1");
    state(&handle, |s| matches!(s, CredentialState::Unsaved { .. })).await;

    // Even the next renewal does without the disk: the stored token is of no more use.
    scene.advance(3600);
    assert_eq!(handle.wait().await.unwrap().generation, 2);
    assert_eq!(scene.rows.row().generation, 0);
    scene.rows.row().full = false;
    scene.advance(300);
    state(&handle, is_ready).await;
    let row = scene.rows.row();
    assert_eq!((row.generation, row.refresh.as_deref()), (1, Some("refresh-2")));
}

#[tokio::test]
async fn nothing_is_sent_while_the_intent_can_not_be_written() {
    let scene = Scene::new().await;
    scene.rows.row().full = true;
    let handle = scene.spawn(scene.ended());
    assert_eq!(handle.wait().await.unwrap_err().code, "signin.unprepared");
    assert_eq!(scene.posts(), 0);
}

#[tokio::test]
async fn a_late_writer_changes_nothing() {
    let scene = Scene::new().await;
    scene.rows.row().generation = 7;
    let handle = scene.spawn(scene.ended());
    assert_eq!(handle.wait().await.unwrap_err().code, "signin.stopped");
    assert_eq!(scene.posts(), 0);
    assert_eq!(scene.rows.row().generation, 7);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_no_loop_begins() {
    let scene = Scene::new().await;
    let handle = scene.spawn(scene.fresh());
    let (one, two) = tokio::join!(handle.refused(0), handle.refused(0));
    assert_eq!((one.unwrap().generation, two.unwrap().generation), (1, 1));
    assert_eq!(
        handle.refused(0).await.unwrap().generation,
        1,
        "an old refusal says nothing of the new token"
    );
    assert_eq!(handle.refused(1).await.unwrap_err().code, "signin.refused_again");
    assert_eq!(scene.posts(), 1);
    scene.advance(60);
    assert_eq!(handle.refused(1).await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_token_refused_in_its_last_second_has_ended_and_is_no_sign_of_a_loop() {
    let scene = Scene::new().await;
    let mut short = scene.fresh();
    short.tokens.lifetime = Some(3);
    short.tokens.expires_at = Some(scene.clock.now() + Duration::from_secs(1));
    let handle = scene.spawn(short);
    assert_eq!(handle.refused(0).await.unwrap().generation, 1);
    assert_eq!(handle.refused(1).await.unwrap().generation, 2, "a young one that is refused is replaced");
    assert_eq!(handle.refused(2).await.unwrap_err().code, "signin.refused_again", "but once");
}

#[tokio::test]
async fn a_token_refused_while_it_is_being_renewed_is_not_handed_out_again() {
    let scene = Scene::new().await;
    scene.server.gate.forget_permits(Semaphore::MAX_PERMITS);
    let handle = scene.spawn(scene.fresh());
    scene.advance(3000);
    state(&handle, |s| *s == CredentialState::Refreshing).await;
    let caller = tokio::spawn({
        let h = handle.clone();
        async move { h.refused(0).await }
    });
    while handle.ready().is_some() {
        tokio::task::yield_now().await;
    }
    scene.server.gate.add_permits(1);
    assert_eq!(caller.await.unwrap().unwrap().generation, 1);
}

#[tokio::test]
async fn a_token_that_nothing_can_renew_ends_in_a_new_sign_in() {
    let scene = Scene::new().await;
    let mut lone = scene.fresh();
    lone.tokens.refresh = None;
    let handle = scene.spawn(lone.clone());
    scene.advance(3600);
    assert_eq!(handle.wait().await.unwrap_err().code, "signin.expired");
    assert_eq!(scene.rows.row().needs_sign_in.as_deref(), Some("signin.expired"));

    let scene = Scene::new().await;
    lone.tokens.expires_at = None;
    let handle = scene.spawn(lone);
    assert_eq!(handle.refused(0).await.unwrap_err().code, "signin.not_accepted");
    state(&handle, needs_sign_in).await;
    assert!(scene.rows.row().needs_sign_in.is_none(), "a restart tries it again");
}

#[tokio::test]
async fn quitting_lets_a_renewal_under_way_arrive_and_be_stored() {
    let scene = Scene::new().await;
    scene.server.gate.forget_permits(Semaphore::MAX_PERMITS);
    let handle = scene.spawn(scene.ended());
    while scene.posts() == 0 {
        tokio::task::yield_now().await;
    }
    let stopping = tokio::spawn({
        let h = handle.clone();
        async move { h.stop().await }
    });
    tokio::task::yield_now().await;
    scene.server.gate.add_permits(1);
    stopping.await.unwrap();
    assert_eq!(scene.rows.row().refresh.as_deref(), Some("refresh-1"));
    assert_eq!(*handle.states().borrow(), CredentialState::Stopped);
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_task() {
    let scene = Scene::new().await;
    let handle = scene.spawn(scene.fresh());
    let mut states = handle.states();
    drop(handle);
    tokio::time::timeout(SOON, states.wait_for(|s| *s == CredentialState::Stopped)).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_given_back_is_the_newest_and_the_refresh_token_first() {
    let scene = Scene::new().await;
    let handle = scene.spawn(scene.ended());
    handle.wait().await.unwrap();
    assert_eq!(scene.give_back(&handle).await, [WayEnd::Done, WayEnd::Done, WayEnd::Done]);
    assert_eq!(scene.server.revoked(), ["refresh-1", "access-1"]);
    assert_eq!(scene.server.unregistered(), 1);
}

#[tokio::test]
async fn where_tokens_can_not_be_given_back_deleting_the_registration_does_it() {
    let scene = Scene::new().await;
    let mut old = scene.fresh();
    old.server.revocation_endpoint = Some(format!("{}/not-there", scene.server.origin));
    let ends = scene.give_back(&scene.spawn(old.clone())).await;
    assert_eq!(ends, [WayEnd::NotOffered, WayEnd::NotOffered, WayEnd::Done]);
    old.server.revocation_endpoint = None;
    old.registration.management = None;
    assert_eq!(scene.give_back(&scene.spawn(old)).await, [const { WayEnd::NotOffered }; 3]);
}

#[tokio::test]
async fn a_server_that_names_no_lifetime_is_not_asked_until_it_refuses() {
    let scene = Scene::new().await;
    scene.server.ways().lifetime = json!(null);
    let handle = scene.spawn(scene.ended());
    assert_eq!(handle.wait().await.unwrap().generation, 1);
    scene.advance(1_000_000);
    assert_eq!(handle.wait().await.unwrap().generation, 1);
    assert_eq!(scene.posts(), 1);
    assert_eq!(handle.refused(1).await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_registration_that_is_gone_is_believed_the_second_time_and_nothing_is_deleted() {
    let scene = Scene::new().await;
    scene.trouble([Trouble::Says("invalid_client"), Trouble::Says("invalid_client")]);
    let handle = scene.spawn(scene.ended());
    assert_eq!(handle.wait().await.unwrap_err().code, "signin.unregistered");
    state(&handle, is_degraded).await;
    scene.advance(10);
    state(&handle, needs_sign_in).await;
    scene.advance(100_000);
    assert_eq!(handle.wait().await.unwrap_err().code, "signin.unregistered");
    assert_eq!(scene.posts(), 2, "and that is the end of it");
    assert_eq!(scene.rows.row().needs_sign_in.as_deref(), Some("signin.unregistered"));
}

#[tokio::test]
async fn a_refresh_token_is_used_before_it_is_lost_though_nobody_needs_a_token() {
    let scene = Scene::new().await;
    let mut credential = credential(&scene.server.origin, None);
    credential.tokens.issued_at = Some(scene.clock.now());
    credential.tokens.refresh_lifetime = Some(7 * 24 * 3600);
    let handle = scene.spawn(credential);
    state(&handle, is_ready).await;
    scene.advance(3 * 24 * 3600 - 20_000);
    assert_eq!(scene.posts(), 0);
    scene.advance(20_000);
    let mut states = handle.states();
    let renewed = states.wait_for(|_| handle.ready().is_some_and(|c| c.generation == 1));
    tokio::time::timeout(SOON, renewed).await.unwrap().unwrap();
    assert_eq!(scene.posts(), 1);
}
