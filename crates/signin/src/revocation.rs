use crate::{
    AuthorizationServer, Http, HttpError, Registration, Tokens,
    address::{check_address, host},
    http::Ask,
    token::prove,
};
use http::StatusCode;
use model::{Explain, Problem, Secret};

/// Why the tokens were not given back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RevokeError {
    /// The provider has no way to give them back; they end by themselves.
    #[error("{0} has no way to give tokens back")]
    Unsupported(String),
    /// It did not work this time.
    #[error("{host} did not take the tokens back: {why}")]
    Later {
        /// The host that was asked.
        host: String,
        /// What happened, for the log.
        why: String,
    },
}

impl Explain for RevokeError {
    fn problem(&self) -> Problem {
        match self {
            Self::Unsupported(host) => Problem::new(
                "signin.revoke_unsupported",
                format!("Bellhop forgot the sign-in, but {host} has no way to be told."),
                "To be sure, remove Bellhop from the list of apps in your account there.",
            )
            .with("host", host),
            Self::Later { host, .. } => Problem::new(
                "signin.revoke_failed",
                format!("Bellhop forgot the sign-in, but {host} could not be told."),
                "To be sure, remove Bellhop from the list of apps in your account there.",
            )
            .with("host", host),
        }
    }
}

/// Give tokens back (RFC 7009) and delete our registration (RFC 7592), as far as the server can do either.
///
/// A server without the first may have the second: deleting the registration ends its tokens.
pub(crate) async fn revoke(
    http: &Http,
    server: &AuthorizationServer,
    registration: &Registration,
    tokens: &Tokens,
) -> Result<(), RevokeError> {
    let given_back = match &server.revocation_endpoint {
        Some(endpoint) => {
            let refresh = tokens.refresh.as_ref().map(|t| (t, "refresh_token"));
            let access = Some((&tokens.access, "access_token"));
            let mut end = Ok(());
            // The refresh token first: if only one arrives, it should be the one that lasts.
            for (token, kind) in refresh.into_iter().chain(access) {
                end = end.and(give_back(http, endpoint, registration, token, kind).await);
            }
            Some(end)
        }
        None => None,
    };
    let deleted = match &registration.management {
        Some((address, token)) => Some(delete_registration(http, address, token).await),
        None => None,
    };
    match (given_back, deleted) {
        (Some(Ok(())), _) | (_, Some(Ok(()))) => Ok(()),
        (Some(Err(e)), _) | (None, Some(Err(e))) => Err(e),
        (None, None) => Err(RevokeError::Unsupported(server.issuer.clone())),
    }
}

async fn give_back(
    http: &Http,
    endpoint: &str,
    registration: &Registration,
    token: &Secret,
    kind: &str,
) -> Result<(), RevokeError> {
    let url = check_address(endpoint)
        .map_err(|e| RevokeError::Later { host: "the provider".to_owned(), why: e.to_string() })?;
    let name = host(&url);
    let fields = vec![("token", token.expose()), ("token_type_hint", kind)];
    let answer = http.known().send(prove(url, fields, registration)).await;
    // 200 stands for "it is no longer valid", whether it was or not.
    settled(name, answer.map(|a| a.status))
}

/// Delete a registration nobody needs any more.
pub(crate) async fn delete_registration(
    http: &Http,
    address: &str,
    token: &Secret,
) -> Result<(), RevokeError> {
    let url = check_address(address)
        .map_err(|e| RevokeError::Later { host: "the provider".to_owned(), why: e.to_string() })?;
    let name = host(&url);
    let answer = http.known().send(Ask::delete(url).bearer(token)).await;
    settled(name, answer.map(|a| a.status))
}

fn settled(host: String, status: Result<StatusCode, HttpError>) -> Result<(), RevokeError> {
    let why = match status {
        Ok(status) if status.is_success() => return Ok(()),
        Ok(status) => status.to_string(),
        Err(e) => e.to_string(),
    };
    Err(RevokeError::Later { host, why })
}
