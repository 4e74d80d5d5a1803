//! Calls that wait for the person: the sign-in has ended, or the app may not do this yet.

use crate::{
    peer::Peer,
    said::until,
    support::{House, Question, Tokens, limits},
    visit::Ask,
};
use async_trait::async_trait;
use bellhop_relay::{About, Grant, Limits, Proof, ProofSource, Service};
use model::Problem;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc::UnboundedReceiver;

/// A sign-in that can end.
#[derive(Default)]
struct SignIn {
    ended: AtomicBool,
    tokens: Tokens,
}

#[async_trait]
impl ProofSource for SignIn {
    fn ready(&self) -> Option<Arc<Proof>> {
        self.tokens.ready().filter(|_| !self.ended.load(Ordering::SeqCst))
    }

    async fn wait(&self) -> Result<Arc<Proof>, Problem> {
        if self.ended.load(Ordering::SeqCst) {
            return Err(Problem::new(
                "signin.ended",
                "The sign-in has ended.",
                "Sign in in Bellhop, then ask again.",
            ));
        }
        self.tokens.wait().await
    }

    async fn refused(&self, generation: u64) -> Result<Arc<Proof>, Problem> {
        self.tokens.refused(generation).await
    }

    fn lacks(&self, headers: &http::HeaderMap) -> Option<Vec<String>> {
        let wanted = headers.get("www-authenticate")?.to_str().unwrap();
        Some(wanted.split(' ').filter(|w| !w.is_empty()).map(ToOwned::to_owned).collect())
    }
}

/// A house whose person can be asked, before a service with a sign-in.
async fn house(peer: &Peer, limits: Limits) -> (House, Arc<SignIn>, UnboundedReceiver<Question>) {
    let house = House::new(&[("a", peer.url())], "a:write", limits).await;
    let signin = Arc::new(SignIn::default());
    let service =
        Service { proof: Some(signin.clone()), ..house.engine.services.lock().unwrap()[0].as_ref().clone() };
    *house.engine.services.lock().unwrap() = Arc::new(vec![Arc::new(service)]);
    let (tell, asked) = tokio::sync::mpsc::unbounded_channel();
    *house.engine.asked.lock().unwrap() = Some(tell);
    (house, signin, asked)
}

fn is_sign_in(about: &About) -> bool {
    matches!(about, About::SignIn { service, connection }
        if service.to_string() == "id-a" && connection.as_str() == "connection-1")
}

async fn served(peer: &Peer) {
    let call = peer.call().await;
    let modern = call.json()["params"]["_meta"][crate::visit::VERSION].is_string();
    let done = if modern { json!({"resultType":"complete","done":true}) } else { json!({"done":true}) };
    call.result(done);
}

fn work(id: u32) -> Value {
    serde_json::from_str(&crate::support::call(id, "work")).unwrap()
}

#[tokio::test]
async fn a_call_that_meets_an_ended_sign_in_is_held_and_finishes_when_the_person_has_signed_in() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let (house, signin, mut asked) = house(&peer, limits()).await;
        house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
        let session = house.open("/mcp/a").await;
        let body = work(1);
        for can in [None, Some(json!({})), Some(json!({"elicitation":{}}))] {
            signin.ended.store(true, Ordering::SeqCst);
            let before = peer.got("tools/call").len();
            let person = async {
                let (about, tell) = asked.recv().await.unwrap();
                assert!(is_sign_in(&about), "{about:?}");
                assert_eq!(peer.got("tools/call").len(), before, "nothing was sent yet");
                signin.ended.store(false, Ordering::SeqCst);
                tell.send(Ok(())).unwrap();
                served(&peer).await;
            };
            let calling = async {
                match &can {
                    None => house.tell("/mcp/a", &session, &body).await,
                    Some(can) => house.ask(Ask::work(1).can(can.clone())).await,
                }
            };
            let (answer, ()) = tokio::join!(calling, person);
            assert_eq!(answer.json()["result"]["done"], true, "{}", answer.json());
        }
        assert_eq!(house.connection.gate.in_flight(), 0);
    }
}

#[tokio::test]
async fn a_service_that_was_never_seen_is_waited_for_as_well() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let (house, signin, mut asked) = house(&peer, limits()).await;
        signin.ended.store(true, Ordering::SeqCst);
        let person = async {
            let (about, tell) = asked.recv().await.unwrap();
            assert!(is_sign_in(&about));
            signin.ended.store(false, Ordering::SeqCst);
            tell.send(Ok(())).unwrap();
            served(&peer).await;
        };
        let (answer, ()) = tokio::join!(house.ask(Ask::work(1)), person);
        assert_eq!(answer.json()["result"]["done"], true, "{}", answer.json());
    }
}

#[tokio::test]
async fn a_held_call_may_be_asked_something_once_it_goes_on() {
    let peer = Peer::legacy().await;
    let (house, signin, mut asked) = house(&peer, limits()).await;
    house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
    signin.ended.store(true, Ordering::SeqCst);
    let ask = Ask::work(1).can(json!({"elicitation":{}}));
    let person = async {
        let (_, tell) = asked.recv().await.unwrap();
        signin.ended.store(false, Ordering::SeqCst);
        tell.send(Ok(())).unwrap();
        let (events, id) = peer.call().await.stream();
        events.say(json!({"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"?"}}));
        (events, id)
    };
    let (first, (events, id)) = tokio::join!(house.ask(&ask), person);
    let key = first.asked().remove(0).0;
    let served = async {
        until(|| (!peer.got("").is_empty()).then_some(()), "an answer").await;
        events.say(crate::said::answer(&id, "{}"));
    };
    let again = ask.again(2, &first.json(), json!({ key: {"action":"accept"} }));
    let (last, ()) = tokio::join!(house.ask(&again), served);
    assert_eq!(last.json()["result"]["resultType"], "complete", "{}", last.json());
}

#[tokio::test]
async fn a_call_that_may_not_be_made_yet_is_held_and_made_when_the_person_allows_it() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let (house, _, mut asked) = house(&peer, limits()).await;
        let read = Arc::new(Grant { name: "Test".into(), scope: "a:read".parse().unwrap() });
        house.connection.grant.store(read.clone());
        let session = house.open("/mcp").await;
        let mut body = work(1);
        body["params"]["name"] = "a_write".into();
        for modern in [false, true] {
            house.connection.grant.store(read.clone());
            let person = async {
                let (about, tell) = asked.recv().await.unwrap();
                let About::Permit { connection, permit, tool } = about else { panic!("{about:?}") };
                assert_eq!((connection.as_str(), permit.to_string()), ("connection-1", "a:write".into()));
                assert_eq!(tool.as_deref(), Some("write"));
                let write = Grant { name: "Test".into(), scope: "a:write".parse().unwrap() };
                house.connection.grant.store(Arc::new(write));
                tell.send(Ok(())).unwrap();
                served(&peer).await;
            };
            let calling = async {
                if modern {
                    house.ask(Ask::work(1).at("/mcp").param("name", "a_write")).await
                } else {
                    house.tell("/mcp", &session, &body).await
                }
            };
            let (answer, ()) = tokio::join!(calling, person);
            assert_eq!(answer.json()["result"]["done"], true, "{}", answer.json());
        }
        assert!(peer.got("tools/call").iter().all(|g| g.json()["params"]["name"] == "write"));
    }
}

#[tokio::test]
async fn a_call_that_the_provider_does_not_allow_is_held_and_made_again_when_it_does() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let (house, signin, mut asked) = house(&peer, limits()).await;
        house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
        let session = house.open("/mcp/a").await;
        let body = work(1);
        for modern in [false, true] {
            let person = async {
                peer.call().await.lacks("notes:read notes:write");
                let (about, tell) = asked.recv().await.unwrap();
                let About::Permissions { service, connection, wanted } = about else { panic!("{about:?}") };
                assert_eq!((service.to_string(), connection.as_str()), ("id-a".into(), "connection-1"));
                assert_eq!(wanted, ["notes:read", "notes:write"]);
                signin.tokens.generation.fetch_add(1, Ordering::SeqCst);
                tell.send(Ok(())).unwrap();
                served(&peer).await;
            };
            let calling = async {
                if modern {
                    house.ask(Ask::work(1)).await
                } else {
                    house.tell("/mcp/a", &session, &body).await
                }
            };
            let (answer, ()) = tokio::join!(calling, person);
            assert_eq!(answer.json()["result"]["done"], true, "{}", answer.json());
        }
        let tokens: Vec<_> =
            peer.got("tools/call").iter().map(|g| g.headers["authorization"].clone()).collect();
        assert_eq!(tokens, ["Bearer token-0", "Bearer token-1", "Bearer token-1", "Bearer token-2"]);
    }
}

#[tokio::test]
async fn a_call_that_is_still_not_allowed_is_not_held_again_and_one_that_says_nothing_is_not_held_at_all() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let (house, _, mut asked) = house(&peer, limits()).await;
        house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
        let person = async {
            peer.call().await.lacks("notes:write");
            asked.recv().await.unwrap().1.send(Ok(())).unwrap();
            peer.call().await.lacks("notes:write");
        };
        let (answer, ()) = tokio::join!(house.ask(Ask::work(1)), person);
        let error = answer.json()["error"].clone();
        assert_eq!(error["data"]["code"], "relay.lacks_permission", "{error}");
        assert!(error["message"].as_str().unwrap().contains("notes:write. Open Bellhop"), "{error}");
        let person = async { peer.call().await.lacks("") };
        let (answer, ()) = tokio::join!(house.ask(Ask::work(2)), person);
        assert_eq!(answer.json()["error"]["data"]["code"], "relay.lacks_permission");
        assert!(asked.try_recv().is_err(), "nobody is asked for nothing");
    }
}

#[tokio::test]
async fn a_held_call_that_the_person_denies_says_so() {
    let peer = Peer::modern().await;
    let (house, signin, mut asked) = house(&peer, limits()).await;
    house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
    signin.ended.store(true, Ordering::SeqCst);
    let session = house.open("/mcp/a").await;
    let body = work(1);
    for modern in [false, true] {
        let person = async { drop(asked.recv().await.unwrap()) };
        let calling = async {
            if modern { house.ask(Ask::work(1)).await } else { house.tell("/mcp/a", &session, &body).await }
        };
        let (answer, ()) = tokio::join!(calling, person);
        let error = answer.json()["error"].clone();
        assert_eq!(error["data"]["code"], "test.denied");
        assert_eq!(error["message"], "The person said no. Ask them.");
    }
    assert!(peer.got("tools/call").is_empty());
}

#[tokio::test]
async fn a_held_call_ends_with_a_sentence_when_nobody_answers_in_time() {
    let peer = Peer::legacy().await;
    let short =
        Limits { hold: Duration::from_millis(150), hold_told: Duration::from_millis(150), ..limits() };
    let (house, signin, mut asked) = house(&peer, short).await;
    house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
    signin.ended.store(true, Ordering::SeqCst);
    let session = house.open("/mcp/a").await;
    let mut told = work(2);
    told["params"]["_meta"] = json!({"progressToken":"p"});
    let answers = [
        house.tell("/mcp/a", &session, &work(1)).await,
        house.tell("/mcp/a", &session, &told).await,
        house.ask(Ask::work(3)).await,
        house.ask(Ask::work(4).can(json!({"elicitation":{}}))).await,
    ];
    for (answer, id) in answers.iter().zip(1..) {
        let json = answer.json();
        assert_eq!((&json["id"], &json["error"]["data"]["code"]), (&json!(id), &json!("relay.not_in_time")));
        assert_eq!(
            json["error"]["message"],
            "Service a waits for you in Bellhop. Answer in Bellhop, then ask again."
        );
        // The question is not answered by that, only no longer waited for.
        assert!(asked.try_recv().unwrap().1.is_closed());
    }
    assert_eq!(house.connection.gate.in_flight(), 0);
}

#[tokio::test]
async fn an_app_with_a_progress_token_is_told_that_its_call_waits_and_waits_longer() {
    let peer = Peer::modern().await;
    let short = Limits { hold: Duration::from_millis(100), ..limits() };
    let (house, signin, mut asked) = house(&peer, short).await;
    house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
    signin.ended.store(true, Ordering::SeqCst);
    let session = house.open("/mcp/a").await;
    let mut body = work(1);
    body["params"]["_meta"] = json!({"progressToken":"p"});
    for modern in [false, true] {
        signin.ended.store(true, Ordering::SeqCst);
        let mut stream = if modern {
            house.ask_stream(Ask::work(1).meta("progressToken", "p")).await
        } else {
            house.stream("/mcp/a", &session, body.to_string()).await
        };
        let told = stream.next().await.unwrap();
        assert_eq!(told["method"], "notifications/progress");
        assert_eq!(told["params"]["progressToken"], "p");
        assert!(told["params"]["message"].as_str().unwrap().contains("in Bellhop"));
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (_, tell) = asked.recv().await.unwrap();
        signin.ended.store(false, Ordering::SeqCst);
        tell.send(Ok(())).unwrap();
        served(&peer).await;
        assert_eq!(stream.next().await.unwrap()["result"]["done"], true);
    }
}

#[tokio::test]
async fn a_held_call_can_be_cancelled_in_both_eras_and_revoked() {
    let peer = Peer::legacy().await;
    let (house, signin, mut asked) = house(&peer, limits()).await;
    house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
    signin.ended.store(true, Ordering::SeqCst);
    let session = house.open("/mcp/a").await;
    let mut stream = house.stream("/mcp/a", &session, work(1).to_string()).await;
    let (_, waiting) = asked.recv().await.unwrap();
    let cancel = json!({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}});
    house.tell("/mcp/a", &session, &cancel).await;
    assert_eq!(stream.next().await, None);
    until(|| waiting.is_closed().then_some(()), "the end of waiting").await;
    assert_eq!(house.logged(0).await.outcome, "cancelled");
    for can in [json!({}), json!({"elicitation":{}})] {
        let ask = Ask::work(2).can(can).meta("progressToken", 1);
        let stream = house.ask_stream(&ask).await;
        let (_, waiting) = asked.recv().await.unwrap();
        drop(stream);
        until(|| waiting.is_closed().then_some(()), "the end of waiting").await;
    }
    let mut stream = house.stream("/mcp/a", &session, work(3).to_string()).await;
    let (_, waiting) = asked.recv().await.unwrap();
    house.revoke();
    assert_eq!(stream.next().await.unwrap()["error"]["data"]["code"], "relay.revoked");
    assert_eq!(stream.next().await, None);
    until(|| waiting.is_closed().then_some(()), "the end of waiting").await;
    house.connection.gate.drained().await;
    assert!(peer.got("tools/call").is_empty() && peer.got("notifications/cancelled").is_empty());
}

#[tokio::test]
async fn a_held_call_on_a_session_that_is_open_can_be_cancelled_too_and_its_service_hears_nothing() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let (house, signin, mut asked) = house(&peer, limits()).await;
        let session = house.open("/mcp/a").await;
        let body = work(1);
        tokio::join!(house.tell("/mcp/a", &session, &body), served(&peer));
        tokio::join!(house.ask(Ask::work(1).can(json!({"elicitation":{}}))), served(&peer));
        signin.ended.store(true, Ordering::SeqCst);
        let mut stream = house.stream("/mcp/a", &session, body.to_string()).await;
        let (_, waiting) = asked.recv().await.unwrap();
        let cancel = json!({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}});
        house.tell("/mcp/a", &session, &cancel).await;
        assert_eq!(stream.next().await, None);
        until(|| waiting.is_closed().then_some(()), "the end of waiting").await;
        let ask = Ask::work(2).can(json!({"elicitation":{}})).meta("progressToken", 1);
        let stream = house.ask_stream(&ask).await;
        let (_, waiting) = asked.recv().await.unwrap();
        drop(stream);
        until(|| waiting.is_closed().then_some(()), "the end of waiting").await;
        // With the sign-in back, what would have been said could be.
        signin.ended.store(false, Ordering::SeqCst);
        tokio::join!(house.tell("/mcp/a", &session, &body), served(&peer));
        house.connection.gate.close();
        house.connection.gate.drained().await;
        assert!(peer.got("notifications/cancelled").is_empty());
        assert_eq!(peer.got("tools/call").len(), 3);
    }
}

#[tokio::test]
async fn once_the_service_works_on_a_held_call_its_own_clock_runs_and_not_the_holds() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let short = Limits { hold: Duration::from_millis(300), ..limits() };
        let (house, signin, mut asked) = house(&peer, short).await;
        house.relay.refresh_inventory(&"id-a".into()).await.unwrap();
        signin.ended.store(true, Ordering::SeqCst);
        let person = async {
            let (_, tell) = asked.recv().await.unwrap();
            signin.ended.store(false, Ordering::SeqCst);
            tell.send(Ok(())).unwrap();
            let call = peer.call().await;
            // Longer than anybody may be waited for.
            tokio::time::sleep(Duration::from_millis(900)).await;
            call
        };
        let (answer, ()) = tokio::join!(house.ask(Ask::work(1)), async {
            let call = person.await;
            let modern = call.json()["params"]["_meta"][crate::visit::VERSION].is_string();
            call.result(if modern {
                json!({"resultType":"complete","done":true})
            } else {
                json!({"done":true})
            });
        });
        assert_eq!(answer.json()["result"]["done"], true, "{}", answer.json());
    }
}
