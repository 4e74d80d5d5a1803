use super::{
    ACCESS_TOKEN, AccessClaims, ID_TOKEN, Refusal, SUBJECT,
    authorize::{Code, Request},
    params::Params,
};
use crate::{ACCOUNT, House, jws, state::Family};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use subtle::ConstantTimeEq;

/// A sign-in that nobody renews ends after this.
const FAMILY_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The token endpoint (RFC 6749 §3.2).
pub(crate) async fn token(State(house): State<Arc<House>>, body: String) -> Result<Response, Refusal> {
    let params = Params::parse(body.as_bytes());
    if params.repeated() {
        return Err(Refusal::new("invalid_request", "a parameter is there twice"));
    }
    if params.all("resource").iter().any(|r| *r != house.resource()) {
        return Err(Refusal::new("invalid_target", "there is no such resource here"));
    }
    let tokens = match params.get("grant_type") {
        Some("authorization_code") => redeem(&house, &params)?,
        Some("refresh_token") => renew(&house, &params)?,
        Some(_) => {
            return Err(Refusal::new("unsupported_grant_type", "only codes and refresh tokens are taken"));
        }
        None => return Err(Refusal::new("invalid_request", "grant_type is missing")),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response())
}

fn redeem(house: &House, params: &Params) -> Result<Value, Refusal> {
    let refused = || Refusal::new("invalid_grant", "the code is not good, or not for this");
    let code = params.get("code").ok_or_else(refused)?;
    let id = house.secret();
    let request = match house.codes.redeem(code, house.clock.now(), &id) {
        Some(Code::Fresh(request)) => request,
        Some(Code::Redeemed { family }) => {
            end(house, &family)?;
            return Err(refused());
        }
        None => return Err(refused()),
    };
    let proved = params.get("code_verifier").is_some_and(|v| same(&jws::sha256(v), &request.challenge));
    let meant = params.get("client_id") == Some(&request.client)
        && params.get("redirect_uri") == Some(&request.redirect);
    if !proved || !meant {
        return Err(refused());
    }

    let now = house.clock.now();
    let refresh = refresh_token(house, &id);
    let family = Family {
        client: request.client.clone(),
        scope: request.scope.clone(),
        refresh: jws::sha256(&refresh),
        renewed: now,
    };
    house.store.change(|stored| {
        stored.families.retain(|_, f| f.renewed + FAMILY_LIFE > now);
        stored.families.insert(id.clone(), family.clone());
    })?;
    let id_token = id_token(house, &request)?;
    tokens(house, &id, &family, &family.scope, refresh, id_token)
}

/// Renew a sign-in. The refresh token changes each time, and one that was used before ends the sign-in: somebody
/// has a copy (RFC 9700 §4.14.2).
fn renew(house: &House, params: &Params) -> Result<Value, Refusal> {
    let refused = || Refusal::new("invalid_grant", "the sign-in is over");
    let presented = params.get("refresh_token").ok_or_else(refused)?;
    let (id, _) = presented.split_once('.').ok_or_else(refused)?;
    let next = refresh_token(house, id);
    let now = house.clock.now();

    enum Seen {
        Nothing,
        Replayed,
        TooWide,
        Renewed(Family, Vec<String>),
    }
    // Looked up and replaced in one step, so that of two that come at once, one is the replay.
    let seen = house.store.change(|stored| {
        let Some(family) = stored.families.get_mut(id) else { return Seen::Nothing };
        if params.get("client_id") != Some(&family.client) || family.renewed + FAMILY_LIFE <= now {
            return Seen::Nothing;
        }
        if !same(&family.refresh, &jws::sha256(presented)) {
            return Seen::Replayed;
        }
        let scope = match params.get("scope") {
            None => family.scope.clone(),
            Some(scope) => scope.split(' ').map(str::to_owned).collect(),
        };
        if !scope.iter().all(|s| family.scope.contains(s)) {
            return Seen::TooWide;
        }
        family.refresh = jws::sha256(&next);
        family.renewed = now;
        Seen::Renewed(family.clone(), scope)
    })?;
    match seen {
        Seen::Nothing => Err(refused()),
        Seen::Replayed => {
            end(house, id)?;
            Err(refused())
        }
        Seen::TooWide => Err(Refusal::new("invalid_scope", "more than was allowed")),
        Seen::Renewed(family, scope) => tokens(house, id, &family, &scope, next, None),
    }
}

/// Revocation (RFC 7009). Whatever token it is, the whole sign-in ends; unknown tokens are no error.
pub(crate) async fn revoke(State(house): State<Arc<House>>, body: String) -> Result<StatusCode, Refusal> {
    let params = Params::parse(body.as_bytes());
    let token = params.get("token").ok_or(Refusal::new("invalid_request", "token is missing"))?;
    let family = match house.key.verify::<AccessClaims>(ACCESS_TOKEN, token) {
        Some(claims) => Some(claims.family),
        None => token.split_once('.').map(|(id, _)| id.to_owned()).filter(|id| {
            house.store.read(|s| s.families.get(id).is_some_and(|f| same(&f.refresh, &jws::sha256(token))))
        }),
    };
    let own = |id: &String| {
        let client = params.get("client_id");
        house.store.read(|s| s.families.get(id).is_some_and(|f| client.is_none_or(|c| c == f.client)))
    };
    if let Some(family) = family.filter(own) {
        end(&house, &family)?;
    }
    Ok(StatusCode::OK)
}

/// End a sign-in: its tokens are worth nothing from now on, and its streams end.
fn end(house: &House, family: &str) -> Result<(), Refusal> {
    house.store.change(|stored| stored.families.remove(family))?;
    house.sessions.end_all_of(family);
    tracing::info!("a sign-in ended");
    Ok(())
}

/// A new refresh token. It names its sign-in, so that one that was used before is known again.
fn refresh_token(house: &House, family: &str) -> String {
    format!("{family}.{}", house.secret())
}

fn tokens(
    house: &House,
    id: &str,
    family: &Family,
    scope: &[String],
    refresh: String,
    id_token: Option<String>,
) -> Result<Value, Refusal> {
    let now = house.clock.now();
    let claims = AccessClaims {
        iss: house.origin.clone(),
        sub: SUBJECT.to_owned(),
        aud: house.resource(),
        client_id: family.client.clone(),
        scope: scope.join(" "),
        iat: now.seconds(),
        exp: (now + house.access_life).seconds(),
        jti: house.secret(),
        family: id.to_owned(),
    };
    let mut tokens = json!({
        "access_token": house.key.sign(ACCESS_TOKEN, &claims)?,
        "token_type": "Bearer",
        "expires_in": house.access_life.as_secs(),
        "refresh_token": refresh,
        "scope": claims.scope,
    });
    if let Some(id_token) = id_token {
        tokens["id_token"] = id_token.into();
    }
    Ok(tokens)
}

/// Who signed in (OpenID Connect Core §2), when that was asked.
fn id_token(house: &House, request: &Request) -> Result<Option<String>, Refusal> {
    let asked = |scope: &str| request.scope.iter().any(|s| s == scope);
    if !asked("openid") {
        return Ok(None);
    }
    let now = house.clock.now();
    let mut claims = json!({
        "iss": house.origin,
        "sub": SUBJECT,
        "aud": request.client,
        "iat": now.seconds(),
        "exp": (now + house.access_life).seconds(),
        "name": "You",
        "preferred_username": ACCOUNT,
    });
    if asked("email") {
        claims["email"] = ACCOUNT.into();
        claims["email_verified"] = true.into();
    }
    if let Some(nonce) = &request.nonce {
        claims["nonce"] = nonce.as_str().into();
    }
    Ok(Some(house.key.sign(ID_TOKEN, &claims)?))
}

fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}
