use crate::{StoreError, error::code};
use sqlx::{
    Connection, Row, SqlitePool,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long to wait for another process that holds the file: a backup program, a person who looks.
const BUSY: Duration = Duration::from_secs(5);
/// Pages of SQLite's cache, in KiB (negative, as the pragma has it): the files are small.
const CACHE: &str = "-512";
/// SQLITE_CORRUPT and SQLITE_NOTADB.
const DAMAGED: [i32; 2] = [11, 26];

/// One database: one connection that writes, two that read.
#[derive(Debug, Clone)]
pub(crate) struct Pools {
    pub(crate) writer: SqlitePool,
    pub(crate) reader: SqlitePool,
}

impl Pools {
    pub(crate) async fn close(&self) {
        self.reader.close().await;
        // The last connection to close folds the log into the file.
        self.writer.close().await;
    }
}

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .pragma("secure_delete", "ON")
        .pragma("cache_size", CACHE)
        .pragma("trusted_schema", "OFF")
}

fn pool(most: u32) -> SqlitePoolOptions {
    // A connection that is opened anew costs its checks again, and loses a database in memory.
    SqlitePoolOptions::new().max_connections(most).idle_timeout(None).max_lifetime(None)
}

/// A database in memory: gone with its one connection.
pub(crate) async fn in_memory(migrator: &Migrator) -> Result<Pools, StoreError> {
    let only = pool(1).connect_with(options().in_memory(true)).await?;
    migrator.run(&only).await.map_err(|e| StoreError::Migration(e.to_string()))?;
    Ok(Pools { writer: only.clone(), reader: only })
}

/// The database of this file: made if it isn't there, checked if it is, and brought to the newest schema.
pub(crate) async fn file(
    path: &Path,
    synchronous: SqliteSynchronous,
    migrator: &Migrator,
) -> Result<Pools, StoreError> {
    make(path).map_err(|source| StoreError::Io { path: path.to_owned(), source })?;
    let damaged = |e: sqlx::Error| match code(&e) {
        Some(c) if DAMAGED.contains(&c) => StoreError::Damaged { path: path.to_owned(), what: e.to_string() },
        _ => e.into(),
    };
    let options = options().filename(path).journal_mode(SqliteJournalMode::Wal).synchronous(synchronous);
    // On a full disk SQLite ends the transaction by itself, sqlx's own ROLLBACK then fails, and it takes the
    // connection to be within a transaction for ever: every later one would be refused. So it is replaced.
    let writer =
        pool(1).before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }));
    let writer = writer.connect_with(options.clone()).await.map_err(damaged)?;
    let found: String =
        sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&writer).await.map_err(damaged)?;
    if found != "ok" {
        return Err(StoreError::Damaged { path: path.to_owned(), what: found });
    }
    migrate(&writer, path, migrator).await?;
    let reader = pool(2).connect_with(options.read_only(true)).await?;
    Ok(Pools { writer, reader })
}

/// SQLite gives its other files the mode of this one.
fn make(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => own(path),
        made => made.map(drop),
    }
}

/// A copy that a person put back may be readable by others.
#[cfg(unix)]
fn own(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { fs::set_permissions(path, fs::Permissions::from_mode(0o600)) }
}

#[cfg(not(unix))]
fn own(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// The migrations only go forward: a file from a newer version is left as it is.
async fn migrate(writer: &SqlitePool, path: &Path, migrator: &Migrator) -> Result<(), StoreError> {
    let known = migrator.iter().map(|m| m.version).max().unwrap_or(0);
    let found = applied(writer).await?;
    if let Some(found) = found.filter(|f| *f > known) {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    if let Some(found) = found.filter(|f| *f < known) {
        back_up(writer, path, found).await?;
    }
    migrator.run(writer).await.map_err(|e| match e {
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => e.into(),
        other => StoreError::Migration(other.to_string()),
    })
}

/// The newest migration of this file; `None` for a new one.
async fn applied(writer: &SqlitePool) -> Result<Option<i64>, StoreError> {
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_one(writer)
        .await?;
    if there == 0 {
        return Ok(None);
    }
    Ok(sqlx::query("SELECT max(version) AS newest FROM _sqlx_migrations")
        .fetch_one(writer)
        .await?
        .try_get("newest")?)
}

/// Where the copy from before a migration is: `bellhop.db.schema-1`.
pub(crate) fn backup_path(path: &Path, found: i64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".schema-{found}"));
    name.into()
}

async fn back_up(writer: &SqlitePool, path: &Path, found: i64) -> Result<(), StoreError> {
    let backup = backup_path(path, found);
    // Left by a migration that failed: older than what is there now.
    let _ = fs::remove_file(&backup);
    make(&backup).map_err(|source| StoreError::Io { path: backup.clone(), source })?;
    let target = backup.to_str().ok_or_else(|| StoreError::Migration("the path is no UTF-8".to_owned()))?;
    sqlx::query("VACUUM INTO ?").bind(target).execute(writer).await?;
    Ok(())
}
