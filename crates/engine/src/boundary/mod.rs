//! The boundary layers: the only place that makes a [`relay::Caller`].
//!
//! [`hosts`] decides, from the request's head alone, whether a request on loopback TCP may be looked at;
//! [`tcp`] and [`socket`] then find out who calls.

pub(crate) mod hosts;
pub(crate) mod reply;
pub(crate) mod socket;
pub(crate) mod tcp;
