use crate::support::House;
use axum::http::header;

#[tokio::test]
async fn an_app_is_registered_without_a_secret_and_under_a_harmless_name() {
    let house = House::new();
    let body = r#"{"client_name":"Cod\u202eex\n","redirect_uris":["http://127.0.0.1:1/cb"],
        "token_endpoint_auth_method":"client_secret_post","logo_uri":"http://10.0.0.1/x"}"#;
    let answer = house.post("/register", "application/json; charset=utf-8", body).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let kept = answer.json();
    assert_eq!(kept["client_name"], "Codex");
    assert_eq!(kept["token_endpoint_auth_method"], "none");
    assert!(kept.get("client_secret").is_none() && kept.get("logo_uri").is_none());
}

#[tokio::test]
async fn all_addresses_of_known_apps_are_taken_together_and_one_bad_one_spoils_all() {
    let house = House::new();
    let cursor = [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        "http://localhost:8787/callback",
    ];
    assert_eq!(house.register("Cursor", &cursor).await.status, 201);
    let answer = house.register("Cursor", &[cursor[0], "https://evil.example/"]).await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_redirect_uri"));
    assert_eq!(house.rows.clients.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_registration_is_refused_and_keeps_nothing() {
    let house = House::new();
    let good = r#"{"redirect_uris":["http://127.0.0.1/"]}"#;
    for (kind, body, status) in [
        ("text/plain", good.to_owned(), 415),
        ("application/x-www-form-urlencoded", good.to_owned(), 415),
        ("application/json", "{".to_owned(), 400),
        ("application/json", "[]".to_owned(), 400),
        ("application/json", "{}".to_owned(), 400),
        ("application/json", r#"{"redirect_uris":[]}"#.to_owned(), 400),
        ("application/json", r#"{"redirect_uris":["http://127.0.0.1/"],"redirect_uris":[]}"#.to_owned(), 400),
        ("application/json", good.replace('}', r#","grant_types":["implicit"]}"#), 400),
        ("application/json", format!("{}{good}", " ".repeat(65 * 1024)), 413),
    ] {
        assert_eq!(house.post("/register", kind, body).await.status, status, "{kind}");
    }
    assert!(house.rows.clients.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_flood_of_registrations_is_slowed_bounded_and_forgotten() {
    let house = House::new();
    let redirect = ["http://127.0.0.1/"];
    let mut refused = 0;
    for _ in 0..30 {
        let answer = house.register("Flood", &redirect).await;
        if answer.status == 429 {
            assert!(answer.headers.contains_key(header::RETRY_AFTER));
            refused += 1;
        }
    }
    assert_eq!(refused, 20);
    // At the permitted pace, it still ends at a hundred.
    for _ in 0..200 {
        house.seconds_pass(6);
        house.register("Flood", &redirect).await;
    }
    assert_eq!(house.rows.clients.lock().unwrap().len(), 100);
    // An honest app gets in as soon as the flood's are an hour old.
    house.seconds_pass(60 * 60 + 1);
    assert_eq!(house.register("Codex", &redirect).await.status, 201);
    house.seconds_pass(24 * 60 * 60 + 1);
    assert_eq!(house.register("Codex", &redirect).await.status, 201);
    assert_eq!(house.rows.clients.lock().unwrap().len(), 1);
}
