use crate::{VaultError, keychain::refused};
use keyring_core::{Entry, api::CredentialStoreApi};
use secret_service::{EncryptionType, Error, blocking::SecretService};
use std::collections::HashMap;
use zbus_secret_service_keyring_store::Store;

/// What the system will ask.
pub(crate) const NOTICE: &str =
    "Your keychain may ask for its password: that is usually the one you log in to this computer with.";

/// An item in the Secret Service (GNOME Keyring, KDE Wallet, KeePassXC).
pub(crate) fn entry(program: &str, item: &str) -> Result<Entry, VaultError> {
    let label = HashMap::from([("label", item)]);
    Store::new().and_then(|s| s.build(program, item, Some(&label))).map_err(refused)
}

/// Nobody is asked while this lives.
pub(crate) struct Quiet;

/// Nothing to hold back here: what would prompt was found by [`probe`] before.
pub(crate) fn quiet(_may_prompt: bool) -> Result<Quiet, VaultError> {
    Ok(Quiet)
}

/// Whether an item can be had, and new ones kept, with nobody being asked.
///
/// With a display, the first call on a locked collection hangs in the system's question for as long as nobody
/// answers it; so whether it is locked is asked first, which never prompts.
pub(crate) fn probe(item: Option<&str>) -> Result<(), VaultError> {
    let service = SecretService::connect(EncryptionType::Plain).map_err(absent)?;
    if let Some(item) = item {
        let found = service.search_items(HashMap::from([("username", item)])).map_err(absent)?;
        if !found.locked.is_empty() {
            return Err(VaultError::Locked);
        }
        if !found.unlocked.is_empty() {
            return Ok(());
        }
    }
    // A service may run without ever having been given a keyring: it finds nothing and keeps nothing.
    let keyring = service.get_default_collection().map_err(absent)?;
    if keyring.is_locked().map_err(absent)? { Err(VaultError::Locked) } else { Ok(()) }
}

fn absent(error: Error) -> VaultError {
    match error {
        Error::Locked | Error::Prompt => VaultError::Locked,
        Error::NoResult => VaultError::NoKeychain("no keyring has been made yet".to_owned()),
        other => VaultError::NoKeychain(other.to_string()),
    }
}
