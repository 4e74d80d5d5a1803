//! The methods beside the browser with a registration, and what comes before the browser.

use super::{
    Desktop, parameter, phase, sent_to,
    server::{Server, Trouble},
    visit,
};
use crate::{
    ApiToken, Attempt, Choice, ClientAuth, ClientSource, Exceptions, FixedSecret, GivenClient, Method, Phase,
    Said, SignInError, SignedIn, SignedInKind, Target,
};
use model::{Clock, Explain, Secret};
use serde_json::json;
use std::{sync::Arc, time::Duration};

fn registration(end: &SignedIn) -> &crate::Registration {
    match &end.kind {
        SignedInKind::Oauth(new) => &new.registration,
        _ => panic!("there are tokens"),
    }
}

async fn by_browser(desktop: &mut Desktop, target: Target) -> (String, Result<SignedIn, SignInError>) {
    let attempt = desktop.sign_in.begin(target);
    let address = desktop.opened().await;
    visit(&sent_to(&address).await).await;
    (address, attempt.end().await)
}

async fn device_server() -> Arc<Server> {
    let server = Server::start().await;
    server.ways().metadata = json!({ "device_authorization_endpoint": format!("{}/device", server.origin) });
    server
}

fn by_device(desktop: &Desktop, server: &Server) -> Attempt {
    desktop.sign_in.begin(Target {
        method: Some(Method::Device),
        open_browser: false,
        ..Target::typed(server.url())
    })
}

/// Let the time pass that lies between two questions, until the server has heard so many.
async fn questions(desktop: &Desktop, server: &Server, wanted: usize, pause: u64) {
    let before = server.tokens().len();
    assert_eq!(before + 1, wanted);
    desktop.clock.advance(Duration::from_secs(pause - 1));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(server.tokens().len(), before, "not before the pause is over");
    desktop.clock.advance(Duration::from_secs(1));
    let heard = async {
        while server.tokens().len() < wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(super::SOON, heard).await.unwrap();
}

#[tokio::test]
async fn a_code_that_is_typed_on_another_device_signs_in_and_the_server_sets_the_pace() {
    let server = device_server().await;
    server.ways().trouble.extend([Trouble::Says("authorization_pending"), Trouble::Says("slow_down")]);
    let desktop = Desktop::new();
    let attempt = by_device(&desktop, &server);
    let shown = phase(&attempt, |p| matches!(p, Phase::Device { .. })).await;
    let Phase::Device { user_code, address, complete, until } = shown else { unreachable!() };
    assert_eq!((user_code.as_str(), address), ("WDJB-MJHT", format!("{}/activate", server.origin)));
    assert_eq!(complete, Some(format!("{}/activate?user_code=WDJB-MJHT", server.origin)));
    assert_eq!(until, desktop.clock.now() + Duration::from_secs(600));
    questions(&desktop, &server, 1, 5).await;
    questions(&desktop, &server, 2, 5).await;
    questions(&desktop, &server, 3, 10).await;
    let end = attempt.end().await.unwrap();
    assert_eq!(end.method, Method::Device);
    assert_eq!(end.account.as_deref(), Some("anna@notes.example"));
    let asked = &server.asked()[0];
    assert_eq!((asked["client_id"].as_str(), asked["resource"].as_str()), ("client 1", &*server.url()));
    assert_eq!(server.tokens()[2].0["resource"], server.url());
    assert_eq!(server.registrations()[0]["grant_types"], json!([crate::device::GRANT, "refresh_token"]));
}

#[tokio::test]
async fn a_code_that_is_refused_ended_or_forgotten_ends_the_sign_in_with_its_sentence() {
    for (answer, code) in [("access_denied", "signin.denied"), ("expired_token", "signin.code_ended")] {
        let server = device_server().await;
        server.ways().trouble.push_back(Trouble::Says(answer));
        let desktop = Desktop::new();
        let attempt = by_device(&desktop, &server);
        phase(&attempt, |p| matches!(p, Phase::Device { .. })).await;
        questions(&desktop, &server, 1, 5).await;
        assert_eq!(attempt.end().await.unwrap_err().problem().code, code);
        assert_eq!(server.tokens().len(), 1, "nothing is asked after that");
    }
    // The computer slept past the code's end.
    let server = device_server().await;
    let desktop = Desktop::new();
    let attempt = by_device(&desktop, &server);
    phase(&attempt, |p| matches!(p, Phase::Device { .. })).await;
    desktop.clock.advance(Duration::from_secs(6000));
    assert_eq!(attempt.end().await.unwrap_err().problem().code, "signin.code_ended");
    let attempt = by_device(&desktop, &server);
    phase(&attempt, |p| matches!(p, Phase::Device { .. })).await;
    attempt.cancel();
    assert!(matches!(attempt.end().await, Err(SignInError::Cancelled)));
}

#[tokio::test]
async fn an_api_token_is_kept_only_after_the_service_took_it_and_in_the_header_it_wants() {
    for (header, key) in [("authorization", "Bearer right"), ("x-api-key", "right")] {
        let server = Server::start().await;
        server.ways().key = Some((header, key));
        let desktop = Desktop::new();
        let target = Target { method: Some(Method::Token), ..Target::typed(server.url()) };
        let attempt = desktop.sign_in.begin(target);
        assert!(!attempt.say(Said::Password { user: "a".into(), password: Secret::new("b") }));
        phase(&attempt, |p| matches!(p, Phase::Token { why: None, .. })).await;
        let header = (header != "authorization").then(|| header.parse().unwrap());
        let give = |token: &str| {
            attempt.say(Said::Token(ApiToken {
                token: Secret::new(token),
                header: header.clone(),
                ends: None,
            }))
        };
        assert!(give("wrong"));
        let shown = phase(&attempt, |p| matches!(p, Phase::Token { why: Some(_), .. })).await;
        let Phase::Token { why: Some(why), .. } = shown else { unreachable!() };
        assert_eq!(why.code, "signin.secret_refused");
        assert!(give("right"));
        let end = attempt.end().await.unwrap();
        assert_eq!((end.method, end.title.as_deref()), (Method::Token, Some("Notes")));
        assert_eq!(end.account.as_deref(), Some("anna@notes.example"), "its own origin's userinfo says so");
        let SignedInKind::Fixed { secret: FixedSecret::Token(token), .. } = end.kind else { panic!() };
        assert_eq!(token.token.expose(), "right");
        assert!(server.registrations().is_empty(), "nobody was introduced");
    }
}

#[tokio::test]
async fn an_account_is_named_by_its_tiles_tool_and_a_token_goes_to_nobody_elses_userinfo() {
    let (server, other) = (Server::start().await, Server::start().await);
    server.ways().key = Some(("authorization", "Bearer right"));
    server.ways().metadata = json!({ "userinfo_endpoint": format!("{}/userinfo", other.origin) });
    for (tool, expected) in
        [(Some("whoami"), Some("anna-by-tool")), (Some("no_such_tool"), None), (None, None)]
    {
        let desktop = Desktop::new();
        let account_tool = tool.map(str::to_owned);
        let target = Target { method: Some(Method::Token), account_tool, ..Target::typed(server.url()) };
        let attempt = desktop.sign_in.begin(target);
        phase(&attempt, |p| matches!(p, Phase::Token { .. })).await;
        attempt.say(Said::Token(ApiToken { token: Secret::new("right"), header: None, ends: None }));
        assert_eq!(attempt.end().await.unwrap().account.as_deref(), expected, "{tool:?}");
    }
    assert_eq!(other.seen().userinfo, 0);
}

#[tokio::test]
async fn a_service_that_is_down_keeps_no_token_and_asks_for_it_again() {
    let server = Server::start().await;
    let desktop = Desktop::new();
    let target = Target { method: Some(Method::Token), ..Target::typed(server.url()) };
    let attempt = desktop.sign_in.begin(target);
    phase(&attempt, |p| matches!(p, Phase::Token { .. })).await;
    server.go_away();
    assert!(attempt.say(Said::Token(ApiToken { token: Secret::new("x"), header: None, ends: None })));
    phase(&attempt, |p| matches!(p, Phase::Token { why: Some(_), .. })).await;
    attempt.cancel();
}

#[tokio::test]
async fn before_the_browser_opens_the_person_sees_what_is_asked_for_and_changes_it() {
    let server = Server::start().await;
    server.ways().metadata =
        json!({ "scopes_supported": ["notes:read", "notes:write", "notes:delete", "offline_access"] });
    let mut desktop = Desktop::new();
    let target = Target {
        ask: true,
        preset: Some(vec!["notes:read".to_owned()]),
        granted: vec!["notes:read".to_owned()],
        ..Target::typed(server.url())
    };
    let attempt = desktop.sign_in.begin(target);
    let shown = phase(&attempt, |p| matches!(p, Phase::Asking { .. })).await;
    let Phase::Asking { methods, permissions, why: None } = shown else { panic!("{shown:?}") };
    let order: Vec<_> = methods.iter().map(|o| o.method).collect();
    assert_eq!(order, [Method::Oauth, Method::Token]);
    let preset: Vec<_> = permissions.iter().filter(|p| p.preset).map(|p| p.name.as_str()).collect();
    assert_eq!((preset, permissions.len(), permissions[0].granted), (vec!["notes:read"], 4, true));
    assert!(
        server.registrations().is_empty() && desktop.opened.try_recv().is_err(),
        "nothing has happened yet"
    );
    let wanted = Some(vec!["notes:read".to_owned(), "notes:delete".to_owned()]);
    assert!(attempt.say(Said::Choice(Choice { method: None, permissions: wanted.clone(), client: None })));
    let address = desktop.opened().await;
    assert_eq!(parameter(&address, "scope").as_deref(), Some("notes:read notes:delete"));
    visit(&sent_to(&address).await).await;
    assert_eq!(attempt.end().await.unwrap().asked, wanted);
}

#[tokio::test]
async fn bellhop_introduces_itself_in_the_order_of_the_specification() {
    let document = "https://bellhop.example/client.json";
    for (given, documents, expected) in [
        (true, true, ClientSource::Given),
        (false, true, ClientSource::Document),
        (false, false, ClientSource::Registered),
    ] {
        let server = Server::start().await;
        server.ways().metadata = json!({ "client_id_metadata_document_supported": documents });
        let mut desktop = Desktop::new();
        desktop.sign_in.client_document = Some(document.to_owned());
        let client = GivenClient { client_id: "given".to_owned(), client_secret: Some(Secret::new("s")) };
        let target = Target { client: given.then_some(client), ..Target::typed(server.url()) };
        let (address, end) = by_browser(&mut desktop, target).await;
        let end = end.unwrap();
        assert_eq!(registration(&end).source, expected);
        assert_eq!(server.registrations().len(), usize::from(expected == ClientSource::Registered));
        let id = match expected {
            ClientSource::Given => "given",
            ClientSource::Document => document,
            ClientSource::Registered => "client 1",
        };
        assert_eq!(parameter(&address, "client_id").as_deref(), Some(id));
    }
}

#[tokio::test]
async fn a_build_without_a_metadata_document_registers_instead() {
    let server = Server::start().await;
    server.ways().metadata = json!({ "client_id_metadata_document_supported": true });
    let mut desktop = Desktop::new();
    desktop.sign_in.client_document = None;
    let (_, end) = by_browser(&mut desktop, Target::typed(server.url())).await;
    assert_eq!(registration(&end.unwrap()).source, ClientSource::Registered);
}

#[tokio::test]
async fn a_registration_that_was_given_proves_itself_as_the_server_wants() {
    for (methods, secret, auth) in [
        (Some(json!(["client_secret_post"])), true, ClientAuth::Post),
        (Some(json!(["client_secret_basic", "client_secret_post"])), true, ClientAuth::Basic),
        // Of what it has it names first what works best there.
        (
            Some(json!(["private_key_jwt", "client_secret_post", "client_secret_basic"])),
            true,
            ClientAuth::Post,
        ),
        (Some(json!(["private_key_jwt"])), true, ClientAuth::Basic),
        (Some(json!(null)), true, ClientAuth::Basic),
        (None, false, ClientAuth::None),
    ] {
        let server = Server::start().await;
        server.ways().registration = false;
        if let Some(methods) = methods {
            server.ways().metadata = json!({ "token_endpoint_auth_methods_supported": methods });
        }
        let client =
            GivenClient { client_id: "given".to_owned(), client_secret: secret.then(|| Secret::new("s")) };
        let target = Target { client: Some(client), ..Target::typed(server.url()) };
        let (_, end) = by_browser(&mut Desktop::new(), target).await;
        assert_eq!(registration(&end.unwrap()).auth, auth);
    }
}

#[tokio::test]
async fn who_can_be_asked_is_asked_for_a_registration_where_the_server_takes_none_and_it_serves_again() {
    let server = Server::start().await;
    server.ways().registration = false;
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target { ask: true, ..Target::typed(server.url()) });
    let shown = phase(&attempt, |p| matches!(p, Phase::Asking { .. })).await;
    let Phase::Asking { methods, .. } = shown else { unreachable!() };
    assert_eq!(methods[0].needs.as_ref().unwrap().code, "signin.no_registration");
    let choose = |client| Said::Choice(Choice { method: Some(Method::Oauth), permissions: None, client });
    assert!(attempt.say(choose(None)));
    phase(&attempt, |p| matches!(p, Phase::Asking { why: Some(_), .. })).await;
    assert!(attempt.say(choose(Some(GivenClient { client_id: "mine".to_owned(), client_secret: None }))));
    visit(&sent_to(&desktop.opened().await).await).await;
    let end = attempt.end().await.unwrap();
    let known = registration(&end).clone();
    assert_eq!((known.client_id.as_str(), known.source), ("mine", ClientSource::Given));

    // Kept for the next sign-in at the same issuer, and never shown to another.
    let again = |issuer: &str| Target {
        known: Some((issuer.to_owned(), known.clone())),
        ..Target::typed(server.url())
    };
    let (address, end) = by_browser(&mut desktop, again(&server.origin)).await;
    end.unwrap();
    assert_eq!(parameter(&address, "client_id").as_deref(), Some("mine"));
    let other = desktop.sign_in.begin(again("https://other.example")).end().await.unwrap_err();
    assert_eq!(other.problem().code, "signin.no_registration");
}

#[tokio::test]
async fn a_server_that_wants_it_gets_the_request_before_the_browser_does() {
    let server = Server::start().await;
    server.ways().metadata = json!({
        "require_pushed_authorization_requests": true,
        "pushed_authorization_request_endpoint": format!("{}/par", server.origin),
    });
    let (address, end) = by_browser(&mut Desktop::new(), Target::typed(server.url())).await;
    end.unwrap();
    assert_eq!(parameter(&address, "request_uri").as_deref(), Some("urn:x:1"));
    assert!(parameter(&address, "state").is_none() && parameter(&address, "code_challenge").is_none());
}

#[tokio::test]
async fn a_service_may_break_a_rule_only_where_the_person_said_so() {
    let server = Server::start().await;
    server.ways().pkce = false;
    let target = |exceptions| Target { exceptions, ..Target::typed(server.url()) };
    let refused = Desktop::new().sign_in.begin(target(Exceptions::default())).end().await.unwrap_err();
    assert_eq!(refused.problem().code, "signin.no_pkce");
    let exceptions = Exceptions { pkce_undeclared: true, no_resource: true };
    let (address, end) = by_browser(&mut Desktop::new(), target(exceptions)).await;
    let SignedInKind::Oauth(new) = end.unwrap().kind else { panic!() };
    // PKCE is used all the same; the resource is named nowhere, later renewals included.
    assert_eq!(parameter(&address, "code_challenge_method").as_deref(), Some("S256"));
    assert!(parameter(&address, "resource").is_none() && new.resource.is_none());
    assert!(!server.tokens()[0].0.contains_key("resource"));
}
