use crate::{
    AuthorizationServer, ClientAuth, CredentialRows, OauthCredential, Registration, RowsError, Tokens,
};
use async_trait::async_trait;
use model::{CredentialId, Secret, Timestamp};
use std::sync::{Mutex, MutexGuard};

/// What is stored of one credential.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) generation: u64,
    pub(super) access: Option<String>,
    pub(super) refresh: Option<String>,
    pub(super) begun: Option<Timestamp>,
    pub(super) needs_sign_in: Option<String>,
    pub(super) full: bool,
}

/// The row of one credential, on a disk that can be full.
#[derive(Default)]
pub(super) struct Rows(Mutex<Row>);

impl Rows {
    pub(super) fn row(&self) -> MutexGuard<'_, Row> {
        self.0.lock().unwrap()
    }

    fn writable(&self, generation: u64) -> Result<MutexGuard<'_, Row>, RowsError> {
        let row = self.row();
        match &*row {
            row if row.full => Err(RowsError::Unavailable("disk full".to_owned())),
            row if row.generation != generation => Err(RowsError::Superseded),
            _ => Ok(row),
        }
    }
}

#[async_trait]
impl CredentialRows for Rows {
    async fn begin_refresh(
        &self,
        _: &CredentialId,
        generation: u64,
        sent_at: Timestamp,
    ) -> Result<(), RowsError> {
        self.writable(generation)?.begun = Some(sent_at);
        Ok(())
    }

    async fn commit_refresh(
        &self,
        _: &CredentialId,
        generation: u64,
        tokens: &Tokens,
    ) -> Result<u64, RowsError> {
        let mut row = self.writable(generation)?;
        row.generation += 1;
        row.access = Some(tokens.access.expose().to_owned());
        row.refresh = tokens.refresh.as_ref().map(|t| t.expose().to_owned());
        row.begun = None;
        Ok(row.generation)
    }

    async fn abandon_refresh(&self, _: &CredentialId, generation: u64) -> Result<(), RowsError> {
        self.writable(generation)?.begun = None;
        Ok(())
    }

    async fn needs_sign_in(&self, _: &CredentialId, generation: u64, why: &str) -> Result<(), RowsError> {
        self.writable(generation)?.needs_sign_in = Some(why.to_owned());
        Ok(())
    }
}

/// A credential of the server at `origin`, with tokens named `access-0` and `refresh-0`.
pub(super) fn credential(origin: &str, expires_at: Option<Timestamp>) -> OauthCredential {
    OauthCredential {
        id: "credential".into(),
        generation: 0,
        server: AuthorizationServer {
            issuer: origin.to_owned(),
            token_endpoint: format!("{origin}/token"),
            revocation_endpoint: Some(format!("{origin}/revoke")),
        },
        registration: Registration {
            source: crate::ClientSource::Registered,
            secret_ends: None,
            client_id: "client 1".to_owned(),
            client_secret: None,
            auth: ClientAuth::None,
            management: Some((format!("{origin}/register/1"), Secret::new("manage"))),
        },
        resource: Some(format!("{origin}/mcp")),
        tokens: Tokens {
            access: Secret::new("access-0"),
            refresh: Some(Secret::new("refresh-0")),
            expires_at,
            lifetime: expires_at.map(|_| 3600),
            scope: None,
            issued_at: expires_at.map(|at| Timestamp::from_millis(at.millis() - 3_600_000)),
            refresh_lifetime: None,
        },
        interrupted: None,
        needs_sign_in: None,
    }
}
