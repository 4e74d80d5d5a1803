//! The local authorization server: it lets AI apps in, and knows them again by their tokens.
//!
//! An app registers itself (RFC 7591), sends the person's browser to `/authorize`, and waits. The browser shows
//! a match code and nothing to click; the question itself is asked in Bellhop's own window, from
//! [`Authority::requests`], and answered by [`Authority::approve`] or [`Authority::deny`]. Then the app fetches
//! its tokens (RFC 6749 with PKCE) and keeps them fresh. [`Authority::authenticate`] recognises a token with one
//! keyed hash and one look-up in memory.
//!
//! No token is kept anywhere. A connection's tokens all follow from its family's random id, a number that counts
//! up with each refresh, and a key: see [`Family`] and `token.rs`.
//!
//! | file | holds |
//! |---|---|
//! | `authority.rs` | [`Authority`]: what the engine calls |
//! | `register.rs`, `authorize.rs`, `device.rs`, `exchange.rs`, `revoke.rs`, `metadata.rs` | what apps call |
//! | `queue.rs`, `request.rs`, `backoff.rs` | who waits for the person's answer |
//! | `token.rs`, `families.rs`, `keys.rs`, `codes.rs` | what tokens and keys look like, and which ones are good |
//! | `redirect.rs`, `label.rs`, `params.rs`, `wanted.rs`, `origin.rs` | what is believed of what an app sends |
//! | `generic.rs` | the client of programs that can't register |
//! | `page.rs` | what the browser shows |

mod authority;
mod authorize;
mod backoff;
mod codes;
mod deadline;
mod device;
mod error;
mod exchange;
mod families;
mod generic;
mod keys;
mod label;
mod metadata;
mod origin;
mod page;
mod params;
mod ports;
mod queue;
mod rate;
mod redirect;
mod register;
mod request;
mod revoke;
mod token;
mod wanted;
mod wire;

pub use authority::{Authenticated, Authority};
pub use error::{AskError, DecideError, TokenProblem};
pub use generic::GENERIC;
pub use keys::{KeyError, NewKey};
pub use label::plain_name;
pub use metadata::ChallengeError;
pub use origin::Origin;
pub use page::locked_page;
pub use ports::{
    AccessKey, Bearer, CallSite, Client, Family, Grant, GrantRows, Method, Offered, RevokedBy, RowsError,
    Surroundings, TokenKey,
};
pub use queue::Verdict;
pub use request::{BridgeAsk, Request};
