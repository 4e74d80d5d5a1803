//! The end-to-end tests. Each says which lines of docs/behaviour.md it proves.

mod clients;
mod desktop;
mod faults;
