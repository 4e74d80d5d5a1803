use crate::support::{House, program, waits_at};
use axum::{
    body::Body,
    http::{Request, header},
};
use bellhop_authority::{AskError, BridgeAsk, DecideError, Verdict};
use model::Resource;

const LOOPBACK: &str = "http://127.0.0.1:45391/callback";

#[tokio::test]
async fn the_browser_waits_with_a_code_until_the_person_answers_in_bellhop() {
    let house = House::new();
    let app = house.app("Codex", LOOPBACK).await;
    let page = house.authorize(&app, &[]).await;
    let request = house.waiting()[0].clone();
    assert!(page.text.contains(&request.code.replace(' ', " · ")));
    for hidden in ["Codex", "<script", "the state"] {
        assert!(!page.text.contains(hidden), "{hidden}");
    }
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(page.headers[header::REFERRER_POLICY], "no-referrer");

    let wait = waits_at(&page);
    assert_eq!(waits_at(&house.get(&wait).await), wait);
    house.approve(&request, "blog:read").await.unwrap();
    assert!(house.waiting().is_empty());
    let answer = house.get(&wait).await;
    let to = answer.goes();
    assert_eq!(to["state"], "the state");
    assert_eq!(to["iss"], "http://127.0.0.1:27440");
    assert_eq!(house.get(&wait).await.goes(), to, "a browser that asks twice gets the same answer");
}

#[tokio::test]
async fn the_page_speaks_german_to_those_who_do_and_its_style_is_the_one_allowed() {
    let house = House::new();
    let request = Request::get("/authorize").header(header::ACCEPT_LANGUAGE, "de-DE,en;q=0.5");
    let page = house.send(request.body(Body::empty()).unwrap()).await;
    assert!(page.text.contains("<html lang=\"de\">") && page.text.contains("Bellhop kennt diese App"));
    let style = page.text.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256};
    let hash = STANDARD.encode(Sha256::digest(style));
    assert!(page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains(&hash));
}

#[tokio::test]
async fn an_unknown_app_or_return_address_gets_a_page_and_no_redirect() {
    let house = House::new();
    let app = house.app("Codex", LOOPBACK).await;
    for (field, value) in [
        ("client_id", "ghost"),
        ("client_id", ""),
        ("redirect_uri", "http://127.0.0.1:45391/other"),
        ("redirect_uri", "http://localhost:45391/callback"),
        ("redirect_uri", "https://evil.example/"),
    ] {
        let answer = house.authorize(&app, &[(field, value)]).await;
        assert_eq!(answer.status, 400, "{field}={value}");
        assert!(!answer.headers.contains_key(header::LOCATION));
    }
    let twice = format!("/authorize?client_id={0}&client_id={0}", app.id);
    assert_eq!(house.get(&twice).await.status, 400);
    assert!(house.waiting().is_empty());
}

#[tokio::test]
async fn other_errors_go_back_to_the_app_with_state_and_issuer() {
    let house = House::new();
    let app = house.app("Codex", LOOPBACK).await;
    for (field, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("response_mode", "fragment", "invalid_request"),
        ("resource", "http://127.0.0.1:27440/mcp/ghost", "invalid_target"),
        ("resource", "https://evil.example/mcp", "invalid_target"),
        ("scope", "ghost:read", "invalid_scope"),
    ] {
        let to = house.authorize(&app, &[(field, value)]).await.goes();
        assert_eq!(to["error"], error, "{field}={value}");
        assert_eq!((to["state"].as_str(), to["iss"].as_str()), ("the state", "http://127.0.0.1:27440"));
    }
    house.around.services.lock().unwrap().clear();
    assert_eq!(house.authorize(&app, &[]).await.goes()["error"], "temporarily_unavailable");
    assert!(house.waiting().is_empty());
}

#[tokio::test]
async fn reading_is_preselected_and_changing_never() {
    let house = House::new();
    let app = house.app("Codex", LOOPBACK).await;
    house.authorize(&app, &[("scope", "blog:write openid")]).await;
    let request = house.waiting()[0].clone();
    assert_eq!(request.asked.to_string(), "blog:read blog:write");
    assert_eq!(request.preselected.to_string(), "blog:read");
    assert_eq!(request.redirect, "127.0.0.1");
    assert_eq!(request.offered.len(), 2);
}

#[tokio::test]
async fn an_answer_counts_only_for_what_was_shown_and_offered() {
    let house = House::new();
    let app = house.app("Codex", LOOPBACK).await;
    house.authorize(&app, &[]).await;
    let request = house.waiting()[0].clone();
    let scope = |text: &str| text.parse().unwrap();
    let approve =
        async |snapshot: &str, text: &str| house.authority.approve(&request.id, snapshot, scope(text)).await;
    assert_eq!(approve("", "blog:read").await, Err(DecideError::Changed));
    assert_eq!(approve(&request.snapshot, "ghost:read").await, Err(DecideError::NotOffered));
    assert_eq!(approve(&request.snapshot, "").await, Err(DecideError::Nothing));
    house.around.services.lock().unwrap().retain(|o| o.name.as_str() != "blog");
    assert_eq!(approve(&request.snapshot, "blog:read").await, Err(DecideError::NotOffered));
    assert_eq!(approve(&request.snapshot, "mittwald:write").await, Ok(()));
    assert_eq!(approve(&request.snapshot, "mittwald:write").await, Err(DecideError::Gone));
}

#[tokio::test]
async fn a_request_ends_after_ten_minutes_and_cannot_be_allowed_then() {
    let house = House::new();
    let app = house.app("Codex", LOOPBACK).await;
    let page = house.authorize(&app, &[]).await;
    let request = house.waiting()[0].clone();
    house.seconds_pass(600);
    assert_eq!(house.approve(&request, "blog:read").await, Err(DecideError::Expired));
    assert!(house.waiting().is_empty());
    assert_eq!(house.get(&waits_at(&page)).await.goes()["error"], "access_denied");
    house.seconds_pass(300);
    assert_eq!(house.get(&waits_at(&page)).await.status, 404);
}

#[tokio::test]
async fn two_apps_at_the_same_time_get_their_own_answers() {
    let house = House::new();
    let one = house.app("Codex", LOOPBACK).await;
    let two = house.app("Cursor", "cursor://anysphere.cursor-mcp/oauth/callback").await;
    let (first, second) = (house.authorize(&one, &[]).await, house.authorize(&two, &[]).await);
    let waiting = house.waiting();
    assert_eq!([&waiting[0].app, &waiting[1].app], ["Codex", "Cursor"]);
    assert_ne!(waiting[0].code, waiting[1].code);
    house.authority.deny(&waiting[0].id).await.unwrap();
    house.approve(&waiting[1], "blog:read").await.unwrap();
    assert_eq!(house.get(&waits_at(&first)).await.goes()["error"], "access_denied");
    let allowed = house.get(&waits_at(&second)).await;
    assert!(
        allowed.headers[header::LOCATION]
            .to_str()
            .unwrap()
            .starts_with(&format!("{}?code=bhc_", two.redirect))
    );
    let code = &allowed.goes()["code"];
    assert_eq!(house.redeem(&one, code, &[]).await.error(), "invalid_grant");
}

#[tokio::test]
async fn an_app_that_asks_again_takes_its_own_place() {
    let house = House::new();
    let app = house.app("Codex", LOOPBACK).await;
    let old = house.authorize(&app, &[]).await;
    let request = house.waiting()[0].clone();
    let new = house.authorize(&app, &[]).await;
    assert_eq!(house.waiting().len(), 1);
    assert_eq!(house.approve(&request, "blog:read").await, Err(DecideError::Gone));
    assert_eq!(house.get(&waits_at(&old)).await.status, 410);
    assert_eq!(house.get(&waits_at(&new)).await.status, 200);
}

#[tokio::test]
async fn a_denied_app_waits_longer_each_time_even_when_it_registers_anew() {
    let house = House::new();
    for wait in [30, 60, 120] {
        let app = house.app("Codex", LOOPBACK).await;
        house.authorize(&app, &[]).await;
        house.authority.deny(&house.waiting()[0].id).await.unwrap();
        let again = house.app("CODEX", "http://localhost:1/").await;
        assert_eq!(house.authorize(&again, &[]).await.goes()["error"], "access_denied");
        house.seconds_pass(wait - 1);
        assert_eq!(house.authorize(&again, &[]).await.goes()["error"], "access_denied");
        assert!(house.waiting().is_empty());
        house.seconds_pass(1);
    }
    let other = house.app("Cursor", LOOPBACK).await;
    assert_eq!(house.authorize(&other, &[]).await.status, 200);
}

#[tokio::test]
async fn no_more_than_twenty_apps_wait() {
    let house = House::new();
    for n in 0..20 {
        let app = house.app(&format!("App {n}"), LOOPBACK).await;
        assert_eq!(house.authorize(&app, &[]).await.status, 200);
        house.seconds_pass(6);
    }
    let app = house.app("One more", LOOPBACK).await;
    assert_eq!(house.authorize(&app, &[]).await.goes()["error"], "temporarily_unavailable");
    assert_eq!(house.waiting().len(), 20);
}

#[tokio::test]
async fn the_code_goes_only_to_the_program_the_person_was_shown() {
    for (then, now, status) in [
        (Some("codex"), Some("codex"), 303),
        (Some("codex"), Some("thief"), 403),
        (Some("codex"), None, 403),
        (None, Some("codex"), 303),
    ] {
        let house = House::new();
        let listen = |name: Option<&str>| {
            let mut listening = house.around.listening.lock().unwrap();
            listening.clear();
            listening.extend(name.map(|n| (45391, program(n))));
        };
        let app = house.app("Codex", LOOPBACK).await;
        listen(then);
        let page = house.authorize(&app, &[]).await;
        let request = house.waiting()[0].clone();
        assert_eq!(request.program, then.map(program));
        house.approve(&request, "blog:read").await.unwrap();
        listen(now);
        assert_eq!(house.get(&waits_at(&page)).await.status, status, "{then:?} {now:?}");
        listen(then);
        assert_eq!(house.get(&waits_at(&page)).await.status, status, "it stays so");
    }
}

fn ask(app: &str) -> BridgeAsk {
    BridgeAsk { app: app.into(), program: Some(program("claude")), asked: None, resource: Resource::All }
}

#[tokio::test]
async fn the_bridge_waits_in_the_same_queue_under_the_same_rules() {
    let house = House::new();
    let (id, verdict) = house.authority.ask_bridge(ask("Claude\u{202e} Desktop")).unwrap();
    let request = house.waiting()[0].clone();
    assert_eq!((request.app.as_str(), request.code.as_str()), ("Claude Desktop", ""));
    assert_eq!(house.authority.ask_bridge(ask("Claude Desktop")).err(), Some(AskError::Waiting(id.clone())));
    assert_eq!(
        house.authority.approve(&id, "other", "blog:read".parse().unwrap()).await,
        Err(DecideError::Changed)
    );
    house.approve(&request, "blog:read").await.unwrap();
    let expected = Verdict::Allowed { scope: "blog:read".parse().unwrap(), program: request.program.clone() };
    assert_eq!(verdict.await, Ok(expected));

    let (id, verdict) = house.authority.ask_bridge(ask("Claude Desktop")).unwrap();
    house.authority.deny(&id).await.unwrap();
    assert_eq!(verdict.await, Ok(Verdict::Denied));
    let refused = house.authority.ask_bridge(ask("Other name")).err();
    assert_eq!(refused, Some(AskError::Denied { seconds: 30 }), "it is the same program");
}

#[tokio::test]
async fn a_bridge_that_leaves_takes_its_request_along_and_one_that_stays_is_told_the_end() {
    let house = House::new();
    let (_, verdict) = house.authority.ask_bridge(ask("Leaves")).unwrap();
    let mut shown = house.authority.requests();
    drop(verdict);
    shown.wait_for(|list| list.is_empty()).await.unwrap();

    let (_, verdict) = house.authority.ask_bridge(ask("Stays")).unwrap();
    house.seconds_pass(600);
    assert_eq!(verdict.await, Ok(Verdict::Expired));
}

#[tokio::test]
async fn an_app_that_the_person_cut_off_is_told_so_and_nobody_is_asked() {
    let house = House::new();
    let app = house.app("Codex", "http://127.0.0.1:45391/callback").await;
    house.rows.turned_away.lock().unwrap().push("Codex".to_owned());
    let answer = house.authorize(&app, &[]).await.goes();
    assert_eq!(answer["error"], "access_denied");
    assert!(answer["error_description"].contains("choose Connect"), "{answer:?}");
    let ask = BridgeAsk { app: "Codex".to_owned(), program: None, asked: None, resource: Resource::All };
    assert_eq!(house.authority.ask_bridge(ask).unwrap_err(), AskError::TurnedAway);
    assert!(house.waiting().is_empty());
}
