use super::Refusal;
use crate::{House, state::Client};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};
use url::{Host, Url};

/// Registrations beyond this push out the oldest that no sign-in uses.
const MOST: usize = 100;

/// What a client says of itself. Whatever else it says is dropped.
#[derive(Deserialize)]
pub(crate) struct Registration {
    redirect_uris: Vec<String>,
    #[serde(default)]
    client_name: Option<String>,
    #[serde(default)]
    token_endpoint_auth_method: Option<String>,
}

/// Dynamic client registration (RFC 7591). Every client is public: a program on a person's computer can keep no
/// secret from its user.
pub(crate) async fn register(
    State(house): State<Arc<House>>,
    body: Result<Json<Registration>, axum::extract::rejection::JsonRejection>,
) -> Result<Response, Refusal> {
    let metadata = |description| Refusal::new("invalid_client_metadata", description);
    let Json(asked) = body.map_err(|_| metadata("a JSON object with redirect_uris is needed"))?;
    if !matches!(asked.token_endpoint_auth_method.as_deref(), None | Some("none")) {
        return Err(metadata("token_endpoint_auth_method can only be none"));
    }
    if asked.redirect_uris.is_empty()
        || asked.redirect_uris.len() > 10
        || !asked.redirect_uris.iter().all(|u| fit(u))
    {
        return Err(Refusal::new(
            "invalid_redirect_uri",
            "one to ten addresses are needed, each http on a loopback address or with a private scheme",
        ));
    }
    let name: String =
        asked.client_name.unwrap_or_default().chars().filter(|c| !c.is_control()).take(80).collect();
    let name = if name.trim().is_empty() { "An app".to_owned() } else { name };
    let id = house.secret();
    let client = Client { name, redirect_uris: asked.redirect_uris, registered: house.clock.now() };

    let said = json!({
        "client_id": id,
        "client_id_issued_at": client.registered.seconds(),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    });
    house.store.change(|stored| {
        let used: BTreeSet<_> = stored.families.values().map(|f| f.client.clone()).collect();
        if stored.clients.len() >= MOST
            && let Some(oldest) = stored
                .clients
                .iter()
                .filter(|(id, _)| !used.contains(*id))
                .min_by_key(|(_, client)| client.registered)
                .map(|(id, _)| id.clone())
        {
            stored.clients.remove(&oldest);
        }
        stored.clients.insert(id, client);
    })?;
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json::<Value>(said)).into_response())
}

/// Whether a browser may be sent there (RFC 8252): to a program on this computer, and nowhere else.
fn fit(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain
        && match (url.scheme(), url.host()) {
            ("http", Some(Host::Ipv4(ip))) => ip.is_loopback(),
            ("http", Some(Host::Ipv6(ip))) => ip.is_loopback(),
            ("http", Some(Host::Domain(name))) => name == "localhost",
            // A private scheme is somebody's domain name backwards, and so has a dot.
            (scheme, _) => scheme.contains('.'),
        }
}

/// Whether `asked` is `registered`: the same text, but for the port of a loopback address (RFC 8252 §7.3).
pub(crate) fn same_redirect(registered: &str, asked: &str) -> bool {
    if registered == asked {
        return true;
    }
    let (Ok(mut a), Ok(mut b)) = (Url::parse(registered), Url::parse(asked)) else { return false };
    let loopback = |url: &Url| match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    };
    if a.scheme() != "http" || !loopback(&a) || !loopback(&b) {
        return false;
    }
    a.set_port(None).is_ok() && b.set_port(None).is_ok() && a == b
}
