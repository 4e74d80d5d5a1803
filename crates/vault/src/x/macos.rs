use crate::{VaultError, keychain::refused};
use apple_native_keyring_store::keychain::Store;
use keyring_core::{Entry, api::CredentialStoreApi};
use security_framework::os::macos::keychain::{KeychainUserInteractionLock, SecKeychain};

/// What the system will ask.
pub(crate) const NOTICE: &str =
    "macOS may ask whether Bellhop can use its item in your keychain: choose Always Allow.";

/// An item in the login keychain.
pub(crate) fn entry(program: &str, item: &str) -> Result<Entry, VaultError> {
    Store::new().and_then(|s| s.build(program, item, None)).map_err(refused)
}

/// While this lives, a call that would need the person fails instead of asking.
pub(crate) fn quiet(may_prompt: bool) -> Result<Option<KeychainUserInteractionLock>, VaultError> {
    if may_prompt {
        return Ok(None);
    }
    SecKeychain::disable_user_interaction().map(Some).map_err(|e| VaultError::NoKeychain(e.to_string()))
}

/// macOS has no question to find out beforehand whether it would ask; [`quiet`] makes the call itself fail.
pub(crate) fn probe(_item: Option<&str>) -> Result<(), VaultError> {
    SecKeychain::default().map(drop).map_err(|e| VaultError::NoKeychain(e.to_string()))
}
