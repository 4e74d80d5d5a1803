//! A refresh, step by step: the intent is durable before the request is sent, and the new pair before anybody
//! uses it. Each step names the generation it is about and changes nothing when that is no longer the row's.

use crate::{Store, StoreError, TokensRow, column, credentials::Place};
use model::{CredentialId, Timestamp};
use sqlx::{SqliteConnection, sqlite::SqliteQueryResult};

fn one(done: &SqliteQueryResult) -> Result<(), StoreError> {
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Superseded) }
}

/// Note when tokens were asked for and how long their refresh token may lie unused.
pub(crate) async fn note_life(
    tx: &mut SqliteConnection,
    id: &CredentialId,
    tokens: &TokensRow,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE credentials SET issued_at = ?, refresh_lifetime = ? WHERE id = ?")
        .bind(tokens.issued_at.map(Timestamp::millis))
        .bind(tokens.refresh_lifetime.map(column::signed))
        .bind(id.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

impl Store {
    /// Write down that a refresh of this generation is about to be sent.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when the row has moved on; otherwise when it can't be written.
    pub async fn begin_refresh(
        &self,
        id: &CredentialId,
        generation: u64,
        sent_at: Timestamp,
    ) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE credentials SET sent_at = ? WHERE id = ? AND generation = ?")
            .bind(sent_at.millis())
            .bind(id.as_str())
            .bind(column::signed(generation))
            .execute(self.writer())
            .await?;
        one(&done)
    }

    /// The refresh of `generation` gave new tokens: they are kept as the next generation, and the old ones are
    /// gone. Where the server gave no new refresh token the old one stands (RFC 6749 §6): the caller says so by
    /// passing it again. Returns the new generation.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when the row has moved on; otherwise when it can't be written. The old tokens
    /// and the intent are still there then.
    pub async fn commit_refresh(
        &self,
        id: &CredentialId,
        generation: u64,
        tokens: &TokensRow,
    ) -> Result<u64, StoreError> {
        let next = generation + 1;
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "SELECT c.*, s.url FROM credentials c JOIN services s ON s.id = c.service
             WHERE c.id = ? AND c.generation = ?",
        )
        .bind(id.as_str())
        .bind(column::signed(generation))
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::Superseded)?;
        let (access, refresh) = self.seal_tokens(&Place::of(&row, next)?, tokens);
        let done = sqlx::query(
            "UPDATE credentials SET generation = ?, access = ?, refresh = ?, expires_at = ?, lifetime = ?,
                 scope = ?, sent_at = NULL, needs_sign_in = NULL
             WHERE id = ? AND generation = ?",
        )
        .bind(column::signed(next))
        .bind(access)
        .bind(refresh)
        .bind(tokens.expires_at.map(Timestamp::millis))
        .bind(tokens.lifetime.map(column::signed))
        .bind(&tokens.scope)
        .bind(id.as_str())
        .bind(column::signed(generation))
        .execute(&mut *tx)
        .await?;
        one(&done)?;
        note_life(&mut tx, id, tokens).await?;
        self.commit(tx).await?;
        Ok(next)
    }

    /// The refresh of this generation ended, and the tokens still stand.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when the row has moved on; otherwise when it can't be written.
    pub async fn abandon_refresh(&self, id: &CredentialId, generation: u64) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE credentials SET sent_at = NULL WHERE id = ? AND generation = ?")
            .bind(id.as_str())
            .bind(column::signed(generation))
            .execute(self.writer())
            .await?;
        one(&done)
    }

    /// The person has to sign in again, if this is still the generation. The tokens stay. The log learns
    /// `needs_sign_in`, with `why` as its outcome, the first time.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when the row has moved on; otherwise when it can't be written.
    pub async fn needs_sign_in(
        &self,
        id: &CredentialId,
        generation: u64,
        why: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let row: (String, Option<String>) = sqlx::query_as(
            "SELECT s.name, c.needs_sign_in FROM credentials c JOIN services s ON s.id = c.service
             WHERE c.id = ? AND c.generation = ?",
        )
        .bind(id.as_str())
        .bind(column::signed(generation))
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::Superseded)?;
        sqlx::query("UPDATE credentials SET needs_sign_in = ?, sent_at = NULL WHERE id = ?")
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
