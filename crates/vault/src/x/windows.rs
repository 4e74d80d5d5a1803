use crate::{VaultError, keychain::refused};
use keyring_core::{Entry, api::CredentialStoreApi};
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    path::Path,
};
use windows_native_keyring_store::Store;

/// What the system will ask.
pub(crate) const NOTICE: &str = "Windows keeps the key in its Credential Manager and asks nothing.";

/// An item in the Credential Manager, on this computer alone: a key that roams would leave its database behind.
pub(crate) fn entry(program: &str, item: &str) -> Result<Entry, VaultError> {
    let here = HashMap::from([("persistence", "Local")]);
    Store::new().and_then(|s| s.build(program, item, Some(&here))).map_err(refused)
}

/// Nobody is asked while this lives.
pub(crate) struct Quiet;

/// Windows never asks.
pub(crate) fn quiet(_may_prompt: bool) -> Result<Quiet, VaultError> {
    Ok(Quiet)
}

/// The Credential Manager is open whenever its person is logged in.
pub(crate) fn probe(_item: Option<&str>) -> Result<(), VaultError> {
    Ok(())
}

/// Files in a person's own folders are theirs by inheritance.
pub(crate) fn private(_options: &mut OpenOptions) {}

/// See [`private`].
pub(crate) fn check_private(_file: &File, _path: &Path) -> Result<(), VaultError> {
    Ok(())
}
