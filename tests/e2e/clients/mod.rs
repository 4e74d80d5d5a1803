//! Services and apps that are what they say they are.

mod peers;
mod playground;
