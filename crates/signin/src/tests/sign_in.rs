use super::{Desktop, parameter, phase, sent_to, server::Server, visit};
use crate::{
    ClientAuth, Delivered, NewCredential, Phase, RedirectChoice, SCHEME_REDIRECT, SignedIn, SignedInKind,
    Target,
};
use serde_json::json;

fn credential(end: &SignedIn) -> &NewCredential {
    match &end.kind {
        SignedInKind::Oauth(credential) => credential,
        _ => panic!("there was a sign-in"),
    }
}

#[tokio::test]
async fn a_sign_in_ends_with_tokens_a_title_and_the_accounts_name() {
    let server = Server::start().await;
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target::typed(server.url()));
    let address = desktop.opened().await;
    let shown = phase(&attempt, |p| matches!(p, Phase::Browser { .. })).await;
    assert!(matches!(shown, Phase::Browser { address: a, .. } if a == address));

    let back = sent_to(&address).await;
    let page = visit(&back).await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert!(page.text().await.unwrap().contains("You can close this page."));

    let end = attempt.end().await.unwrap();
    assert_eq!(*attempt.phases.borrow(), Phase::Done);
    assert_eq!((end.url.as_str(), end.title.as_deref()), (server.url().as_str(), Some("Notes")));
    assert_eq!(end.account.as_deref(), Some("anna@notes.example"));
    let new = credential(&end);
    assert_eq!(new.tokens.access.expose(), "access-1");
    assert_eq!(new.tokens.refresh.as_ref().unwrap().expose(), "refresh-1");
    assert_eq!(new.tokens.lifetime, Some(3600));
    assert_eq!(new.server.issuer, server.origin);
    assert_eq!(new.resource.as_deref(), Some(server.url().as_str()));

    // The browser's address names all that it has to.
    assert_eq!(parameter(&address, "resource"), Some(server.url()));
    assert_eq!(parameter(&address, "scope").as_deref(), Some("notes:read offline_access"));
    assert_eq!(parameter(&address, "prompt").as_deref(), Some("consent"));
    assert_eq!(parameter(&address, "state").unwrap().len(), 43, "256 bits");
    let registered = &server.registrations()[0];
    assert_eq!(registered["redirect_uris"], json!([parameter(&address, "redirect_uri").unwrap()]));
    assert_eq!(registered["application_type"], "native");
    assert_eq!(registered["client_name"], "Bellhop on anna-laptop");
    let (form, proof) = &server.tokens()[0];
    assert_eq!((form["client_id"].as_str(), proof), ("client 1", &None));
    assert_eq!(form["resource"], server.url());
}

#[tokio::test]
async fn services_of_the_modern_era_alone_and_of_the_first_transport_are_found() {
    let server = Server::start().await;
    for (path, title) in [("/modern", Some("New Notes")), ("/events", None)] {
        let target = Target::typed(format!("{}{path}", server.origin));
        let end = Desktop::new().sign_in.begin(target).end().await.unwrap();
        assert!(matches!(end.kind, SignedInKind::Open), "{path}");
        assert_eq!(end.title.as_deref(), title, "{path}");
    }
    let other = Target::typed(format!("{}/other-events", server.origin));
    let error = Desktop::new().sign_in.begin(other).end().await.unwrap_err();
    assert_eq!(model::Explain::problem(&error).code, "signin.not_mcp");
}

#[tokio::test]
async fn a_service_without_a_sign_in_is_open() {
    let server = Server::start().await;
    server.ways().open = true;
    let end = Desktop::new().sign_in.begin(Target::typed(server.url())).end().await.unwrap();
    assert!(matches!(end.kind, SignedInKind::Open));
    assert_eq!(end.title.as_deref(), Some("Notes"));
}

#[tokio::test]
async fn the_endpoint_behind_a_redirect_is_what_is_signed_in_to() {
    let server = Server::start().await;
    server.ways().open = true;
    let target = Target::typed(format!("{}/old", server.origin));
    assert_eq!(Desktop::new().sign_in.begin(target).end().await.unwrap().url, server.url());
}

#[tokio::test]
async fn sign_in_works_however_the_service_publishes_its_metadata() {
    for case in ["well-known", "wrong resource in one document", "no resource metadata", "openid only"] {
        let server = Server::start().await;
        {
            let mut ways = server.ways();
            match case {
                "well-known" => ways.challenge = false,
                "wrong resource in one document" => {
                    ways.resource = Some("https://other.example/mcp".to_owned())
                }
                "no resource metadata" => (ways.challenge, ways.well_known) = (false, false),
                _ => ways.openid_only = true,
            }
        }
        let mut desktop = Desktop::new();
        let attempt = desktop.sign_in.begin(Target::typed(server.url()));
        let address = desktop.opened().await;
        visit(&sent_to(&address).await).await;
        let end = attempt.end().await.unwrap_or_else(|e| panic!("{case}: {e}"));
        assert_eq!(credential(&end).resource.as_deref(), Some(server.url().as_str()), "{case}");
        let scope =
            if case == "well-known" { "notes:write offline_access" } else { "notes:read offline_access" };
        let none = case == "no resource metadata";
        let scope = if none { "offline_access" } else { scope };
        assert_eq!(parameter(&address, "scope").as_deref(), Some(scope), "{case}");
    }
}

#[tokio::test]
async fn bellhop_proves_itself_as_the_server_wants() {
    for (methods, auth) in [
        (vec!["client_secret_basic"], ClientAuth::Basic),
        (vec!["client_secret_basic", "client_secret_post"], ClientAuth::Basic),
        (vec!["client_secret_post"], ClientAuth::Post),
        // Servers made with the official Python SDK refuse the other, which they list behind it.
        (vec!["client_secret_post", "client_secret_basic"], ClientAuth::Post),
    ] {
        let server = Server::start().await;
        server.ways().methods = methods;
        let mut desktop = Desktop::new();
        let attempt = desktop.sign_in.begin(Target::typed(server.url()));
        visit(&sent_to(&desktop.opened().await).await).await;
        assert_eq!(credential(&attempt.end().await.unwrap()).registration.auth, auth);
        let (form, proof) = &server.tokens()[0];
        if auth == ClientAuth::Basic {
            // "client 1" and "s:e/c", each form-encoded before they are joined.
            assert_eq!(proof.as_deref(), Some("Basic Y2xpZW50KzE6cyUzQWUlMkZj"));
            assert!(!form.contains_key("client_secret"));
        } else {
            assert_eq!((form["client_id"].as_str(), form["client_secret"].as_str()), ("client 1", "s:e/c"));
        }
    }
}

#[tokio::test]
async fn the_browser_may_come_back_to_the_other_loopback_address() {
    let server = Server::start().await;
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target::typed(server.url()));
    let back = sent_to(&desktop.opened().await).await;
    if tokio::net::TcpListener::bind("[::1]:0").await.is_err() {
        visit(&back).await;
    } else {
        assert_eq!(visit(&back.replacen("127.0.0.1", "[::1]", 1)).await.status(), 200);
    }
    attempt.end().await.unwrap();
}

#[tokio::test]
async fn where_there_is_only_the_newer_internet_protocol_the_redirect_names_that() {
    if tokio::net::TcpListener::bind("[::1]:0").await.is_err() {
        return;
    }
    let server = Server::start().await;
    let mut desktop = Desktop::new();
    desktop.sign_in.loopback = ["192.0.2.1".parse().unwrap(), "::1".parse().unwrap()].into();
    let attempt = desktop.sign_in.begin(Target::typed(server.url()));
    let address = desktop.opened().await;
    assert!(parameter(&address, "redirect_uri").unwrap().starts_with("http://[::1]:"));
    visit(&sent_to(&address).await).await;
    attempt.end().await.unwrap();
}

#[tokio::test]
async fn the_custom_scheme_is_used_when_chosen_or_when_there_is_no_other_way() {
    for case in ["chosen", "no port", "loopback refused"] {
        let server = Server::start().await;
        let mut desktop = Desktop::new();
        let mut target = Target { scheme_available: true, ..Target::typed(server.url()) };
        match case {
            "chosen" => target.redirect = RedirectChoice::Scheme,
            "no port" => desktop.sign_in.loopback = ["192.0.2.1".parse().unwrap()].into(),
            _ => server.ways().loopback = false,
        }
        let attempt = desktop.sign_in.begin(target);
        let address = desktop.opened().await;
        assert_eq!(parameter(&address, "redirect_uri").as_deref(), Some(SCHEME_REDIRECT), "{case}");
        let back = sent_to(&address).await;
        assert_eq!(
            desktop.sign_in.deliver("app.bellhop.desktop:/other?code=c&state=s"),
            Delivered::Malformed
        );
        let forged = format!("{SCHEME_REDIRECT}?code=c&state=s&iss={}", server.origin);
        assert_eq!(desktop.sign_in.deliver(&forged), Delivered::Unknown);
        assert_eq!(desktop.sign_in.deliver(&back), Delivered::Taken(attempt.id.clone()), "{case}");
        attempt.end().await.unwrap();
        assert_eq!(desktop.sign_in.deliver(&back), Delivered::Unknown, "a replay is ignored");
        assert_eq!(server.tokens().len(), 1);
    }
}

#[tokio::test]
async fn a_scheme_that_is_not_available_is_not_used() {
    let server = Server::start().await;
    let mut desktop = Desktop::new();
    let attempt =
        desktop.sign_in.begin(Target { redirect: RedirectChoice::Scheme, ..Target::typed(server.url()) });
    let address = desktop.opened().await;
    assert!(parameter(&address, "redirect_uri").unwrap().starts_with("http://127.0.0.1:"));
    attempt.cancel();
    attempt.end().await.unwrap_err();
}

#[tokio::test]
async fn two_sign_ins_at_once_do_not_mix() {
    let server = Server::start().await;
    let mut desktop = Desktop::new();
    let one = desktop.sign_in.begin(Target::typed(server.url()));
    let first = sent_to(&desktop.opened().await).await;
    let two = desktop.sign_in.begin(Target::typed(server.url()));
    let second = sent_to(&desktop.opened().await).await;
    // The reply of one, sent to the port of the other, is nobody's.
    let (head, _) = first.split_once('?').unwrap();
    let (_, tail) = second.split_once('?').unwrap();
    assert_eq!(visit(&format!("{head}?{tail}")).await.status(), 400);
    visit(&second).await;
    two.end().await.unwrap();
    assert!(matches!(*one.phases.borrow(), Phase::Browser { .. }));
    visit(&first).await;
    one.end().await.unwrap();
}

#[tokio::test]
async fn the_same_address_is_opened_again_on_request_and_not_after_the_end() {
    let server = Server::start().await;
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(Target { open_browser: false, ..Target::typed(server.url()) });
    let Phase::Browser { address, .. } = phase(&attempt, |p| matches!(p, Phase::Browser { .. })).await else {
        unreachable!()
    };
    assert!(desktop.opened.try_recv().is_err(), "nobody asked for the browser");
    attempt.open_again().await.unwrap();
    assert_eq!(desktop.opened().await, address);
    visit(&sent_to(&address).await).await;
    attempt.end().await.unwrap();
    attempt.open_again().await.unwrap();
    assert!(desktop.opened.try_recv().is_err());
}
