use crate::{
    Binding, Kept, Keychain, SubKey, VaultError, VaultRecord, file,
    key::Key,
    passphrase,
    seal::{seal, unseal},
};
use model::{Random, Secret, VaultId};
use std::{fmt, path::PathBuf, sync::Arc};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Where to look for a vault's key, and what opens it.
#[derive(Clone)]
pub enum KeySource {
    /// In a keychain.
    Keychain(Arc<dyn Keychain>),
    /// Under this passphrase.
    Passphrase(Secret),
    /// In this file.
    File(PathBuf),
    /// Nowhere: in memory, for as long as the process lives.
    Session,
}

impl KeySource {
    /// `keychain`, `passphrase`, `file` or `session`: the word of `--keys`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Keychain(_) => "keychain",
            Self::Passphrase(_) => "passphrase",
            Self::File(_) => "file",
            Self::Session => "session",
        }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySource({})", self.name())
    }
}

/// An open vault: the key, in memory.
pub struct Vault {
    key: Key,
    /// The key of the columns, derived once.
    columns: Key,
}

/// The item's name in a keychain.
fn item(id: &VaultId) -> String {
    format!("bellhop {id}")
}

impl Vault {
    /// Make a vault with a new key and keep the key where `source` says. The record goes into the database
    /// before anything is sealed; a record of [`Kept::Session`] goes into no file.
    ///
    /// A key file that is there already is used as it is, so that the key can come from elsewhere.
    ///
    /// # Errors
    /// When the key can't be kept there.
    pub async fn create(source: &KeySource, random: &dyn Random) -> Result<(Self, VaultRecord), VaultError> {
        let id = VaultId::new(random);
        let (key, kept) = match source {
            KeySource::Keychain(keychain) => {
                let key = Key::fresh(random);
                keychain.set(&item(&id), &key.to_text()).await?;
                // Some keychains accept and keep nothing: better to learn that before tokens depend on it.
                let back = keychain.get(&item(&id)).await?.and_then(|t| Key::from_text(t.expose()));
                match back {
                    Some(back) if back.bytes() == key.bytes() => {}
                    _ => return Err(VaultError::NoKeychain("it did not keep what it was given".to_owned())),
                }
                (key, Kept::Keychain)
            }
            KeySource::Passphrase(passphrase) => {
                let key = Key::fresh(random);
                let wrapped = passphrase::wrap(&key, passphrase, &id, random).await?;
                (key, Kept::Passphrase(wrapped))
            }
            KeySource::File(path) => {
                let key = match file::read(path)? {
                    Some(key) => key,
                    None => file::make(path, random)?,
                };
                // Bellhop is not always started from the same folder.
                (key, Kept::File { path: std::path::absolute(path).unwrap_or_else(|_| path.clone()) })
            }
            KeySource::Session => (Key::fresh(random), Kept::Session),
        };
        let check = hex::encode(check(&key, &id));
        Ok((Self::new(key), VaultRecord { id, kept, check }))
    }

    /// Open the vault of this record.
    ///
    /// # Errors
    /// When the key isn't there, isn't the right one, or can't be had now. Nothing is overwritten.
    pub async fn open(source: &KeySource, record: &VaultRecord) -> Result<Self, VaultError> {
        let kept = record.kept.name();
        let missing = || VaultError::KeyMissing { kept };
        let key = match (source, &record.kept) {
            (KeySource::Keychain(keychain), Kept::Keychain) => {
                let text = keychain.get(&item(&record.id)).await?.ok_or_else(missing)?;
                Key::from_text(text.expose()).ok_or(VaultError::KeyMismatch { kept })?
            }
            (KeySource::Passphrase(passphrase), Kept::Passphrase(wrapped)) => {
                passphrase::unwrap(wrapped, passphrase, &record.id).await?
            }
            (KeySource::File(path), Kept::File { .. }) => file::read(path)?.ok_or_else(missing)?,
            _ => return Err(VaultError::KeptElsewhere { kept, asked: source.name() }),
        };
        let told = hex::decode(&record.check).map_err(|_| VaultError::Record("check"))?;
        if !bool::from(check(&key, &record.id).as_slice().ct_eq(&told)) {
            return Err(VaultError::KeyMismatch { kept });
        }
        Ok(Self::new(key))
    }

    fn new(key: Key) -> Self {
        let columns = key.derive("columns");
        Self { key, columns }
    }

    /// Seal a text (XChaCha20-Poly1305, a fresh random nonce each time): it opens with [`Vault::unseal`] under
    /// the same binding alone.
    pub fn seal(&self, random: &dyn Random, binding: &Binding<'_>, plain: &[u8]) -> Vec<u8> {
        seal(&self.columns, random, binding, plain)
    }

    /// Open what [`Vault::seal`] made.
    ///
    /// # Errors
    /// [`VaultError::Unsealable`] when it is damaged, or the binding is not the one it was sealed under.
    pub fn unseal(&self, binding: &Binding<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        unseal(&self.columns, binding, sealed)
    }

    /// A key for another purpose. The label names the purpose and never changes.
    pub fn subkey(&self, label: &'static str) -> SubKey {
        SubKey::new(self.key.derive(&format!("subkey/{label}")))
    }
}

/// A code that this key alone makes for this vault.
fn check(key: &Key, id: &VaultId) -> [u8; 32] {
    SubKey::new(key.derive("check")).mac(&[id.as_str().as_bytes()])
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}
