use crate::{StoreError, column};
use model::{ConnectionId, Timestamp};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

/// What is kept of an access key: enough to know it again, and nothing it could be made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKeyRow {
    /// Its keyed hash.
    pub hash: [u8; 32],
    /// From when on it lets nobody in; `None` for one without an end.
    pub ends: Option<Timestamp>,
}

/// The key of a connection's row, as [`crate::Store::connections`] selects it.
pub(crate) fn read(row: &SqliteRow) -> Result<Option<AccessKeyRow>, StoreError> {
    let Some(hash) = row.try_get::<Option<Vec<u8>>, _>("key_hash")? else { return Ok(None) };
    let hash = hash.try_into().map_err(|_| StoreError::Column("hash"))?;
    Ok(Some(AccessKeyRow { hash, ends: column::maybe_time(row, "key_ends")? }))
}

pub(crate) async fn insert(
    tx: &mut SqliteConnection,
    connection: &ConnectionId,
    key: &AccessKeyRow,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO access_keys (connection, hash, ends) VALUES (?, ?, ?)")
        .bind(connection.as_str())
        .bind(key.hash.as_slice())
        .bind(key.ends.map(Timestamp::millis))
        .execute(tx)
        .await?;
    Ok(())
}
