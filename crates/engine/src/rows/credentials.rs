use async_trait::async_trait;
use model::{CredentialId, Explain, Problem, Random, Timestamp};
use signin::{
    AuthorizationServer, ClientAuth, Credential, CredentialRows, Interrupted, NewCredential, Registration, RowsError,
    Tokens,
};
use std::sync::Arc;
use store::{CredentialRow, ServiceRow, Store, StoreError, TokensRow};

/// The credentials' rows, as their owners write them.
pub(crate) struct Credentials(Arc<Store>);

impl Credentials {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self(store)
    }
}

fn failed(e: StoreError) -> RowsError {
    match e {
        StoreError::Superseded => RowsError::Superseded,
        other => RowsError::Unavailable(other.to_string()),
    }
}

#[async_trait]
impl CredentialRows for Credentials {
    async fn begin_refresh(&self, id: &CredentialId, generation: u64, sent_at: Timestamp) -> Result<(), RowsError> {
        self.0.begin_refresh(id, generation, sent_at).await.map_err(failed)
    }

    async fn commit_refresh(&self, id: &CredentialId, generation: u64, tokens: &Tokens) -> Result<u64, RowsError> {
        self.0.commit_refresh(id, generation, &tokens_row(tokens)).await.map_err(failed)
    }

    async fn abandon_refresh(&self, id: &CredentialId, generation: u64) -> Result<(), RowsError> {
        self.0.abandon_refresh(id, generation).await.map_err(failed)
    }

    async fn needs_sign_in(&self, id: &CredentialId, generation: u64, why: &str) -> Result<(), RowsError> {
        self.0.needs_sign_in(id, generation, why).await.map_err(failed)
    }
}

/// What is known of a service's credential.
pub(crate) enum Kept {
    /// There is none: the service needs none, or nobody is signed in.
    None,
    /// Here it is.
    Open(Box<Credential>),
    /// It is there, but its secrets don't open with this vault.
    Sealed(Problem),
}

/// All services with their credentials.
pub(crate) async fn load_all(store: &Store) -> Result<Vec<(ServiceRow, Kept)>, Problem> {
    let rows = store.services_with_credentials().await.map_err(|e| e.problem())?;
    let kept = |credential: Option<Result<CredentialRow, StoreError>>| match credential {
        None => Kept::None,
        Some(Ok(row)) => Kept::Open(Box::new(credential_of(row))),
        Some(Err(e)) => {
            tracing::warn!("a credential can't be read: {e}");
            Kept::Sealed(e.problem())
        }
    };
    Ok(rows.into_iter().map(|(service, credential)| (service, kept(credential))).collect())
}

/// Keep a service with its new credential, in the place of what it had.
pub(crate) async fn connect(
    store: &Store,
    service: &ServiceRow,
    new: Option<NewCredential>,
    at: Timestamp,
    random: &dyn Random,
) -> Result<Option<Credential>, Problem> {
    let row = new.map(|new| CredentialRow {
        id: CredentialId::new(random),
        service: service.id.clone(),
        generation: 1,
        issuer: new.server.issuer,
        token_endpoint: new.server.token_endpoint,
        revocation_endpoint: new.server.revocation_endpoint,
        client_id: new.registration.client_id,
        client_secret: new.registration.client_secret,
        client_auth: auth_word(new.registration.auth).to_owned(),
        management: new.registration.management,
        resource: new.resource,
        tokens: tokens_row(&new.tokens),
        refresh_sent_at: None,
        needs_sign_in: None,
    });
    store.connect_service(service, row.as_ref(), at).await.map_err(|e| e.problem())?;
    Ok(row.map(credential_of))
}

fn auth_word(auth: ClientAuth) -> &'static str {
    match auth {
        ClientAuth::None => "none",
        ClientAuth::Basic => "client_secret_basic",
        ClientAuth::Post => "client_secret_post",
    }
}

fn tokens_row(tokens: &Tokens) -> TokensRow {
    TokensRow {
        access: tokens.access.clone(),
        refresh: tokens.refresh.clone(),
        expires_at: tokens.expires_at,
        lifetime: tokens.lifetime,
        scope: tokens.scope.clone(),
    }
}

fn credential_of(row: CredentialRow) -> Credential {
    Credential {
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
            auth: match row.client_auth.as_str() {
                "client_secret_basic" => ClientAuth::Basic,
                "client_secret_post" => ClientAuth::Post,
                _ => ClientAuth::None,
            },
            management: row.management,
        },
        resource: row.resource,
        tokens: Tokens {
            access: row.tokens.access,
            refresh: row.tokens.refresh,
            expires_at: row.tokens.expires_at,
            lifetime: row.tokens.lifetime,
            scope: row.tokens.scope,
        },
        interrupted: row.refresh_sent_at.map(|sent_at| Interrupted { sent_at }),
        needs_sign_in: row.needs_sign_in,
    }
}
