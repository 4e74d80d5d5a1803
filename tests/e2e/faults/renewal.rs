//! Renewals that meet every kind of trouble: the sign-in stays, and no token is used that was replaced.

use bellhop_tests::{App, At, Bellhop, Bridge, Fault, Oracle, Provider, Session, Tokens, until, visit};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;

/// A service, and an app that uses it.
struct House {
    provider: Provider,
    bellhop: Bellhop,
    app: App,
    tokens: Tokens,
    session: Session,
}

impl House {
    /// Signed in, with an access token of this life.
    async fn of(expires_in: u64) -> Self {
        let provider = Provider::start().await;
        provider.ways(|w| w.expires_in = json!(expires_in));
        let bellhop = Bellhop::kept().await;
        provider.sign_in(&bellhop, "faults").await.well();
        let (app, tokens) = App::let_in(&bellhop, "Caller", &["faults:read"]).await;
        provider.oracle.forbid(&tokens.access);
        provider.oracle.forbid(&tokens.refresh);
        let session = Session::open(&app, &tokens).await;
        let house = Self { provider, bellhop, app, tokens, session };
        house.provider.ways(|w| w.expires_in = json!(3600));
        house
    }

    async fn new() -> Self {
        Self::of(3600).await
    }

    async fn call(&self) -> Value {
        call(&self.session, "faults").await
    }

    async fn works(&self) {
        let answer = self.call().await;
        assert_eq!(answer["result"]["content"][0]["text"], "hello", "{answer}");
    }

    /// The first call that succeeds.
    async fn works_again(&self) {
        until("a call succeeds", || async { self.call().await.get("result").map(drop) }).await;
    }

    async fn state(&self) -> Value {
        self.bellhop.json(&["services"]).await[0]["state"].clone()
    }

    async fn comes_to(&self, state: &str) -> Value {
        until(&format!("the service is {state}"), || async {
            let now = self.state().await;
            (now["state"] == state).then_some(now)
        })
        .await
    }

    /// How often the log says that the person is needed.
    async fn asked_for(&self) -> usize {
        self.bellhop.activity().await.iter().filter(|e| e["kind"] == "needs_sign_in").count()
    }

    /// The log says so, once.
    async fn was_asked_for_once(&self) {
        self.bellhop.logged("that the person is needed", |e| e["kind"] == "needs_sign_in").await;
        assert_eq!(self.asked_for().await, 1);
    }

    /// The app's session after a restart.
    async fn reopened(&mut self) {
        self.session = Session::open(&self.app, &self.tokens).await;
    }
}

async fn call(session: &Session, service: &str) -> Value {
    let arguments = json!({ "name": format!("{service}_echo"), "arguments": { "text": "hello" } });
    session.ask("tools/call", arguments).await
}

/// Proves lapses.1.
#[tokio::test]
async fn no_trouble_of_a_token_endpoint_ends_a_sign_in() {
    let oracle = Oracle::default();
    let other = Provider::watched(oracle.clone()).await;
    let troubles = [
        Fault::Status(500, None),
        Fault::Status(503, Some("1")),
        Fault::Status(408, None),
        Fault::Status(429, Some("1")),
        Fault::Reset,
        Fault::HalfJson,
        Fault::Portal,
        Fault::Elsewhere(format!("{}/token", other.origin)),
    ];
    let bellhop = Bellhop::kept().await;
    let mut providers = Vec::new();
    for at in 0..troubles.len() {
        let provider = Provider::watched(oracle.clone()).await;
        provider.sign_in(&bellhop, &format!("s{at}")).await.well();
        providers.push(provider);
    }
    let scope: Vec<String> = (0..troubles.len()).map(|at| format!("s{at}:read")).collect();
    let scope: Vec<&str> = scope.iter().map(String::as_str).collect();
    let (app, tokens) = App::let_in(&bellhop, "Caller", &scope).await;
    let session = Session::open(&app, &tokens).await;
    let (bellhop, session) = (&bellhop, &session);
    join_all(providers.iter().zip(&troubles).enumerate().map(|(at, (provider, trouble))| async move {
        let name = format!("s{at}");
        let works = || async { call(session, &name).await.get("result").map(drop) };
        until("the first call", works).await;
        provider.faults([trouble.clone()]);
        provider.end_access_tokens();
        let failed = call(session, &name).await;
        assert!(failed["error"]["message"].is_string(), "{trouble:?}: {failed}");
        let services = bellhop.json(&["services"]).await;
        let state = &services.as_array().unwrap().iter().find(|s| s["name"] == name).unwrap()["state"];
        // It may have been tried again by now.
        assert!(state["state"] != "needs_sign_in", "{trouble:?}: {state}");
        if state["state"] == "degraded" {
            assert!(state["problem"]["sentence"].is_string() && state["next_try"].is_number(), "{state}");
        }
        until(&format!("it works after {trouble:?}"), works).await;
        assert_eq!(provider.seen().renewals, 2, "{trouble:?}");
    }))
    .await;
    assert_eq!(other.seen().paths, Vec::<String>::new(), "nothing was sent where a redirect led");
    assert!(bellhop.activity().await.iter().all(|e| e["kind"] != "needs_sign_in"));
    oracle.is_silent();
    assert_eq!(oracle.retries(), 0);
}

/// Proves lapses.2.
#[tokio::test]
async fn a_lost_answer_is_asked_for_once_more() {
    let house = House::new().await;
    house.provider.ways(|w| w.grace = true);
    house.provider.faults([Fault::Lost]);
    house.provider.end_access_tokens();
    house.call().await;
    house.works_again().await;
    assert_eq!(house.provider.seen().renewals, 2);
    assert_eq!(house.provider.oracle.retries(), 1);
    house.provider.oracle.is_silent();
}

/// Proves lapses.3.
#[tokio::test]
async fn a_lost_answer_of_a_server_without_grace_needs_the_person_once_and_a_new_sign_in_helps() {
    let house = House::new().await;
    house.provider.faults([Fault::Lost]);
    house.provider.end_access_tokens();
    house.call().await;
    house.comes_to("needs_sign_in").await;
    house.was_asked_for_once().await;
    let renewals = house.provider.seen().renewals;
    assert!(renewals <= 3, "the lost one, again, and the second look: {renewals}");
    house.provider.oracle.is_silent();

    visit(&house.bellhop, &["services", "sign-in", "faults", "--no-browser"]).await.well();
    house.works_again().await;
    assert_eq!(house.provider.seen().renewals, renewals, "what has ended is not tried again");
    house.provider.oracle.is_silent();
}

/// Proves lapses.4: one hiccup is sat out by the calls that need a token.
#[tokio::test]
async fn an_invalid_grant_is_looked_at_again_before_the_person_is_asked() {
    let house = House::new().await;
    house.provider.faults([Fault::Says("invalid_grant")]);
    house.provider.end_access_tokens();
    house.works().await;
    assert_eq!(house.provider.seen().renewals, 2);
    assert_eq!(house.asked_for().await, 0);
    house.provider.oracle.is_silent();
}

/// Proves lapses.4.
#[tokio::test]
async fn a_grant_that_has_ended_needs_the_person_once_and_the_call_waits_for_them() {
    let house = House::new().await;
    house.provider.end_grants();
    let person = async {
        house.comes_to("needs_sign_in").await;
        assert_eq!(house.provider.seen().renewals, 2);
        let status = house.bellhop.json(&["status"]).await;
        assert_eq!(status["problems"][0]["code"], "signin.revoked", "{status}");
        visit(&house.bellhop, &["services", "sign-in", "faults", "--no-browser"]).await.well();
    };
    let (answer, ()) = tokio::join!(house.call(), person);
    assert_eq!(answer["result"]["content"][0]["text"], "hello", "{answer}");
    house.was_asked_for_once().await;
    assert_eq!(house.provider.seen().renewals, 2);
    house.provider.oracle.is_silent();
}

/// Proves lapses.5.
#[tokio::test]
async fn a_registration_that_is_gone_is_made_again_once_by_the_next_sign_in() {
    let house = House::new().await;
    house.provider.forget_clients();
    house.provider.end_access_tokens();
    house.call().await;
    house.comes_to("needs_sign_in").await;
    let seen = house.provider.seen();
    assert_eq!((seen.renewals, seen.registrations), (2, 1), "asked twice, and nothing made up meanwhile");
    let status = house.bellhop.json(&["status"]).await;
    assert_eq!(status["problems"][0]["code"], "signin.unregistered", "{status}");
    visit(&house.bellhop, &["services", "sign-in", "faults", "--no-browser"]).await.well();
    house.works_again().await;
    assert_eq!(house.provider.seen().registrations, 2);
    house.provider.oracle.is_silent();
}

/// Proves lapses.6.
#[tokio::test]
async fn a_new_token_that_is_refused_at_once_begins_no_loop() {
    let house = House::new().await;
    house.works().await;
    house.provider.ways(|w| w.refuses = true);
    for _ in 0..10 {
        let answer = house.call().await;
        assert!(answer["error"]["message"].is_string(), "{answer}");
    }
    assert_eq!(house.provider.seen().renewals, 1);
    assert_eq!(house.asked_for().await, 0);
    house.provider.ways(|w| w.refuses = false);
    house.works().await;
    house.provider.oracle.is_silent();
}

/// Proves lapses.7: a token whose time is over, and one that the service ended, with fifty calls at once.
#[tokio::test]
async fn fifty_calls_at_the_end_of_a_token_make_one_renewal_and_all_succeed() {
    for by_its_time in [true, false] {
        let house = House::of(if by_its_time { 1 } else { 3600 }).await;
        if by_its_time {
            // Its whole life; the next one is long.
            tokio::time::sleep(Duration::from_secs(1)).await;
        } else {
            house.works().await;
            house.provider.end_access_tokens();
        }
        let before = house.provider.seen().renewals;
        let answers = join_all((0..50).map(|_| house.call())).await;
        for answer in answers {
            assert_eq!(answer["result"]["content"][0]["text"], "hello", "{answer}");
        }
        let renewals = house.provider.seen().renewals - before;
        assert!(renewals == 1 || (by_its_time && before == 1 && renewals == 0), "{before} {renewals}");
        house.provider.oracle.is_silent();
        assert_eq!(house.provider.oracle.retries(), 0);
    }
}

/// Proves lapses.8.
#[tokio::test]
async fn a_caller_that_goes_away_in_the_middle_loses_nothing() {
    let mut house = House::new().await;
    house.works().await;
    let arrived = house.provider.stop_at(At::Arrived);
    house.provider.end_access_tokens();
    {
        let call = house.call();
        tokio::pin!(call);
        tokio::select! {
            answer = &mut call => panic!("{answer}"),
            arrived = arrived => arrived.unwrap(),
        }
        // The app's connection is closed with it.
    }
    house.provider.go_on();
    house.works().await;
    assert_eq!(house.provider.seen().renewals, 1);
    house.bellhop.restart().await;
    house.reopened().await;
    house.works().await;
    assert_eq!(house.provider.seen().renewals, 1);
    house.provider.oracle.is_silent();
    assert_eq!(house.provider.oracle.retries(), 0);
}

/// Proves lapses.9.
#[tokio::test]
async fn a_renewal_under_way_is_stored_before_bellhop_quits() {
    let mut house = House::new().await;
    let acted = house.provider.stop_at(At::Acted);
    house.provider.end_access_tokens();
    let House { provider, bellhop, session, .. } = &mut house;
    let calls = call(session, "faults");
    let quits = async {
        acted.await.unwrap();
        let serve = bellhop.process();
        // Quit is asked for first; the answer comes while it waits.
        let (status, ()) = tokio::join!(serve.finish(), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            provider.go_on();
        });
        assert!(status.success(), "{status}");
    };
    tokio::select! {
        biased;
        () = quits => {}
        // The app's call may end with an error before that; then there is nothing more to poll of it.
        () = async { let _ = tokio::time::timeout(Duration::from_secs(60), calls).await; std::future::pending().await } => {}
    }
    bellhop.serve().await;
    house.reopened().await;
    house.works().await;
    assert_eq!(house.provider.seen().renewals, 1);
    assert_eq!(house.provider.oracle.retries(), 0, "what was answered was stored");
    house.provider.oracle.is_silent();
}

/// Proves lapses.10.
#[tokio::test]
async fn four_bridges_at_the_end_of_a_token_make_one_renewal_and_open_no_page() {
    let house = House::new().await;
    let mut bridges = Vec::new();
    for app in ["cursor", "vscode", "claude-desktop", "claude-code"] {
        let mut bridge = Bridge::start(&house.bellhop, app);
        let hello = bridge.request("initialize", &Session::initialize(0)["params"]);
        let waiting = until("it asks to be let in", || async {
            let requests = house.bellhop.json(&["requests"]).await;
            requests.as_array().unwrap().first().map(|r| r["id"].as_str().unwrap().to_owned())
        })
        .await;
        house.bellhop.approve(&waiting, &["faults:read"]).await;
        assert!(bridge.answer(&hello).await["result"].is_object());
        bridge.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        bridges.push(bridge);
    }
    let before = house.provider.seen();
    house.provider.end_access_tokens();
    let arguments = json!({ "text": "hello" });
    for answer in join_all(bridges.iter_mut().map(|b| b.call("faults_echo", arguments.clone()))).await {
        assert_eq!(answer["result"]["content"][0]["text"], "hello", "{answer}");
    }
    let after = house.provider.seen();
    assert_eq!(after.renewals - before.renewals, 1);
    assert_eq!(after.visits, before.visits, "no tab was opened");
    house.provider.oracle.is_silent();
}
