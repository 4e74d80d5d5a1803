use crate::{
    ClientAuth, ClientSource, GivenClient, Registration, SignInError,
    address::{check_address, host},
    discovery::Metadata,
    http::{Ask, Guarded},
    outcome::error_code,
};
use model::{Secret, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

/// Why there is no registration.
pub(crate) enum Unregistered {
    /// The server does not like where the browser would come back to. Another redirect may do.
    Redirect(SignInError),
    /// Any other reason.
    Other(SignInError),
}

/// What a server answers to a registration (RFC 7591 §3.2.1): what we use of it.
#[derive(Deserialize)]
struct Registered {
    client_id: String,
    #[serde(default)]
    client_secret: Option<String>,
    #[serde(default)]
    token_endpoint_auth_method: Option<String>,
    #[serde(default)]
    client_secret_expires_at: Option<i64>,
    #[serde(default)]
    registration_client_uri: Option<String>,
    #[serde(default)]
    registration_access_token: Option<String>,
}

#[derive(Deserialize)]
struct Error {
    error: String,
}

/// Introduce Bellhop to an authorization server (RFC 7591), for this one redirect.
pub(crate) async fn register(
    web: &Guarded,
    server: &Metadata,
    client_name: &str,
    redirect_uri: &str,
    scopes: &[String],
) -> Result<Registration, Unregistered> {
    let asked = json!({
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    });
    introduce(web, server, client_name, asked, scopes).await
}

/// The same for the device authorization grant, which comes back nowhere.
pub(crate) async fn register_device(
    web: &Guarded,
    server: &Metadata,
    client_name: &str,
    scopes: &[String],
) -> Result<Registration, Unregistered> {
    let asked = json!({
        "redirect_uris": [],
        "grant_types": [crate::device::GRANT, "refresh_token"],
        "response_types": [],
    });
    introduce(web, server, client_name, asked, scopes).await
}

/// The registration that the provider gave the person, for this server alone.
pub(crate) fn given_registration(given: GivenClient, server: &Metadata) -> Registration {
    let auth = match (&given.client_secret, server.token_endpoint_auth_methods_supported.as_deref()) {
        (None, _) => ClientAuth::None,
        // Without a word from the server it is `client_secret_basic` (RFC 8414 §2).
        (Some(_), None) => ClientAuth::Basic,
        (Some(_), Some(methods)) => first_of(methods).unwrap_or(ClientAuth::Basic),
    };
    Registration {
        client_id: given.client_id,
        client_secret: given.client_secret,
        auth,
        source: ClientSource::Given,
        secret_ends: None,
        management: None,
    }
}

/// Our Client ID Metadata Document as the registration: its address is the client id.
pub(crate) fn document_registration(address: &str) -> Registration {
    Registration {
        client_id: address.to_owned(),
        client_secret: None,
        auth: ClientAuth::None,
        source: ClientSource::Document,
        secret_ends: None,
        management: None,
    }
}

async fn introduce(
    web: &Guarded,
    server: &Metadata,
    client_name: &str,
    mut asked: Value,
    scopes: &[String],
) -> Result<Registration, Unregistered> {
    let name = server.host();
    let Some(endpoint) = &server.registration_endpoint else {
        return Err(Unregistered::Other(SignInError::NoRegistration { host: name }));
    };
    let url = check_address(endpoint).map_err(|e| Unregistered::Other(e.into()))?;
    asked["client_name"] = client_name.into();
    asked["application_type"] = "native".into();
    asked["token_endpoint_auth_method"] = method_name(wanted(server)).into();
    if !scopes.is_empty() {
        asked["scope"] = scopes.join(" ").into();
    }
    let at = host(&url);
    let answer =
        web.send(Ask::post(url, "application/json", asked.to_string()).accept("application/json")).await;
    let answer = answer.map_err(|cause| Unregistered::Other(SignInError::Http { host: at, cause }))?;
    if !answer.status.is_success() {
        let said = serde_json::from_slice::<Error>(&answer.body).ok();
        let code = said.map_or_else(|| answer.status.to_string(), |e| error_code(&e.error));
        let redirect = code == "invalid_redirect_uri";
        let error = SignInError::RegistrationRefused { host: name, code };
        return Err(if redirect { Unregistered::Redirect(error) } else { Unregistered::Other(error) });
    }
    let Ok(registered) = serde_json::from_slice::<Registered>(&answer.body) else {
        let code = "no client id".to_owned();
        return Err(Unregistered::Other(SignInError::RegistrationRefused { host: name, code }));
    };
    let management = registered.registration_client_uri.zip(registered.registration_access_token);
    // Its token must go nowhere that the server itself would not have been asked at.
    let management = management.filter(|(u, _)| check_address(u).is_ok_and(|u| web.check(&u).is_ok()));
    let client_secret = registered.client_secret.filter(|s| !s.is_empty()).map(Secret::new);
    let auth = match (registered.token_endpoint_auth_method.as_deref(), &client_secret) {
        (Some("none"), _) | (_, None) => ClientAuth::None,
        (Some("client_secret_basic"), _) => ClientAuth::Basic,
        (Some("client_secret_post"), _) => ClientAuth::Post,
        // It gave a secret and did not say how to show it.
        (_, Some(_)) => match wanted(server) {
            ClientAuth::None => ClientAuth::Basic,
            other => other,
        },
    };
    Ok(Registration {
        client_id: registered.client_id,
        secret_ends: registered
            .client_secret_expires_at
            .filter(|at| *at > 0 && client_secret.is_some())
            .map(|at| Timestamp::from_millis(at.saturating_mul(1000))),
        client_secret,
        auth,
        source: ClientSource::Registered,
        management: management.map(|(address, token)| (address, Secret::new(token))),
    })
}

/// How to prove ourselves, of what the server can do. A native app keeps no secret from its own user, so that
/// none at all is best; PKCE protects the code.
fn wanted(server: &Metadata) -> ClientAuth {
    let methods = server.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
    if methods.iter().any(|m| m == method_name(ClientAuth::None)) {
        return ClientAuth::None;
    }
    first_of(methods).unwrap_or(ClientAuth::None)
}

/// The way to show a secret that a server lists first. The list has no order by the letter (RFC 8414 §2), but there are
/// servers on which only the first of it works.
fn first_of(methods: &[String]) -> Option<ClientAuth> {
    let known =
        |m: &String| [ClientAuth::Basic, ClientAuth::Post].into_iter().find(|auth| m == method_name(*auth));
    methods.iter().find_map(known)
}

fn method_name(auth: ClientAuth) -> &'static str {
    match auth {
        ClientAuth::None => "none",
        ClientAuth::Basic => "client_secret_basic",
        ClientAuth::Post => "client_secret_post",
    }
}
