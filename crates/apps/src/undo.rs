use crate::{AppsError, config::Config, write};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What it takes to undo a connect byte for byte. Kept in Bellhop's backups, one for each config.
///
/// As long as the config is what Bellhop wrote, undoing means putting back what was there. Once anybody else
/// changed it, only our entry is taken out, and `groups` says which groups of entries are the person's own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Undo {
    /// The config.
    file: PathBuf,
    /// What was there before.
    pub(crate) before: Before,
    /// SHA-256 of what Bellhop wrote, in hexadecimal; `None` once Bellhop wrote over somebody else's change:
    /// what was there before must not come back then.
    wrote: Option<String>,
    /// How many of the groups that lead to our entry were there before.
    pub(crate) groups: usize,
}

/// What stood in a config's place.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Before {
    /// Nothing; and these folders were made for it, the outermost first.
    Nothing {
        /// The folders.
        folders: Vec<PathBuf>,
    },
    /// A file; its content lies beside this record.
    File,
}

/// The files that belong to one config.
pub(crate) struct Place {
    /// The record.
    record: PathBuf,
    /// The content before the last connect.
    before: PathBuf,
    /// The content before Bellhop first touched the config. Never overwritten, never deleted.
    original: PathBuf,
}

impl Place {
    /// The place for this config of this app.
    pub(crate) fn of(backups: &Path, app: &str, config: &Config) -> Self {
        let name = format!("{app}-{}", &hash(config.path.as_os_str().as_encoded_bytes())[..16]);
        let at = |end: &str| backups.join(format!("{name}.{end}"));
        Self { record: at("undo.json"), before: at("before"), original: at("original") }
    }

    /// Remember what a connect is about to change. `groups` is how many of the groups are there already, and
    /// `ours` whether our entry is: then an earlier connect knows what was there before.
    pub(crate) fn save(
        &self,
        config: &Config,
        folders: Vec<PathBuf>,
        wrote: &[u8],
        (groups, ours): (usize, bool),
    ) -> Result<(), AppsError> {
        let file = config.path.clone();
        let undo = match (&config.bytes, self.load(config).filter(|_| ours)) {
            (_, Some(earlier)) => {
                let wrote = earlier.is_untouched(config).then(|| hash(wrote));
                Undo { wrote, ..earlier }
            }
            (Some(_), None) if ours => Undo { file, before: Before::File, wrote: None, groups },
            (Some(bytes), None) => {
                self.keep(&self.before, bytes)?;
                if !self.original.exists() {
                    self.keep(&self.original, bytes)?;
                }
                Undo { file, before: Before::File, wrote: Some(hash(wrote)), groups }
            }
            (None, None) => {
                Undo { file, before: Before::Nothing { folders }, wrote: Some(hash(wrote)), groups }
            }
        };
        let record = serde_json::to_vec_pretty(&undo).map_err(io::Error::from);
        record.and_then(|r| write::private(&self.record, &r)).map_err(|e| AppsError::system(&self.record, e))
    }

    fn keep(&self, path: &Path, bytes: &[u8]) -> Result<(), AppsError> {
        write::private(path, bytes).map_err(|e| AppsError::system(path, e))
    }

    /// The record, if there is one that can be read.
    pub(crate) fn load(&self, config: &Config) -> Option<Undo> {
        let undo: Undo = serde_json::from_slice(&fs::read(&self.record).ok()?).ok()?;
        (undo.file == config.path).then_some(undo)
    }

    /// The content before the last connect.
    pub(crate) fn content(&self) -> Option<Vec<u8>> {
        fs::read(&self.before).ok()
    }

    /// Forget the record, after a disconnect. A record that stays behind does no harm.
    pub(crate) fn forget(&self) {
        let _ = fs::remove_file(&self.record);
        let _ = fs::remove_file(&self.before);
    }
}

impl Undo {
    /// Whether the config is, to the byte, what Bellhop wrote.
    pub(crate) fn is_untouched(&self, config: &Config) -> bool {
        config.bytes.as_ref().is_some_and(|bytes| self.wrote.as_ref() == Some(&hash(bytes)))
    }
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
