//! Signing in to a WordPress site with an application password (WordPress ≥ 5.6).
//!
//! | module | is |
//! |---|---|
//! | `rest` | the root of a site's REST API, in either form |
//! | `site` | finding the REST API from any address of the site, and what its index says |
//! | `endpoint` | which of its routes is the MCP server |
//! | `authorize` | the page where the person approves, and the answer it sends back |
//! | `version` | whether that page sends its answer to a port of this computer |
//! | `login` | a user name and an application password, and whether they work |
//! | `flow` | the sign-in, from first to last |
//! | `swap` | a second password that was never in an address, and the end of the first |
//! | `trouble` | what can be wrong, each told apart |

mod authorize;
mod endpoint;
mod flow;
mod login;
mod rest;
mod site;
mod swap;
mod trouble;
mod version;

pub(crate) use authorize::{PATH, reply, scheme_reply};
pub(crate) use login::{Login, gone_already};
pub(crate) use rest::is_route;
pub(crate) use site::{Site, find};
pub use trouble::WordPressError;

/// How Bellhop identifies itself to WordPress, which lists it with each password it made (`app_id`, any constant
/// UUID).
const APP_ID: &str = "6f0e0f0c-6d2c-4d0a-9d52-0b1d3c6a77f4";
