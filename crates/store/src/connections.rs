use crate::{Database, StoreError, activity::outbox};
use model::{ClientId, ConnectionId, Program, Scope, Timestamp};
use sqlx::{Row, Sqlite, Transaction};

/// A connection as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    /// Its id.
    pub id: ConnectionId,
    /// The client that asked; `None` for the bridge.
    pub client: Option<ClientId>,
    /// The app's name as it said it.
    pub app: String,
    /// The computer's name.
    pub computer: String,
    /// How it was let in: `oauth` or `bridge`.
    pub method: String,
    /// What it may do.
    pub scope: Scope,
    /// The path of the endpoint its tokens are for.
    pub resource: String,
    /// The program that was seen behind it.
    pub program: Option<Program>,
    /// Since when.
    pub connected_on: Timestamp,
    /// The last call.
    pub last_active: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_on: Option<Timestamp>,
}

/// From what a connection's tokens follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyRow {
    /// 16 random bytes.
    pub id: [u8; 16],
    /// The number of the newest pair.
    pub number: u32,
    /// When it was issued.
    pub issued_on: Timestamp,
    /// When its access token ends.
    pub access_until: Timestamp,
    /// What it may do.
    pub scope: Scope,
}

/// How many revoked connections are kept for showing.
const REVOKED_KEPT: u32 = 200;

impl Database {
    /// Keep a new connection, with its tokens' family if it has one. Its client counts as used from now on.
    ///
    /// # Errors
    /// When it can't be written; nothing has changed then.
    pub async fn add_connection(
        &self,
        c: &ConnectionRow,
        family: Option<&FamilyRow>,
    ) -> Result<(), StoreError> {
        let program = c.program.as_ref().map(serde_json::to_string).transpose();
        let program = program.map_err(|_| StoreError::Value("program"))?;
        let mut tx = self.writer.begin().await?;
        sqlx::query(
            "INSERT INTO connection (id, client, app, computer, method, scope, resource, program, connected_on)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(c.id.as_str())
        .bind(c.client.as_ref().map(ClientId::as_str))
        .bind(&c.app)
        .bind(&c.computer)
        .bind(&c.method)
        .bind(c.scope.to_string())
        .bind(&c.resource)
        .bind(program)
        .bind(c.connected_on.millis())
        .execute(&mut *tx)
        .await?;
        if let Some(client) = &c.client {
            sqlx::query("UPDATE client SET used = 1 WHERE id = ?")
                .bind(client.as_str())
                .execute(&mut *tx)
                .await?;
        }
        if let Some(f) = family {
            sqlx::query(
                "INSERT INTO family (connection, id, number, issued_on, access_until, scope) VALUES (?, ?, ?, ?, ?, ?)",
            )
            .bind(c.id.as_str())
            .bind(&f.id[..])
            .bind(f.number)
            .bind(f.issued_on.millis())
            .bind(f.access_until.millis())
            .bind(f.scope.to_string())
            .execute(&mut *tx)
            .await?;
        }
        let name = format!("{} on {}", c.app, c.computer);
        outbox(&mut tx, c.connected_on, "connection_allowed", Some(&name), None, "ok").await?;
        tx.commit().await?;
        Ok(())
    }

    /// All connections with their families.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn connections(&self) -> Result<Vec<(ConnectionRow, Option<FamilyRow>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.*, f.id AS family, f.number, f.issued_on, f.access_until, f.scope AS family_scope
             FROM connection c LEFT JOIN family f ON f.connection = c.id ORDER BY c.connected_on",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((connection(row)?, family(row)?))).collect()
    }

    /// Keep the family's next number.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when the stored number is not the one before it, or the connection was revoked.
    pub async fn rotate_family(&self, connection: &ConnectionId, f: &FamilyRow) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE family SET number = ?, issued_on = ?, access_until = ?, scope = ?
             WHERE connection = ? AND id = ? AND number = ? - 1",
        )
        .bind(f.number)
        .bind(f.issued_on.millis())
        .bind(f.access_until.millis())
        .bind(f.scope.to_string())
        .bind(connection.as_str())
        .bind(&f.id[..])
        .bind(f.number)
        .execute(&self.writer)
        .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Superseded) }
    }

    /// Revoke a connection: its family is deleted, and with it every token.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn revoke_connection(&self, id: &ConnectionId, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.writer.begin().await?;
        let row = sqlx::query(
            "UPDATE connection SET revoked_on = ? WHERE id = ? AND revoked_on IS NULL RETURNING app, computer",
        )
        .bind(at.millis())
        .bind(id.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(()) };
        let name = format!("{} on {}", row.try_get::<&str, _>("app")?, row.try_get::<&str, _>("computer")?);
        sqlx::query("DELETE FROM family WHERE connection = ?").bind(id.as_str()).execute(&mut *tx).await?;
        outbox(&mut tx, at, "connection_revoked", Some(&name), None, "ok").await?;
        forget_old(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Keep when a connection was last active. Never goes back.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn touch_connection(&self, id: &ConnectionId, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE connection SET last_active = ? WHERE id = ? AND (last_active IS NULL OR last_active < ?)",
        )
        .bind(at.millis())
        .bind(id.as_str())
        .bind(at.millis())
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}

async fn forget_old(tx: &mut Transaction<'_, Sqlite>) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM connection WHERE id IN
             (SELECT id FROM connection WHERE revoked_on IS NOT NULL ORDER BY revoked_on DESC LIMIT -1 OFFSET ?)",
    )
    .bind(REVOKED_KEPT)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn scope(text: &str) -> Result<Scope, StoreError> {
    text.parse().map_err(|_| StoreError::Value("scope"))
}

fn time(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(Timestamp::from_millis)
}

fn connection(row: &sqlx::sqlite::SqliteRow) -> Result<ConnectionRow, StoreError> {
    let program: Option<&str> = row.try_get("program")?;
    Ok(ConnectionRow {
        id: row.try_get::<String, _>("id")?.into(),
        client: row.try_get::<Option<String>, _>("client")?.map(Into::into),
        app: row.try_get("app")?,
        computer: row.try_get("computer")?,
        method: row.try_get("method")?,
        scope: scope(row.try_get("scope")?)?,
        resource: row.try_get("resource")?,
        program: program.map(serde_json::from_str).transpose().map_err(|_| StoreError::Value("program"))?,
        connected_on: Timestamp::from_millis(row.try_get("connected_on")?),
        last_active: time(row.try_get("last_active")?),
        revoked_on: time(row.try_get("revoked_on")?),
    })
}

fn family(row: &sqlx::sqlite::SqliteRow) -> Result<Option<FamilyRow>, StoreError> {
    let Some(id) = row.try_get::<Option<&[u8]>, _>("family")? else { return Ok(None) };
    Ok(Some(FamilyRow {
        id: id.try_into().map_err(|_| StoreError::Value("family"))?,
        number: row.try_get("number")?,
        issued_on: Timestamp::from_millis(row.try_get("issued_on")?),
        access_until: Timestamp::from_millis(row.try_get("access_until")?),
        scope: scope(row.try_get("family_scope")?)?,
    }))
}
