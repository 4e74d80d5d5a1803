use crate::support::House;
use axum::{body::Body, http::Request};
use bellhop_authority::{ChallengeError, Origin};
use model::Resource;

#[tokio::test]
async fn metadata_names_the_host_that_was_called() {
    for host in ["127.0.0.1:27440", "localhost:9", "[::1]:27440"] {
        let house = House { host, ..House::new() };
        let origin = format!("http://{host}");
        let server = house.get("/.well-known/oauth-authorization-server").await.json();
        assert_eq!(server["issuer"], origin);
        assert_eq!(server["token_endpoint"], format!("{origin}/token"));
        assert_eq!(server["device_authorization_endpoint"], format!("{origin}/device_authorization"));
        assert_eq!(server["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        assert_eq!(server["authorization_response_iss_parameter_supported"], true);
        assert!(server.get("client_id_metadata_document_supported").is_none());
        for (path, resource) in [("", "/mcp"), ("/mcp", "/mcp"), ("/mcp/blog", "/mcp/blog")] {
            let document = house.get(&format!("/.well-known/oauth-protected-resource{path}")).await.json();
            assert_eq!(document["resource"], format!("{origin}{resource}"));
            assert_eq!(document["authorization_servers"], serde_json::json!([origin]));
        }
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_has_no_metadata() {
    let house = House::new();
    for name in ["ghost", "Blog", "a%2Fb"] {
        let answer = house.get(&format!("/.well-known/oauth-protected-resource/mcp/{name}")).await;
        assert_eq!(answer.status, 404, "{name}");
    }
}

#[tokio::test]
async fn a_probe_by_head_works_for_metadata_and_starts_nothing_elsewhere() {
    let house = House::new();
    let head = |path: &str| Request::head(path).body(Body::empty()).unwrap();
    assert_eq!(house.send(head("/.well-known/oauth-authorization-server")).await.status, 200);
    assert_eq!(house.send(head("/authorize")).await.status, 405);
    for path in ["/token", "/revoke", "/register"] {
        assert_eq!(house.get(path).await.status, 405, "{path}");
    }
}

#[test]
fn a_challenge_names_the_endpoints_own_metadata_and_what_to_ask_for() {
    let house = House::new();
    let origin = Origin::from_host("localhost:1").unwrap();
    let blog = Resource::One("blog".parse().unwrap());
    let text = |r: &Resource, e| house.authority.challenge(&origin, r, e).to_str().unwrap().to_owned();
    assert_eq!(
        text(&Resource::All, None),
        "Bearer resource_metadata=\"http://localhost:1/.well-known/oauth-protected-resource/mcp\", \
         scope=\"blog:read mittwald:read\""
    );
    assert!(
        text(&blog, Some(ChallengeError::InvalidToken))
            .ends_with("/mcp/blog\", scope=\"blog:read\", error=\"invalid_token\"")
    );
    let needed = "blog:write".parse().unwrap();
    assert!(
        text(&blog, Some(ChallengeError::InsufficientScope { needed }))
            .ends_with("scope=\"blog:write\", error=\"insufficient_scope\"")
    );
}
