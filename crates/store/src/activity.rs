use crate::{StoreError, column};
use model::Timestamp;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool, sqlite::SqliteRow};

/// How many entries the log keeps.
pub(crate) const KEPT: i64 = 100_000;
/// How many entries a page has at most.
const MOST: u32 = 1_000;

/// An entry of the log that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewActivity {
    /// When.
    pub at: Timestamp,
    /// What kind of thing, in `snake_case`.
    pub kind: &'static str,
    /// The connection's name, when it is about one.
    pub connection: Option<String>,
    /// The service's short name, when it is about one.
    pub service: Option<String>,
    /// The tool's name or the method, when it is a call.
    pub tool: Option<String>,
    /// How long a call took, in milliseconds.
    pub millis: Option<u32>,
    /// How it ended: `ok`, or a stable code.
    pub outcome: String,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityRow {
    /// Its number; later is higher, and none is ever used again.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// What kind of thing, in `snake_case`.
    pub kind: String,
    /// The connection's name, when it is about one.
    pub connection: Option<String>,
    /// The service's short name, when it is about one.
    pub service: Option<String>,
    /// The tool's name or the method, when it is a call.
    pub tool: Option<String>,
    /// How long a call took, in milliseconds.
    pub millis: Option<u32>,
    /// How it ended: `ok`, or a stable code.
    pub outcome: String,
}

/// Which part of the log to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityPage {
    /// Only numbers below this.
    pub before: Option<i64>,
    /// Only numbers above this.
    pub after: Option<i64>,
    /// At most so many; never more than 1,000.
    pub limit: u32,
}

impl Default for ActivityPage {
    fn default() -> Self {
        Self { before: None, after: None, limit: 100 }
    }
}

pub(crate) async fn page(reader: &SqlitePool, page: &ActivityPage) -> Result<Vec<ActivityRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM activity WHERE number < coalesce(?, 9223372036854775807) AND number > coalesce(?, 0)
         ORDER BY number DESC LIMIT ?",
    )
    .bind(page.before)
    .bind(page.after)
    .bind(page.limit.min(MOST))
    .fetch_all(reader)
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<ActivityRow, StoreError> {
    Ok(ActivityRow {
        number: row.try_get("number")?,
        at: column::time(row, "at")?,
        kind: column::text(row, "kind")?,
        connection: column::maybe_text(row, "connection")?,
        service: column::maybe_text(row, "service")?,
        tool: column::maybe_text(row, "tool")?,
        millis: column::maybe_unsigned(row, "millis")?,
        outcome: column::text(row, "outcome")?,
    })
}

/// Insert all of these at once.
pub(crate) async fn insert(tx: &mut SqliteConnection, entries: &[NewActivity]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO activity (at, kind, connection, service, tool, millis, outcome) ",
    );
    query.push_values(entries, |mut row, e| {
        row.push_bind(e.at.millis())
            .push_bind(e.kind)
            .push_bind(e.connection.as_deref())
            .push_bind(e.service.as_deref())
            .push_bind(e.tool.as_deref())
            .push_bind(e.millis)
            .push_bind(&e.outcome);
    });
    query.build().execute(tx).await?;
    Ok(())
}

/// Forget the oldest beyond `kept`. Gives back the newest number.
pub(crate) async fn prune(tx: &mut SqliteConnection, kept: i64) -> Result<i64, StoreError> {
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT max(number) FROM activity").fetch_one(&mut *tx).await?;
    let newest = newest.unwrap_or(0);
    sqlx::query("DELETE FROM activity WHERE number <= ?").bind(newest - kept).execute(tx).await?;
    Ok(newest)
}
