use crate::{
    StoreError,
    open::{self, Pools},
};
use sqlx::{migrate::Migrator, sqlite::SqliteSynchronous};
use std::{
    fs::{self, DirBuilder},
    path::Path,
};
use vault::VaultRecord;

pub(crate) static BELLHOP: Migrator = sqlx::migrate!("migrations/bellhop");
static ACTIVITY: Migrator = sqlx::migrate!("migrations/activity");

/// The two files, open; what needs no vault can be read and written.
#[derive(Debug, Clone)]
pub struct Database {
    pub(crate) bellhop: Pools,
    pub(crate) activity: Pools,
}

impl Database {
    /// Open `bellhop.db` and `activity.db` in this folder, which is made where it isn't there. The caller holds
    /// the folder's lock.
    ///
    /// An `activity.db` that is damaged is set aside, for nothing depends on it; a `bellhop.db` that is damaged
    /// or newer is left as it is.
    ///
    /// # Errors
    /// When `bellhop.db` is damaged or newer, or the folder can't be used.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|source| StoreError::Io { path: folder.to_owned(), source })?;

        let bellhop = open::file(&folder.join("bellhop.db"), SqliteSynchronous::Full, &BELLHOP).await?;
        let path = folder.join("activity.db");
        let activity = match open::file(&path, SqliteSynchronous::Normal, &ACTIVITY).await {
            Err(StoreError::Damaged { what, .. }) => {
                tracing::warn!(what, "activity.db is damaged and was set aside");
                set_aside(&path)?;
                open::file(&path, SqliteSynchronous::Normal, &ACTIVITY).await?
            }
            other => other?,
        };
        Ok(Self { bellhop, activity })
    }

    /// Both in memory, for keys that last as long as the process: nothing is written to a disk.
    ///
    /// # Errors
    /// When SQLite can't be started at all.
    pub async fn in_memory() -> Result<Self, StoreError> {
        Ok(Self { bellhop: open::in_memory(&BELLHOP).await?, activity: open::in_memory(&ACTIVITY).await? })
    }

    /// How to find the vault's key; `None` where no vault was made yet.
    ///
    /// # Errors
    /// When it can't be read. That is never taken for "no vault": a new one would not open what is stored.
    pub async fn vault_record(&self) -> Result<Option<VaultRecord>, StoreError> {
        let text: Option<String> =
            sqlx::query_scalar("SELECT record FROM vault").fetch_optional(&self.bellhop.reader).await?;
        text.map(|t| serde_json::from_str(&t).map_err(|_| StoreError::Column("record"))).transpose()
    }

    /// Keep the record of a new vault. Never replaces one that is there: what it seals would be lost.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when another vault's is there.
    pub async fn save_vault_record(&self, record: &VaultRecord) -> Result<(), StoreError> {
        let text = serde_json::to_string(record).map_err(|_| StoreError::Column("record"))?;
        let done = sqlx::query("INSERT INTO vault (one, record) VALUES (1, ?) ON CONFLICT DO NOTHING")
            .bind(&text)
            .execute(&self.bellhop.writer)
            .await?;
        match done.rows_affected() {
            0 if self.vault_record().await?.as_ref() != Some(record) => Err(StoreError::Superseded),
            _ => Ok(()),
        }
    }

    /// Close the files. Everything that was committed is in them.
    pub async fn close(&self) {
        self.bellhop.close().await;
        self.activity.close().await;
    }
}

fn set_aside(path: &Path) -> Result<(), StoreError> {
    for ending in ["", "-wal", "-shm"] {
        let mut from = path.as_os_str().to_owned();
        from.push(ending);
        let mut to = path.as_os_str().to_owned();
        to.push(".damaged");
        to.push(ending);
        match fs::rename(&from, &to) {
            Err(source) if ending.is_empty() => return Err(StoreError::Io { path: path.to_owned(), source }),
            _ => {}
        }
    }
    Ok(())
}
