use crate::{ServiceRow, Store, StoreError, activity::outbox, services};
use model::{CredentialId, Secret, ServiceId, Timestamp};
use sqlx::{Row, Sqlite, Transaction, sqlite::SqliteRow};
use vault::Binding;

/// A credential as it is kept. Its secrets are sealed in the file and open here.
#[derive(Debug, Clone)]
pub struct CredentialRow {
    /// Its id.
    pub id: CredentialId,
    /// The service it is for.
    pub service: ServiceId,
    /// Counts up with each new pair of tokens.
    pub generation: u64,
    /// The issuer identifier of the authorization server.
    pub issuer: String,
    /// Where it exchanges refresh tokens.
    pub token_endpoint: String,
    /// Where it takes tokens back.
    pub revocation_endpoint: Option<String>,
    /// Our client id there.
    pub client_id: String,
    /// Our client secret there.
    pub client_secret: Option<Secret>,
    /// How we prove ourselves there, as one word.
    pub client_auth: String,
    /// Where our registration can be deleted, and the token for it.
    pub management: Option<(String, Secret)>,
    /// The resource it is for.
    pub resource: Option<String>,
    /// The tokens.
    pub tokens: TokensRow,
    /// When a refresh was about to be sent whose end was not stored.
    pub refresh_sent_at: Option<Timestamp>,
    /// Why the person has to sign in again.
    pub needs_sign_in: Option<String>,
}

/// The tokens of a credential.
#[derive(Debug, Clone)]
pub struct TokensRow {
    /// The access token.
    pub access: Secret,
    /// The refresh token.
    pub refresh: Option<Secret>,
    /// When the access token ends.
    pub expires_at: Option<Timestamp>,
    /// How long it lives in all, in seconds.
    pub lifetime: Option<u64>,
    /// The scope granted.
    pub scope: Option<String>,
}

/// What a sealed column of a credential is bound to: a swapped row, an older generation, another issuer or
/// another origin, and it doesn't open.
struct Bound<'a> {
    row: &'a str,
    generation: u64,
    issuer: &'a str,
    resource: Option<&'a str>,
}

const CLIENT_SECRET: &str = "credential.client_secret";
const MANAGEMENT: &str = "credential.management_token";
const ACCESS: &str = "credential.access";
const REFRESH: &str = "credential.refresh";

impl<'a> Bound<'a> {
    /// What doesn't change with a refresh is bound to generation 0.
    fn lasting(&self, field: &'static str) -> Binding<'a> {
        Binding {
            field,
            row: self.row,
            generation: 0,
            issuer: self.issuer,
            origin: self.resource.unwrap_or_default(),
        }
    }

    fn token(&self, field: &'static str) -> Binding<'a> {
        Binding { generation: self.generation, ..self.lasting(field) }
    }
}

impl CredentialRow {
    fn bound(&self) -> Bound<'_> {
        Bound {
            row: self.id.as_str(),
            generation: self.generation,
            issuer: &self.issuer,
            resource: self.resource.as_deref(),
        }
    }
}

fn generation(stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(|_| StoreError::Value("generation"))
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Store {
    fn unseal(&self, binding: &Binding<'_>, sealed: &[u8]) -> Result<Secret, StoreError> {
        let plain = self.vault().unseal(binding, sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| StoreError::Value("sealed text"))?;
        Ok(Secret::new(text))
    }

    /// All services with their credentials, by short name. A credential whose secrets don't open is said to need
    /// a new sign-in, and stays as it is.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn services_with_credentials(
        &self,
    ) -> Result<Vec<(ServiceRow, Option<Result<CredentialRow, StoreError>>)>, StoreError> {
        let mut out = Vec::new();
        for row in sqlx::query("SELECT * FROM service ORDER BY name").fetch_all(&self.database.readers).await? {
            let service = services::read(&row)?;
            let credential = sqlx::query("SELECT * FROM credential WHERE service = ?")
                .bind(service.id.as_str())
                .fetch_optional(&self.database.readers)
                .await?;
            out.push((service, credential.map(|row| self.read(&row))));
        }
        Ok(out)
    }

    fn read(&self, row: &SqliteRow) -> Result<CredentialRow, StoreError> {
        let id: String = row.try_get("id")?;
        let issuer: String = row.try_get("issuer")?;
        let resource: Option<String> = row.try_get("resource")?;
        let generation = generation(row.try_get("generation")?)?;
        let bound = Bound { row: &id, generation, issuer: &issuer, resource: resource.as_deref() };
        let open = |column: &str, binding: Binding<'_>| -> Result<Option<Secret>, StoreError> {
            let sealed: Option<&[u8]> = row.try_get(column)?;
            sealed.map(|s| self.unseal(&binding, s)).transpose()
        };
        let management_uri: Option<String> = row.try_get("management_uri")?;
        let management_token = open("sealed_management_token", bound.lasting(MANAGEMENT))?;
        let access = open("sealed_access", bound.token(ACCESS))?.ok_or(StoreError::Value("access token"))?;
        let tokens = TokensRow {
            access,
            refresh: open("sealed_refresh", bound.token(REFRESH))?,
            expires_at: row.try_get::<Option<i64>, _>("expires_at")?.map(Timestamp::from_millis),
            lifetime: row.try_get::<Option<i64>, _>("lifetime")?.and_then(|s| u64::try_from(s).ok()),
            scope: row.try_get("scope")?,
        };
        Ok(CredentialRow {
            client_secret: open("sealed_client_secret", bound.lasting(CLIENT_SECRET))?,
            service: row.try_get::<String, _>("service")?.into(),
            generation,
            token_endpoint: row.try_get("token_endpoint")?,
            revocation_endpoint: row.try_get("revocation_endpoint")?,
            client_id: row.try_get("client_id")?,
            client_auth: row.try_get("client_auth")?,
            management: management_uri.zip(management_token),
            tokens,
            refresh_sent_at: row.try_get::<Option<i64>, _>("refresh_sent_at")?.map(Timestamp::from_millis),
            needs_sign_in: row.try_get("needs_sign_in")?,
            id: id.into(),
            issuer,
            resource,
        })
    }

    /// Keep a service that was just signed in to, with its credential: new, or in the place of what it had. The
    /// old credential is gone only when the new one is stored.
    ///
    /// # Errors
    /// When it can't be written; then everything is as before.
    pub async fn connect_service(
        &self,
        service: &ServiceRow,
        credential: Option<&CredentialRow>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.database.writer.begin().await?;
        sqlx::query(
            "INSERT INTO service (id, name, title, url, catalogue, account, method, created_on)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET
                 name = excluded.name, title = excluded.title, url = excluded.url,
                 catalogue = excluded.catalogue, account = excluded.account, method = excluded.method",
        )
        .bind(service.id.as_str())
        .bind(service.name.as_str())
        .bind(&service.title)
        .bind(&service.url)
        .bind(&service.catalogue)
        .bind(&service.account)
        .bind(service.method.as_str())
        .bind(service.created_on.millis())
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM credential WHERE service = ?").bind(service.id.as_str()).execute(&mut *tx).await?;
        if let Some(credential) = credential {
            self.insert(&mut tx, credential).await?;
        }
        outbox(&mut tx, at, "service_connected", None, Some(service.name.as_str()), "ok").await?;
        tx.commit().await?;
        Ok(())
    }

    async fn insert(&self, tx: &mut Transaction<'_, Sqlite>, c: &CredentialRow) -> Result<(), StoreError> {
        let bound = c.bound();
        let lasting = |field, secret: &Secret| self.seal(&bound.lasting(field), secret.expose());
        let token = |field, secret: &Secret| self.seal(&bound.token(field), secret.expose());
        sqlx::query(
            "INSERT INTO credential (id, service, generation, issuer, token_endpoint, revocation_endpoint, client_id,
                 client_auth, sealed_client_secret, management_uri, sealed_management_token, resource, sealed_access,
                 sealed_refresh, expires_at, lifetime, scope, refresh_sent_at, needs_sign_in)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(c.id.as_str())
        .bind(c.service.as_str())
        .bind(number(c.generation))
        .bind(&c.issuer)
        .bind(&c.token_endpoint)
        .bind(&c.revocation_endpoint)
        .bind(&c.client_id)
        .bind(&c.client_auth)
        .bind(c.client_secret.as_ref().map(|s| lasting(CLIENT_SECRET, s)))
        .bind(c.management.as_ref().map(|(uri, _)| uri))
        .bind(c.management.as_ref().map(|(_, s)| lasting(MANAGEMENT, s)))
        .bind(&c.resource)
        .bind(token(ACCESS, &c.tokens.access))
        .bind(c.tokens.refresh.as_ref().map(|s| token(REFRESH, s)))
        .bind(c.tokens.expires_at.map(Timestamp::millis))
        .bind(c.tokens.lifetime.map(number))
        .bind(&c.tokens.scope)
        .bind(c.refresh_sent_at.map(Timestamp::millis))
        .bind(&c.needs_sign_in)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Write down that a refresh of this generation is about to be sent.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when this is not the generation any more.
    pub async fn begin_refresh(&self, id: &CredentialId, generation: u64, at: Timestamp) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE credential SET refresh_sent_at = ? WHERE id = ? AND generation = ?")
            .bind(at.millis())
            .bind(id.as_str())
            .bind(number(generation))
            .execute(&self.database.writer)
            .await?;
        changed_one(done.rows_affected())
    }

    /// The refresh ended, and the old tokens still stand.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when this is not the generation any more.
    pub async fn abandon_refresh(&self, id: &CredentialId, generation: u64) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE credential SET refresh_sent_at = NULL WHERE id = ? AND generation = ?")
            .bind(id.as_str())
            .bind(number(generation))
            .execute(&self.database.writer)
            .await?;
        changed_one(done.rows_affected())
    }

    /// Keep new tokens in the place of those of `generation`, as the next one, which it returns.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when `generation` is not the generation any more; otherwise why it can't be
    /// written. The old tokens then stand as they were.
    pub async fn commit_refresh(
        &self,
        id: &CredentialId,
        generation: u64,
        tokens: &TokensRow,
    ) -> Result<u64, StoreError> {
        let mut tx = self.database.writer.begin().await?;
        let row = sqlx::query("SELECT issuer, resource FROM credential WHERE id = ? AND generation = ?")
            .bind(id.as_str())
            .bind(number(generation))
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(StoreError::Superseded)?;
        let issuer: String = row.try_get("issuer")?;
        let resource: Option<String> = row.try_get("resource")?;
        let next = generation + 1;
        let bound = Bound { row: id.as_str(), generation: next, issuer: &issuer, resource: resource.as_deref() };
        let token = |field, secret: &Secret| self.seal(&bound.token(field), secret.expose());
        sqlx::query(
            "UPDATE credential SET generation = ?, sealed_access = ?, sealed_refresh = ?, expires_at = ?,
                 lifetime = ?, scope = ?, refresh_sent_at = NULL, needs_sign_in = NULL
             WHERE id = ?",
        )
        .bind(number(next))
        .bind(token(ACCESS, &tokens.access))
        .bind(tokens.refresh.as_ref().map(|s| token(REFRESH, s)))
        .bind(tokens.expires_at.map(Timestamp::millis))
        .bind(tokens.lifetime.map(number))
        .bind(&tokens.scope)
        .bind(id.as_str())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(next)
    }

    /// The person has to sign in again, if this is still the generation.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when it isn't.
    pub async fn needs_sign_in(&self, id: &CredentialId, generation: u64, why: &str) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE credential SET needs_sign_in = ?, refresh_sent_at = NULL WHERE id = ? AND generation = ?",
        )
        .bind(why)
        .bind(id.as_str())
        .bind(number(generation))
        .execute(&self.database.writer)
        .await?;
        changed_one(done.rows_affected())
    }
}

fn changed_one(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Superseded) }
}
