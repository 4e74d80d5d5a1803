//! What happens when something is not as it should be, or somebody means ill.

mod disturbed;
mod doors;
mod hostile;
mod kills;
mod matrix;
mod one_bellhop;
mod receipts;
mod renewal;
mod secrets;
mod sign_ins;
mod terminal;
