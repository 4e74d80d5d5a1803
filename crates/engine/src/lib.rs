//! The hall of the house: it alone knows all rooms and hands each what it needs through the ports that the
//! room itself declares.
//!
//! [`Engine::start`] takes the home's lock, opens the vault and the store, and listens: on loopback TCP for
//! apps, and on the owner-only socket for the bridge and for a person's faces. [`Face`] is how a face in the
//! same process (the tray) speaks to it; the window and the terminal speak through `control` on the socket.

mod asking;
mod boundary;
mod bridge;
mod browser;
mod catalogue;
mod commands;
mod connections;
mod control_socket;
mod desktop;
mod doctor;
mod engine;
mod face;
mod finish;
mod generic_client;
mod home;
mod inner;
mod launch;
mod listeners;
mod log;
mod options;
mod patient;
mod pause;
mod person;
mod playground;
mod port;
mod proxies;
mod publisher;
mod registry;
mod rooms;
mod rows;
mod sign_ins;
mod surroundings;
mod takeover;
mod unlock;
mod views;
mod wire;
pub mod x;

pub use desktop::{Desktop, Notice};
pub use engine::Engine;
pub use face::Face;
pub use home::{Home, Lock};
pub use launch::{save_display, saved_display, start_in_background};
pub use options::{DEFAULT_PORT, Keys, Options};
