//! The device grant.

use crate::support::{Answer, House, Pair};
use axum::{body::Body, http::Request};
use bellhop_authority::{CallSite, Method, Origin, TokenProblem};
use model::Clock;
use serde_json::json;
use std::sync::atomic::Ordering;
use tower::ServiceExt;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn client(house: &House, name: &str) -> String {
    let body = json!({ "client_name": name, "grant_types": [GRANT, "refresh_token"] });
    let answer = house.post("/register", "application/json", body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json()["grant_types"], json!([GRANT, "refresh_token"]));
    assert_eq!(answer.json()["response_types"], json!([]));
    answer.json()["client_id"].as_str().unwrap().to_owned()
}

async fn begin(house: &House, client: &str, more: &[(&str, &str)]) -> Answer {
    house.form("/device_authorization", &[&[("client_id", client)], more].concat()).await
}

async fn code(house: &House, client: &str) -> String {
    let answer = begin(house, client, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["device_code"].as_str().unwrap().to_owned()
}

async fn ask(house: &House, client: &str, code: &str) -> Answer {
    house.form("/token", &[("grant_type", GRANT), ("client_id", client), ("device_code", code)]).await
}

#[tokio::test]
async fn a_program_shows_a_code_that_the_person_compares_in_bellhop_and_then_has_tokens_like_any_app() {
    let house = House::new();
    let client = client(&house, "report.sh").await;
    let answer = begin(&house, &client, &[("scope", "blog:read mittwald:write")]).await;
    let body = answer.json();
    let request = house.waiting().last().unwrap().clone();
    assert_eq!((request.app.as_str(), request.method), ("report.sh", Method::Device));
    assert_eq!(body["user_code"], request.code);
    let letters: String = request.code.split('-').collect();
    assert!(letters.len() == 8 && letters.chars().all(|c| "BCDFGHJKLMNPQRSTVWXZ".contains(c)), "{letters}");
    assert_eq!(body["verification_uri"], "http://127.0.0.1:27440/device");
    assert_eq!((&body["expires_in"], &body["interval"]), (&600.into(), &2.into()));
    assert_eq!(request.asked.to_string(), "blog:read mittwald:read mittwald:write");
    assert_eq!(
        request.preselected.to_string(),
        "blog:read mittwald:read",
        "changing is never ticked at first"
    );

    let code = body["device_code"].as_str().unwrap();
    assert_eq!(ask(&house, &client, code).await.error(), "authorization_pending");
    house.approve(&request, "blog:read").await.unwrap();
    house.seconds_pass(2);
    let answer = ask(&house, &client, code).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["scope"]), (200, &"blog:read".into()));
    let pair = Pair::of(&answer);
    let who = house.authority.authenticate(&pair.access).unwrap();
    assert_eq!(house.rows.grants.lock().unwrap()[&who.connection].0.method, Method::Device);
    let fields = [("grant_type", "refresh_token"), ("client_id", &client), ("refresh_token", &pair.refresh)];
    let next = Pair::of(&house.form("/token", &fields).await);
    assert_eq!(house.form("/revoke", &[("token", &next.refresh)]).await.status, 200);
    assert_eq!(house.authority.authenticate(&next.access), Err(TokenProblem::Revoked));
}

#[tokio::test]
async fn a_program_that_asks_too_quickly_has_to_wait_longer_each_time() {
    let house = House::new();
    let client = client(&house, "a").await;
    let code = code(&house, &client).await;
    assert_eq!(ask(&house, &client, &code).await.error(), "authorization_pending");
    house.seconds_pass(1);
    assert_eq!(ask(&house, &client, &code).await.error(), "slow_down");
    house.seconds_pass(6);
    assert_eq!(ask(&house, &client, &code).await.error(), "slow_down", "seven seconds by now");
    house.seconds_pass(12);
    assert_eq!(ask(&house, &client, &code).await.error(), "authorization_pending");
}

#[tokio::test]
async fn a_device_code_that_is_denied_unanswered_anothers_or_made_up_gets_no_tokens() {
    let house = House::new();
    let (one, other) = (client(&house, "one").await, client(&house, "other").await);
    let code_ = code(&house, &one).await;
    assert_eq!(ask(&house, &other, &code_).await.error(), "invalid_grant");
    assert_eq!(ask(&house, &one, "bhd_made_up").await.error(), "expired_token");
    let request = house.waiting().last().unwrap().clone();
    house.authority.deny(&request.id).await.unwrap();
    assert_eq!(ask(&house, &one, &code_).await.error(), "access_denied");
    // As with a browser, who was denied waits before they may ask again.
    let again = begin(&house, &one, &[]).await;
    assert_eq!(again.error(), "access_denied");
    assert!(again.headers.contains_key("retry-after"));

    let late = code(&house, &other).await;
    house.seconds_pass(600);
    assert_eq!(ask(&house, &other, &late).await.error(), "expired_token");
    assert!(house.waiting().is_empty());
    for (name, value, error) in [
        ("client_id", "ghost", "invalid_client"),
        ("resource", "http://127.0.0.1:1/mcp/ghost", "invalid_target"),
        ("scope", "ghost:read", "invalid_scope"),
    ] {
        let mut fields = vec![("client_id", other.as_str())];
        fields.retain(|(n, _)| *n != name);
        fields.push((name, value));
        assert_eq!(house.form("/device_authorization", &fields).await.error(), error);
    }
    assert!(house.rows.grants.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_device_code_is_good_once_and_used_again_cuts_its_connection_off() {
    let house = House::new();
    let client = client(&house, "a").await;
    let code = code(&house, &client).await;
    house.approve(&house.waiting().last().unwrap().clone(), "blog:read").await.unwrap();
    // What can't be kept leaves the answer to be fetched.
    house.rows.full.store(true, Ordering::SeqCst);
    assert_eq!(ask(&house, &client, &code).await.error(), "temporarily_unavailable");
    house.rows.full.store(false, Ordering::SeqCst);
    house.seconds_pass(2);
    let pair = Pair::of(&ask(&house, &client, &code).await);
    assert!(house.allowed(&pair).is_ok());
    assert_eq!(ask(&house, &client, &code).await.error(), "invalid_grant");
    assert_eq!(house.allowed(&pair), Err(TokenProblem::Revoked));
}

#[tokio::test]
async fn a_client_has_one_device_code_at_a_time_and_all_together_have_ten_a_minute() {
    let house = House::new();
    let client = client(&house, "a").await;
    let first = code(&house, &client).await;
    let second = code(&house, &client).await;
    assert_eq!(house.waiting().len(), 1, "the first one's question is gone");
    assert_eq!(ask(&house, &client, &first).await.error(), "expired_token");
    assert_eq!(ask(&house, &client, &second).await.error(), "authorization_pending");
    for _ in 2..10 {
        code(&house, &client).await;
    }
    let flood = begin(&house, &client, &[]).await;
    assert_eq!((flood.status.as_u16(), flood.error().as_str()), (503, "temporarily_unavailable"));
    house.seconds_pass(6);
    code(&house, &client).await;
}

#[tokio::test]
async fn the_program_behind_a_device_code_is_shown_and_a_client_without_a_redirect_has_no_browser() {
    let house = House::new();
    let client = client(&house, "Report").await;
    let mut request = Request::post("/device_authorization")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("client_id={client}")))
        .unwrap();
    request.extensions_mut().insert(Origin::from_host("127.0.0.1:27440").unwrap());
    request.extensions_mut().insert(CallSite::Process(7));
    assert_eq!(house.authority.routes().oneshot(request).await.unwrap().status(), 200);
    let shown = house.waiting().last().unwrap().clone();
    assert_eq!(shown.program.unwrap().name, "report.sh");
    assert!(shown.until > house.clock.now());

    let query = format!("/authorize?response_type=code&client_id={client}&redirect_uri=http://127.0.0.1:1/x");
    assert_eq!(house.get(&query).await.status, 400);
    let page = house.get("/device?user_code=%3Cscript%3E").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("script>") && !page.text.contains("<form"), "{}", page.text);
}

#[tokio::test]
async fn what_was_allowed_and_not_fetched_is_taken_back_with_all_that_is_cut_off() {
    let house = House::new();
    for everybody in [true, false] {
        let (one, other) = (client(&house, "one").await, client(&house, "other").await);
        let codes = [code(&house, &one).await, code(&house, &other).await];
        for request in house.waiting().iter() {
            house.approve(request, "blog:read").await.unwrap();
        }
        house.authority.take_back((!everybody).then(|| one.clone().into()).as_ref());
        assert_eq!(ask(&house, &one, &codes[0]).await.error(), "access_denied");
        let answer = ask(&house, &other, &codes[1]).await;
        assert_eq!(answer.status == 200, !everybody, "{}", answer.text);
    }
}
