use crate::{
    Authority, Client, label,
    redirect::{BadRedirect, Redirect},
    wire::{OauthError, json, json_bytes},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock as GovernorClock, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use model::{ClientId, Clock};
use serde::Deserialize;
use serde_json::json as object;
use std::{num::NonZeroU32, sync::Arc, time::Duration};

/// How many registrations a minute, and how many at once.
const A_MINUTE: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// How many clients that were never let in are kept at most.
const MOST_UNUSED: u32 = 100;
/// After this an unused registration is forgotten.
const UNUSED_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// When there are too many, those are forgotten that had this long to ask. Otherwise a burst of registrations
/// would keep every app out for a day.
const CROWDED_LIFE: Duration = Duration::from_secs(60 * 60);
/// How many redirect URIs a client may have.
const MOST_REDIRECTS: usize = 10;

/// How fast apps may register.
pub(crate) struct Registrations {
    rate: RateLimiter<NotKeyed, InMemoryState, BootClock, NoOpMiddleware<Nanos>>,
    clock: BootClock,
    /// Held from counting to keeping, so that the count stays right.
    turn: tokio::sync::Mutex<()>,
}

/// The clock that was passed in, as the rate limiter reads it.
#[derive(Clone)]
struct BootClock(Arc<dyn Clock>);

impl GovernorClock for BootClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.since_boot())
    }
}

impl Registrations {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let clock = BootClock(clock);
        let rate = RateLimiter::direct_with_clock(Quota::per_minute(A_MINUTE), clock.clone());
        Self { rate, clock, turn: tokio::sync::Mutex::new(()) }
    }

    fn check(&self) -> Result<(), OauthError> {
        self.rate.check().map_err(|wait| {
            let left: Duration = wait.earliest_possible().duration_since(self.clock.now()).into();
            too_many(left.as_millis().div_ceil(1000) as u64)
        })
    }
}

fn too_many(seconds: u64) -> OauthError {
    OauthError::bad("temporarily_unavailable", "too many registrations; try again later")
        .status(StatusCode::TOO_MANY_REQUESTS)
        .retry_after(seconds)
}

/// What of a registration (RFC 7591 §2) means something here. Everything else is dropped.
#[derive(Deserialize)]
struct Metadata {
    redirect_uris: Vec<String>,
    client_name: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
}

/// `POST /register`: an app makes itself known. That alone gives it nothing.
///
/// There are no client secrets: whatever `token_endpoint_auth_method` was asked for, the answer says `none`.
pub(crate) async fn register(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match keep(&authority, &headers, body).await {
        Ok(client) => json(
            StatusCode::CREATED,
            &object!({
                "client_id": client.id.as_str(),
                "client_id_issued_at": client.registered_on.seconds(),
                "client_name": client.name,
                "redirect_uris": client.redirect_uris,
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
            }),
        ),
        Err(error) => error.into_response(),
    }
}

async fn keep(authority: &Authority, headers: &HeaderMap, body: Body) -> Result<Client, OauthError> {
    let bytes = json_bytes(headers, body).await?;
    let metadata: Metadata = serde_json::from_slice(&bytes).map_err(|_| {
        OauthError::bad("invalid_client_metadata", "send a JSON object with a list redirect_uris of texts")
    })?;
    check(&metadata)?;
    authority.registrations.check()?;

    let _turn = authority.registrations.turn.lock().await;
    let now = authority.clock.now();
    authority.rows.purge_clients(now - UNUSED_LIFE).await?;
    if authority.rows.unused_clients().await? >= MOST_UNUSED {
        authority.rows.purge_clients(now - CROWDED_LIFE).await?;
        if authority.rows.unused_clients().await? >= MOST_UNUSED {
            return Err(too_many(CROWDED_LIFE.as_secs()));
        }
    }
    let client = Client {
        id: ClientId::new(&*authority.random),
        name: label::app(metadata.client_name.as_deref().unwrap_or_default()),
        redirect_uris: metadata.redirect_uris,
        registered_on: now,
    };
    authority.rows.register(&client).await?;
    Ok(client)
}

fn check(metadata: &Metadata) -> Result<(), OauthError> {
    let count = metadata.redirect_uris.len();
    if count == 0 || count > MOST_REDIRECTS {
        return Err(OauthError::bad("invalid_redirect_uri", "register 1 to 10 redirect URIs"));
    }
    for uri in &metadata.redirect_uris {
        Redirect::read(uri)
            .map_err(|rule: BadRedirect| OauthError::bad("invalid_redirect_uri", rule.to_string()))?;
    }
    let lacks =
        |list: &Option<Vec<String>>, word: &str| list.as_ref().is_some_and(|l| !l.iter().any(|w| w == word));
    if lacks(&metadata.grant_types, "authorization_code") {
        return Err(OauthError::bad("invalid_client_metadata", "grant_types lacks authorization_code"));
    }
    if lacks(&metadata.response_types, "code") {
        return Err(OauthError::bad("invalid_client_metadata", "response_types lacks code"));
    }
    Ok(())
}
