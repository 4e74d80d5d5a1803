use crate::{Database, StoreError, activity::outbox};
use model::{Scope, ServiceId, ShortName, Timestamp};
use sqlx::{Row, sqlite::SqliteRow};

/// A service as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRow {
    /// Its id.
    pub id: ServiceId,
    /// The person's short name for it.
    pub name: ShortName,
    /// Its title.
    pub title: String,
    /// Its MCP endpoint.
    pub url: String,
    /// The catalogue entry it came from.
    pub catalogue: Option<String>,
    /// Whose account it is, when the provider says.
    pub account: Option<String>,
    /// How it is signed in.
    pub method: ServiceMethod,
    /// Since when it is there.
    pub created_on: Timestamp,
}

/// How a service is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceMethod {
    /// By OAuth.
    Oauth,
    /// Not at all.
    None,
}

impl ServiceMethod {
    /// The word in the file and in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oauth => "oauth",
            Self::None => "none",
        }
    }
}

pub(crate) fn read(row: &SqliteRow) -> Result<ServiceRow, StoreError> {
    Ok(ServiceRow {
        id: row.try_get::<String, _>("id")?.into(),
        name: row.try_get::<String, _>("name")?.parse().map_err(|_| StoreError::Value("service name"))?,
        title: row.try_get("title")?,
        url: row.try_get("url")?,
        catalogue: row.try_get("catalogue")?,
        account: row.try_get("account")?,
        method: match row.try_get::<&str, _>("method")? {
            "oauth" => ServiceMethod::Oauth,
            "none" => ServiceMethod::None,
            _ => return Err(StoreError::Value("service method")),
        },
        created_on: Timestamp::from_millis(row.try_get("created_on")?),
    })
}

impl Database {
    /// All services, by short name.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn services(&self) -> Result<Vec<ServiceRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM service ORDER BY name").fetch_all(&self.readers).await?;
        rows.iter().map(read).collect()
    }

    /// Forget a service and its credential, and take it out of what the connections may do: a later service of
    /// the same name must not inherit that.
    ///
    /// # Errors
    /// When it can't be written; nothing has changed then.
    pub async fn remove_service(&self, id: &ServiceId, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.writer.begin().await?;
        let name: Option<String> = sqlx::query_scalar("DELETE FROM service WHERE id = ? RETURNING name")
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(name) = name else { return Ok(()) };
        let gone: ShortName = name.parse().map_err(|_| StoreError::Value("service name"))?;
        for (read, write) in [
            ("SELECT id, scope FROM connection", "UPDATE connection SET scope = ? WHERE id = ?"),
            ("SELECT connection AS id, scope FROM family", "UPDATE family SET scope = ? WHERE connection = ?"),
        ] {
            for row in sqlx::query(read).fetch_all(&mut *tx).await? {
                let scope: Scope = row.try_get::<&str, _>("scope")?.parse().map_err(|_| StoreError::Value("scope"))?;
                if scope.names(&gone) {
                    let id: String = row.try_get("id")?;
                    sqlx::query(write).bind(scope.without(&gone).to_string()).bind(id).execute(&mut *tx).await?;
                }
            }
        }
        outbox(&mut tx, at, "service_removed", None, Some(&name), "ok").await?;
        tx.commit().await?;
        Ok(())
    }

    /// What a service offered when it was last looked at: JSON that only the relay reads.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn inventory(&self, id: &ServiceId) -> Result<Option<String>, StoreError> {
        let row = sqlx::query_scalar("SELECT inventory FROM service WHERE id = ?").bind(id.as_str());
        Ok(row.fetch_optional(&self.readers).await?.flatten())
    }

    /// Keep what a service offers.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn save_inventory(&self, id: &ServiceId, inventory: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE service SET inventory = ? WHERE id = ?")
            .bind(inventory)
            .bind(id.as_str())
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
