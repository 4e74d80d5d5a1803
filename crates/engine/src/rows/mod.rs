//! The ports of the rooms for what is kept, on the store: each row of a room's own type becomes one of the
//! store's, and back.

mod credentials;
mod grants;
mod inventory;
mod token_key;

pub(crate) use credentials::{Credentials, credential, credential_row};
pub(crate) use grants::{Cut, Grants, Standing};
pub(crate) use inventory::Inventories;
pub(crate) use token_key::TokenSubkey;
