use crate::{Database, NewActivity, StoreError, activity, column};
use sqlx::Row;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    time::sleep,
};

/// How many entries may wait: more come only when the disk stands still.
const QUEUE: usize = 1_024;
/// How many are written at once, at the most: what a larger insert needs stays in memory afterwards.
const BATCH: usize = 256;
/// How many rows of the outbox are handed on in one transaction.
const PART: usize = 500;
/// How long entries are gathered into one insert.
const GATHER: Duration = Duration::from_millis(200);

/// The log's queue, and the task behind it.
pub(crate) struct Log {
    queue: mpsc::Sender<Message>,
    outbox: Arc<Notify>,
    dropped: Arc<AtomicU64>,
    written: watch::Receiver<i64>,
}

enum Message {
    Entry(NewActivity),
    /// Write all that came before, then say so.
    Flush(oneshot::Sender<()>),
}

impl Log {
    pub(crate) fn start(database: Database) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        let (newest, written) = watch::channel(0);
        let outbox = Arc::new(Notify::new());
        let dropped = Arc::new(AtomicU64::new(0));
        // What an earlier process could not hand on any more.
        outbox.notify_one();
        let writer = Writer { database, newest, dropped: Arc::clone(&dropped) };
        tokio::spawn(writer.run(messages, Arc::clone(&outbox)));
        Self { queue, outbox, dropped, written }
    }

    pub(crate) fn note(&self, entry: NewActivity) {
        if self.queue.try_send(Message::Entry(entry)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Something is in the outbox.
    pub(crate) fn look(&self) {
        self.outbox.notify_one();
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn written(&self) -> watch::Receiver<i64> {
        self.written.clone()
    }

    pub(crate) async fn flush(&self) {
        let (done, waiting) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
            let _ = waiting.await;
        }
    }
}

struct Writer {
    database: Database,
    newest: watch::Sender<i64>,
    dropped: Arc<AtomicU64>,
}

impl Writer {
    /// Until the store is dropped. What waits by then is still written.
    async fn run(self, mut messages: mpsc::Receiver<Message>, outbox: Arc<Notify>) {
        let mut batch = Vec::new();
        let mut flushed = Vec::new();
        loop {
            let mut take = |message| match message {
                Message::Entry(entry) => batch.push(entry),
                Message::Flush(done) => flushed.push(done),
            };
            let open = tokio::select! {
                message = messages.recv() => message.map(&mut take).is_some(),
                () = outbox.notified() => true,
            };
            // More may come within the same moment; nobody who waits for a flush waits for that.
            let gathering = sleep(GATHER);
            tokio::pin!(gathering);
            while open && flushed.is_empty() && batch.len() < BATCH {
                tokio::select! {
                    message = messages.recv() => match message {
                        Some(Message::Entry(entry)) => batch.push(entry),
                        Some(Message::Flush(done)) => flushed.push(done),
                        None => break,
                    },
                    () = &mut gathering => break,
                }
            }
            self.write(&mut batch).await;
            for done in flushed.drain(..) {
                let _ = done.send(());
            }
            if !open {
                return;
            }
        }
    }

    async fn write(&self, batch: &mut Vec<NewActivity>) {
        // First what must not be lost, which also happened first as a rule.
        loop {
            match self.drain_outbox().await {
                Ok(PART) => {}
                Ok(_) => break,
                // The store was closed behind us: what is still there is handed on at the next start.
                Err(StoreError::Sql(sqlx::Error::PoolClosed)) => break,
                Err(e) => {
                    tracing::warn!(error = %e, "the outbox could not be handed on to the log; it is kept");
                    break;
                }
            }
        }
        if batch.is_empty() {
            return;
        }
        let lost = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        if let Err(e) = self.insert(batch).await {
            self.dropped.fetch_add(lost, Ordering::Relaxed);
            tracing::warn!(error = %e, lost, "the log could not be written");
        }
        batch.clear();
    }

    async fn insert(&self, batch: &[NewActivity]) -> Result<(), StoreError> {
        let mut tx = self.database.activity.writer.begin().await?;
        activity::insert(&mut tx, batch).await?;
        let newest = activity::prune(&mut tx, activity::KEPT).await?;
        tx.commit().await?;
        self.newest.send_replace(newest);
        Ok(())
    }

    /// Copy a part, commit, and only then forget: a crash in between copies again, which `once` makes harmless.
    /// Gives back how many there were.
    async fn drain_outbox(&self) -> Result<usize, StoreError> {
        let rows = sqlx::query("SELECT * FROM outbox ORDER BY number LIMIT ?")
            .bind(column::signed(PART as u64))
            .fetch_all(&self.database.bellhop.reader)
            .await?;
        let Some(last) = rows.last() else { return Ok(0) };
        let last: i64 = last.try_get("number")?;
        let mut tx = self.database.activity.writer.begin().await?;
        for row in &rows {
            sqlx::query(
                "INSERT INTO activity (once, at, kind, connection, service, outcome) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT (once) DO NOTHING",
            )
            .bind(row.try_get::<Vec<u8>, _>("once")?)
            .bind(row.try_get::<i64, _>("at")?)
            .bind(row.try_get::<String, _>("kind")?)
            .bind(row.try_get::<Option<String>, _>("connection")?)
            .bind(row.try_get::<Option<String>, _>("service")?)
            .bind(row.try_get::<String, _>("outcome")?)
            .execute(&mut *tx)
            .await?;
        }
        let newest = activity::prune(&mut tx, activity::KEPT).await?;
        tx.commit().await?;
        sqlx::query("DELETE FROM outbox WHERE number <= ?")
            .bind(last)
            .execute(&self.database.bellhop.writer)
            .await?;
        self.newest.send_replace(newest);
        Ok(rows.len())
    }
}
