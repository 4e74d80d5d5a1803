//! `kill -9` at any point of a renewal.

use bellhop_tests::{App, At, Bellhop, Provider, Session, until, visit};
use model::{Random, SystemRandom};
use serde_json::json;
use std::{env, time::Duration};

/// Numbers that come in the same order again from the same seed (xorshift64*).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }
}

/// The seed that `BELLHOP_SEED` names, else a new one.
fn seed() -> u64 {
    let named = env::var("BELLHOP_SEED").ok().and_then(|seed| seed.parse().ok());
    named.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        SystemRandom.fill(&mut bytes);
        u64::from_le_bytes(bytes) | 1
    })
}

/// How a crash left the sign-in.
#[derive(Debug, Default)]
struct Ends {
    connected: u32,
    needs_sign_in: u32,
    /// How often a refresh token came again, as the crash table allows.
    retries: u32,
}

async fn state(bellhop: &Bellhop) -> String {
    until("a restart comes to an end", || async {
        let services = bellhop.json(&["services"]).await;
        let state = services[0]["state"]["state"].as_str().unwrap().to_owned();
        matches!(state.as_str(), "connected" | "needs_sign_in").then_some(state)
    })
    .await
}

/// Kill Bellhop so often, and look what became of its sign-in.
async fn killed(times: u32, grace: bool, random: &mut Seeded) -> Ends {
    let provider = Provider::start().await;
    provider.ways(|w| w.grace = grace);
    let mut bellhop = Bellhop::kept().await;
    provider.sign_in(&bellhop, "faults").await.well();
    let (app, tokens) = App::let_in(&bellhop, "Caller", &["faults:read"]).await;
    let mut ends = Ends::default();
    for round in 0..times {
        let at = [None, Some(At::Arrived), Some(At::Acted), Some(At::Answered), Some(At::Answered)]
            [random.below(5) as usize];
        // From before the intent is written, or the answer read, until after it was stored.
        let later = Duration::from_micros(random.below(12_000));
        let session = Session::open(&app, &tokens).await;
        let reached = at.map(|at| provider.stop_at(at));
        provider.end_access_tokens();
        let arguments = json!({ "name": "faults_echo", "arguments": { "text": "hello" } });
        let call = session.begin_quietly("tools/call", arguments);
        let crash = async {
            if let Some(reached) = reached {
                tokio::time::timeout(bellhop_tests::PATIENCE, reached).await.expect("a renewal").unwrap();
            }
            if matches!(at, None | Some(At::Answered)) {
                tokio::time::sleep(later).await;
            }
            bellhop.crash();
            provider.go_on();
        };
        tokio::join!(call, crash);
        bellhop.serve().await;
        let before = provider.seen().renewals;
        // A call finds out what a restart did not have to.
        let mut came_to = state(&bellhop).await;
        if came_to == "connected" {
            let session = Session::open(&app, &tokens).await;
            let arguments = json!({ "name": "faults_echo", "arguments": { "text": "hello" } });
            let works = session.ask("tools/call", arguments);
            let ended = until_needs(&bellhop);
            came_to = tokio::select! {
                answer = works => {
                    assert!(answer.get("result").is_some(), "round {round}, {at:?}, {later:?}: {answer}");
                    "connected".to_owned()
                }
                () = ended => "needs_sign_in".to_owned(),
            };
        }
        let renewals = provider.seen().renewals - before;
        assert!(renewals <= 3, "round {round}, {at:?}, {later:?}: {renewals} renewals");
        provider.oracle.is_silent();
        if at.is_none() {
            // A token that was refused is replaced once a minute: the next round wants that too.
            bellhop.restart().await;
        }
        if came_to == "connected" {
            ends.connected += 1;
        } else {
            assert!(!grace, "round {round}, {at:?}, {later:?}: the server would have said it again");
            ends.needs_sign_in += 1;
            visit(&bellhop, &["services", "sign-in", "faults", "--no-browser"]).await.well();
        }
    }
    provider.oracle.is_silent();
    ends.retries = provider.oracle.retries();
    ends
}

/// The sign-in has ended.
async fn until_needs(bellhop: &Bellhop) {
    loop {
        if state(bellhop).await == "needs_sign_in" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Proves lapses.11 and lapses.12: 20 kills, 200 in the long suite. `BELLHOP_SEED` plays one again.
#[tokio::test]
async fn a_kill_at_any_point_of_a_renewal_leaves_a_sign_in_or_a_request_for_one() {
    let seed = seed();
    eprintln!("BELLHOP_SEED={seed}");
    let times = if env::var_os("BELLHOP_LONG").is_some() { 100 } else { 10 };
    let (mut one, mut other) = (Seeded(seed), Seeded(seed.rotate_left(32) | 1));
    let (with, without) = tokio::join!(killed(times, true, &mut one), killed(times, false, &mut other));
    eprintln!("with grace {with:?}, without {without:?}");
    assert_eq!(with.connected, times);
    assert!(with.retries <= times && without.retries <= times, "one retry for a crash");
    assert_eq!(without.connected + without.needs_sign_in, times);
}
