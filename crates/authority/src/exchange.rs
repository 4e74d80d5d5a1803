//! `POST /token`: an app turns its code into tokens, and its refresh token into the next pair.

use crate::{
    Authority, Bearer, Family, Grant, Request, RevokedBy,
    codes::{Approved, Presented},
    device,
    families::{ACCESS_LIFE, FIRST, Line, Pair},
    params::Params,
    token::{Kind, Token},
    wanted,
    wire::{self, OauthError},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{ClientId, ConnectionId, Resource, Scope};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use subtle::ConstantTimeEq;
use url::form_urlencoded;

/// `POST /token`.
pub(crate) async fn token(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // In a task of its own: an app that hangs up half-way must not leave tokens stored but not published.
    let task = tokio::spawn(async move {
        let form = wire::form(&headers, body).await?;
        let client = client(&headers, &form)?;
        match form.get("grant_type") {
            Some("authorization_code") => redeem(&authority, &form, client).await,
            Some("refresh_token") => refresh(&authority, &form, client).await,
            Some(device::GRANT) => device::redeem(&authority, &form, client).await,
            Some(_) => Err(OauthError::bad(
                "unsupported_grant_type",
                "use authorization_code, refresh_token or the device code grant",
            )),
            None => Err(missing("grant_type")),
        }
    });
    match task.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => error.into_response(),
        Err(_) => OauthError::trouble().into_response(),
    }
}

pub(crate) fn missing(name: &str) -> OauthError {
    OauthError::bad("invalid_request", format!("{name} is missing"))
}

pub(crate) fn invalid_grant(why: &'static str) -> OauthError {
    OauthError::bad("invalid_grant", why)
}

/// Who says to be asking. Clients are public, so this proves nothing; a password sent by Basic is passed over,
/// since there are none.
pub(crate) fn client(headers: &HeaderMap, form: &Params) -> Result<ClientId, OauthError> {
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
        let (user, _) = text.split_once(':')?;
        // RFC 6749 §2.3.1: form-encoded before it was put there.
        form_urlencoded::parse(format!("c={user}").as_bytes()).next().map(|(_, id)| id.into_owned())
    });
    match (form.get("client_id"), basic) {
        (Some(sent), Some(basic)) if sent != basic => {
            Err(OauthError::bad("invalid_request", "two different clients are named"))
        }
        (Some(sent), _) => Ok(ClientId::from(sent)),
        (None, Some(basic)) => Ok(ClientId::from(basic)),
        (None, None) => Err(missing("client_id")),
    }
}

async fn redeem(authority: &Authority, form: &Params, client: ClientId) -> Result<Response, OauthError> {
    let code = form.get("code").ok_or_else(|| missing("code"))?;
    let verifier = form.get("code_verifier").ok_or_else(|| missing("code_verifier"))?;
    if authority.rows.client(&client).await?.is_none() {
        return Err(OauthError::bad("invalid_client", "this client is not registered; register again"));
    }
    let _turn = authority.codes.turn.lock().await;
    let approved = match authority.codes.present(code, &*authority.clock) {
        Presented::Good(approved) => approved,
        Presented::Again(made) => {
            // Two had the code, and one of them stole it. Nobody can tell which, so both lose.
            if let Some(connection) = made {
                tracing::warn!(%connection, "a code was used twice; its connection is cut off");
                authority.cut_off(&connection, RevokedBy::Replay).await?;
            }
            return Err(invalid_grant("the code was used before"));
        }
        Presented::Unknown => return Err(invalid_grant("the code is unknown or has ended")),
    };
    check(&approved, form, &client, verifier)?;

    let Approved { request, scope, .. } = *approved;
    let line = connect(authority, client, &request, scope).await?;
    authority.codes.made(code, &line.grant.connection);
    Ok(issued(authority, &line, &line.pairs().newest))
}

/// Make the connection that the person allowed, with its first tokens.
pub(crate) async fn connect(
    authority: &Authority,
    client: ClientId,
    request: &Request,
    scope: Scope,
) -> Result<Arc<Line>, OauthError> {
    let now = authority.clock.now();
    let grant = Grant {
        connection: ConnectionId::new(&*authority.random),
        client: Some(client),
        app: request.app.clone(),
        method: request.method,
        scope: scope.clone(),
        resource: request.resource.clone(),
        program: request.program.clone(),
        allowed_on: now,
    };
    let mut id = [0u8; 16];
    authority.random.fill(&mut id);
    let family = Family { id, number: FIRST, issued_on: now, access_until: now + ACCESS_LIFE, scope };
    let connection = grant.connection.clone();
    // Known before it is stored, so that a revocation that comes in between finds it; nobody has the token yet.
    let line = Arc::new(Line::stored(grant.clone(), family.clone(), &*authority.clock));
    authority.families.insert(line.clone());
    if let Err(error) = authority.rows.allow(&grant, &Bearer::Family(family)).await {
        authority.forget(&connection);
        return Err(error.into());
    }
    Ok(line)
}

/// Whether the code was given to this client, for this redirect, this challenge and this resource.
fn check(approved: &Approved, form: &Params, client: &ClientId, verifier: &str) -> Result<(), OauthError> {
    if &approved.ticket.client != client {
        return Err(invalid_grant("the code was given to another client"));
    }
    // OAuth 2.1 sends it no more: the code verifier binds more tightly. If it is sent, it must be the same.
    if form.get("redirect_uri").is_some_and(|uri| uri != approved.ticket.redirect.as_str()) {
        return Err(invalid_grant("redirect_uri is not that of the authorization request"));
    }
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    if !well_formed || !bool::from(challenge.as_bytes().ct_eq(approved.ticket.challenge.as_bytes())) {
        return Err(invalid_grant("code_verifier does not fit"));
    }
    check_resource(form, &approved.request.resource)
}

pub(crate) fn check_resource(form: &Params, granted: &Resource) -> Result<(), OauthError> {
    match wanted::resource(form.all("resource")) {
        Ok(None) => Ok(()),
        Ok(Some(wanted)) if &wanted == granted => Ok(()),
        _ => Err(OauthError::bad("invalid_target", "the tokens are for another resource")),
    }
}

async fn refresh(authority: &Authority, form: &Params, client: ClientId) -> Result<Response, OauthError> {
    let text = form.get("refresh_token").ok_or_else(|| missing("refresh_token"))?;
    let gone = || invalid_grant("the refresh token is unknown, or its connection was cut off");
    let token = Token::read(text, &*authority.key).filter(|t| t.kind == Kind::Refresh).ok_or_else(gone)?;
    let line = authority.families.get(&token.family).ok_or_else(gone)?;
    if line.grant.client.as_ref() != Some(&client) {
        return Err(invalid_grant("the refresh token was given to another client"));
    }
    check_resource(form, &line.grant.resource)?;
    let _turn = line.turn.lock().await;
    let scope = narrowed(form.get("scope"), &line.granted())?;
    if authority.families.get(&token.family).is_none() {
        return Err(gone());
    }
    let pairs = line.pairs();
    let newest = &pairs.newest;
    if token.number == newest.number {
        let family = line.next(scope, &*authority.clock).ok_or_else(gone)?;
        authority.rows.rotate(&line.grant.connection, &family).await?;
        line.publish(&family, &*authority.clock);
        return Ok(issued(authority, &line, &line.pairs().newest));
    }
    let previous = token.number.checked_add(1) == Some(newest.number);
    if previous && pairs.grace.is_some_and(|until| !until.passed(&*authority.clock)) {
        // The answer was lost, or two processes of the app refreshed at once: the same pair again.
        if !scope.covers(&line.scope_of(newest)) {
            return Err(OauthError::bad("invalid_scope", "the next tokens were issued with another scope"));
        }
        return Ok(issued(authority, &line, newest));
    }
    if token.number < newest.number {
        let connection = &line.grant.connection;
        tracing::warn!(%connection, "a refresh token was used again; its connection is cut off");
        authority.cut_off(connection, RevokedBy::Replay).await?;
    }
    Err(gone())
}

/// The scope of the next access token: all that was granted, or the part of it that is asked for.
fn narrowed(asked: Option<&str>, granted: &Scope) -> Result<Scope, OauthError> {
    let asked = wanted::permits(asked.unwrap_or_default());
    if asked.is_empty() {
        return Ok(granted.clone());
    }
    if !granted.covers(&asked) {
        return Err(OauthError::bad("invalid_scope", "that is more than was granted"));
    }
    Ok(asked)
}

pub(crate) fn issued(authority: &Authority, line: &Line, pair: &Pair) -> Response {
    #[derive(Serialize)]
    struct Body<'a> {
        access_token: &'a str,
        token_type: &'a str,
        expires_in: u64,
        refresh_token: &'a str,
        scope: String,
    }
    let write = |kind| Token { kind, family: line.id, number: pair.number }.write(&*authority.key);
    let (access, refresh) = (write(Kind::Access), write(Kind::Refresh));
    let body = Body {
        access_token: access.expose(),
        token_type: "Bearer",
        expires_in: pair.ends.left(&*authority.clock).as_secs(),
        refresh_token: refresh.expose(),
        scope: line.scope_of(pair).to_string(),
    };
    wire::json(StatusCode::OK, &body)
}
