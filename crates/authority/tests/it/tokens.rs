use crate::support::{House, Pair, waits_at};
use axum::http::header;
use bellhop_authority::{RevokedBy, TokenProblem};
use model::Resource;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn an_app_that_was_allowed_gets_tokens_that_let_it_in_for_an_hour() {
    let house = House::new();
    let app = house.app("Codex", "http://127.0.0.1:45391/callback").await;
    let code = house.code(&app, "blog:read mittwald:write").await;
    assert!(house.rows.grants.lock().unwrap().is_empty(), "a connection begins with its tokens");
    let answer = house.redeem(&app, &code, &[("resource", "http://localhost:1/mcp")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &3600.into()));
    assert_eq!(body["scope"], "blog:read mittwald:write");

    let pair = Pair::of(&answer);
    let who = house.authority.authenticate(&pair.access).unwrap();
    assert_eq!(who.resource, Some(Resource::All));
    assert!(house.rows.grants.lock().unwrap().contains_key(&who.connection));
    assert_eq!(house.authority.authenticate(&pair.refresh), Err(TokenProblem::Unknown));
    house.seconds_pass(3599);
    assert!(house.allowed(&pair).is_ok());
    house.seconds_pass(1);
    assert_eq!(house.allowed(&pair), Err(TokenProblem::Ended));
}

#[tokio::test]
async fn a_code_is_good_only_for_what_it_was_given_for() {
    let house = House::new();
    let app = house.app("Codex", "http://127.0.0.1:45391/callback").await;
    let other = house.app("Other", "http://127.0.0.1:1/callback").await;
    let wrong = "another-verifier-of-forty-three-characters-xx";
    for (field, value, error) in [
        ("code_verifier", wrong, "invalid_grant"),
        ("code_verifier", "short", "invalid_grant"),
        ("redirect_uri", "http://127.0.0.1:1/callback", "invalid_grant"),
        ("client_id", other.id.as_str(), "invalid_grant"),
        ("resource", "http://127.0.0.1:27440/mcp/blog", "invalid_target"),
        ("client_id", "ghost", "invalid_client"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("code_verifier", "", "invalid_request"),
    ] {
        let code = house.code(&app, "blog:read").await;
        let answer = house.redeem(&app, &code, &[(field, value)]).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, error), "{field}={value}");
    }
    assert!(house.rows.grants.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_code_is_spent_by_a_wrong_verifier() {
    let house = House::new();
    let app = house.app("Codex", "http://127.0.0.1:45391/callback").await;
    let code = house.code(&app, "blog:read").await;
    let wrong = [("code_verifier", "another-verifier-of-forty-three-characters-xx")];
    assert_eq!(house.redeem(&app, &code, &wrong).await.error(), "invalid_grant");
    assert_eq!(house.redeem(&app, &code, &[]).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_code_ends_after_a_minute() {
    let house = House::new();
    let app = house.app("Codex", "http://127.0.0.1:45391/callback").await;
    let code = house.code(&app, "blog:read").await;
    house.seconds_pass(60);
    assert_eq!(house.redeem(&app, &code, &[]).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_code_used_twice_cuts_off_the_connection_it_made() {
    let house = House::new();
    let app = house.app("Codex", "http://127.0.0.1:45391/callback").await;
    let code = house.code(&app, "blog:read").await;
    let pair = Pair::of(&house.redeem(&app, &code, &[]).await);
    assert_eq!(house.redeem(&app, &code, &[]).await.error(), "invalid_grant");
    assert_eq!(house.allowed(&pair), Err(TokenProblem::Revoked));
    assert_eq!(house.rows.revoked.lock().unwrap()[0].1, RevokedBy::Replay);
}

#[tokio::test]
async fn a_code_used_twice_at_once_leaves_nobody_connected() {
    let house = House::new();
    let app = house.app("Codex", "http://127.0.0.1:45391/callback").await;
    let code = house.code(&app, "blog:read").await;
    let (one, two) = tokio::join!(house.redeem(&app, &code, &[]), house.redeem(&app, &code, &[]));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    assert!(house.rows.grants.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refresh_counts_up_and_the_earlier_access_token_keeps_its_hour() {
    let house = House::new();
    let (app, first) = house.connected("blog:write").await;
    house.seconds_pass(1800);
    let second = Pair::of(&house.refresh(&app, &first.refresh, &[]).await);
    assert_ne!(first, second);
    assert!(house.allowed(&first).is_ok() && house.allowed(&second).is_ok());
    house.seconds_pass(1800);
    assert_eq!(house.allowed(&first), Err(TokenProblem::Ended));
    assert!(house.allowed(&second).is_ok());
}

#[tokio::test]
async fn a_lost_answer_is_made_good_for_a_minute_even_over_a_restart() {
    let house = House::new();
    let (app, first) = house.connected("blog:write").await;
    let second = Pair::of(&house.refresh(&app, &first.refresh, &[]).await);
    house.seconds_pass(30);
    assert_eq!(Pair::of(&house.refresh(&app, &first.refresh, &[]).await), second);
    let house = house.restarted();
    house.seconds_pass(29);
    assert_eq!(Pair::of(&house.refresh(&app, &first.refresh, &[]).await), second);
    assert!(house.allowed(&second).is_ok());
}

#[tokio::test]
async fn two_refreshes_at_once_get_the_same_pair() {
    let house = House::new();
    let (app, first) = house.connected("blog:write").await;
    let (a, b) =
        tokio::join!(house.refresh(&app, &first.refresh, &[]), house.refresh(&app, &first.refresh, &[]));
    assert_eq!(Pair::of(&a), Pair::of(&b));
}

#[tokio::test]
async fn an_old_refresh_token_cuts_the_connection_off() {
    let house = House::new();
    let (app, first) = house.connected("blog:write").await;
    let second = Pair::of(&house.refresh(&app, &first.refresh, &[]).await);
    house.seconds_pass(60);
    assert_eq!(house.refresh(&app, &first.refresh, &[]).await.error(), "invalid_grant");
    for pair in [&first, &second] {
        assert_eq!(house.allowed(pair), Err(TokenProblem::Revoked));
    }
    assert_eq!(house.refresh(&app, &second.refresh, &[]).await.error(), "invalid_grant");
    assert_eq!(house.rows.revoked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_token_before_the_previous_one_has_no_grace() {
    let house = House::new();
    let (app, first) = house.connected("blog:write").await;
    let second = Pair::of(&house.refresh(&app, &first.refresh, &[]).await);
    house.refresh(&app, &second.refresh, &[]).await;
    assert_eq!(house.refresh(&app, &first.refresh, &[]).await.error(), "invalid_grant");
    assert!(house.rows.grants.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refresh_may_ask_for_less_and_never_for_more() {
    let house = House::new();
    let (app, first) = house.connected("blog:write mittwald:read").await;
    let more = house.refresh(&app, &first.refresh, &[("scope", "mittwald:write")]).await;
    assert_eq!(more.error(), "invalid_scope");
    let answer = house.refresh(&app, &first.refresh, &[("scope", "blog:read offline_access")]).await;
    assert_eq!(answer.json()["scope"], "blog:read");
    let second = Pair::of(&answer);
    assert_eq!(house.allowed(&second).unwrap(), "blog:read");
    let third = Pair::of(&house.refresh(&app, &second.refresh, &[]).await);
    assert_eq!(house.allowed(&third).unwrap(), "blog:write mittwald:read");
}

#[tokio::test]
async fn another_client_can_neither_refresh_nor_end_a_connection() {
    let house = House::new();
    let (_, pair) = house.connected("blog:read").await;
    let other = house.app("Other", "http://127.0.0.1:1/").await;
    assert_eq!(house.refresh(&other, &pair.refresh, &[]).await.error(), "invalid_grant");
    let fields = [("token", pair.refresh.as_str()), ("client_id", other.id.as_str())];
    assert_eq!(house.form("/revoke", &fields).await.status, 200);
    assert!(house.allowed(&pair).is_ok());
}

#[tokio::test]
async fn any_token_of_a_connection_ends_it_and_an_unknown_one_is_answered_alike() {
    for old in [false, true] {
        let house = House::new();
        let (app, first) = house.connected("blog:read").await;
        let second = Pair::of(&house.refresh(&app, &first.refresh, &[]).await);
        assert_eq!(house.form("/revoke", &[("token", "nonsense")]).await.status, 200);
        let token = if old { &first.access } else { &second.refresh };
        assert_eq!(house.form("/revoke", &[("token", token)]).await.status, 200);
        assert_eq!(house.allowed(&second), Err(TokenProblem::Revoked));
        assert_eq!(house.rows.revoked.lock().unwrap()[0].1, RevokedBy::App);
    }
}

#[tokio::test]
async fn a_full_disk_gives_no_token_and_takes_none() {
    let house = House::new();
    let (app, first) = house.connected("blog:read").await;
    let other = house.app("Other", "http://127.0.0.1:1/").await;
    let code = house.code(&other, "blog:read").await;
    house.rows.full.store(true, Ordering::SeqCst);
    assert_eq!(house.redeem(&other, &code, &[]).await.status, 503);
    assert_eq!(house.refresh(&app, &first.refresh, &[]).await.status, 503);
    assert!(house.allowed(&first).is_ok());
    house.rows.full.store(false, Ordering::SeqCst);
    assert_eq!(house.refresh(&app, &first.refresh, &[]).await.status, 200);
}

#[tokio::test]
async fn a_connection_that_was_cut_off_elsewhere_is_unknown_at_once() {
    let house = House::new();
    let (app, pair) = house.connected("blog:read").await;
    let who = house.authority.authenticate(&pair.access).unwrap();
    house.authority.forget(&who.connection);
    assert_eq!(house.allowed(&pair), Err(TokenProblem::Revoked));
    assert_eq!(house.refresh(&app, &pair.refresh, &[]).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_token_for_one_service_says_so() {
    let house = House::new();
    let app = house.app("Codex", "http://127.0.0.1:1/").await;
    let page = house.authorize(&app, &[("resource", "http://[::1]:5/mcp/blog")]).await;
    let request = house.waiting()[0].clone();
    assert_eq!(request.offered.len(), 1);
    assert!(house.approve(&request, "mittwald:read").await.is_err());
    house.approve(&request, "blog:read").await.unwrap();
    let code = house.get(&waits_at(&page)).await.goes()["code"].clone();
    let pair = Pair::of(&house.redeem(&app, &code, &[]).await);
    let who = house.authority.authenticate(&pair.access).unwrap();
    assert_eq!(who.resource, Some(Resource::One("blog".parse().unwrap())));
}

#[tokio::test]
async fn a_malformed_token_request_gets_the_right_error() {
    let house = House::new();
    let form = "application/x-www-form-urlencoded";
    for (kind, body, status) in [
        ("application/json", "{}".to_owned(), 400),
        (form, String::new(), 400),
        (form, "client_id=a&grant_type=refresh_token&grant_type=refresh_token".to_owned(), 400),
        (form, "client_id=a&grant_type=refresh_token".to_owned(), 400),
        (form, format!("client_id={}", "a".repeat(65 * 1024)), 413),
    ] {
        let answer = house.post("/token", kind, body).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (status, "invalid_request"));
    }
}

#[tokio::test]
async fn what_is_allowed_later_reaches_the_tokens_that_may_do_all_and_no_others() {
    let house = House::new();
    let (app, first) = house.connected("blog:read").await;
    let connection = house.authority.authenticate(&first.access).unwrap().connection;
    let narrow = house.refresh(&app, &first.refresh, &[("scope", "blog:read")]).await;
    let whole = Pair::of(&narrow);
    let permit = "blog:write".parse().unwrap();
    house.authority.widen(&connection, &permit).await.unwrap();
    // To ask for all there is, is not to ask for less.
    for pair in [&first, &whole] {
        assert_eq!(house.allowed(pair).unwrap(), "blog:read blog:write");
    }
    let less = house.refresh(&app, &whole.refresh, &[("scope", "blog:read")]).await;
    let less = Pair::of(&less);
    house.authority.widen(&connection, &"mittwald:read".parse().unwrap()).await.unwrap();
    assert_eq!(house.allowed(&less).unwrap(), "blog:read");
    let answer = house.refresh(&app, &less.refresh, &[]).await;
    assert_eq!(answer.json()["scope"], "blog:read blog:write mittwald:read");
}

#[tokio::test]
async fn what_can_not_be_kept_is_not_allowed() {
    let house = House::new();
    let (app, first) = house.connected("blog:read").await;
    let connection = house.authority.authenticate(&first.access).unwrap().connection;
    house.rows.full.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(house.authority.widen(&connection, &"blog:write".parse().unwrap()).await.is_err());
    house.rows.full.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(house.allowed(&first).unwrap(), "blog:read");
    assert_eq!(house.refresh(&app, &first.refresh, &[]).await.json()["scope"], "blog:read");
}

#[tokio::test]
async fn a_code_that_was_not_used_is_taken_back_with_all_that_is_cut_off() {
    let house = House::new();
    let app = house.app("Codex", "http://127.0.0.1/callback").await;
    let code = house.code(&app, "blog:read").await;
    house.authority.take_back(None);
    assert_eq!(house.redeem(&app, &code, &[]).await.error(), "invalid_grant");
    // And what the browser had yet to fetch.
    let page = house.authorize(&app, &[]).await;
    let request = house.waiting().last().unwrap().clone();
    house.approve(&request, "blog:read").await.unwrap();
    house.authority.take_back(None);
    let back = house.get(&crate::support::waits_at(&page)).await.goes();
    assert_eq!(back["error"], "access_denied");
}
