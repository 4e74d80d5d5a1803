//! Sockets and folders, as Linux and macOS have them.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};
use tokio::net::{UnixListener, UnixStream};

/// An open connection on the owner-only socket.
pub type Stream = UnixStream;

fn uid() -> u32 {
    rustix::process::getuid().as_raw()
}

fn other(sentence: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, sentence)
}

/// Make a folder for the owner only, or make sure that it is one.
///
/// # Errors
/// When it can't be made, belongs to somebody else, or is no folder.
pub fn private_folder(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(e),
    }
    let meta = fs::metadata(path)?;
    if !meta.is_dir() {
        return Err(other("it is no folder".into()));
    }
    if meta.uid() != uid() {
        return Err(other("it belongs to another user".into()));
    }
    if meta.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Where a socket of that name stands: in the system's own folder for this user, else in one under `/tmp`.
pub fn socket_path(name: &str) -> PathBuf {
    let run = PathBuf::from(format!("/run/user/{}", uid()));
    let ours =
        fs::symlink_metadata(&run).is_ok_and(|m| m.is_dir() && m.uid() == uid() && m.mode() & 0o077 == 0);
    let folder = if ours { run.join("bellhop") } else { PathBuf::from(format!("/tmp/bellhop-{}", uid())) };
    folder.join(format!("{name}.sock"))
}

/// The folder of a socket must be ours alone: `/tmp` is everybody's, and somebody else may have been there
/// first. A link would lead out of it.
fn trusted(folder: &Path) -> io::Result<()> {
    let meta = fs::symlink_metadata(folder)?;
    if meta.is_dir() && meta.uid() == uid() && meta.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(other(format!("{} is not a folder of this user alone", folder.display())))
    }
}

/// Connect to the socket at `path`, if it is ours.
///
/// # Errors
/// When nobody listens there, or the socket, its folder or the process behind it isn't this user's.
pub async fn connect(path: &Path) -> io::Result<Stream> {
    trusted(path.parent().unwrap_or(Path::new("/")))?;
    let stream = UnixStream::connect(path).await?;
    if stream.peer_cred()?.uid() != uid() {
        return Err(other("the socket belongs to another user".into()));
    }
    Ok(stream)
}

/// The process on the other side, if it is this user's.
pub fn peer_pid(stream: &Stream) -> Option<u32> {
    let peer = stream.peer_cred().ok()?;
    if peer.uid() != uid() {
        return None;
    }
    peer.pid().and_then(|pid| u32::try_from(pid).ok())
}

/// The owner-only socket. Its file goes with it.
#[derive(Debug)]
pub struct Listener {
    inner: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Listen at `path`. Only the holder of the home's lock may call this: it replaces what a crash left there.
    ///
    /// # Errors
    /// When the folder isn't ours alone or the socket can't be made.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
        trusted(folder)?;
        match fs::remove_file(path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        let inner = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        Ok(Self { inner, path: path.to_owned() })
    }

    /// The next connection.
    ///
    /// # Errors
    /// As the system says.
    pub async fn accept(&self) -> io::Result<Stream> {
        Ok(self.inner.accept().await?.0)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Let a command outlive this process: in a group of its own, so that a signal to ours doesn't reach it.
pub fn detach(command: &mut Command) -> &mut Command {
    command.process_group(0)
}
