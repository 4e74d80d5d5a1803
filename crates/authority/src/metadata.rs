use crate::{Authority, Origin, device, request::all, wire::json};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use model::{Access, Resource, Scope};
use serde_json::json as object;
use std::sync::Arc;

/// Why a call was refused, as `WWW-Authenticate` says it (RFC 6750 §3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChallengeError {
    /// 401: the token is none, or no longer one.
    InvalidToken,
    /// 403: the token is good, but for less than this call needs.
    InsufficientScope {
        /// All that is needed, together with what the token may do already.
        needed: Scope,
    },
}

impl Authority {
    /// The `WWW-Authenticate` header of a 401 or 403 at an endpoint: it names the endpoint's own metadata
    /// (RFC 9728 §5.1) and the scope to ask for. `error` is `None` when no token was sent at all.
    pub fn challenge(
        &self,
        origin: &Origin,
        resource: &Resource,
        error: Option<ChallengeError>,
    ) -> HeaderValue {
        let mut text = format!(
            "Bearer resource_metadata=\"{origin}/.well-known/oauth-protected-resource{}\"",
            resource.path()
        );
        let scope = match &error {
            Some(ChallengeError::InsufficientScope { needed }) => needed.clone(),
            _ => all(&self.offered(resource).unwrap_or_default(), Access::Read),
        };
        if !scope.is_empty() {
            text.push_str(&format!(", scope=\"{scope}\""));
        }
        match error {
            None => {}
            Some(ChallengeError::InvalidToken) => text.push_str(", error=\"invalid_token\""),
            Some(ChallengeError::InsufficientScope { .. }) => text.push_str(", error=\"insufficient_scope\""),
        }
        // Origins, paths and scopes are made of a few plain ASCII characters, so this is always a header.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
    }

    fn scopes(&self, resource: &Resource) -> Vec<String> {
        let offered = self.offered(resource).unwrap_or_default();
        all(&offered, Access::Read)
            .union(&all(&offered, Access::Write))
            .permits()
            .map(|p| p.to_string())
            .collect()
    }

    fn resource_document(&self, origin: &Origin, resource: &Resource) -> Response {
        let body = object!({
            "resource": format!("{origin}{}", resource.path()),
            "authorization_servers": [origin.as_str()],
            "scopes_supported": self.scopes(resource),
            "bearer_methods_supported": ["header"],
            "resource_name": "Bellhop",
        });
        json(StatusCode::OK, &body)
    }
}

/// The metadata of `/mcp`, and of the origin as such (RFC 9728 §3).
pub(crate) async fn resource_all(
    State(authority): State<Arc<Authority>>,
    Extension(origin): Extension<Origin>,
) -> Response {
    authority.resource_document(&origin, &Resource::All)
}

/// The metadata of `/mcp/<service>`; 404 for a service that isn't there.
pub(crate) async fn resource_one(
    State(authority): State<Arc<Authority>>,
    Extension(origin): Extension<Origin>,
    Path(service): Path<String>,
) -> Response {
    let resource = service.parse().ok().map(Resource::One);
    match resource.filter(|r| authority.offered(r).is_some()) {
        Some(resource) => authority.resource_document(&origin, &resource),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The metadata of the authorization server (RFC 8414 §2).
pub(crate) async fn server(
    State(authority): State<Arc<Authority>>,
    Extension(origin): Extension<Origin>,
) -> Response {
    let body = object!({
        "issuer": origin.as_str(),
        "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"),
        "registration_endpoint": format!("{origin}/register"),
        "revocation_endpoint": format!("{origin}/revoke"),
        "device_authorization_endpoint": format!("{origin}/device_authorization"),
        "scopes_supported": authority.scopes(&Resource::All),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", device::GRANT],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    json(StatusCode::OK, &body)
}
