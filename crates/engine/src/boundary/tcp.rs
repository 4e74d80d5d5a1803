//! The boundary of the loopback listener: the allow-listed Host, and a token or an access key on every MCP route.

use super::{hosts::Hosts, reply};
use crate::{inner::Inner, rooms::Rooms, wire::Wire};
use authority::{CallSite, ChallengeError, Origin};
use axum::{body::Body, response::Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request, StatusCode, header};
use model::{Problem, Resource, Secret};
use relay::Caller;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tower::ServiceExt;

/// How long a request that is no MCP may take, its body included: all of these are short.
const WHOLE_REQUEST: Duration = Duration::from_secs(30);

/// Answer one request on loopback TCP.
pub(crate) async fn answer(
    inner: Arc<Inner>,
    hosts: Arc<Hosts>,
    wire: Arc<Wire>,
    site: Option<CallSite>,
    request: Request<Body>,
) -> Result<Response, Infallible> {
    let (head, body) = request.into_parts();
    let origin = match hosts.check(&head) {
        Ok(origin) => origin,
        Err(why) => {
            tracing::info!(?why, method = %head.method, "a request was refused at the door");
            return Ok(reply::forbidden());
        }
    };
    let Some(rooms) = inner.rooms.get() else {
        let page = head.uri.path().starts_with("/authorize");
        return Ok(if page { authority::locked_page(&head.headers) } else { locked() });
    };
    let request = Request::from_parts(head, body);
    Ok(by_bearer(rooms, origin, &wire, site, request).await)
}

/// Vault not open: nobody can be known, and no service reached.
pub(crate) fn locked() -> Response {
    let problem = Problem::new("engine.locked", "Bellhop is locked.", "Unlock Bellhop, then ask again.");
    let mut response = reply::problem(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", &problem);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// Send the request to its room: the relay for an MCP route, with whoever the bearer shows, else the authority.
pub(crate) async fn by_bearer(
    rooms: &Arc<Rooms>,
    origin: Origin,
    wire: &Wire,
    site: Option<CallSite>,
    mut request: Request<Body>,
) -> Response {
    let Some(resource) = Resource::from_path(request.uri().path()) else {
        request.extensions_mut().insert(origin);
        if let Some(site) = site {
            request.extensions_mut().insert(site);
        }
        let answer = rooms.authority_routes.clone().oneshot(request);
        return match tokio::time::timeout(WHOLE_REQUEST, answer).await {
            Ok(answer) => answer.unwrap_or_else(|never| match never {}),
            Err(_) => reply::too_slow(),
        };
    };
    if query_holds_token(request.uri().query()) {
        let problem = Problem::new(
            "engine.token_in_address",
            "A token came in the address, where logs and histories keep it.",
            "Send it in the Authorization header.",
        );
        return reply::problem(StatusCode::BAD_REQUEST, "invalid_request", &problem);
    }
    match caller(rooms, &request, &resource) {
        Ok(caller) => {
            rooms.carry(wire, &caller);
            rooms.relay.answer(caller, resource, request).await
        }
        Err(error) => unauthorized(rooms, &origin, &resource, error),
    }
}

/// RFC 6750 §2.3 allows a token in the query and warns of it; we refuse it.
fn query_holds_token(query: Option<&str>) -> bool {
    query.is_some_and(|q| url::form_urlencoded::parse(q.as_bytes()).any(|(name, _)| name == "access_token"))
}

/// Who calls, by the token or the key. `None` when there is neither.
fn caller(
    rooms: &Rooms,
    request: &Request<Body>,
    resource: &Resource,
) -> Result<Caller, Option<authority::TokenProblem>> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION).iter();
    let value = headers.next().ok_or(None)?;
    let wrong = Some(authority::TokenProblem::Unknown);
    if headers.next().is_some() {
        return Err(wrong);
    }
    let value = value.to_str().map_err(|_| wrong)?;
    let (scheme, shown) = value.split_once(' ').ok_or(wrong)?;
    let known = if scheme.eq_ignore_ascii_case("bearer") {
        rooms.authority.authenticate(shown.trim())
    } else if scheme.eq_ignore_ascii_case("basic") {
        // For clients that know nothing else. It is never challenged for, so no browser asks for a password.
        rooms.authority.authenticate_key(password(shown.trim()).ok_or(wrong)?.expose())
    } else {
        return Err(wrong);
    };
    let known = known.map_err(Some)?;
    if known.resource.as_ref().is_some_and(|r| r != resource) {
        return Err(wrong);
    }
    let connection = rooms.connections.live(&known.connection).ok_or(wrong)?;
    Ok(Caller { connection, resource: known.resource, limit: known.limit, door: relay::Door::Http })
}

/// The password of Basic credentials (RFC 7617 §2). Whose it is said to be means nothing here.
fn password(credentials: &str) -> Option<Secret> {
    let pair = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| Secret::new(password))
}

fn unauthorized(
    rooms: &Rooms,
    origin: &Origin,
    resource: &Resource,
    error: Option<authority::TokenProblem>,
) -> Response {
    let problem = match error {
        None => Problem::new(
            "engine.no_token",
            "This app isn't connected to Bellhop yet.",
            "Let the app sign in: it opens a page, and Bellhop asks you.",
        ),
        Some(_) => Problem::new(
            "engine.token_refused",
            "This app's connection to Bellhop has ended.",
            "Let the app sign in again.",
        ),
    };
    let challenge = rooms.authority.challenge(origin, resource, error.map(|_| ChallengeError::InvalidToken));
    let mut response = reply::problem(StatusCode::UNAUTHORIZED, "invalid_token", &problem);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_the_address_is_seen_however_it_is_written() {
        assert!(query_holds_token(Some("a=b&access_token=x")));
        assert!(query_holds_token(Some("%61ccess_token=x")));
        assert!(!query_holds_token(Some("a=access_token")));
        assert!(!query_holds_token(None));
    }
}
