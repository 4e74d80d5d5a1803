//! What Windows shows of processes and sockets, and the pipe. Never compiled: see docs/known-issues.md.

use model::Program;
use std::{
    env, fs, io,
    net::SocketAddr,
    os::windows::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use sysinfo::{Pid, ProcessesToUpdate, System};
use tokio::{
    net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions},
    sync::Mutex,
};
use tokio_util::either::Either;

/// An open connection on the owner-only pipe.
pub type Stream = Either<NamedPipeClient, NamedPipeServer>;

/// Where a person's programs keep their data.
pub fn data_folder() -> Option<PathBuf> {
    env::var_os("LOCALAPPDATA").filter(|h| !h.is_empty()).map(|h| PathBuf::from(h).join("Bellhop"))
}

/// The person's home folder.
pub fn home_folder() -> Option<PathBuf> {
    env::var_os("USERPROFILE").filter(|h| !h.is_empty()).map(PathBuf::from)
}

/// This computer's name.
pub fn computer_name() -> String {
    System::host_name().unwrap_or_else(|| "this computer".to_owned())
}

/// Make a folder. Those below a person's own are for that person only by inheritance.
///
/// # Errors
/// When it can't be made.
pub fn private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// The pipe of that name.
pub fn socket_path(name: &str) -> PathBuf {
    PathBuf::from(format!(r"\\.\pipe\bellhop-{name}"))
}

/// Connect to the pipe.
///
/// # Errors
/// When nobody listens there.
pub async fn connect(path: &Path) -> io::Result<Stream> {
    Ok(Either::Left(ClientOptions::new().open(path)?))
}

/// The process at the other end: not asked for here.
pub fn peer_pid(_stream: &Stream) -> Option<u32> {
    Some(0)
}

/// The owner-only pipe.
#[derive(Debug)]
pub struct Listener {
    path: PathBuf,
    next: Mutex<NamedPipeServer>,
}

impl Listener {
    /// Listen at `path`: as the first instance of that name, for this computer only.
    ///
    /// # Errors
    /// When somebody else made a pipe of that name first.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let first =
            ServerOptions::new().first_pipe_instance(true).reject_remote_clients(true).create(path)?;
        Ok(Self { path: path.to_owned(), next: Mutex::new(first) })
    }

    /// The next connection.
    ///
    /// # Errors
    /// As the system says.
    pub async fn accept(&self) -> io::Result<Stream> {
        let mut next = self.next.lock().await;
        next.connect().await?;
        let fresh = ServerOptions::new().reject_remote_clients(true).create(&self.path)?;
        Ok(Either::Right(std::mem::replace(&mut next, fresh)))
    }
}

/// Let a command outlive this process, without a console window.
pub fn detach(command: &mut Command) -> &mut Command {
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW)
}

/// Open an address in the person's browser, without a shell.
///
/// # Errors
/// A sentence about why no browser opened.
pub async fn open_address(address: &url::Url) -> Result<(), String> {
    let mut command = Command::new("rundll32.exe");
    command.args(["url.dll,FileProtocolHandler", address.as_str()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match tokio::process::Command::from(command).status().await {
        Ok(status) if status.success() => Ok(()),
        _ => Err("no browser is set up on this computer".to_owned()),
    }
}

fn look(pid: u32) -> (System, Pid) {
    let pid = Pid::from_u32(pid);
    let mut system = System::new();
    system.refresh_processes(ProcessesToUpdate::Some(&[pid]), true);
    (system, pid)
}

/// The parent of a process.
pub fn parent(pid: u32) -> Option<u32> {
    let (system, pid) = look(pid);
    system.process(pid)?.parent().map(Pid::as_u32)
}

/// What a process is: its executable.
pub fn program(pid: u32) -> Option<Program> {
    let (system, id) = look(pid);
    let exe = system.process(id)?.exe()?;
    let name = exe.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Some(Program { pid, identity: exe.to_string_lossy().into_owned(), name })
}

/// Not looked up here.
pub fn tcp_peer_is_ours(_peer: SocketAddr, _local: SocketAddr) -> Option<bool> {
    None
}

/// The program that listens on a loopback port.
pub fn listener_program(port: u16) -> Option<Program> {
    program(listeners::get_process_by_port(port, listeners::Protocol::TCP).ok()?.pid)
}

/// Who holds a port, in words.
pub fn port_owner(port: u16) -> Option<String> {
    let process = listeners::get_process_by_port(port, listeners::Protocol::TCP).ok()?;
    Some(format!("{} (process {})", process.name, process.pid))
}
