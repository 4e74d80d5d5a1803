//! What the person changes about a connection that is there.

use crate::{Store, StoreError};
use model::{ClientId, ConnectionId, Timestamp};

impl Store {
    /// Keep what the person calls a connection; `None` for its app and computer again. The log learns
    /// `connection_renamed` under the new name. `false` when the connection is not there.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn rename(&self, id: &ConnectionId, name: Option<&str>) -> Result<bool, StoreError> {
        let shown = "UPDATE connections SET name = ? WHERE id = ? RETURNING coalesce(name, app || ' on ' || computer)";
        let mut tx = self.begin().await?;
        let shown: Option<String> =
            sqlx::query_scalar(shown).bind(name).bind(id.as_str()).fetch_optional(&mut *tx).await?;
        let Some(shown) = shown else { return Ok(false) };
        self.tell(&mut tx, "connection_renamed", Some(&shown), None, "ok").await?;
        self.commit(tx).await?;
        Ok(true)
    }

    /// Keep that the person lets none of a connection's calls pass, since then; `None` when they may again. The log
    /// learns `connection_paused` or `connection_resumed`. `false` when the connection is not there, revoked, or was so
    /// already.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn pause(&self, id: &ConnectionId, on: Option<Timestamp>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let shown: Option<String> = sqlx::query_scalar(
            "UPDATE connections SET paused_on = ? WHERE id = ? AND revoked_on IS NULL AND (paused_on IS NULL) <> ?
             RETURNING coalesce(name, app || ' on ' || computer)",
        )
        .bind(on.map(Timestamp::millis))
        .bind(id.as_str())
        .bind(on.is_none())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(shown) = shown else { return Ok(false) };
        let kind = if on.is_some() { "connection_paused" } else { "connection_resumed" };
        self.tell(&mut tx, kind, Some(&shown), None, "ok").await?;
        self.commit(tx).await?;
        Ok(true)
    }

    /// Forget that the apps of these connections were turned away: they may ask again.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn readmit(&self, ids: &[ConnectionId]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for id in ids {
            sqlx::query("UPDATE connections SET refused = 0 WHERE id = ?")
                .bind(id.as_str())
                .execute(&mut *tx)
                .await?;
        }
        self.commit(tx).await
    }

    /// Keep a client that is always there and never forgotten for want of use. Its name is Bellhop's own, and it may be
    /// answered on this computer alone, wherever it says.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn keep_client(&self, id: &ClientId, name: &str, on: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO clients (id, name, redirect_uris, registered_on, used) VALUES (?, ?, '[]', ?, 1)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(id.as_str())
        .bind(name)
        .bind(on.millis())
        .execute(self.writer())
        .await?;
        Ok(())
    }
}
