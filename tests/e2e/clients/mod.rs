//! Services and apps that are what they say they are.

mod bridge;
mod peers;
mod playground;
