use crate::{VaultError, x};
use async_trait::async_trait;
use model::Secret;
use std::{fmt, sync::Arc, thread, time::Duration};
use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};

/// How long a keychain may take when nobody is asked anything.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a person may take to type the keychain's password.
const PERSON: Duration = Duration::from_secs(120);

/// Where single secrets are kept by name.
#[async_trait]
pub trait Keychain: Send + Sync + 'static {
    /// The secret of that name; `None` when there is none.
    ///
    /// # Errors
    /// [`VaultError::Locked`], [`VaultError::Hung`], [`VaultError::NoKeychain`].
    async fn get(&self, item: &str) -> Result<Option<Secret>, VaultError>;

    /// Keep a secret under that name, in place of the one that was there.
    ///
    /// # Errors
    /// As for [`Keychain::get`].
    async fn set(&self, item: &str, secret: &Secret) -> Result<(), VaultError>;

    /// Forget the secret of that name; no error when there is none.
    ///
    /// # Errors
    /// As for [`Keychain::get`].
    async fn delete(&self, item: &str) -> Result<(), VaultError>;

    /// Whether it could be used now. Asks nobody and writes nothing.
    ///
    /// # Errors
    /// As for [`Keychain::get`].
    async fn probe(&self) -> Result<(), VaultError>;
}

/// The keychain of the person's system.
///
/// Its calls block and may hang for as long as the system shows a question, so each has a thread of its own and
/// a time limit. While one still hangs, further calls end with [`VaultError::Hung`] instead of adding to it.
pub struct SystemKeychain {
    may_prompt: bool,
    turn: Arc<Semaphore>,
}

impl SystemKeychain {
    /// The system's keychain. Without `may_prompt` no call ever makes the system ask the person for anything:
    /// what could be had only by asking ends with [`VaultError::Locked`].
    pub fn new(may_prompt: bool) -> Self {
        Self { may_prompt, turn: Arc::new(Semaphore::new(1)) }
    }

    /// One sentence about what the system will ask when a key is first kept there; to be shown before.
    pub fn notice() -> &'static str {
        x::NOTICE
    }

    async fn call<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let turn = Arc::clone(&self.turn);
        let turn = timeout(PATIENCE, turn.acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(VaultError::Hung) };
        let (done, outcome) = oneshot::channel();
        thread::Builder::new()
            .name("keychain".to_owned())
            .spawn(move || {
                // Before the answer is out the next call must be able to have its turn.
                let answer = work();
                drop(turn);
                let _ = done.send(answer);
            })
            .map_err(|e| VaultError::NoKeychain(e.to_string()))?;
        match timeout(limit, outcome).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(VaultError::NoKeychain("the call to it broke off".to_owned())),
            Err(_) => Err(VaultError::Hung),
        }
    }

    /// Look first whether the system would ask the person, and then allow for the time that takes.
    async fn limit(&self, item: Option<String>) -> Result<Duration, VaultError> {
        match self.call(PATIENCE, move || x::probe(item.as_deref())).await {
            Ok(()) => Ok(PATIENCE),
            Err(VaultError::Locked) if self.may_prompt => Ok(PERSON),
            Err(e) => Err(e),
        }
    }
}

impl fmt::Debug for SystemKeychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemKeychain").field("may_prompt", &self.may_prompt).finish_non_exhaustive()
    }
}

/// What the keychain said, as one of ours.
pub(crate) fn refused(error: keyring_core::Error) -> VaultError {
    match error {
        keyring_core::Error::NoStorageAccess(_) => VaultError::Locked,
        // Its text could hold what was stored; the kind is enough.
        keyring_core::Error::BadEncoding(_) | keyring_core::Error::BadDataFormat(..) => {
            VaultError::NoKeychain("the item is not in the form it was stored in".to_owned())
        }
        other => VaultError::NoKeychain(other.to_string()),
    }
}

/// The program's name, under which keychains show what it keeps.
const PROGRAM: &str = "Bellhop";

#[async_trait]
impl Keychain for SystemKeychain {
    async fn get(&self, item: &str) -> Result<Option<Secret>, VaultError> {
        let item = item.to_owned();
        let limit = self.limit(Some(item.clone())).await?;
        let may_prompt = self.may_prompt;
        self.call(limit, move || {
            let _quiet = x::quiet(may_prompt)?;
            match x::entry(PROGRAM, &item)?.get_password() {
                Ok(text) => Ok(Some(Secret::new(text))),
                Err(keyring_core::Error::NoEntry) => Ok(None),
                Err(e) => Err(refused(e)),
            }
        })
        .await
    }

    async fn set(&self, item: &str, secret: &Secret) -> Result<(), VaultError> {
        let (item, secret) = (item.to_owned(), secret.clone());
        let limit = self.limit(Some(item.clone())).await?;
        let may_prompt = self.may_prompt;
        self.call(limit, move || {
            let _quiet = x::quiet(may_prompt)?;
            x::entry(PROGRAM, &item)?.set_password(secret.expose()).map_err(refused)
        })
        .await
    }

    async fn delete(&self, item: &str) -> Result<(), VaultError> {
        let item = item.to_owned();
        let limit = self.limit(Some(item.clone())).await?;
        let may_prompt = self.may_prompt;
        self.call(limit, move || {
            let _quiet = x::quiet(may_prompt)?;
            match x::entry(PROGRAM, &item)?.delete_credential() {
                Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
                Err(e) => Err(refused(e)),
            }
        })
        .await
    }

    async fn probe(&self) -> Result<(), VaultError> {
        self.call(PATIENCE, || x::probe(None)).await
    }
}
