//! What was done about the sign-ins of services that were removed, and what is still to be done.

use crate::{Store, StoreError, column};
use model::{Secret, Timestamp};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use vault::{Binding, VaultError};

/// A removed service's receipt.
#[derive(Debug, Clone)]
pub struct ReceiptRow {
    /// Its id: the service's.
    pub id: String,
    /// When the service was removed.
    pub removed_on: Timestamp,
    /// What it says, as JSON. No secret.
    pub body: String,
    /// What is needed to go on with it, sealed on disk; `None` when all is done.
    pub pending: Option<Secret>,
}

/// The sealed column's tag, which outlives the column's name.
const PENDING: &str = "receipt.pending";
/// How many are kept.
const KEPT: i64 = 200;

/// The addresses stand in the secret itself, so that nothing beside the row has to be bound.
fn place(id: &str) -> Binding<'_> {
    Binding { field: PENDING, row: id, generation: 0, issuer: "", origin: "" }
}

impl Store {
    /// Write a receipt, over the one of its id, in the transaction of the change it is about.
    pub(crate) async fn put_receipt(
        &self,
        tx: &mut SqliteConnection,
        receipt: &ReceiptRow,
    ) -> Result<(), StoreError> {
        let pending = receipt
            .pending
            .as_ref()
            .map(|p| self.vault.seal(&*self.random, &place(&receipt.id), p.expose().as_bytes()));
        sqlx::query(
            "INSERT INTO receipts (id, removed_on, body, pending) VALUES (?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET body = excluded.body, pending = excluded.pending",
        )
        .bind(&receipt.id)
        .bind(receipt.removed_on.millis())
        .bind(&receipt.body)
        .bind(pending)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM receipts WHERE pending IS NULL AND id NOT IN
                 (SELECT id FROM receipts ORDER BY removed_on DESC LIMIT ?)",
        )
        .bind(KEPT)
        .execute(tx)
        .await?;
        Ok(())
    }

    /// Write what has become of a receipt.
    ///
    /// # Errors
    /// When it can't be written; it stands as it was then.
    pub async fn save_receipt(&self, receipt: &ReceiptRow) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.put_receipt(&mut tx, receipt).await?;
        self.commit(tx).await
    }

    /// All receipts, newest first. One whose secret does not open any more has none.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn receipts(&self) -> Result<Vec<ReceiptRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM receipts ORDER BY removed_on DESC, rowid DESC");
        rows.fetch_all(self.reader()).await?.iter().map(|row| self.receipt(row)).collect()
    }

    fn receipt(&self, row: &SqliteRow) -> Result<ReceiptRow, StoreError> {
        let id = column::text(row, "id")?;
        let sealed: Option<Vec<u8>> = row.try_get("pending")?;
        let open = |sealed: Vec<u8>| -> Result<Secret, VaultError> {
            let plain = self.vault.unseal(&place(&id), &sealed)?;
            let text = std::str::from_utf8(&plain).map_err(|_| VaultError::Unsealable { field: PENDING })?;
            Ok(Secret::new(text))
        };
        let pending = sealed.and_then(|sealed| {
            open(sealed)
                .inspect_err(|e| tracing::warn!("what is left of a removed sign-in can't be read: {e}"))
                .ok()
        });
        Ok(ReceiptRow {
            removed_on: column::time(row, "removed_on")?,
            body: column::text(row, "body")?,
            pending,
            id,
        })
    }
}
