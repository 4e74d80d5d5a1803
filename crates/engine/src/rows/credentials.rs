use async_trait::async_trait;
use model::{CredentialId, Explain, Timestamp};
use signin::{
    ApiToken, ApplicationPassword, AuthorizationServer, ClientAuth, ClientSource, Credential, CredentialRows,
    FixedCredential, FixedSecret, Interrupted, OauthCredential, Registration, RowsError, Tokens,
};
use std::sync::Arc;
use store::{CredentialRow, FixedKind, FixedRow, OauthRow, Store, StoreError, TokensRow};

/// Where the owners of credentials keep them.
pub(crate) struct Credentials(pub(crate) Arc<Store>);

fn refused(error: StoreError) -> RowsError {
    match error {
        StoreError::Superseded => RowsError::Superseded,
        other => {
            tracing::warn!(error = %other, "a credential could not be stored");
            RowsError::Unavailable(other.problem().sentence)
        }
    }
}

#[async_trait]
impl CredentialRows for Credentials {
    async fn begin_refresh(
        &self,
        id: &CredentialId,
        generation: u64,
        sent_at: Timestamp,
    ) -> Result<(), RowsError> {
        self.0.begin_refresh(id, generation, sent_at).await.map_err(refused)
    }

    async fn commit_refresh(
        &self,
        id: &CredentialId,
        generation: u64,
        tokens: &Tokens,
    ) -> Result<u64, RowsError> {
        self.0.commit_refresh(id, generation, &tokens_row(tokens)).await.map_err(refused)
    }

    async fn abandon_refresh(&self, id: &CredentialId, generation: u64) -> Result<(), RowsError> {
        self.0.abandon_refresh(id, generation).await.map_err(refused)
    }

    async fn needs_sign_in(&self, id: &CredentialId, generation: u64, why: &str) -> Result<(), RowsError> {
        self.0.needs_sign_in(id, generation, why).await.map_err(refused)
    }
}

fn tokens_row(tokens: &Tokens) -> TokensRow {
    TokensRow {
        access: tokens.access.clone(),
        refresh: tokens.refresh.clone(),
        expires_at: tokens.expires_at,
        lifetime: tokens.lifetime,
        scope: tokens.scope.clone(),
        issued_at: tokens.issued_at,
        refresh_lifetime: tokens.refresh_lifetime,
    }
}

/// A credential as the store keeps it.
pub(crate) fn credential_row(credential: &Credential) -> CredentialRow {
    match credential {
        Credential::Oauth(credential) => CredentialRow::Oauth(oauth_row(credential)),
        Credential::Fixed(fixed) => CredentialRow::Fixed(fixed_row(fixed)),
    }
}

/// A credential as its owner knows it; `None` when its header is no header.
pub(crate) fn credential(row: CredentialRow) -> Option<Credential> {
    match row {
        CredentialRow::Oauth(row) => Some(Credential::Oauth(oauth(row))),
        CredentialRow::Fixed(row) => fixed(row).map(Credential::Fixed),
    }
}

fn fixed_row(fixed: &FixedCredential) -> FixedRow {
    let FixedCredential { id, generation, secret, page, needs_sign_in } = fixed;
    let (kind, secret) = match secret {
        FixedSecret::Token(ApiToken { token, header, ends }) => {
            let header = header.as_ref().map(ToString::to_string);
            (FixedKind::Token { header, ends: *ends }, token.clone())
        }
        FixedSecret::Password(ApplicationPassword { user, password, removal }) => {
            (FixedKind::Password { user: user.clone(), removal: removal.clone() }, password.clone())
        }
    };
    FixedRow {
        id: id.clone(),
        generation: *generation,
        kind,
        secret,
        page: page.clone(),
        needs_sign_in: needs_sign_in.clone(),
    }
}

fn fixed(row: FixedRow) -> Option<FixedCredential> {
    let secret = match row.kind {
        FixedKind::Token { header, ends } => {
            let header = header.map(|h| h.parse()).transpose().ok()?;
            FixedSecret::Token(ApiToken { token: row.secret, header, ends })
        }
        FixedKind::Password { user, removal } => {
            FixedSecret::Password(ApplicationPassword { user, password: row.secret, removal })
        }
    };
    Some(FixedCredential {
        id: row.id,
        generation: row.generation,
        secret,
        page: row.page,
        needs_sign_in: row.needs_sign_in,
    })
}

fn oauth_row(credential: &OauthCredential) -> OauthRow {
    let OauthCredential {
        id,
        generation,
        server,
        registration,
        resource,
        tokens,
        interrupted,
        needs_sign_in,
    } = credential;
    OauthRow {
        id: id.clone(),
        generation: *generation,
        issuer: server.issuer.clone(),
        token_endpoint: server.token_endpoint.clone(),
        revocation_endpoint: server.revocation_endpoint.clone(),
        client_id: registration.client_id.clone(),
        client_auth: match registration.auth {
            ClientAuth::None => store::ClientAuth::None,
            ClientAuth::Basic => store::ClientAuth::Basic,
            ClientAuth::Post => store::ClientAuth::Post,
        },
        client_secret: registration.client_secret.clone(),
        client_source: match registration.source {
            ClientSource::Registered => store::ClientSource::Registered,
            ClientSource::Document => store::ClientSource::Document,
            ClientSource::Given => store::ClientSource::Given,
        },
        client_secret_ends: registration.secret_ends,
        management: registration.management.clone(),
        resource: resource.clone(),
        tokens: tokens_row(tokens),
        sent_at: interrupted.map(|i| i.sent_at),
        needs_sign_in: needs_sign_in.clone(),
    }
}

fn oauth(row: OauthRow) -> OauthCredential {
    OauthCredential {
        id: row.id,
        generation: row.generation,
        server: AuthorizationServer {
            issuer: row.issuer,
            token_endpoint: row.token_endpoint,
            revocation_endpoint: row.revocation_endpoint,
        },
        registration: Registration {
            client_id: row.client_id,
            client_secret: row.client_secret,
            auth: match row.client_auth {
                store::ClientAuth::None => ClientAuth::None,
                store::ClientAuth::Basic => ClientAuth::Basic,
                store::ClientAuth::Post => ClientAuth::Post,
            },
            source: match row.client_source {
                store::ClientSource::Registered => ClientSource::Registered,
                store::ClientSource::Document => ClientSource::Document,
                store::ClientSource::Given => ClientSource::Given,
            },
            secret_ends: row.client_secret_ends,
            management: row.management,
        },
        resource: row.resource,
        tokens: Tokens {
            access: row.tokens.access,
            refresh: row.tokens.refresh,
            expires_at: row.tokens.expires_at,
            lifetime: row.tokens.lifetime,
            scope: row.tokens.scope,
            issued_at: row.tokens.issued_at,
            refresh_lifetime: row.tokens.refresh_lifetime,
        },
        interrupted: row.sent_at.map(|sent_at| Interrupted { sent_at }),
        needs_sign_in: row.needs_sign_in,
    }
}
