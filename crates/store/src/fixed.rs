use crate::{ServiceRow, Store, StoreError, column, credentials::Place};
use model::{CredentialId, Secret, ServiceId, Timestamp};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

/// A secret that nothing renews.
#[derive(Debug, Clone)]
pub struct FixedRow {
    /// Its id.
    pub id: CredentialId,
    /// Counts up when it is replaced under the same id.
    pub generation: u64,
    /// What it is.
    pub kind: FixedKind,
    /// The secret itself.
    pub secret: Secret,
    /// The provider's page where the person can delete it.
    pub page: Option<String>,
    /// Why the person has to give another.
    pub needs_sign_in: Option<String>,
}

/// What a fixed secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FixedKind {
    /// An API token.
    Token {
        /// The header that carries it as it is; `None` for `Authorization` with the scheme `Bearer`.
        header: Option<String>,
        /// When the person said that it ends.
        ends: Option<Timestamp>,
    },
    /// A WordPress application password.
    Password {
        /// Whose.
        user: String,
        /// Where it can be deleted over REST.
        removal: Option<String>,
    },
}

/// The sealed column's tag, which outlives the column's name.
const SECRET: &str = "credential.fixed";

impl FixedRow {
    /// Bound to where it is sent, and to how: an edit of either leaves nothing that could be sent.
    fn place(&self, url: &str) -> Place {
        let (how, removal) = match &self.kind {
            FixedKind::Token { header, .. } => {
                (format!("token {}", header.as_deref().unwrap_or_default()), None)
            }
            FixedKind::Password { user, removal } => (format!("password {user}"), removal.as_deref()),
        };
        Place::new(self.id.as_str(), self.generation, "", url, &how, removal)
    }
}

impl Store {
    pub(crate) async fn insert_fixed(
        &self,
        tx: &mut SqliteConnection,
        service: &ServiceRow,
        f: &FixedRow,
    ) -> Result<(), StoreError> {
        let sealed = self.seal(&f.place(&service.url), SECRET, &f.secret);
        let (kind, header, ends, user, removal) = match &f.kind {
            FixedKind::Token { header, ends } => ("token", header.as_deref(), *ends, None, None),
            FixedKind::Password { user, removal } => {
                ("password", None, None, Some(user.as_str()), removal.as_deref())
            }
        };
        sqlx::query(
            "INSERT INTO fixed_credentials (id, service, generation, kind, header, user, secret, ends, removal, page,
                 needs_sign_in)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(f.id.as_str())
        .bind(service.id.as_str())
        .bind(column::signed(f.generation))
        .bind(kind)
        .bind(header)
        .bind(user)
        .bind(sealed)
        .bind(ends.map(Timestamp::millis))
        .bind(removal)
        .bind(&f.page)
        .bind(&f.needs_sign_in)
        .execute(tx)
        .await?;
        Ok(())
    }

    pub(crate) async fn fixed(&self, service: &ServiceId) -> Result<Option<FixedRow>, StoreError> {
        let row = sqlx::query(
            "SELECT f.*, s.url FROM fixed_credentials f JOIN services s ON s.id = f.service WHERE f.service = ?",
        )
        .bind(service.as_str())
        .fetch_optional(self.reader())
        .await?;
        row.map(|row| self.open_fixed(&row)).transpose()
    }

    fn open_fixed(&self, row: &SqliteRow) -> Result<FixedRow, StoreError> {
        let kind = match column::text(row, "kind")?.as_str() {
            "token" => FixedKind::Token {
                header: column::maybe_text(row, "header")?,
                ends: column::maybe_time(row, "ends")?,
            },
            "password" => FixedKind::Password {
                user: column::text(row, "user")?,
                removal: column::maybe_text(row, "removal")?,
            },
            _ => return Err(StoreError::Column("kind")),
        };
        let mut fixed = FixedRow {
            id: column::text(row, "id")?.into(),
            generation: column::unsigned(row, "generation")?,
            kind,
            secret: Secret::new(""),
            page: column::maybe_text(row, "page")?,
            needs_sign_in: column::maybe_text(row, "needs_sign_in")?,
        };
        let sealed: Vec<u8> = row.try_get("secret")?;
        fixed.secret = self.unseal(&fixed.place(&column::text(row, "url")?), SECRET, &sealed)?;
        Ok(fixed)
    }

    /// The person has to give another secret, if this is still the one. It stays. The log learns `needs_sign_in`,
    /// with `why` as its outcome, the first time.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when the row has moved on; otherwise when it can't be written.
    pub async fn fixed_needs_sign_in(
        &self,
        id: &CredentialId,
        generation: u64,
        why: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let row: (String, Option<String>) = sqlx::query_as(
            "SELECT s.name, f.needs_sign_in FROM fixed_credentials f JOIN services s ON s.id = f.service
             WHERE f.id = ? AND f.generation = ?",
        )
        .bind(id.as_str())
        .bind(column::signed(generation))
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::Superseded)?;
        sqlx::query("UPDATE fixed_credentials SET needs_sign_in = ? WHERE id = ?")
            .bind(why)
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        if row.1.is_none() {
            self.tell(&mut tx, "needs_sign_in", None, Some(&row.0), why).await?;
        }
        self.commit(tx).await
    }
}
