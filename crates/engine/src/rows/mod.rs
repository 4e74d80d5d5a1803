//! The ports of the rooms that keep something, implemented on the store's rows.

pub(crate) mod credentials;
pub(crate) mod grants;
mod inventories;
mod token_key;

pub(crate) use credentials::Credentials;
pub(crate) use inventories::Inventories;
pub(crate) use token_key::TokenSubkey;
