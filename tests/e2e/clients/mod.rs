//! Services and apps that are what they say they are.

mod apps;
mod bridge;
mod peers;
mod playground;
