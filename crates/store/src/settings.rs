use crate::{Database, StoreError};

impl Database {
    /// A setting, if it was ever set.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query_scalar("SELECT value FROM setting WHERE name = ?").bind(name);
        Ok(row.fetch_optional(&self.readers).await?)
    }

    /// Set a setting.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
            .bind(name)
            .bind(value)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
