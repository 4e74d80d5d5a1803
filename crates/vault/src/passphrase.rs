use crate::{
    Binding, VaultError,
    key::Key,
    record::Wrapped,
    seal::{seal, unseal},
};
use argon2::{Algorithm, Argon2, Params, Version};
use model::{Random, Secret, VaultId};
use tokio::task::spawn_blocking;

/// 64 MiB and three passes: the second recommendation of RFC 9106 §4, in one lane.
const MEMORY: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
const SALT: usize = 16;

/// More than this is no record of ours: somebody edited the file to make Bellhop eat the computer's memory.
const MOST_MEMORY: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 64;
const MOST_LANES: u32 = 16;

fn binding(id: &VaultId) -> Binding<'_> {
    Binding { field: "vault.key", row: id.as_str(), generation: 0, issuer: "", origin: "" }
}

fn wrapping_key(passphrase: &Secret, salt: &[u8], form: &Wrapped) -> Result<Key, VaultError> {
    let damaged = |_| VaultError::Record("parameters");
    if form.memory > MOST_MEMORY || form.passes > MOST_PASSES || form.lanes > MOST_LANES {
        return Err(VaultError::Record("parameters"));
    }
    let params = Params::new(form.memory, form.passes, form.lanes, None).map_err(damaged)?;
    let mut key = Key::zero();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), salt, key.bytes_mut())
        .map_err(damaged)?;
    Ok(key)
}

/// [`wrapping_key`] takes a noticeable part of a second: on a thread that nobody waits on.
async fn derive(passphrase: &Secret, salt: Vec<u8>, form: &Wrapped) -> Result<Key, VaultError> {
    let (passphrase, form) = (passphrase.clone(), form.clone());
    let derived = spawn_blocking(move || wrapping_key(&passphrase, &salt, &form)).await;
    derived.map_err(|_| VaultError::Record("parameters"))?
}

/// Wrap a key under a passphrase.
pub(crate) async fn wrap(
    key: &Key,
    passphrase: &Secret,
    id: &VaultId,
    random: &dyn Random,
) -> Result<Wrapped, VaultError> {
    if passphrase.expose().is_empty() {
        return Err(VaultError::EmptyPassphrase);
    }
    let mut salt = [0; SALT];
    random.fill(&mut salt);
    let mut wrapped =
        Wrapped { salt: hex::encode(salt), memory: MEMORY, passes: PASSES, lanes: LANES, key: String::new() };
    let outer = derive(passphrase, salt.to_vec(), &wrapped).await?;
    wrapped.key = hex::encode(seal(&outer, random, &binding(id), key.bytes()));
    Ok(wrapped)
}

/// Unwrap it again.
pub(crate) async fn unwrap(wrapped: &Wrapped, passphrase: &Secret, id: &VaultId) -> Result<Key, VaultError> {
    let salt = hex::decode(&wrapped.salt).map_err(|_| VaultError::Record("salt"))?;
    let sealed = hex::decode(&wrapped.key).map_err(|_| VaultError::Record("key"))?;
    let outer = derive(passphrase, salt, wrapped).await?;
    let plain = unseal(&outer, &binding(id), &sealed).map_err(|_| VaultError::WrongPassphrase)?;
    Key::from_slice(&plain).ok_or(VaultError::Record("key"))
}
