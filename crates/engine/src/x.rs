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
    computer_name, data_folder, home_folder, listener_program, open_address, parent, port_owner, program,
    tcp_peer_is_ours,
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
