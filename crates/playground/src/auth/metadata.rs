use super::SCOPES;
use crate::House;
use axum::{Json, extract::State};
use serde_json::{Value, json};
use std::sync::Arc;

/// Who guards the MCP endpoint (RFC 9728).
pub(crate) async fn resource(State(house): State<Arc<House>>) -> Json<Value> {
    Json(json!({
        "resource": house.resource(),
        "resource_name": "Playground",
        "authorization_servers": [house.origin],
        "scopes_supported": SCOPES,
        "bearer_methods_supported": ["header"],
    }))
}

/// How that guard is spoken with (RFC 8414, OpenID Connect Discovery).
pub(crate) async fn server(State(house): State<Arc<House>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", house.origin);
    Json(json!({
        "issuer": house.origin,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "registration_endpoint": at("/register"),
        "revocation_endpoint": at("/revoke"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks"),
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "ui_locales_supported": ["en", "de"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["sub", "name", "preferred_username", "email", "email_verified"],
    }))
}

/// The key that signs (RFC 7517).
pub(crate) async fn keys(State(house): State<Arc<House>>) -> Json<Value> {
    Json(json!({ "keys": [house.key.public()] }))
}
