use crate::{
    Authority, Client, device, label,
    rate::Rate,
    redirect::{BadRedirect, Redirect},
    wire::{OauthError, json, json_bytes},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use model::{ClientId, Clock};
use serde::Deserialize;
use serde_json::json as object;
use std::{sync::Arc, time::Duration};

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
    rate: Rate,
    /// Held from counting to keeping, so that the count stays right.
    turn: tokio::sync::Mutex<()>,
}

impl Registrations {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { rate: Rate::new(clock), turn: tokio::sync::Mutex::new(()) }
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
    /// What only asks by device codes is answered nowhere.
    #[serde(default)]
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
        Ok((client, grant_types)) => json(
            StatusCode::CREATED,
            &object!({
                "client_id": client.id.as_str(),
                "client_id_issued_at": client.registered_on.seconds(),
                "client_name": client.name,
                "redirect_uris": client.redirect_uris,
                "grant_types": grant_types,
                "response_types": response_types(&client),
                "token_endpoint_auth_method": "none",
            }),
        ),
        Err(error) => error.into_response(),
    }
}

/// What a client without an address to be answered at can't ask for: a code.
fn response_types(client: &Client) -> &'static [&'static str] {
    if client.redirect_uris.is_empty() { &[] } else { &["code"] }
}

/// Keep a new client. Gives it back with the grants that it may use.
async fn keep(
    authority: &Authority,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Client, Vec<&'static str>), OauthError> {
    let bytes = json_bytes(headers, body).await?;
    let metadata: Metadata = serde_json::from_slice(&bytes).map_err(|_| {
        OauthError::bad("invalid_client_metadata", "send a JSON object with a list redirect_uris of texts")
    })?;
    let grant_types = check(&metadata)?;
    authority.registrations.rate.check().map_err(too_many)?;

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
    Ok((client, grant_types))
}

/// The grants that it may use (RFC 7591 §2): those that it names, else the one with a browser.
fn check(metadata: &Metadata) -> Result<Vec<&'static str>, OauthError> {
    let has = |word: &str| metadata.grant_types.as_ref().is_some_and(|l| l.iter().any(|w| w == word));
    let device = has(device::GRANT);
    let browser = !device || has("authorization_code");
    let count = metadata.redirect_uris.len();
    if (count == 0 && browser) || count > MOST_REDIRECTS {
        return Err(OauthError::bad("invalid_redirect_uri", "register 1 to 10 redirect URIs"));
    }
    for uri in &metadata.redirect_uris {
        Redirect::read(uri)
            .map_err(|rule: BadRedirect| OauthError::bad("invalid_redirect_uri", rule.to_string()))?;
    }
    let lacks =
        |list: &Option<Vec<String>>, word: &str| list.as_ref().is_some_and(|l| !l.iter().any(|w| w == word));
    if browser && lacks(&metadata.grant_types, "authorization_code") {
        return Err(OauthError::bad("invalid_client_metadata", "grant_types lacks authorization_code"));
    }
    if browser && lacks(&metadata.response_types, "code") {
        return Err(OauthError::bad("invalid_client_metadata", "response_types lacks code"));
    }
    let mut grants = Vec::new();
    grants.extend(browser.then_some("authorization_code"));
    grants.extend(device.then_some(device::GRANT));
    grants.push("refresh_token");
    Ok(grants)
}
