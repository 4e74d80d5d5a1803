//! What differs between systems.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub use linux::{
    computer_name, data_folder, home_folder, listener_program, open_address, parent, peer_program,
    port_owner, program, tcp_peer_is_ours, tcp_peer_is_surely_ours,
};
#[cfg(target_os = "macos")]
pub use macos::{
    computer_name, data_folder, home_folder, listener_program, open_address, parent, port_owner, program,
    tcp_peer_is_ours,
};
#[cfg(unix)]
pub use unix::{Listener, Stream, connect, detach, peer_pid, private_folder, socket_path};
#[cfg(windows)]
pub use windows::*;

/// Whether the program at the other end of a loopback connection is surely this user's: nothing is known at once
/// here.
#[cfg(not(target_os = "linux"))]
pub fn tcp_peer_is_surely_ours(_peer: std::net::SocketAddr, _local: std::net::SocketAddr) -> bool {
    false
}

/// This user's program at the other end of a loopback connection: nothing is seen of it here.
#[cfg(not(target_os = "linux"))]
pub fn peer_program(_peer: std::net::SocketAddr, _local: std::net::SocketAddr) -> Option<model::Program> {
    None
}
