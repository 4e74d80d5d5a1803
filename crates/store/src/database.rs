use crate::StoreError;
use sqlx::{
    SqlitePool,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

static BELLHOP: Migrator = sqlx::migrate!("./migrations/bellhop");
static ACTIVITY: Migrator = sqlx::migrate!("./migrations/activity");

/// How long a statement waits for another process's lock.
const BUSY: Duration = Duration::from_secs(5);

/// The open files, before anything sealed in them can be read.
#[derive(Debug, Clone)]
pub struct Database {
    /// One writer: SQLite has one anyway, and waiting in line here beats failing there.
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    pub(crate) activity: SqlitePool,
}

impl Database {
    /// Open both files in `folder`, making them for the owner only where they aren't there.
    ///
    /// # Errors
    /// When a file can't be opened, is damaged, or was written by a newer Bellhop; it is then left as it is.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let main = folder.join("bellhop.db");
        let options = options(&main)?.synchronous(SqliteSynchronous::Full);
        let writer = pool(&options, 1, &main).await?;
        prepare(&writer, &BELLHOP, &main).await?;
        let readers = pool(&options.read_only(true), 2, &main).await?;
        Ok(Self { writer, readers, activity: Self::open_activity(folder).await? })
    }

    /// Keep everything that must not be lost in memory, and write only the log: for a vault whose key is kept
    /// nowhere.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn in_memory(folder: &Path) -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        // One connection that never ends, for a memory database lives as long as its connection.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(SqliteConnectOptions::new().in_memory(true).foreign_keys(true))
            .await?;
        prepare(&writer, &BELLHOP, &path).await?;
        Ok(Self { readers: writer.clone(), writer, activity: Self::open_activity(folder).await? })
    }

    async fn open_activity(folder: &Path) -> Result<SqlitePool, StoreError> {
        let path = folder.join("activity.db");
        let pool = pool(&options(&path)?.synchronous(SqliteSynchronous::Normal), 2, &path).await?;
        prepare(&pool, &ACTIVITY, &path).await?;
        Ok(pool)
    }

    /// The record of the vault whose key opens the sealed columns.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn vault_record(&self) -> Result<Option<vault::VaultRecord>, StoreError> {
        match self.setting("vault").await? {
            Some(text) => serde_json::from_str(&text).map(Some).map_err(|_| StoreError::Value("vault")),
            None => Ok(None),
        }
    }

    /// Keep the record of a new vault. One that is there is never overwritten: its key may be the only one that
    /// opens what is sealed here.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when there is one already.
    pub async fn save_vault_record(&self, record: &vault::VaultRecord) -> Result<(), StoreError> {
        let text = serde_json::to_string(record).map_err(|_| StoreError::Value("vault"))?;
        let done = sqlx::query("INSERT INTO setting (name, value) VALUES ('vault', ?) ON CONFLICT DO NOTHING")
            .bind(text)
            .execute(&self.writer)
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Superseded) }
    }

    /// Close both files.
    pub async fn close(&self) {
        self.activity.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn options(path: &Path) -> Result<SqliteConnectOptions, StoreError> {
    private_file(path).map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
    Ok(SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        // What was deleted is overwritten: a token that was replaced is gone from the file too.
        .pragma("secure_delete", "ON")
        .pragma("cache_size", "-512"))
}

/// SQLite makes its files readable for all, and its journals like the file they belong to: so the file is made
/// first, for the owner only.
fn private_file(path: &Path) -> io::Result<()> {
    let mut open = fs::File::options();
    open.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let file = open.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    drop(file);
    Ok(())
}

async fn pool(options: &SqliteConnectOptions, connections: u32, path: &Path) -> Result<SqlitePool, StoreError> {
    let opened = SqlitePoolOptions::new()
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.clone())
        .await;
    opened.map_err(|e| match e {
        sqlx::Error::Database(e) => StoreError::Damaged { path: path.to_owned(), what: e.message().to_owned() },
        other => StoreError::Database(other),
    })
}

/// Check the file, and bring its form up to date. Before an existing file is changed, a copy is kept.
async fn prepare(pool: &SqlitePool, migrator: &Migrator, path: &Path) -> Result<(), StoreError> {
    let said: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(pool).await.map_err(|e| damaged(path, e))?;
    if said != "ok" {
        return Err(StoreError::Damaged { path: path.to_owned(), what: said });
    }
    let applied: Option<i64> = match sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(pool).await {
        Ok(version) => version,
        // A new file has no such table.
        Err(sqlx::Error::Database(_)) => None,
        Err(e) => return Err(e.into()),
    };
    let newest = migrator.iter().map(|m| m.version).max().unwrap_or(0);
    match applied {
        Some(version) if version > newest => return Err(StoreError::Newer { path: path.to_owned() }),
        Some(version) if version < newest => back_up(pool, path, version).await?,
        _ => {}
    }
    match migrator.run(pool).await {
        Err(MigrateError::VersionMissing(_)) => Err(StoreError::Newer { path: path.to_owned() }),
        other => Ok(other?),
    }
}

fn damaged(path: &Path, e: sqlx::Error) -> StoreError {
    match e {
        sqlx::Error::Database(e) => StoreError::Damaged { path: path.to_owned(), what: e.message().to_owned() },
        other => other.into(),
    }
}

/// Keep a copy beside the file, of the form it has now. One that is there already is the older, and stays.
async fn back_up(pool: &SqlitePool, path: &Path, version: i64) -> Result<(), StoreError> {
    let copy = path.with_extension(format!("form-{version}.backup"));
    if copy.exists() {
        return Ok(());
    }
    private_file(&copy).map_err(|source| StoreError::Open { path: copy.clone(), source })?;
    sqlx::query("VACUUM INTO ?").bind(copy.to_string_lossy().into_owned()).execute(pool).await?;
    Ok(())
}
