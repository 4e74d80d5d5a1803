//! What macOS shows of processes and sockets. Never compiled: see docs/known-issues.md.

use model::Program;
use std::{
    env,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
};
use sysinfo::{Pid, ProcessesToUpdate, System};

/// Where a person's programs keep their data.
pub fn data_folder() -> Option<PathBuf> {
    home_folder().map(|h| h.join("Library/Application Support/Bellhop"))
}

/// The person's home folder.
pub fn home_folder() -> Option<PathBuf> {
    env::var_os("HOME").filter(|h| !h.is_empty()).map(PathBuf::from)
}

/// This computer's name.
pub fn computer_name() -> String {
    System::host_name().unwrap_or_else(|| "this computer".to_owned())
}

/// Open an address in the person's browser, without a shell.
///
/// # Errors
/// A sentence about why no browser opened.
pub async fn open_address(address: &url::Url) -> Result<(), String> {
    let mut command = Command::new("/usr/bin/open");
    command.arg(address.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
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
    system.process(pid)?.parent().map(Pid::as_u32).filter(|p| *p > 1)
}

/// What a process is: its executable.
pub fn program(pid: u32) -> Option<Program> {
    let (system, id) = look(pid);
    let exe = system.process(id)?.exe()?;
    let name = exe.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Some(Program { pid, identity: exe.to_string_lossy().into_owned(), name })
}

/// Not shown without elevated rights.
pub fn tcp_peer_is_ours(_peer: SocketAddr, _local: SocketAddr) -> Option<bool> {
    None
}

/// The program that listens on a loopback port.
pub fn listener_program(port: u16) -> Option<Program> {
    let process = listeners::get_process_by_port(port, listeners::Protocol::TCP).ok()?;
    program(process.pid)
}

/// Who holds a port, in words.
pub fn port_owner(port: u16) -> Option<String> {
    let process = listeners::get_process_by_port(port, listeners::Protocol::TCP).ok()?;
    Some(format!("{} (process {})", process.name, process.pid))
}
