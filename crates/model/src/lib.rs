//! The words every room of Bellhop shares: ids, scopes, secrets, problems, time and randomness.
//!
//! Nothing here does any input or output beyond reading the system's clocks and its random source, and both
//! of those stand behind traits ([`Clock`], [`Random`]) so that tests can play faults.

mod clock;
mod id;
mod listing;
mod name;
mod problem;
mod program;
mod proxy;
mod random;
mod scope;
mod secret;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use id::{
    AppId, AttemptId, ClientId, ConnectionId, CredentialId, RequestId, ServiceId, SessionId, VaultId,
};
pub use listing::{Listing, ListingError};
pub use name::{NameError, ShortName};
pub use problem::{Explain, Problem};
pub use program::Program;
pub use proxy::{NoProxies, Proxies, Proxy};
pub use random::{FixedRandom, Random, SystemRandom};
pub use scope::{Access, Permit, Resource, Scope, ScopeError};
pub use secret::Secret;
