use crate::{Activity, Database};
use model::Random;
use std::{ops::Deref, sync::Arc};
use vault::{Binding, Vault};

/// The database with the vault that seals its secrets.
pub struct Store {
    pub(crate) database: Database,
    vault: Arc<Vault>,
    random: Arc<dyn Random>,
    activity: Activity,
}

impl Store {
    /// Put a database and its vault together, and start the writer of the log. Needs a Tokio runtime.
    pub fn new(database: Database, vault: Arc<Vault>, random: Arc<dyn Random>) -> Self {
        let activity = Activity::start(database.clone());
        Self { database, vault, random, activity }
    }

    /// The vault.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The log.
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    pub(crate) fn seal(&self, binding: &Binding<'_>, text: &str) -> Vec<u8> {
        self.vault.seal(&*self.random, binding, text.as_bytes())
    }

    /// Store what the log still holds, and close the files.
    pub async fn close(&self) {
        self.activity.stop().await;
        self.database.close().await;
    }
}

impl Deref for Store {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}
