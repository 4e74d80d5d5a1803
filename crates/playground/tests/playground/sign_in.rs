use crate::peer::{REDIRECT, Served, claims, led_to};
use reqwest::StatusCode;
use serde_json::Value;
use std::time::Duration;

async fn error(response: reqwest::Response) -> String {
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers()["cache-control"], "no-store");
    response.json::<Value>().await.unwrap()["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_who_allows_signs_the_app_in_and_the_account_is_named() {
    let served = Served::new().await;
    let client = served.client().await;
    let response = served.authorize(&served.query(&client)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let page = response.text().await.unwrap();
    assert!(page.contains("you@playground.example") && page.contains("Tester"));

    let mut led = served.press(&page, "allow").await;
    assert_eq!(led["state"], "a state");
    assert_eq!(led["iss"], served.origin);
    let tokens: Value = served.redeem(&client, &led.remove("code").unwrap()).await.json().await.unwrap();
    assert_eq!(tokens["expires_in"], 600);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["email"], "you@playground.example");
    let account: Value =
        served.userinfo(tokens["access_token"].as_str().unwrap()).await.json().await.unwrap();
    assert_eq!(account["email"], "you@playground.example");
    served.end().await;
}

#[tokio::test]
async fn an_id_token_verifies_with_the_published_key_and_is_for_the_client() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    let served = Served::new().await;
    let signed_in = served.sign_in().await;
    let keys: Value = served.http.get(served.at("/jwks")).send().await.unwrap().json().await.unwrap();
    let part = |name: &str| URL_SAFE_NO_PAD.decode(keys["keys"][0][name].as_str().unwrap()).unwrap();
    let point = [vec![4], part("x"), part("y")].concat();
    let token = signed_in.tokens["id_token"].as_str().unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .unwrap();
    assert_eq!(claims(token)["aud"], signed_in.client);
    assert_eq!(claims(token)["iss"], served.origin);
    served.end().await;
}

#[tokio::test]
async fn a_person_who_denies_sends_the_app_back_with_nothing() {
    let served = Served::new().await;
    let client = served.client().await;
    let page = served.authorize(&served.query(&client)).await.text().await.unwrap();
    let led = served.press(&page, "deny").await;
    assert_eq!(led["error"], "access_denied");
    assert_eq!(led["iss"], served.origin);
    assert!(!led.contains_key("code"));
    served.end().await;
}

#[tokio::test]
async fn a_question_is_answered_once_and_not_after_ten_minutes() {
    let served = Served::new().await;
    let client = served.client().await;
    let handle = |page: &str| {
        page.split("name=request value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let press = async |handle: &str| {
        let form = [("request", handle), ("answer", "allow")];
        served.http.post(served.at("/authorize")).form(&form).send().await.unwrap().status()
    };
    let first = handle(&served.authorize(&served.query(&client)).await.text().await.unwrap());
    assert_eq!(press(&first).await, StatusCode::SEE_OTHER);
    assert_eq!(press(&first).await, StatusCode::GONE);
    let late = handle(&served.authorize(&served.query(&client)).await.text().await.unwrap());
    served.clock.advance(Duration::from_secs(601));
    assert_eq!(press(&late).await, StatusCode::GONE);
    assert_eq!(press("made-up").await, StatusCode::GONE);
    served.end().await;
}

#[tokio::test]
async fn an_unknown_app_or_way_back_gets_a_page_and_no_redirect() {
    let served = Served::new().await;
    let client = served.client().await;
    for (name, value) in [
        ("client_id", "nobody"),
        ("redirect_uri", "http://127.0.0.1:4711/elsewhere"),
        ("redirect_uri", "http://127.0.0.2:4711/callback"),
        ("redirect_uri", "http://localhost:4711/callback"),
        ("redirect_uri", "https://evil.example/callback"),
    ] {
        let mut query = served.query(&client);
        query.insert(name, value.to_owned());
        let response = served.authorize(&query).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{value}");
        assert!(!response.headers().contains_key("location"));
    }
    served.end().await;
}

#[tokio::test]
async fn a_request_without_s256_or_for_another_resource_is_told_so_to_the_app() {
    let served = Served::new().await;
    let client = served.client().await;
    for (name, value, error) in [
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("resource", "https://else.example/mcp", "invalid_target"),
        ("scope", "notes admin", "invalid_scope"),
    ] {
        let mut query = served.query(&client);
        query.insert(name, value.to_owned());
        let led = led_to(&served.authorize(&query).await);
        assert_eq!((&*led["error"], &*led["state"], &led["iss"]), (error, "a state", &served.origin));
    }
    served.end().await;
}

#[tokio::test]
async fn a_code_is_bound_to_its_client_verifier_redirect_and_minute() {
    let served = Served::new().await;
    let client = served.client().await;
    let resource = served.at("/mcp");
    for (name, value) in [
        ("client_id", "another"),
        ("code_verifier", "another-verifier-that-has-also-forty-three-characters"),
        ("redirect_uri", "http://127.0.0.1:4712/callback"),
    ] {
        let code = served.code(&client).await;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("client_id", &client),
            ("redirect_uri", REDIRECT),
            ("code_verifier", crate::peer::VERIFIER),
            ("resource", &resource),
        ];
        form.iter_mut().find(|(n, _)| *n == name).unwrap().1 = value;
        assert_eq!(error(served.token(&form).await).await, "invalid_grant", "{name}");
    }
    let code = served.code(&client).await;
    served.clock.advance(Duration::from_secs(61));
    assert_eq!(error(served.redeem(&client, &code).await).await, "invalid_grant");
    served.end().await;
}

#[tokio::test]
async fn a_code_that_comes_twice_ends_the_sign_in_it_became() {
    let served = Served::new().await;
    let client = served.client().await;
    let code = served.code(&client).await;
    let tokens: Value = served.redeem(&client, &code).await.json().await.unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    assert!(served.admits(access).await);
    assert_eq!(error(served.redeem(&client, &code).await).await, "invalid_grant");
    assert!(!served.admits(access).await);
    served.end().await;
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_replay_ends_the_sign_in() {
    let served = Served::new().await;
    let signed_in = served.sign_in().await;
    let renewed: Value = served.renew(&signed_in.client, signed_in.refresh()).await.json().await.unwrap();
    let next = renewed["refresh_token"].as_str().unwrap();
    assert_ne!(next, signed_in.refresh());
    assert!(served.admits(renewed["access_token"].as_str().unwrap()).await);

    assert_eq!(error(served.renew(&signed_in.client, signed_in.refresh()).await).await, "invalid_grant");
    assert_eq!(error(served.renew(&signed_in.client, next).await).await, "invalid_grant");
    assert!(!served.admits(renewed["access_token"].as_str().unwrap()).await);
    served.end().await;
}

#[tokio::test]
async fn of_many_renewals_at_once_exactly_one_wins() {
    let served = Served::new().await;
    let signed_in = served.sign_in().await;
    let tries = (0..8).map(|_| served.renew(&signed_in.client, signed_in.refresh()));
    let won =
        futures_util::future::join_all(tries).await.iter().filter(|r| r.status() == StatusCode::OK).count();
    assert_eq!(won, 1);
    served.end().await;
}

#[tokio::test]
async fn a_refresh_token_of_another_client_or_a_wider_scope_is_refused_and_does_no_harm() {
    let served = Served::new().await;
    let signed_in = served.sign_in().await;
    let other = served.client().await;
    assert_eq!(error(served.renew(&other, signed_in.refresh()).await).await, "invalid_grant");
    let wider = [
        ("grant_type", "refresh_token"),
        ("refresh_token", signed_in.refresh()),
        ("client_id", &*signed_in.client),
        ("scope", "notes admin"),
    ];
    assert_eq!(error(served.token(&wider).await).await, "invalid_scope");
    assert_eq!(served.renew(&signed_in.client, signed_in.refresh()).await.status(), StatusCode::OK);
    served.end().await;
}

#[tokio::test]
async fn an_access_token_ends_after_ten_minutes() {
    let served = Served::new().await;
    let signed_in = served.sign_in().await;
    served.clock.advance(Duration::from_secs(599));
    assert!(served.admits(signed_in.access()).await);
    served.clock.advance(Duration::from_secs(1));
    assert!(!served.admits(signed_in.access()).await);
    served.end().await;
}

#[tokio::test]
async fn revoking_either_token_ends_the_sign_in_and_an_unknown_one_is_no_error() {
    let served = Served::new().await;
    for which in ["access_token", "refresh_token"] {
        let signed_in = served.sign_in().await;
        let form = [("token", signed_in.tokens[which].as_str().unwrap()), ("client_id", &*signed_in.client)];
        let response = served.http.post(served.at("/revoke")).form(&form).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!served.admits(signed_in.access()).await, "{which}");
        assert_eq!(error(served.renew(&signed_in.client, signed_in.refresh()).await).await, "invalid_grant");
    }
    let unknown = served.http.post(served.at("/revoke")).form(&[("token", "x.y")]).send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::OK);
    served.end().await;
}

#[tokio::test]
async fn only_addresses_on_this_computer_can_be_registered() {
    let served = Served::new().await;
    for good in [
        "http://127.0.0.1/cb",
        "http://[::1]:80/cb",
        "http://localhost:1/cb",
        "app.bellhop.desktop:/oauth/callback",
    ] {
        assert_eq!(served.register(good).await.status(), StatusCode::CREATED, "{good}");
    }
    for bad in [
        "https://evil.example/",
        "http://evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://127.0.0.1/#x",
        "no url",
    ] {
        assert_eq!(error(served.register(bad).await).await, "invalid_redirect_uri", "{bad}");
    }
    served.end().await;
}

#[tokio::test]
async fn registrations_are_bounded_and_those_in_use_stay() {
    let served = Served::new().await;
    let signed_in = served.sign_in().await;
    for _ in 0..120 {
        served.clock.advance(Duration::from_secs(1));
        served.client().await;
    }
    assert_eq!(served.renew(&signed_in.client, signed_in.refresh()).await.status(), StatusCode::OK);
    let page = served.authorize(&served.query(&signed_in.client)).await;
    assert_eq!(page.status(), StatusCode::OK, "the client is still known");
    served.end().await;
}

#[tokio::test]
async fn the_page_speaks_the_browsers_language_and_runs_no_script() {
    let served = Served::new().await;
    let client = served.client().await;
    let page = async |language: &str| {
        let get = served.http.get(served.question(&served.query(&client)));
        get.header("accept-language", language).send().await.unwrap()
    };
    for (asked, expected) in [
        ("de-AT,de;q=0.9,en;q=0.8", "Erlauben"),
        ("en-GB,en;q=0.9,de;q=0.8", "Allow"),
        ("fr,de;q=0.5", "Erlauben"),
        ("fr", "Allow"),
    ] {
        let response = page(asked).await;
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("script"), "{policy}");
        assert!(policy.contains("form-action 'self' http://127.0.0.1:4711;"), "{policy}");
        assert!(response.text().await.unwrap().contains(expected), "{asked}");
    }
    served.end().await;
}

#[tokio::test]
async fn a_name_with_markup_is_shown_as_text() {
    let served = Served::new().await;
    let body = serde_json::json!({ "redirect_uris": [REDIRECT], "client_name": "<img src=x>\"'" });
    let client: Value =
        served.http.post(served.at("/register")).json(&body).send().await.unwrap().json().await.unwrap();
    let page =
        served.authorize(&served.query(client["client_id"].as_str().unwrap())).await.text().await.unwrap();
    assert!(page.contains("&lt;img src=x&gt;&quot;&#39;"));
    assert!(!page.contains("<img"));
    served.end().await;
}
