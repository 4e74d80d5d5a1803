use super::{rows::credential, server::Server};
use crate::{ApiToken, FixedSecret, Http, Leaving, Life, Way, WayEnd};
use model::{Secret, Timestamp};
use std::sync::Arc;

fn now() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

#[tokio::test]
async fn a_sign_in_is_given_back_refresh_token_first_also_after_it_was_kept() {
    let server = Server::start().await;
    let leaving = Leaving::oauth(&server.url(), &credential(&server.origin, None));
    let kept = leaving.to_secret();
    let leaving = Leaving::from_secret(&kept).unwrap();
    let tried = leaving
        .give_back(&Http::new(Arc::new(model::NoProxies)).unwrap(), &leaving.untried(now()), now)
        .await;
    let ends: Vec<_> = tried.iter().map(|t| (t.way, t.end.clone())).collect();
    assert_eq!(ends[0], (Way::RefreshToken, WayEnd::Done));
    assert_eq!(ends[1], (Way::AccessToken, WayEnd::Done));
    assert_eq!(server.seen().revoked, ["refresh-0", "access-0"]);
    // What is settled is not asked again.
    leaving.give_back(&Http::new(Arc::new(model::NoProxies)).unwrap(), &tried, now).await;
    assert_eq!(server.seen().revoked.len(), 2);
}

#[tokio::test]
async fn nobody_there_is_tried_again_and_a_way_that_is_not_offered_is_not() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut credential = credential(&format!("http://{gone}"), None);
    credential.registration.management = None;
    let leaving = Leaving::oauth(&format!("http://{gone}/mcp"), &credential);
    let http = Http::new(Arc::new(model::NoProxies)).unwrap();
    let tried = leaving.give_back(&http, &leaving.untried(now()), now).await;
    let ends: Vec<_> = tried.iter().map(|t| t.end.clone()).collect();
    assert_eq!(ends, [WayEnd::Later, WayEnd::Later, WayEnd::NotOffered]);
    assert_eq!(leaving.look(&http).await, Life::Unknown);
}

#[tokio::test]
async fn an_api_token_has_no_way_back_and_its_debug_form_shows_nothing() {
    let token = ApiToken { token: Secret::new("hunter2"), header: None, ends: None };
    let leaving = Leaving::fixed("https://notes.example/mcp", &FixedSecret::Token(token));
    assert!(leaving.untried(now()).is_empty());
    assert!(!format!("{leaving:?}").contains("hunter2"));
}
