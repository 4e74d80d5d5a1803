//! Opening the vault, and with it the rooms that need it.

use crate::{Keys, inner::Inner, rooms::Rooms};
use control::KeysState;
use model::{Explain, Problem};
use std::sync::Arc;
use store::{Database, Store};
use vault::{Kept, KeySource, SystemKeychain, Vault, VaultError, VaultRecord};

/// Open the vault as far as that goes without the person: what was asked for at the start, else what this home's
/// vault says.
pub(crate) async fn at_start(inner: &Arc<Inner>, asked: Option<Keys>) -> Result<(), Problem> {
    if let Some(keys) = asked {
        return open(inner, keys, inner.may_prompt).await;
    }
    let record = inner.database().await?.vault_record().await.map_err(|e| e.problem())?;
    match record.map(|r| r.kept) {
        None => {
            let keychain = SystemKeychain::new(false);
            let problem = match vault::Keychain::probe(&keychain).await {
                // Locked is no obstacle: choosing it lets the system ask.
                Ok(()) | Err(VaultError::Locked) => None,
                Err(e) => Some(e.problem()),
            };
            let notice = SystemKeychain::notice().to_owned();
            inner.set_keys(KeysState::Unchosen { notice, keychain: problem });
            Ok(())
        }
        Some(Kept::Keychain) => {
            let opened = open(inner, Keys::Keychain, inner.may_prompt).await;
            locked("keychain", inner, opened)
        }
        Some(Kept::File { path }) => open(inner, Keys::File(path), false).await,
        Some(kept @ (Kept::Passphrase(_) | Kept::Session)) => {
            let problem = Problem::new(
                "engine.passphrase_needed",
                "Bellhop's keys are under your passphrase.",
                "Type the passphrase to unlock them.",
            );
            inner.set_keys(KeysState::Locked { kept: kept.name().to_owned(), problem });
            Ok(())
        }
    }
}

/// A vault that doesn't open now is a state, and no reason not to start: the person unlocks it later.
fn locked(kept: &str, inner: &Inner, opened: Result<(), Problem>) -> Result<(), Problem> {
    if let Err(problem) = opened {
        tracing::info!(code = %problem.code, "the vault is locked");
        inner.set_keys(KeysState::Locked { kept: kept.to_owned(), problem });
    }
    Ok(())
}

/// Open the vault with this, making it if this home has none. `may_prompt`: whether the system may ask the person.
pub(crate) async fn open(inner: &Arc<Inner>, keys: Keys, may_prompt: bool) -> Result<(), Problem> {
    let _turn = inner.unlocking.lock().await;
    if inner.rooms.get().is_some() {
        return Ok(());
    }
    let source = match keys {
        Keys::Keychain => KeySource::Keychain(Arc::new(SystemKeychain::new(may_prompt))),
        Keys::Passphrase(passphrase) => KeySource::Passphrase(passphrase),
        Keys::File(path) => KeySource::File(path),
        Keys::Session => KeySource::Session,
    };
    let (database, vault) = match source {
        KeySource::Session => session(inner, &source).await?,
        _ => kept(inner, &source).await?,
    };
    let vault = Arc::new(vault);
    let store = Store::new(database, Arc::clone(&vault), Arc::clone(&inner.clock), Arc::clone(&inner.random));
    let store = Arc::new(store);
    let rooms = Rooms::open(inner, store, &vault).await?;
    if let Ok(Some(pause)) = rooms.store.setting("pause").await {
        inner.pause.restore(&pause);
    }
    rooms.log.note(control::ActivityKind::Started, None, None, "ok");
    // Nobody else sets it: the lock is held.
    let _ = inner.rooms.set(rooms);
    inner.set_keys(KeysState::Open { kept: source.name().to_owned() });
    inner.publisher.mark_all();
    Ok(())
}

/// Everything in memory: no secret is written, and nothing that needs one could be read again.
async fn session(inner: &Inner, source: &KeySource) -> Result<(Database, Vault), Problem> {
    let database = Database::in_memory().await.map_err(|e| e.problem())?;
    let (vault, _) = Vault::create(source, &*inner.random).await.map_err(|e| e.problem())?;
    Ok((database, vault))
}

async fn kept(inner: &Inner, source: &KeySource) -> Result<(Database, Vault), Problem> {
    let database = inner.database().await?;
    let record: Option<VaultRecord> = database.vault_record().await.map_err(|e| e.problem())?;
    let vault = match record {
        Some(record) => Vault::open(source, &record).await.map_err(|e| e.problem())?,
        None => {
            let (vault, record) = Vault::create(source, &*inner.random).await.map_err(|e| e.problem())?;
            database.save_vault_record(&record).await.map_err(|e| e.problem())?;
            vault
        }
    };
    Ok((database, vault))
}
