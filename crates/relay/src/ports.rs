//! What this room needs of others, declared here and implemented by the engine.

use crate::{Connection, Grant};
use async_trait::async_trait;
use http::{HeaderMap, HeaderName};
use model::{ConnectionId, Permit, Problem, Resource, Scope, Secret, ServiceId, ShortName, Timestamp};
use std::{sync::Arc, time::Duration};

/// Who calls: made by a boundary layer, which is the only place that can, and put into the request's
/// extensions.
#[derive(Clone)]
pub struct Caller {
    /// The connection it calls on.
    pub connection: Arc<Connection>,
    /// Which endpoint its token is for; `None` for the bridge, which scope alone binds.
    pub resource: Option<Resource>,
    /// What its token may do, where an app asked for less than its connection has; `None` for all of that.
    pub limit: Option<Arc<Scope>>,
    /// By which door it came.
    pub door: Door,
}

/// By which door a caller comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// HTTP, whose headers say again what the body says.
    Http,
    /// The bridge: what came over stdio has no headers of its own.
    Bridge,
}

impl Caller {
    /// What it may do now: what its connection may, within what its token may.
    pub fn leave(&self) -> Leave {
        Leave { grant: self.connection.grant.load_full(), limit: self.limit.clone() }
    }
}

/// What a caller may do, as of one moment. Costs two counts, however much that is.
#[derive(Debug, Clone)]
pub struct Leave {
    grant: Arc<Grant>,
    limit: Option<Arc<Scope>>,
}

impl Leave {
    /// What a connection may do now, with a token that may do all of it.
    pub(crate) fn of(connection: &Connection) -> Self {
        Self { grant: connection.grant.load_full(), limit: None }
    }

    /// Whether it allows `access` to `service`.
    pub fn allows(&self, service: &ShortName, access: model::Access) -> bool {
        self.grant.scope.allows(service, access)
            && self.limit.as_ref().is_none_or(|limit| limit.allows(service, access))
    }

    /// Whether it allows anything at all with `service`.
    pub fn names(&self, service: &ShortName) -> bool {
        self.allows(service, model::Access::Read)
    }
}

/// A service as a call needs it.
#[derive(Clone)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// Its short name: the prefix of its tools, the first half of its scopes.
    pub name: ShortName,
    /// Its title.
    pub title: String,
    /// Its MCP endpoint.
    pub url: Arc<str>,
    /// What proves us to it; `None` for a service without sign-in.
    pub proof: Option<Arc<dyn ProofSource>>,
    /// Tools known to change nothing, for a service that doesn't say of each whether it does (`readOnlyHint`). What
    /// the service says of a tool counts more.
    pub reads: Arc<[String]>,
}

/// What proves us to a service, with the generation it belongs to.
#[derive(Clone)]
pub struct Proof {
    /// The header that carries it: as a rule `Authorization`.
    pub header: HeaderName,
    /// The header's whole value, scheme included.
    pub value: Secret,
    /// The credential's generation.
    pub generation: u64,
}

/// Hands out what proves us to a service.
#[async_trait]
pub trait ProofSource: Send + Sync + 'static {
    /// The current proof if it is good now: no waiting, no lock.
    fn ready(&self) -> Option<Arc<Proof>>;

    /// One that is good now, after a refresh if need be; joins a refresh that is under way.
    async fn wait(&self) -> Result<Arc<Proof>, Problem>;

    /// The service answered 401 to the one of this generation: get a newer one, once. The problem when there
    /// is none to be had.
    async fn refused(&self, generation: u64) -> Result<Arc<Proof>, Problem>;

    /// The service answered 403 with these headers: the permissions that it wants for what it was asked, where that
    /// is what they say (`insufficient_scope`, RFC 6750 §3.1).
    fn lacks(&self, _headers: &HeaderMap) -> Option<Vec<String>> {
        None
    }
}

/// Which services there are.
pub trait Access: Send + Sync + 'static {
    /// All services, ordered by short name. A snapshot: cheap to take, never changed.
    fn services(&self) -> Arc<Vec<Arc<Service>>>;
}

/// What the person is asked in the middle of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// To sign in to a service again.
    SignIn {
        /// The service.
        service: ServiceId,
        /// Whose call it is.
        connection: ConnectionId,
    },
    /// To allow Bellhop more at the provider.
    Permissions {
        /// The service.
        service: ServiceId,
        /// Whose call it is.
        connection: ConnectionId,
        /// What the service wants for it.
        wanted: Vec<String>,
    },
    /// To let an app do something that it may not yet.
    Permit {
        /// The app's connection.
        connection: ConnectionId,
        /// What it may not do.
        permit: Permit,
        /// The tool it wants to use, as the service calls it.
        tool: Option<String>,
    },
}

/// The person, who may be asked while a call waits.
#[async_trait]
pub trait Person: Send + Sync + 'static {
    /// Whether asking could help now: there is somebody to ask, and it is theirs to decide.
    fn can_be_asked(&self, about: &About) -> bool;

    /// Asks, once for all calls that wait for the same, and comes back when it is as the call needs it. The
    /// problem when it is not going to be. Dropping this ends the waiting, not the question.
    async fn ask(&self, about: About) -> Result<(), Problem>;
}

/// Whether calls pass at all.
pub trait Admission: Send + Sync + 'static {
    /// Refuses while the person paused Bellhop, or this connection. Costs no more than two atomic loads.
    fn admit(&self, connection: &Connection) -> Result<(), Problem>;
}

/// A call that ended, for the activity log. Holds no arguments and no results.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// When it began.
    pub at: Timestamp,
    /// Who called.
    pub connection: ConnectionId,
    /// The service it went to, when it went to one.
    pub service: Option<ShortName>,
    /// The JSON-RPC method.
    pub method: String,
    /// The tool, prompt or resource, cut at 128 characters.
    pub target: Option<String>,
    /// How long it took.
    pub took: Duration,
    /// `ok`, `tool_error`, `cancelled`, `revoked`, or a problem's code.
    pub outcome: &'static str,
}

/// Writes down what happened.
pub trait Record: Send + Sync + 'static {
    /// A call ended. Must not block: drops and counts when its queue is full.
    fn call(&self, call: CallRecord);

    /// The inventory of a service changed; the view shows it.
    fn inventory_changed(&self, service: &ServiceId);
}

/// Where inventories are kept across restarts, as opaque JSON.
#[async_trait]
pub trait InventoryRows: Send + Sync + 'static {
    /// The kept inventory of a service.
    async fn load(&self, service: &ServiceId) -> Option<String>;

    /// Keep it. Losing it costs a fetch.
    async fn save(&self, service: &ServiceId, inventory: &str);
}
