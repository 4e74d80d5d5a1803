use crate::{FixedRow, ServiceRow, Store, StoreError, column, refresh};
use model::{CredentialId, Secret, ServiceId, Timestamp};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use vault::{Binding, VaultError};

/// What proves us to a service.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a handful live at a time")]
pub enum CredentialRow {
    /// OAuth tokens.
    Oauth(OauthRow),
    /// A secret that nothing renews.
    Fixed(FixedRow),
}

/// OAuth tokens, and what renews them.
#[derive(Debug, Clone)]
pub struct OauthRow {
    /// Its id.
    pub id: CredentialId,
    /// Counts up with each new pair of tokens.
    pub generation: u64,
    /// The issuer identifier.
    pub issuer: String,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: String,
    /// Where tokens are given back, if anywhere.
    pub revocation_endpoint: Option<String>,
    /// Our client id there.
    pub client_id: String,
    /// How we prove ourselves there.
    pub client_auth: ClientAuth,
    /// Our client secret there.
    pub client_secret: Option<Secret>,
    /// Where the registration comes from.
    pub client_source: ClientSource,
    /// When our client secret ends.
    pub client_secret_ends: Option<Timestamp>,
    /// Where our registration can be changed, and the token for that.
    pub management: Option<(String, Secret)>,
    /// The resource the tokens are for.
    pub resource: Option<String>,
    /// The tokens.
    pub tokens: TokensRow,
    /// When a refresh was about to be sent whose end was not stored.
    pub sent_at: Option<Timestamp>,
    /// Why the person has to sign in again.
    pub needs_sign_in: Option<String>,
}

/// The tokens of one generation.
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
    /// The scope that was granted.
    pub scope: Option<String>,
    /// When they were asked for.
    pub issued_at: Option<Timestamp>,
    /// How long the refresh token lives unused, in seconds.
    pub refresh_lifetime: Option<u64>,
}

/// How we prove ourselves at a token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// By the client id alone.
    None,
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}

impl ClientAuth {
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "basic",
            Self::Post => "post",
        }
    }
}

/// Where a registration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientSource {
    /// Dynamic registration (RFC 7591).
    Registered,
    /// Our Client ID Metadata Document.
    Document,
    /// The person was given it by the provider.
    Given,
}

impl ClientSource {
    fn word(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Document => "document",
            Self::Given => "given",
        }
    }
}

/// The sealed columns by their tags, which outlive the columns' names.
const ACCESS: &str = "credential.access";
const REFRESH: &str = "credential.refresh";
const CLIENT_SECRET: &str = "credential.client_secret";
const MANAGEMENT: &str = "credential.management";

/// What a row's sealed columns are bound to.
pub(crate) struct Place {
    row: String,
    generation: u64,
    issuer: String,
    addresses: String,
}

impl Place {
    /// Each secret is bound to all the addresses that a credential's secrets are sent to, whole and not their
    /// origins alone: an edit of any of them, to lead a token elsewhere, leaves nothing that could be sent.
    pub(crate) fn new(
        id: &str,
        generation: u64,
        issuer: &str,
        service: &str,
        token: &str,
        revocation: Option<&str>,
    ) -> Self {
        // No address holds a line break, so this can't be read in two ways.
        let addresses = format!("{service}\n{token}\n{}", revocation.unwrap_or_default());
        Self { row: id.to_owned(), generation, issuer: issuer.to_owned(), addresses }
    }

    pub(crate) fn of(row: &SqliteRow, generation: u64) -> Result<Self, StoreError> {
        Ok(Self::new(
            &column::text(row, "id")?,
            generation,
            &column::text(row, "issuer")?,
            &column::text(row, "url")?,
            &column::text(row, "token_endpoint")?,
            column::maybe_text(row, "revocation_endpoint")?.as_deref(),
        ))
    }

    fn at(&self, field: &'static str) -> Binding<'_> {
        // Our registration stays the same from one pair of tokens to the next.
        let generation = if field == CLIENT_SECRET || field == MANAGEMENT { 0 } else { self.generation };
        Binding { field, row: &self.row, generation, issuer: &self.issuer, origin: &self.addresses }
    }

    /// A registration's token goes to its own address, on top of the others.
    fn managed_at(&self, uri: &str) -> Self {
        Self {
            row: self.row.clone(),
            generation: 0,
            issuer: self.issuer.clone(),
            addresses: format!("{}\n{uri}", self.addresses),
        }
    }
}

impl Store {
    pub(crate) fn seal(&self, place: &Place, field: &'static str, secret: &Secret) -> Vec<u8> {
        self.vault.seal(&*self.random, &place.at(field), secret.expose().as_bytes())
    }

    pub(crate) fn unseal(
        &self,
        place: &Place,
        field: &'static str,
        sealed: &[u8],
    ) -> Result<Secret, StoreError> {
        let plain = self.vault.unseal(&place.at(field), sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| VaultError::Unsealable { field })?;
        Ok(Secret::new(text))
    }

    pub(crate) fn seal_tokens(&self, place: &Place, tokens: &TokensRow) -> (Vec<u8>, Option<Vec<u8>>) {
        let refresh = tokens.refresh.as_ref().map(|t| self.seal(place, REFRESH, t));
        (self.seal(place, ACCESS, &tokens.access), refresh)
    }

    pub(crate) async fn insert_credential(
        &self,
        tx: &mut SqliteConnection,
        service: &ServiceRow,
        c: &CredentialRow,
    ) -> Result<(), StoreError> {
        match c {
            CredentialRow::Oauth(c) => self.insert_oauth(tx, service, c).await,
            CredentialRow::Fixed(f) => self.insert_fixed(tx, service, f).await,
        }
    }

    async fn insert_oauth(
        &self,
        tx: &mut SqliteConnection,
        service: &ServiceRow,
        c: &OauthRow,
    ) -> Result<(), StoreError> {
        let place = Place::new(
            c.id.as_str(),
            c.generation,
            &c.issuer,
            &service.url,
            &c.token_endpoint,
            c.revocation_endpoint.as_deref(),
        );
        let (access, refresh) = self.seal_tokens(&place, &c.tokens);
        let management =
            c.management.as_ref().map(|(uri, t)| (uri, self.seal(&place.managed_at(uri), MANAGEMENT, t)));
        sqlx::query(
            "INSERT INTO credentials (id, service, generation, issuer, token_endpoint, revocation_endpoint,
                 client_id, client_auth, client_secret, client_source, client_secret_ends, management_uri,
                 management_token, resource, access, refresh, expires_at, lifetime, scope, sent_at, needs_sign_in)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(c.id.as_str())
        .bind(service.id.as_str())
        .bind(column::signed(c.generation))
        .bind(&c.issuer)
        .bind(&c.token_endpoint)
        .bind(&c.revocation_endpoint)
        .bind(&c.client_id)
        .bind(c.client_auth.word())
        .bind(c.client_secret.as_ref().map(|s| self.seal(&place, CLIENT_SECRET, s)))
        .bind(c.client_source.word())
        .bind(c.client_secret_ends.map(Timestamp::millis))
        .bind(management.as_ref().map(|(uri, _)| uri.as_str()))
        .bind(management.as_ref().map(|(_, token)| token.as_slice()))
        .bind(&c.resource)
        .bind(access)
        .bind(refresh)
        .bind(c.tokens.expires_at.map(Timestamp::millis))
        .bind(c.tokens.lifetime.map(column::signed))
        .bind(&c.tokens.scope)
        .bind(c.sent_at.map(Timestamp::millis))
        .bind(&c.needs_sign_in)
        .execute(&mut *tx)
        .await?;
        refresh::note_life(tx, &c.id, &c.tokens).await
    }

    /// A service's credential, opened; `None` when nobody is signed in.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when a sealed column does not open: the row was damaged or edited. It is kept as
    /// it is.
    pub async fn credential(&self, service: &ServiceId) -> Result<Option<CredentialRow>, StoreError> {
        let row = sqlx::query(
            "SELECT c.*, s.url FROM credentials c JOIN services s ON s.id = c.service WHERE c.service = ?",
        )
        .bind(service.as_str())
        .fetch_optional(self.reader())
        .await?;
        match row {
            Some(row) => Ok(Some(CredentialRow::Oauth(self.open_oauth(&row)?))),
            None => Ok(self.fixed(service).await?.map(CredentialRow::Fixed)),
        }
    }

    fn open_oauth(&self, row: &SqliteRow) -> Result<OauthRow, StoreError> {
        let generation = column::unsigned(row, "generation")?;
        let place = Place::of(row, generation)?;
        let sealed = |column: &'static str, field| {
            let sealed: Option<Vec<u8>> = row.try_get(column)?;
            sealed.map(|s| self.unseal(&place, field, &s)).transpose()
        };
        let management = match column::maybe_text(row, "management_uri")? {
            Some(uri) => {
                let token: Vec<u8> = row.try_get("management_token")?;
                let token = self.unseal(&place.managed_at(&uri), MANAGEMENT, &token)?;
                Some((uri, token))
            }
            None => None,
        };
        Ok(OauthRow {
            id: column::text(row, "id")?.into(),
            generation,
            issuer: column::text(row, "issuer")?,
            token_endpoint: column::text(row, "token_endpoint")?,
            revocation_endpoint: column::maybe_text(row, "revocation_endpoint")?,
            client_id: column::text(row, "client_id")?,
            client_auth: match column::text(row, "client_auth")?.as_str() {
                "none" => ClientAuth::None,
                "basic" => ClientAuth::Basic,
                "post" => ClientAuth::Post,
                _ => return Err(StoreError::Column("client_auth")),
            },
            client_secret: sealed("client_secret", CLIENT_SECRET)?,
            client_source: match column::text(row, "client_source")?.as_str() {
                "registered" => ClientSource::Registered,
                "document" => ClientSource::Document,
                "given" => ClientSource::Given,
                _ => return Err(StoreError::Column("client_source")),
            },
            client_secret_ends: column::maybe_time(row, "client_secret_ends")?,
            management,
            resource: column::maybe_text(row, "resource")?,
            tokens: TokensRow {
                access: sealed("access", ACCESS)?.ok_or(StoreError::Column("access"))?,
                refresh: sealed("refresh", REFRESH)?,
                expires_at: column::maybe_time(row, "expires_at")?,
                lifetime: column::maybe_unsigned(row, "lifetime")?,
                scope: column::maybe_text(row, "scope")?,
                issued_at: column::maybe_time(row, "issued_at")?,
                refresh_lifetime: column::maybe_unsigned(row, "refresh_lifetime")?,
            },
            sent_at: column::maybe_time(row, "sent_at")?,
            needs_sign_in: column::maybe_text(row, "needs_sign_in")?,
        })
    }
}
