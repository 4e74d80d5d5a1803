//! The authorization server: who may use the notes.

mod authorize;
mod metadata;
mod params;
mod register;
mod token;

pub(crate) use authorize::{Asked, Codes};

use crate::{ACCOUNT, House, jws::KeyError, state::StateError};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// The scope of the MCP endpoint.
pub(crate) const NOTES: &str = "notes";
/// The scopes there are. `openid` and `email` give the account's name.
pub(crate) const SCOPES: [&str; 3] = [NOTES, "openid", "email"];

const ACCESS_TOKEN: &str = "at+jwt";
const ID_TOKEN: &str = "JWT";
const SUBJECT: &str = "you";

pub(crate) fn routes() -> Router<Arc<House>> {
    Router::new()
        .route("/.well-known/oauth-protected-resource", get(metadata::resource))
        .route("/.well-known/oauth-protected-resource/mcp", get(metadata::resource))
        .route("/.well-known/oauth-authorization-server", get(metadata::server))
        .route("/.well-known/openid-configuration", get(metadata::server))
        .route("/jwks", get(metadata::keys))
        .route("/register", post(register::register))
        .route("/authorize", get(authorize::ask).post(authorize::answer))
        .route("/token", post(token::token))
        .route("/revoke", post(token::revoke))
        .route("/userinfo", get(userinfo).post(userinfo))
}

/// What an access token says (RFC 9068).
#[derive(Serialize, Deserialize)]
struct AccessClaims {
    iss: String,
    sub: String,
    aud: String,
    client_id: String,
    scope: String,
    iat: i64,
    exp: i64,
    jti: String,
    /// The sign-in it belongs to: once that is gone, the token is worth nothing.
    family: String,
}

/// Who calls, as an access token proved.
#[derive(Clone)]
pub(crate) struct Caller {
    /// The sign-in.
    pub family: String,
    scope: Vec<String>,
}

impl Caller {
    pub(crate) fn may(&self, scope: &str) -> bool {
        self.scope.iter().any(|s| s == scope)
    }
}

/// The caller whom the `Authorization` header proves. A token in the query counts for nothing.
pub(crate) fn caller(house: &House, headers: &HeaderMap) -> Result<Caller, Challenge> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Challenge::Nobody) };
    let token = value
        .to_str()
        .ok()
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(Challenge::Nobody)?;
    let claims: AccessClaims = house.key.verify(ACCESS_TOKEN, token).ok_or(Challenge::Invalid)?;
    let live = claims.iss == house.origin
        && claims.aud == house.resource()
        && claims.exp > house.clock.now().seconds()
        && house.store.read(|s| s.families.contains_key(&claims.family));
    if !live {
        return Err(Challenge::Invalid);
    }
    let scope = claims.scope.split(' ').map(str::to_owned).collect();
    Ok(Caller { family: claims.family, scope })
}

/// Why a bearer is not enough (RFC 6750).
pub(crate) enum Challenge {
    /// There is none.
    Nobody,
    /// It is forged, over, revoked, or for something else.
    Invalid,
    /// It is good, but not for this.
    Scope(&'static str),
}

impl Challenge {
    pub(crate) fn respond(&self, house: &House) -> Response {
        let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", house.origin);
        let (status, more) = match self {
            Self::Nobody => (StatusCode::UNAUTHORIZED, format!(", scope=\"{}\"", SCOPES.join(" "))),
            Self::Invalid => (
                StatusCode::UNAUTHORIZED,
                format!(", scope=\"{}\", error=\"invalid_token\"", SCOPES.join(" ")),
            ),
            Self::Scope(scope) => {
                (StatusCode::FORBIDDEN, format!(", scope=\"{scope}\", error=\"insufficient_scope\""))
            }
        };
        let challenge = format!("Bearer resource_metadata=\"{metadata}\"{more}");
        (status, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
    }
}

/// The account (OpenID Connect Core §5.3).
async fn userinfo(State(house): State<Arc<House>>, headers: HeaderMap) -> Response {
    match caller(&house, &headers) {
        Err(challenge) => challenge.respond(&house),
        Ok(caller) if !caller.may("openid") => Challenge::Scope("openid").respond(&house),
        Ok(caller) => {
            let mut claims = json!({ "sub": SUBJECT, "name": "You", "preferred_username": ACCOUNT });
            if caller.may("email") {
                claims["email"] = ACCOUNT.into();
                claims["email_verified"] = true.into();
            }
            ([(header::CACHE_CONTROL, "no-store")], Json(claims)).into_response()
        }
    }
}

/// An answer of the token, registration and revocation endpoints that says no (RFC 6749 §5.2).
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

impl Refusal {
    fn new(error: &'static str, description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description }
    }
}

impl From<StateError> for Refusal {
    fn from(error: StateError) -> Self {
        tracing::error!(%error, "a change could not be written down");
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error: "temporarily_unavailable",
            description: "try again",
        }
    }
}

impl From<KeyError> for Refusal {
    fn from(_: KeyError) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            error: "server_error",
            description: "signing failed",
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.error, "error_description": self.description }));
        (self.status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
    }
}
