//! What this room needs of others, declared here and implemented by the engine.

use crate::FixedCredential;
use async_trait::async_trait;
use model::{CredentialId, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

/// The authorization server a credential came from, as its metadata said when it was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationServer {
    /// The issuer identifier (RFC 8414), kept as the string it was: it is compared, never parsed.
    pub issuer: String,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: String,
    /// Where tokens are given back (RFC 7009), if anywhere.
    pub revocation_endpoint: Option<String>,
}

/// How we prove ourselves at the token endpoint (RFC 7591 `token_endpoint_auth_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// A public client: the client id alone.
    None,
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}

/// Where a registration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientSource {
    /// Dynamic registration (RFC 7591).
    Registered,
    /// Our Client ID Metadata Document.
    Document,
    /// The person was given it by the provider, and it stays when a sign-in fails.
    Given,
}

/// Our registration with an authorization server. Never used with another issuer.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The client id.
    pub client_id: String,
    /// The client secret, where the server gave one.
    pub client_secret: Option<Secret>,
    /// How we prove ourselves.
    pub auth: ClientAuth,
    /// Where it comes from.
    pub source: ClientSource,
    /// When the client secret ends (RFC 7591 `client_secret_expires_at`); `None` when it does not.
    pub secret_ends: Option<Timestamp>,
    /// Where the registration can be changed or deleted (RFC 7592), and the token for it.
    pub management: Option<(String, Secret)>,
}

/// What the token endpoint gave.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The access token, opaque.
    pub access: Secret,
    /// The refresh token, where there is one.
    pub refresh: Option<Secret>,
    /// When the access token ends, counted from when the request was sent; `None` when nobody said.
    pub expires_at: Option<Timestamp>,
    /// How long the access token lives in all, in seconds, as the server said it.
    pub lifetime: Option<u64>,
    /// The scope granted, when the server said it.
    pub scope: Option<String>,
    /// When they were asked for; `None` for tokens that were stored before this was noted.
    pub issued_at: Option<Timestamp>,
    /// How long the refresh token lives unused, in seconds, when the server said it.
    pub refresh_lifetime: Option<u64>,
}

/// A refresh that was begun and whose end was not stored: what a crash leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted {
    /// When the request was about to be sent.
    pub sent_at: Timestamp,
}

/// What proves us to a service, as it is kept.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a handful live at a time")]
pub enum Credential {
    /// OAuth tokens: an [`Owner`](crate::Owner) renews them.
    Oauth(OauthCredential),
    /// A secret that nothing renews: a [`FixedHandle`](crate::FixedHandle) holds it.
    Fixed(FixedCredential),
}

/// OAuth tokens as they are kept.
#[derive(Debug, Clone)]
pub struct OauthCredential {
    /// Its id.
    pub id: CredentialId,
    /// Counts up with each new pair of tokens; a late writer of an older generation changes nothing.
    pub generation: u64,
    /// Who issued it.
    pub server: AuthorizationServer,
    /// Our registration there.
    pub registration: Registration,
    /// The RFC 8707 resource it is for, as the string that was asked with.
    pub resource: Option<String>,
    /// The tokens.
    pub tokens: Tokens,
    /// A refresh that a crash interrupted.
    pub interrupted: Option<Interrupted>,
    /// Why the person has to sign in again, when that is known already.
    pub needs_sign_in: Option<String>,
}

/// Why a credential could not be written. The tokens in memory stay good.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RowsError {
    /// The row has moved on: somebody stored a newer generation, or the person removed it.
    #[error("the credential has changed meanwhile")]
    Superseded,
    /// The disk is full, the database is locked, the vault is closed.
    #[error("the credential could not be stored: {0}")]
    Unavailable(String),
}

/// Where credentials are kept. Every method is one durable transaction.
#[async_trait]
pub trait CredentialRows: Send + Sync + 'static {
    /// Write down that a refresh of this generation is about to be sent.
    async fn begin_refresh(
        &self,
        id: &CredentialId,
        generation: u64,
        sent_at: Timestamp,
    ) -> Result<(), RowsError>;

    /// The refresh of `generation` gave new tokens: store them as `generation + 1`, and forget the old ones.
    /// Returns the new generation.
    async fn commit_refresh(
        &self,
        id: &CredentialId,
        generation: u64,
        tokens: &Tokens,
    ) -> Result<u64, RowsError>;

    /// The refresh of this generation ended and the old tokens still stand.
    async fn abandon_refresh(&self, id: &CredentialId, generation: u64) -> Result<(), RowsError>;

    /// The person has to sign in again, if this is still the generation.
    async fn needs_sign_in(&self, id: &CredentialId, generation: u64, why: &str) -> Result<(), RowsError>;
}

/// Opens an address in the person's browser.
#[async_trait]
pub trait Browser: Send + Sync + 'static {
    /// Open an address that was checked by [`crate::check_address`].
    ///
    /// # Errors
    /// A sentence about why no browser opened; the sign-in waits on, for the address can be copied.
    async fn open(&self, address: &Url) -> Result<(), String>;
}
