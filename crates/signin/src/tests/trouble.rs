use super::{
    CLIENT, Desktop, phase, sent_to,
    server::{Iss, Server, Trouble},
    visit,
};
use crate::{Phase, SignInError, Target};
use model::Explain;
use std::time::Duration;

/// The code of the problem that a sign-in ends with before any browser opens.
async fn fails(server: &Server, path: &str) -> String {
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target::typed(format!("{}{path}", server.origin)));
    let error = attempt.end().await.unwrap_err();
    let Phase::Failed(problem) = phase(&attempt, |p| matches!(p, Phase::Failed(_))).await else {
        unreachable!()
    };
    assert_eq!(problem, error.problem());
    assert!(desktop.opened.try_recv().is_err(), "the browser stays closed");
    problem.code.into_owned()
}

#[tokio::test]
async fn what_is_no_mcp_server_or_not_there_is_said_so() {
    let server = Server::start().await;
    assert_eq!(fails(&server, "/page").await, "signin.not_mcp");
    assert_eq!(fails(&server, "/nothing").await, "signin.not_mcp");
    assert_eq!(fails(&server, "/broken").await, "signin.unusable_answer");
    server.go_away();
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let attempt = Desktop::new().sign_in.begin(Target::typed(format!("http://{unused}/mcp")));
    assert_eq!(attempt.end().await.unwrap_err().problem().code, "signin.unreachable");
}

#[tokio::test]
async fn a_server_that_can_not_be_signed_in_to_safely_is_refused() {
    let server = Server::start().await;
    server.ways().pkce = false;
    assert_eq!(fails(&server, "/mcp").await, "signin.no_pkce");

    let server = Server::start().await;
    server.ways().issuer = Some("https://evil.example".to_owned());
    assert_eq!(fails(&server, "/mcp").await, "signin.issuer_differs");

    let server = Server::start().await;
    let slash = format!("{}/", server.origin);
    server.ways().issuer = Some(slash);
    assert_eq!(fails(&server, "/mcp").await, "signin.issuer_differs", "an issuer is compared as a string");

    let server = Server::start().await;
    server.ways().registration = false;
    assert_eq!(fails(&server, "/mcp").await, "signin.no_registration");

    let server = Server::start().await;
    server.ways().loopback = false;
    assert_eq!(fails(&server, "/mcp").await, "signin.registration_refused", "and there is no scheme");
}

#[tokio::test]
async fn a_denial_ends_the_sign_in_and_repeats_none_of_the_servers_prose() {
    let server = Server::start().await;
    server.ways().deny = true;
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target::typed(server.url()));
    let page = visit(&sent_to(&desktop.opened().await).await).await.text().await.unwrap();
    assert!(!page.contains("script"), "{page}");
    assert!(matches!(attempt.end().await, Err(SignInError::Denied { .. })));
    assert!(server.tokens().is_empty());
}

#[tokio::test]
async fn a_flood_of_forged_replies_does_not_end_a_sign_in() {
    let server = Server::start().await;
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target::typed(server.url()));
    let back = sent_to(&desktop.opened().await).await;
    let (place, query) = back.split_once('?').unwrap();
    for n in 0..50 {
        for forged in [
            format!("{place}?code=forged&state={n}"),
            format!("{place}?error=access_denied&state={n}"),
            format!("{place}?{query}&code=twice"),
            place.to_owned(),
        ] {
            assert_eq!(visit(&forged).await.status(), 400);
        }
    }
    assert_eq!(visit(&place.replace("/oauth/callback", "/favicon.ico")).await.status(), 404);
    let wrong_host = CLIENT.get(&back).header("host", "evil.example").send().await.unwrap();
    assert_eq!(wrong_host.status(), 403);
    assert!(matches!(*attempt.phases.borrow(), Phase::Browser { .. }));
    assert_eq!(visit(&back).await.status(), 200);
    attempt.end().await.unwrap();
    assert_eq!(server.tokens().len(), 1);
}

#[tokio::test]
async fn a_reply_of_another_server_is_refused_and_the_right_one_still_counts() {
    for wrong in [Iss::Wrong, Iss::Missing] {
        let server = Server::start().await;
        server.ways().iss = wrong;
        let mut desktop = Desktop::new();
        let attempt = desktop.sign_in.begin(Target::typed(server.url()));
        let address = desktop.opened().await;
        let page = visit(&sent_to(&address).await).await;
        assert_eq!(page.status(), 400);
        assert!(page.text().await.unwrap().contains("Nothing was signed in."));
        assert!(server.tokens().is_empty(), "its code goes nowhere");
        server.ways().iss = Iss::Right;
        visit(&sent_to(&address).await).await;
        attempt.end().await.unwrap();
    }
}

#[tokio::test]
async fn a_sign_in_that_got_only_a_wrong_reply_ends_soon_and_says_why() {
    let server = Server::start().await;
    server.ways().iss = Iss::Wrong;
    server.ways().deny = true;
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target::typed(server.url()));
    visit(&sent_to(&desktop.opened().await).await).await;
    let now = model::Clock::now(&*desktop.clock);
    let shortened =
        |p: &Phase| matches!(p, Phase::Browser { until, .. } if *until == now + Duration::from_secs(30));
    phase(&attempt, shortened).await;
    desktop.clock.advance(Duration::from_secs(30));
    assert!(
        matches!(attempt.end().await, Err(SignInError::WrongIssuer { .. })),
        "a denial by somebody else is none"
    );
}

#[tokio::test]
async fn nobody_coming_back_ends_the_sign_in_after_ten_minutes_and_closes_its_port() {
    let server = Server::start().await;
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target::typed(server.url()));
    let back = sent_to(&desktop.opened().await).await;
    phase(&attempt, |p| matches!(p, Phase::Browser { .. })).await;
    desktop.clock.advance(Duration::from_secs(599));
    assert_eq!(visit(&format!("{back}&x=1&x=2")).await.status(), 400, "it still listens");
    desktop.clock.advance(Duration::from_secs(1));
    assert!(matches!(attempt.end().await, Err(SignInError::TimedOut)));
    let closed = CLIENT.get(&back).send().await;
    assert!(closed.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_cancelled_sign_in_leaves_nothing_behind() {
    let server = Server::start().await;
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target::typed(server.url()));
    desktop.opened().await;
    attempt.cancel();
    assert!(matches!(attempt.end().await, Err(SignInError::Cancelled)));
    for _ in 0..200 {
        if server.unregistered() == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the registration was not taken back");
}

#[tokio::test]
async fn a_replayed_reply_is_not_redeemed_twice() {
    let server = Server::start().await;
    server.gate.forget_permits(tokio::sync::Semaphore::MAX_PERMITS);
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target::typed(server.url()));
    let back = sent_to(&desktop.opened().await).await;
    visit(&back).await;
    phase(&attempt, |p| *p == Phase::Finishing).await;
    // The port may be closed already, which is as good.
    if let Ok(again) = CLIENT.get(&back).send().await {
        assert_eq!(again.status(), 400);
    }
    server.gate.add_permits(1);
    attempt.end().await.unwrap();
    assert_eq!(server.tokens().len(), 1);
}

#[tokio::test]
async fn a_hiccup_of_the_token_endpoint_is_sat_out_and_a_no_is_final() {
    let server = Server::start().await;
    server.ways().trouble.push_back(Trouble::Html503);
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target::typed(server.url()));
    visit(&sent_to(&desktop.opened().await).await).await;
    attempt.end().await.unwrap();

    server.ways().trouble.push_back(Trouble::Says("invalid_grant"));
    let attempt = desktop.sign_in.begin(Target::typed(server.url()));
    visit(&sent_to(&desktop.opened().await).await).await;
    assert!(matches!(attempt.end().await, Err(SignInError::NoToken { .. })));
    assert_eq!(server.tokens().len(), 3);
}

#[tokio::test]
async fn a_service_that_refuses_its_own_new_token_is_not_called_signed_in() {
    let server = Server::start().await;
    server.ways().refuse_tokens = true;
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target::typed(server.url()));
    visit(&sent_to(&desktop.opened().await).await).await;
    assert!(matches!(attempt.end().await, Err(SignInError::NewTokenRefused { .. })));
}
