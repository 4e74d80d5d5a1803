use model::{Explain, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What outlives the program.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// The port that was used last.
    pub port: Option<u16>,
    /// The private key, as [`crate::jws::SigningKey`] writes it.
    pub signing_key: Option<String>,
    /// The registered clients, by `client_id`.
    #[serde(default)]
    pub clients: BTreeMap<String, Client>,
    /// The sign-ins, by id.
    #[serde(default)]
    pub families: BTreeMap<String, Family>,
    /// The notes, by name; `None` before the first start put the first ones in.
    pub notes: Option<BTreeMap<String, String>>,
}

/// A registered client (RFC 7591).
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    /// What it calls itself. Not verified.
    pub name: String,
    pub redirect_uris: Vec<String>,
    pub registered: Timestamp,
}

/// A sign-in: the chain of refresh tokens that began with one code, of which only the newest is good.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Family {
    pub client: String,
    pub scope: Vec<String>,
    /// SHA-256 of the newest refresh token.
    pub refresh: String,
    /// When the newest refresh token was made.
    pub renewed: Timestamp,
}

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It can't be read or written.
    #[error("{file} can't be used")]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something else.
    #[error("{file} was not written by the playground")]
    Foreign {
        /// The file.
        file: PathBuf,
    },
}

impl Explain for StateError {
    fn problem(&self) -> Problem {
        match self {
            Self::File { file, source } => Problem::new(
                "playground.file",
                format!("The playground can't use {}: {source}.", file.display()),
                "Check that you may write there, or name another file.",
            ),
            Self::Foreign { file } => Problem::new(
                "playground.foreign",
                format!("{} was not written by the playground.", file.display()),
                "Name another file, or delete this one.",
            ),
        }
    }
}

/// Holds [`Stored`], and writes it down before anybody hears of a change.
pub(crate) struct Store {
    stored: Mutex<Stored>,
    file: Option<PathBuf>,
}

impl Store {
    /// Read the file, or begin empty when there is none.
    pub(crate) fn open(file: Option<PathBuf>) -> Result<Self, StateError> {
        let stored = match &file {
            None => Stored::default(),
            Some(path) => match fs::read(path) {
                Ok(bytes) => {
                    serde_json::from_slice(&bytes).map_err(|_| StateError::Foreign { file: path.clone() })?
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => Stored::default(),
                Err(source) => return Err(StateError::File { file: path.clone(), source }),
            },
        };
        Ok(Self { stored: Mutex::new(stored), file })
    }

    /// Look at it.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Stored) -> T) -> T {
        look(&self.lock())
    }

    /// Change it. When the change can't be written down, it did not happen.
    ///
    /// Writing a few kilobytes under the lock is what keeps two changes from overtaking each other on the disk.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Stored) -> T) -> Result<T, StateError> {
        let mut stored = self.lock();
        let mut next = stored.clone();
        let out = change(&mut next);
        if let Some(path) = &self.file {
            write(path, &next).map_err(|source| StateError::File { file: path.clone(), source })?;
        }
        *stored = next;
        Ok(out)
    }

    fn lock(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replace the file at once and whole. A temporary file is readable by its owner alone (0600), and so is what
/// it becomes.
fn write(path: &Path, stored: &Stored) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec_pretty(stored)?)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
