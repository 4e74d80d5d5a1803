//! What this room needs of others, declared here and implemented by the engine.

use crate::Request;
use async_trait::async_trait;
use model::{ClientId, ConnectionId, Permit, Program, Resource, Scope, ShortName, Timestamp};
use std::sync::Arc;

/// A client registered by RFC 7591.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// The name it gave itself. Not verified.
    pub name: String,
    /// Where it may be answered, each as the string it registered.
    pub redirect_uris: Vec<String>,
    /// When it registered.
    pub registered_on: Timestamp,
}

/// How an app was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By OAuth, in the app's browser.
    Oauth,
    /// By the bridge.
    Bridge,
    /// By a device code (RFC 8628).
    Device,
    /// By an access key.
    AccessKey,
}

/// What a person allowed: the substance of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The connection.
    pub connection: ConnectionId,
    /// The client that asked; `None` for the bridge and for an access key.
    pub client: Option<ClientId>,
    /// The app's name as it said it.
    pub app: String,
    /// How it was let in.
    pub method: Method,
    /// What it may do.
    pub scope: Scope,
    /// Which endpoint its tokens are for.
    pub resource: Resource,
    /// The program that was seen behind it.
    pub program: Option<Program>,
    /// Since when.
    pub allowed_on: Timestamp,
}

/// The tokens of a connection: all of them follow from the family's id, a number and a key, so none is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// 16 random bytes.
    pub id: [u8; 16],
    /// The number of the newest pair of tokens; counts up with each refresh.
    pub number: u32,
    /// When the newest pair was issued.
    pub issued_on: Timestamp,
    /// When its access token ends.
    pub access_until: Timestamp,
    /// What the newest pair may do: the connection's scope, or less if the client asked for less.
    pub scope: Scope,
}

/// An access key, as it is kept: it can be recognised, and not made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its keyed hash.
    pub hash: [u8; 32],
    /// From when on it lets nobody in; `None` for one without an end.
    pub ends: Option<Timestamp>,
}

/// By what the app of a connection is known again. The bridge's has none: it is known by its program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bearer {
    /// By its tokens.
    Family(Family),
    /// By an access key.
    Key(AccessKey),
}

/// Why something could not be read or written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("Bellhop could not read or write its own files: {0}")]
pub struct RowsError(pub String);

/// Where grants are kept. Every method is one durable transaction.
#[async_trait]
pub trait GrantRows: Send + Sync + 'static {
    /// Keep a new client.
    async fn register(&self, client: &Client) -> Result<(), RowsError>;

    /// The client of that id.
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, RowsError>;

    /// How many clients were never let in.
    async fn unused_clients(&self) -> Result<u32, RowsError>;

    /// Forget the clients that registered before `before` and were never let in. Returns how many.
    async fn purge_clients(&self, before: Timestamp) -> Result<u32, RowsError>;

    /// Keep a new connection, and let it in: when this returns, calls pass.
    async fn allow(&self, grant: &Grant, bearer: &Bearer) -> Result<(), RowsError>;

    /// Whether the person cut off the app that asks, and has not asked it back since: then they are not asked again.
    fn turned_away(&self, request: &Request) -> bool;

    /// Keep the family's new number; refuse when the stored number is not `family.number - 1`.
    async fn rotate(&self, connection: &ConnectionId, family: &Family) -> Result<(), RowsError>;

    /// Let a connection do this too: durable first, then for the calls that come. What its tokens may do is widened
    /// in the files as well, unless they may do less than the connection could.
    ///
    /// Called by [`crate::Authority::widen`] alone, which keeps the tokens in step.
    async fn widen(&self, connection: &ConnectionId, permit: &Permit) -> Result<(), RowsError>;

    /// Cut a connection off: durable first, then its calls end, then [`crate::Authority::forget`] is called.
    async fn revoke(&self, connection: &ConnectionId, why: RevokedBy) -> Result<(), RowsError>;
}

/// Why a connection is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedBy {
    /// The app gave its token back (RFC 7009).
    App,
    /// A code or a refresh token was used twice: somebody else has it.
    Replay,
}

/// A service that an app can be allowed to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Its short name.
    pub name: ShortName,
    /// Its title.
    pub title: String,
}

/// From where a request came, for looking up who sent it. Put into each request as an extension by the boundary layer,
/// where it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallSite {
    /// Over loopback TCP: the other end and this one.
    Loopback {
        /// The other end.
        peer: std::net::SocketAddr,
        /// This end.
        local: std::net::SocketAddr,
    },
    /// Over the socket: the process at the other end.
    Process(u32),
}

/// What the authority can see of its surroundings.
#[async_trait]
pub trait Surroundings: Send + Sync + 'static {
    /// The services that are there now, in order.
    fn offered(&self) -> Vec<Offered>;

    /// The program of this person that listens on a loopback port; `None` when it can't be seen.
    async fn listens_on(&self, port: u16) -> Option<Program>;

    /// The program of this person that sent a request from there; `None` when it can't be seen.
    async fn calls_from(&self, site: CallSite) -> Option<Program>;
}

/// Makes the codes behind tokens: a keyed hash under a sub-key of the vault.
pub trait TokenKey: Send + Sync + 'static {
    /// HMAC-SHA-256 of these parts, each preceded by its length.
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32];
}

impl<T: TokenKey + ?Sized> TokenKey for Arc<T> {
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        (**self).mac(parts)
    }
}
