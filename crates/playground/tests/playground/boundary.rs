use crate::peer::Served;
use reqwest::StatusCode;

#[tokio::test]
async fn a_foreign_host_or_origin_is_refused_before_anything_else() {
    let served = Served::new().await;
    let port = served.origin.rsplit(':').next().unwrap();
    for (name, value) in [
        ("host", "evil.example".to_owned()),
        ("host", format!("localhost:{port}")),
        ("origin", "https://evil.example".to_owned()),
        ("origin", "null".to_owned()),
        ("origin", "http://127.0.0.1:1".to_owned()),
    ] {
        for path in ["/", "/mcp", "/authorize", "/.well-known/oauth-authorization-server"] {
            let response = served.http.get(served.at(path)).header(name, &value).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{name}: {value} at {path}");
        }
    }
    let own = served.http.get(served.at("/")).header("origin", &served.origin).send().await.unwrap();
    assert_eq!(own.status(), StatusCode::OK);
    served.end().await;
}

#[tokio::test]
async fn without_a_bearer_the_answer_names_the_metadata_and_the_metadata_leads_to_the_sign_in() {
    let served = Served::new().await;
    let response = served.http.post(served.at("/mcp")).body("{").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
    let metadata = challenge.split("resource_metadata=\"").nth(1).unwrap().split('"').next().unwrap();

    let get = async |url: &str| -> serde_json::Value {
        served.http.get(url).send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    };
    let resource = get(metadata).await;
    assert_eq!(resource["resource"], served.at("/mcp"));
    let issuer = resource["authorization_servers"][0].as_str().unwrap();
    let server = get(&format!("{issuer}/.well-known/oauth-authorization-server")).await;
    assert_eq!(server["issuer"], issuer, "the very same text");
    assert_eq!(server["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    assert_eq!(server["authorization_response_iss_parameter_supported"], true);
    for endpoint in
        ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"]
    {
        assert!(server[endpoint].as_str().unwrap().starts_with(issuer), "{endpoint}");
    }
    served.end().await;
}

#[tokio::test]
async fn a_bearer_that_was_not_issued_here_is_refused() {
    let served = Served::new().await;
    let other = Served::new().await;
    let foreign = other.sign_in().await;
    let own = served.sign_in().await;
    let mut forged: Vec<&str> = own.access().split('.').collect();
    let stranger: Vec<&str> = foreign.access().split('.').collect();
    forged[2] = stranger[2];
    for bad in [foreign.access(), &forged.join("."), own.refresh(), "x", "a.b.c"] {
        let response = served.http.post(served.at("/mcp")).bearer_auth(bad).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(response.headers()["www-authenticate"].to_str().unwrap().contains("invalid_token"));
    }
    let in_query =
        served.http.post(served.at(&format!("/mcp?access_token={}", own.access()))).send().await.unwrap();
    assert_eq!(in_query.status(), StatusCode::UNAUTHORIZED);
    let id_token = own.tokens["id_token"].as_str().unwrap();
    assert!(!served.admits(id_token).await, "an id token is no access token");
    served.end().await;
    other.end().await;
}
