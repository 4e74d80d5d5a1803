//! Signing in to services, and keeping the sign-in alive.
//!
//! [`SignIn::begin`] looks at an address, finds out how its service signs people in, sends the person's browser
//! there, waits for it to come back, and ends with a [`SignedIn`]. From then on one [`Owner`] task a credential
//! holds the tokens: it renews them before they end and hands out the current one.
//!
//! The pieces, in the order a sign-in uses them:
//!
//! | module | is |
//! |---|---|
//! | `address` | what may be typed, fetched and opened |
//! | `http` | requests to servers nobody vouches for: filtered addresses, limits, no blind redirects |
//! | `probe` | whether an address is an MCP server, and what it says to a stranger |
//! | `discovery` | whose sign-in it uses (RFC 9728, RFC 8414, OpenID Connect Discovery) |
//! | `registration` | introducing Bellhop there (RFC 7591) |
//! | `redirect` | where the browser comes back to (RFC 8252) |
//! | `token` | codes and refresh tokens for tokens; [`classify`] reads the answer |
//! | `flow` | the sign-in itself, from first to last |
//! | `choice` | the methods of a service, and what the person chooses |
//! | `device` | the device authorization grant (RFC 8628) |
//! | `pasted` | an API token |
//! | `wordpress` | a WordPress site, and signing in to it with an application password |
//! | `owner` | the tokens afterwards |
//! | `fixed` | secrets that nothing renews: API tokens, application passwords |
//!
//! Storage and the browser are ports: [`CredentialRows`], [`Browser`].

mod account;
mod address;
mod attempt;
mod choice;
mod device;
mod discovery;
mod error;
mod events;
mod fixed;
mod flow;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod http;
mod introduce;
mod leaving;
mod moment;
mod outcome;
mod owner;
mod pasted;
mod ports;
mod probe;
mod redirect;
mod registration;
mod token;
mod visit;
mod wordpress;

#[cfg(test)]
mod tests;

pub use address::{AddressError, check_address, typed_address};
pub use attempt::{
    Attempt, Choice, Delivered, Exceptions, GivenClient, Method, NewCredential, Offer, Permission, Phase,
    RedirectChoice, Said, SignIn, SignedIn, SignedInKind, Target,
};
pub use error::SignInError;
pub use fixed::{
    ApiToken, ApplicationPassword, FixedCredential, FixedHandle, FixedSecret, bearer, token_header,
};
pub use http::{Http, HttpError};
pub use leaving::{Leaving, Life, Tried, Way, WayEnd};
pub use outcome::{Granted, Outcome, Refusal, classify};
pub use owner::{CredentialHandle, CredentialState, Current, Owner};
pub use ports::{
    AuthorizationServer, Browser, ClientAuth, ClientSource, Credential, CredentialRows, Interrupted,
    OauthCredential, Registration, RowsError, Tokens,
};
pub use probe::wanted_scopes;
pub use redirect::SCHEME_REDIRECT;
pub use wordpress::WordPressError;
