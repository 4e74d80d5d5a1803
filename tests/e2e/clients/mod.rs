//! Services and apps that are what they say they are.

mod apps;
mod asking;
mod bridge;
mod documents;
mod peers;
mod playground;
