use super::{NOTES, SCOPES, params::Params, register::same_redirect};
use crate::{
    House, jws,
    page::{self, Language},
};
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long a question waits for its answer.
const QUESTION_LIFE: Duration = Duration::from_secs(600);
/// How long a code is good.
const CODE_LIFE: Duration = Duration::from_secs(60);
/// Questions and codes beyond this push out the oldest.
const MOST: usize = 100;

/// What a client asks for, checked.
#[derive(Clone)]
pub(crate) struct Request {
    pub client: String,
    pub redirect: String,
    pub challenge: String,
    pub scope: Vec<String>,
    pub nonce: Option<String>,
    state: Option<String>,
}

/// The questions on open sign-in pages, by the handle in their form.
#[derive(Default)]
pub(crate) struct Asked(Mutex<BTreeMap<String, (Timestamp, Request)>>);

impl Asked {
    fn put(&self, handle: String, now: Timestamp, request: Request) {
        put(&self.0, handle, now, QUESTION_LIFE, request);
    }

    fn take(&self, handle: &str, now: Timestamp) -> Option<Request> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.remove(handle).filter(|(until, _)| *until > now).map(|(_, request)| request)
    }
}

/// What became of a code.
#[derive(Clone)]
pub(crate) enum Code {
    /// Nobody redeemed it yet.
    Fresh(Request),
    /// It became this sign-in. A second try shows that it was stolen, and ends the sign-in (RFC 6749 §4.1.2).
    Redeemed { family: String },
}

/// The codes, by the hash of each.
#[derive(Default)]
pub(crate) struct Codes(Mutex<BTreeMap<String, (Timestamp, Code)>>);

impl Codes {
    /// Redeem `code` as the sign-in `family`; what it was before, or `None` when there is no such code.
    pub(crate) fn redeem(&self, code: &str, now: Timestamp, family: &str) -> Option<Code> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, code) = codes.get_mut(&jws::sha256(code))?;
        if *until <= now {
            return None;
        }
        match code {
            Code::Fresh(_) => Some(std::mem::replace(code, Code::Redeemed { family: family.to_owned() })),
            Code::Redeemed { .. } => Some(code.clone()),
        }
    }
}

fn put<T>(
    map: &Mutex<BTreeMap<String, (Timestamp, T)>>,
    key: String,
    now: Timestamp,
    life: Duration,
    value: T,
) {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    map.retain(|_, (until, _)| *until > now);
    if map.len() >= MOST
        && let Some(oldest) = map.iter().min_by_key(|(_, (until, _))| *until).map(|(key, _)| key.clone())
    {
        map.remove(&oldest);
    }
    map.insert(key, (now + life, value));
}

/// Why a request is refused.
enum Wrong {
    /// The client or the way back is unknown: the browser is not sent anywhere.
    NoWayBack,
    /// The client hears of it.
    Tell { redirect: String, state: Option<String>, error: &'static str },
}

/// The sign-in page.
pub(crate) async fn ask(
    State(house): State<Arc<House>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let language = Language::of(&headers);
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    let request = match check(&house, &params) {
        Ok(request) => request,
        Err(Wrong::NoWayBack) => return page::broken(language),
        Err(Wrong::Tell { redirect, state, error }) => {
            return lead_back(&house, &redirect, state.as_deref(), ("error", error));
        }
    };
    let app =
        house.store.read(|s| s.clients.get(&request.client).map(|c| c.name.clone())).unwrap_or_default();
    let handle = house.secret();
    let question = page::Question {
        app: &app,
        redirect: &request.redirect,
        account: request.scope.iter().any(|s| s != NOTES),
        handle: &handle,
    };
    let response = page::question(language, &question);
    house.asked.put(handle.clone(), house.clock.now(), request);
    response
}

/// Allow or Deny was pressed.
pub(crate) async fn answer(State(house): State<Arc<House>>, headers: HeaderMap, body: String) -> Response {
    let params = Params::parse(body.as_bytes());
    let now = house.clock.now();
    let asked = params.get("request").and_then(|handle| house.asked.take(handle, now));
    let Some(request) = asked else { return page::over(Language::of(&headers)) };
    let (redirect, state) = (request.redirect.clone(), request.state.clone());
    if params.get("answer") == Some("allow") {
        let code = house.secret();
        put(&house.codes.0, jws::sha256(&code), now, CODE_LIFE, Code::Fresh(request));
        lead_back(&house, &redirect, state.as_deref(), ("code", &code))
    } else {
        lead_back(&house, &redirect, state.as_deref(), ("error", "access_denied"))
    }
}

fn check(house: &House, params: &Params) -> Result<Request, Wrong> {
    if params.repeated() {
        return Err(Wrong::NoWayBack);
    }
    let client = params.get("client_id").ok_or(Wrong::NoWayBack)?;
    let redirect = params.get("redirect_uri").ok_or(Wrong::NoWayBack)?;
    let known = house.store.read(|s| {
        s.clients.get(client).is_some_and(|c| c.redirect_uris.iter().any(|r| same_redirect(r, redirect)))
    });
    if !known {
        return Err(Wrong::NoWayBack);
    }

    let state = params.get("state").map(str::to_owned);
    let tell = |error| Wrong::Tell { redirect: redirect.to_owned(), state: state.clone(), error };
    if params.get("response_type") != Some("code") {
        return Err(tell("unsupported_response_type"));
    }
    let challenge = match (params.get("code_challenge"), params.get("code_challenge_method")) {
        // A SHA-256 in base64 has 43 characters.
        (Some(challenge), Some("S256")) if challenge.len() == 43 => challenge.to_owned(),
        _ => return Err(tell("invalid_request")),
    };
    if params.all("resource").iter().any(|r| *r != house.resource()) {
        return Err(tell("invalid_target"));
    }
    let scope: Vec<String> = match params.get("scope") {
        Some(scope) => scope.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        None => SCOPES.map(str::to_owned).to_vec(),
    };
    if !scope.iter().all(|s| SCOPES.contains(&s.as_str())) {
        return Err(tell("invalid_scope"));
    }
    Ok(Request {
        client: client.to_owned(),
        redirect: redirect.to_owned(),
        challenge,
        scope,
        nonce: params.get("nonce").map(str::to_owned),
        state: state.clone(),
    })
}

/// Send the browser back to the client, with the issuer's name so that it can tell who answers (RFC 9207).
fn lead_back(house: &House, redirect: &str, state: Option<&str>, said: (&str, &str)) -> Response {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(said.0, said.1);
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    query.append_pair("iss", &house.origin);
    // The registered text is kept as it is: parsing and writing it again would change private schemes.
    let join = if redirect.contains('?') { '&' } else { '?' };
    let location = format!("{redirect}{join}{}", query.finish());
    (StatusCode::SEE_OTHER, [(header::LOCATION, location), (header::CACHE_CONTROL, "no-store".to_owned())])
        .into_response()
}
