use crate::{Database, StoreError};
use model::{ClientId, Timestamp};
use sqlx::Row;

/// A client registered with the local authorization server (RFC 7591).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRow {
    /// Its id.
    pub id: ClientId,
    /// The name it gave itself.
    pub name: String,
    /// Where it may be answered.
    pub redirect_uris: Vec<String>,
    /// When it registered.
    pub registered_on: Timestamp,
}

impl Database {
    /// Keep a new client.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn add_client(&self, client: &ClientRow) -> Result<(), StoreError> {
        let uris =
            serde_json::to_string(&client.redirect_uris).map_err(|_| StoreError::Value("redirect URIs"))?;
        sqlx::query("INSERT INTO client (id, name, redirect_uris, registered_on) VALUES (?, ?, ?, ?)")
            .bind(client.id.as_str())
            .bind(&client.name)
            .bind(uris)
            .bind(client.registered_on.millis())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// The client of that id.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn client(&self, id: &ClientId) -> Result<Option<ClientRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM client WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(&self.readers)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(ClientRow {
            id: id.clone(),
            name: row.try_get("name")?,
            redirect_uris: serde_json::from_str(row.try_get("redirect_uris")?)
                .map_err(|_| StoreError::Value("redirect URIs"))?,
            registered_on: Timestamp::from_millis(row.try_get("registered_on")?),
        }))
    }

    /// How many clients were never let in.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn unused_clients(&self) -> Result<u32, StoreError> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM client WHERE used = 0").fetch_one(&self.readers).await?)
    }

    /// Forget the clients that registered before `before` and were never let in. Returns how many.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn purge_clients(&self, before: Timestamp) -> Result<u32, StoreError> {
        let done = sqlx::query("DELETE FROM client WHERE used = 0 AND registered_on < ?")
            .bind(before.millis())
            .execute(&self.writer)
            .await?;
        Ok(u32::try_from(done.rows_affected()).unwrap_or(u32::MAX))
    }
}
