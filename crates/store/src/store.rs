use crate::{ActivityRow, Database, NewActivity, StoreError, activity, log::Log};
use model::{Clock, Random};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};
use std::sync::Arc;
use tokio::sync::watch;
use vault::Vault;

/// The rows, with the vault that opens their sealed columns. Every method that writes is one transaction; when
/// it returns, a power cut changes nothing any more (the log apart).
pub struct Store {
    pub(crate) database: Database,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) log: Log,
}

impl Store {
    /// The store of this database. Starts the task that writes the log, so it needs a runtime.
    pub fn new(
        database: Database,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let log = Log::start(database.clone());
        Self { database, vault, clock, random, log }
    }

    pub(crate) fn reader(&self) -> &SqlitePool {
        &self.database.bellhop.reader
    }

    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.database.bellhop.writer
    }

    /// A transaction that writes: it takes the right to at once, and not in its middle, where it could fail.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer().begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Put into the outbox what the log is to learn of the change in this transaction.
    pub(crate) async fn tell(
        &self,
        tx: &mut SqliteConnection,
        kind: &'static str,
        connection: Option<&str>,
        service: Option<&str>,
        outcome: &str,
    ) -> Result<(), StoreError> {
        let mut once = [0u8; 16];
        self.random.fill(&mut once);
        sqlx::query(
            "INSERT INTO outbox (once, at, kind, connection, service, outcome) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(once.as_slice())
        .bind(self.clock.now().millis())
        .bind(kind)
        .bind(connection)
        .bind(service)
        .bind(outcome)
        .execute(tx)
        .await?;
        Ok(())
    }

    /// Commit, and have the log read the outbox.
    pub(crate) async fn commit(&self, tx: Transaction<'static, Sqlite>) -> Result<(), StoreError> {
        tx.commit().await?;
        self.log.look();
        Ok(())
    }

    /// A setting; `None` where it was never set.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        let found = sqlx::query_scalar("SELECT value FROM settings WHERE key = ?").bind(key);
        Ok(found.fetch_optional(self.reader()).await?)
    }

    /// Keep a setting, or forget it.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn set_setting(&self, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        let query = match value {
            Some(value) => sqlx::query(
                "INSERT INTO settings (key, value) VALUES (?, ?)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )
            .bind(key)
            .bind(value),
            None => sqlx::query("DELETE FROM settings WHERE key = ?").bind(key),
        };
        query.execute(self.writer()).await?;
        Ok(())
    }

    /// Write something into the log. Never waits: when the queue is full it is dropped and counted.
    ///
    /// Connecting and removing services, allowing and revoking connections and the need to sign in again are
    /// written by the methods that do these things; they are not to be written twice.
    pub fn note(&self, entry: NewActivity) {
        self.log.note(entry);
    }

    /// How many entries of the log were dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.log.dropped()
    }

    /// The number of the newest entry that is written: changes when there are new ones to read.
    pub fn written(&self) -> watch::Receiver<i64> {
        self.log.written()
    }

    /// A page of the log, newest first.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn activity(&self, page: &crate::ActivityPage) -> Result<Vec<ActivityRow>, StoreError> {
        activity::page(&self.database.activity.reader, page).await
    }

    /// Write out now what waits for the log.
    pub async fn flush(&self) {
        self.log.flush().await;
    }

    /// Write out what waits for the log, and close the files.
    pub async fn close(&self) {
        self.log.flush().await;
        self.database.close().await;
    }
}
