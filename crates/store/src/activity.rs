use crate::{Database, StoreError};
use model::Timestamp;
use sqlx::{QueryBuilder, Row, Sqlite, Transaction};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot, watch};

/// How long entries gather before they are written together.
const GATHER: Duration = Duration::from_millis(200);
/// How many entries wait to be written; more are dropped and counted, for a call never waits for its log.
const QUEUE: usize = 4096;
/// How many are written at once: SQLite takes at most 32,766 values in a statement.
const AT_ONCE: usize = 1024;
/// How many entries are kept.
const KEPT: i64 = 100_000;
/// The most entries that are read at once.
const READ_MOST: u32 = 1_000;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityRow {
    /// Its number; 0 before it is stored.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// What kind of thing, as one word.
    pub kind: String,
    /// The connection's name.
    pub connection: Option<String>,
    /// The service's short name.
    pub service: Option<String>,
    /// The tool's name.
    pub tool: Option<String>,
    /// How long it took, in milliseconds.
    pub millis: Option<u32>,
    /// How it ended.
    pub outcome: String,
}

enum Message {
    Entry(ActivityRow),
    /// Something stands in the outbox.
    Drain,
    /// Write what is there, and end.
    Stop(oneshot::Sender<()>),
}

/// The log: a queue and the task that writes it.
#[derive(Debug)]
pub struct Activity {
    queue: mpsc::Sender<Message>,
    dropped: AtomicU64,
    written: watch::Receiver<u64>,
    database: Database,
}

impl Activity {
    pub(crate) fn start(database: Database) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (wrote, written) = watch::channel(0);
        tokio::spawn(write(database.clone(), waiting, wrote));
        // What a crash left in the outbox.
        let _ = queue.try_send(Message::Drain);
        Self { queue, dropped: AtomicU64::new(0), written, database }
    }

    /// Write this down soon. Never waits: when too much waits already, it is dropped and counted.
    pub fn push(&self, entry: ActivityRow) {
        if self.queue.try_send(Message::Entry(entry)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Something was put into the outbox: move it over soon.
    pub fn drain(&self) {
        // A full queue is being written, and the writer looks at the outbox each time it writes.
        let _ = self.queue.try_send(Message::Drain);
    }

    /// How many entries were dropped because too many waited.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Changes each time something was written.
    pub fn written(&self) -> watch::Receiver<u64> {
        self.written.clone()
    }

    /// Entries, newest first: with numbers below `before`, above `after`, at most `limit` (1,000 at the most).
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn read(
        &self,
        before: Option<i64>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<ActivityRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM activity WHERE number < ? AND number > ? ORDER BY number DESC LIMIT ?")
            .bind(before.unwrap_or(i64::MAX))
            .bind(after.unwrap_or(0))
            .bind(limit.min(READ_MOST))
            .fetch_all(&self.database.activity)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(ActivityRow {
                    number: row.try_get("number")?,
                    at: Timestamp::from_millis(row.try_get("at")?),
                    kind: row.try_get("kind")?,
                    connection: row.try_get("connection")?,
                    service: row.try_get("service")?,
                    tool: row.try_get("tool")?,
                    millis: row.try_get("millis")?,
                    outcome: row.try_get("outcome")?,
                })
            })
            .collect()
    }

    pub(crate) async fn stop(&self) {
        let (tell, done) = oneshot::channel();
        if self.queue.send(Message::Stop(tell)).await.is_ok() {
            let _ = done.await;
        }
    }
}

/// The writer: one insert of many rows, at most five times a second.
async fn write(database: Database, mut waiting: mpsc::Receiver<Message>, wrote: watch::Sender<u64>) {
    let mut rounds: u64 = 0;
    while let Some(first) = waiting.recv().await {
        let mut entries = Vec::new();
        let mut stop = None;
        let mut take = |message| match message {
            Message::Entry(entry) => entries.push(entry),
            Message::Drain => {}
            Message::Stop(tell) => stop = Some(tell),
        };
        let stopping = matches!(first, Message::Stop(_));
        take(first);
        if !stopping {
            tokio::time::sleep(GATHER).await;
        }
        while let Ok(message) = waiting.try_recv() {
            take(message);
        }
        if let Err(e) = store(&database, &entries).await {
            tracing::warn!("{} entries of the activity log could not be stored: {e}", entries.len());
        }
        rounds += 1;
        if rounds % 256 == 0
            && let Err(e) = prune(&database).await
        {
            tracing::warn!("the activity log could not be pruned: {e}");
        }
        wrote.send_modify(|n| *n += 1);
        if let Some(tell) = stop {
            let _ = tell.send(());
            return;
        }
    }
}

async fn store(database: &Database, entries: &[ActivityRow]) -> Result<(), StoreError> {
    move_outbox(database).await?;
    for entries in entries.chunks(AT_ONCE) {
        let mut insert =
            QueryBuilder::new("INSERT INTO activity (at, kind, connection, service, tool, millis, outcome) ");
        insert.push_values(entries, |mut row, e| {
            row.push_bind(e.at.millis())
                .push_bind(&e.kind)
                .push_bind(&e.connection)
                .push_bind(&e.service)
                .push_bind(&e.tool)
                .push_bind(e.millis)
                .push_bind(&e.outcome);
        });
        insert.build().execute(&database.activity).await?;
    }
    Ok(())
}

/// Move what stands in the outbox to the log: kept there first, and only then taken out here, so that a crash in
/// between loses nothing; the outbox's number keeps it from standing there twice.
async fn move_outbox(database: &Database) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT * FROM outbox ORDER BY number LIMIT 1000").fetch_all(&database.readers).await?;
    let mut last: Option<i64> = None;
    for row in &rows {
        let number: i64 = row.try_get("number")?;
        sqlx::query(
            "INSERT INTO activity (at, kind, connection, service, outcome, outbox) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (outbox) DO NOTHING",
        )
        .bind(row.try_get::<i64, _>("at")?)
        .bind(row.try_get::<String, _>("kind")?)
        .bind(row.try_get::<Option<String>, _>("connection")?)
        .bind(row.try_get::<Option<String>, _>("service")?)
        .bind(row.try_get::<String, _>("outcome")?)
        .bind(number)
        .execute(&database.activity)
        .await?;
        last = Some(number);
    }
    if let Some(last) = last {
        sqlx::query("DELETE FROM outbox WHERE number <= ?").bind(last).execute(&database.writer).await?;
    }
    Ok(())
}

async fn prune(database: &Database) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM activity WHERE number <= (SELECT MAX(number) FROM activity) - ?")
        .bind(KEPT)
        .execute(&database.activity)
        .await?;
    Ok(())
}

/// Put something into the outbox, in the transaction of the change it speaks of.
pub(crate) async fn outbox(
    tx: &mut Transaction<'_, Sqlite>,
    at: Timestamp,
    kind: &str,
    connection: Option<&str>,
    service: Option<&str>,
    outcome: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO outbox (at, kind, connection, service, outcome) VALUES (?, ?, ?, ?, ?)")
        .bind(at.millis())
        .bind(kind)
        .bind(connection)
        .bind(service)
        .bind(outcome)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
