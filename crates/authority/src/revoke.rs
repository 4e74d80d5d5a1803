use crate::{
    Authority, RevokedBy, exchange,
    token::Token,
    wire::{self, OauthError},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// `POST /revoke` (RFC 7009): an app gives a token back, and its connection ends with it, whichever of its tokens
/// that was.
///
/// 200 for every token, known or not; another client's token is left alone. 503 when it could not be stored.
pub(crate) async fn revoke(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let task = tokio::spawn(async move { end(&authority, &headers, body).await });
    match task.await {
        Ok(Ok(())) => {
            let mut response = StatusCode::OK.into_response();
            wire::no_store(response.headers_mut());
            response
        }
        Ok(Err(error)) => error.into_response(),
        Err(_) => OauthError::trouble().into_response(),
    }
}

async fn end(authority: &Authority, headers: &HeaderMap, body: Body) -> Result<(), OauthError> {
    let form = wire::form(headers, body).await?;
    let text = form.get("token").ok_or_else(|| OauthError::bad("invalid_request", "token is missing"))?;
    let Some(token) = Token::read(text, &*authority.key) else { return Ok(()) };
    let Some(line) = authority.families.get(&token.family) else { return Ok(()) };
    // Who holds the token may end it; naming another client than the token's is a mistake, not a theft.
    if let Ok(client) = exchange::client(headers, &form)
        && line.grant.client.as_ref() != Some(&client)
    {
        return Ok(());
    }
    authority.cut_off(&line.grant.connection, RevokedBy::App).await?;
    Ok(())
}
