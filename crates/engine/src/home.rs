use crate::x;
use model::Problem;
use sha2::{Digest, Sha256};
use std::{
    env, fs,
    fs::File,
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

/// The folder that holds all of Bellhop's files, and the places that follow from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The home that was named (`--home`), else `BELLHOP_HOME`, else the person's own.
    ///
    /// The folder is made, for the owner only, where it isn't there.
    ///
    /// # Errors
    /// When there is no home folder at all, or the folder can't be made or belongs to somebody else.
    pub fn find(explicit: Option<PathBuf>) -> Result<Self, Problem> {
        let named =
            explicit.or_else(|| env::var_os("BELLHOP_HOME").filter(|v| !v.is_empty()).map(PathBuf::from));
        let root = match named {
            Some(root) => root,
            None => x::data_folder().ok_or_else(|| {
                Problem::new(
                    "engine.no_home",
                    "Bellhop doesn't know where to keep its files: HOME is not set.",
                    "Set HOME, or name a folder with --home.",
                )
            })?,
        };
        x::private_folder(&root).map_err(|e| {
            Problem::new(
                "engine.home",
                format!("Bellhop can't use the folder {}: {e}.", root.display()),
                "Choose another with --home or BELLHOP_HOME.",
            )
        })?;
        // The socket's name follows from the path: two spellings of one folder must give one name.
        let root = fs::canonicalize(&root).unwrap_or(root);
        Ok(Self { root })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// The owner-only socket's path.
    ///
    /// It follows from the user id and a hash of the home, because the apps that start the bridge hand on
    /// neither `XDG_RUNTIME_DIR` nor anything else that could tell; and because a socket's path holds no more
    /// than 108 bytes, whatever the home's length.
    pub fn socket(&self) -> PathBuf {
        let digest = Sha256::digest(self.root.as_os_str().as_encoded_bytes());
        x::socket_path(&hex::encode(&digest[..8]))
    }

    /// Connect to the engine of this home.
    ///
    /// # Errors
    /// When no engine listens there, or the socket isn't ours.
    pub async fn connect(&self) -> io::Result<x::Stream> {
        x::connect(&self.socket()).await
    }
}

/// The right to run an engine in a home: held as long as this value lives, and freed by the system if the
/// process ends in any way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Take the lock if nobody holds it.
    ///
    /// # Errors
    /// When the lock file can't be opened. A lock that is held is no error but `None`.
    pub fn take(home: &Home) -> io::Result<Option<Self>> {
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(home.join("lock"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(e)) => return Err(e),
        }
        // For a person who looks; nothing reads it but `Lock::holder`.
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Some(Self { _file: file }))
    }

    /// The process that holds the lock, as it wrote itself down.
    pub fn holder(home: &Home) -> Option<u32> {
        let mut text = String::new();
        File::open(home.join("lock")).ok()?.take(32).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(name: &str) -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::find(Some(folder.path().join(name))).unwrap();
        (folder, home)
    }

    #[test]
    fn a_home_with_a_long_path_still_has_a_short_socket() {
        let (_folder, home) = home(&"h".repeat(200));
        assert!(home.socket().as_os_str().len() < 100, "{:?}", home.socket());
    }

    #[test]
    fn two_homes_have_two_sockets_and_one_home_one() {
        let (folder, first) = home("a");
        let (_other, second) = home("a");
        assert_ne!(first.socket(), second.socket());
        assert_eq!(first.socket(), Home::find(Some(folder.path().join("./a"))).unwrap().socket());
    }

    #[test]
    fn only_one_engine_at_a_time_holds_the_lock() {
        let (_folder, home) = home("a");
        let lock = Lock::take(&home).unwrap().unwrap();
        assert!(Lock::take(&home).unwrap().is_none());
        assert_eq!(Lock::holder(&home), Some(std::process::id()));
        drop(lock);
        assert!(Lock::take(&home).unwrap().is_some());
    }

    #[test]
    fn a_home_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, home) = home("a");
        assert_eq!(fs::metadata(home.root()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
