use crate::{
    AskError, Bearer, BridgeAsk, DecideError, Grant, GrantRows, Method, Offered, Request, RevokedBy,
    Surroundings, TokenKey, TokenProblem, Verdict,
    codes::Codes,
    device::Devices,
    families::{Families, Line},
    keys::{self, Keys},
    label, queue,
    register::Registrations,
    request::all,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    routing::{get, post},
};
use model::{Access, ClientId, Clock, ConnectionId, Permit, Random, RequestId, Resource, Scope, Timestamp};
use std::{sync::Arc, time::Duration};
use tokio::sync::{oneshot, watch};

/// The local authorization server: one per engine.
pub struct Authority {
    pub(crate) rows: Arc<dyn GrantRows>,
    pub(crate) surroundings: Arc<dyn Surroundings>,
    pub(crate) key: Arc<dyn TokenKey>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) families: Families,
    pub(crate) keys: Keys,
    pub(crate) queue: queue::Queue,
    pub(crate) codes: Codes,
    pub(crate) registrations: Registrations,
    pub(crate) devices: Devices,
}

/// Who presented an access token or an access key, and what that is good for.
///
/// The caller still checks that `resource` is the endpoint that was called ([`Resource::All`] is good for `/mcp`
/// alone), and that both the connection's scope and `limit` allow the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// The connection.
    pub connection: ConnectionId,
    /// The endpoint the token is for; `None` for an access key, which its scope alone binds.
    pub resource: Option<Resource>,
    /// What the token may do, where the app asked for less than its connection has; `None` for all of that, also of
    /// what the person allows later.
    pub limit: Option<Arc<Scope>>,
}

impl Authority {
    /// An authority that lets nobody in yet; see [`Authority::load`].
    pub fn new(
        rows: Arc<dyn GrantRows>,
        surroundings: Arc<dyn Surroundings>,
        key: Arc<dyn TokenKey>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Arc<Self> {
        Arc::new(Self {
            rows,
            surroundings,
            key,
            families: Families::default(),
            keys: Keys::default(),
            queue: queue::Queue::new(clock.clone(), random.clone()),
            codes: Codes::default(),
            registrations: Registrations::new(clock.clone()),
            devices: Devices::new(clock.clone()),
            clock,
            random,
        })
    }

    /// Take in the allowed connections with that by which their apps are known, as they were stored. Called once at
    /// the start, before anything is served.
    pub fn load(&self, grants: Vec<(Grant, Bearer)>) {
        for (grant, bearer) in grants {
            match bearer {
                Bearer::Family(family) => {
                    self.families.insert(Arc::new(Line::stored(grant, family, &*self.clock)));
                }
                Bearer::Key(key) => self.keys.insert(grant.connection, &key, &*self.clock),
            }
        }
    }

    /// The routes that apps and browsers call without a bearer.
    ///
    /// Each request must carry a [`crate::Origin`] as an extension, put there by the boundary layer, which has
    /// also checked peer, `Host`, `Origin` and `Sec-Fetch-Site`. The router has no fallback, so it can be merged.
    pub fn routes(self: &Arc<Self>) -> Router {
        use crate::{authorize, device, exchange, metadata, register, revoke};
        // `get` answers HEAD by running the handler, which would make a request out of a mere probe.
        let no = || async { StatusCode::METHOD_NOT_ALLOWED };
        Router::new()
            .route("/.well-known/oauth-protected-resource", get(metadata::resource_all))
            .route("/.well-known/oauth-protected-resource/mcp", get(metadata::resource_all))
            .route("/.well-known/oauth-protected-resource/mcp/{service}", get(metadata::resource_one))
            .route("/.well-known/oauth-authorization-server", get(metadata::server))
            .route("/register", post(register::register))
            .route("/authorize", get(authorize::authorize).head(no))
            .route("/authorize/wait/{handle}", get(authorize::wait).head(no))
            .route("/device_authorization", post(device::authorize))
            .route("/device", get(device::page).head(no))
            .route("/token", post(exchange::token))
            .route("/revoke", post(revoke::revoke))
            // Bodies are read with a limit of their own, and answered in the words of their protocol.
            .layer(DefaultBodyLimit::disable())
            .with_state(self.clone())
    }

    /// Whose access token or access key this is. One keyed hash and one look-up in memory; no lock is waited for.
    pub fn authenticate(&self, bearer: &str) -> Result<Authenticated, TokenProblem> {
        if keys::looks_like_one(bearer) {
            return self.authenticate_key(bearer);
        }
        let (line, limit) = self.families.recognise(bearer, &*self.key, &*self.clock)?;
        Ok(Authenticated {
            connection: line.grant.connection.clone(),
            resource: Some(line.grant.resource.clone()),
            limit,
        })
    }

    /// Whose access key this is. For where nothing else counts, such as a password.
    pub fn authenticate_key(&self, key: &str) -> Result<Authenticated, TokenProblem> {
        let connection = self.keys.recognise(key, &*self.key, &*self.clock)?;
        Ok(Authenticated { connection, resource: None, limit: None })
    }

    /// The person lets a connection do this too. Its tokens may from now on, but for those with which the app asked
    /// for less than it could have.
    ///
    /// # Errors
    /// When it can't be kept: then nothing has changed.
    pub async fn widen(&self, connection: &ConnectionId, permit: &Permit) -> Result<(), crate::RowsError> {
        let Some(line) = self.families.of(connection) else {
            // The bridge has no tokens, and an access key may do what its connection may.
            return self.rows.widen(connection, permit).await;
        };
        // No refresh in between: it would be kept with the scope of a moment before.
        let _turn = line.turn.lock().await;
        self.rows.widen(connection, permit).await?;
        line.widen(permit);
        Ok(())
    }

    /// Drop a connection's tokens or its key now. Called whenever a connection was cut off, whoever did it.
    pub fn forget(&self, connection: &ConnectionId) {
        self.families.forget(connection);
        self.keys.forget(connection);
    }

    /// Take back what the person allowed this client, or everybody, and what nobody has fetched yet: what was cut off
    /// is not to be followed by a connection that was allowed before.
    pub fn take_back(&self, client: Option<&ClientId>) {
        let of = |request: &Request| client.is_none_or(|client| request.client.as_ref() == Some(client));
        self.queue.take_back(of);
        self.codes.take_back(of, &*self.clock);
        self.devices.take_back(of);
    }

    /// The requests that wait for the person, oldest first; a new list with each change.
    pub fn requests(&self) -> watch::Receiver<Arc<Vec<Request>>> {
        self.queue.shown()
    }

    /// Let an app in. `snapshot` is the [`Request::snapshot`] of what the person saw.
    ///
    /// For an app with a browser the connection itself appears when the app fetches its tokens, a moment later;
    /// for the bridge the caller of [`Authority::ask_bridge`] makes it.
    pub async fn approve(
        &self,
        request: &RequestId,
        snapshot: &str,
        scope: Scope,
    ) -> Result<(), DecideError> {
        self.queue.approve(request, snapshot, scope, &self.surroundings.offered())
    }

    /// Refuse an app. It may ask again after a while that grows with each denial.
    pub async fn deny(&self, request: &RequestId) -> Result<(), DecideError> {
        self.queue.deny(request)
    }

    /// Let the bridge of an app wait for the person, in the same queue and under the same rule.
    ///
    /// The verdict comes once; dropping the receiver withdraws the request within a second. Must be called
    /// inside a tokio runtime.
    pub fn ask_bridge(
        self: &Arc<Self>,
        ask: BridgeAsk,
    ) -> Result<(RequestId, oneshot::Receiver<Verdict>), AskError> {
        let offered = self.offered(&ask.resource).ok_or(AskError::NothingOffered)?;
        if offered.is_empty() {
            return Err(AskError::NothingOffered);
        }
        let everything = all(&offered, Access::Write);
        let asked = match ask.asked {
            Some(asked) => asked.within(&everything),
            None => all(&offered, Access::Read),
        };
        let draft = Request {
            app: label::app(&ask.app),
            program: ask.program,
            resource: ask.resource,
            ..draft(Method::Bridge, asked, offered)
        };
        if self.rows.turned_away(&draft) {
            return Err(AskError::TurnedAway);
        }
        let (id, verdict) = self.queue.ask_bridge(draft)?;
        self.watch(id.clone());
        Ok((id, verdict))
    }

    /// What can be allowed for an endpoint; `None` when the one service it names is not there.
    pub(crate) fn offered(&self, resource: &Resource) -> Option<Vec<Offered>> {
        let mut offered = self.surroundings.offered();
        if let Resource::One(name) = resource {
            offered.retain(|o| &o.name == name);
            if offered.is_empty() {
                return None;
            }
        }
        Some(offered)
    }

    /// Look each second whether a request that waits has ended, so that it leaves the screen although nobody
    /// asks for it. Ends with the request.
    pub(crate) fn watch(self: &Arc<Self>, id: RequestId) {
        let authority = Arc::downgrade(self);
        let mut shown = self.requests();
        tokio::spawn(async move {
            loop {
                if !shown.borrow_and_update().iter().any(|r| r.id == id) {
                    return;
                }
                tokio::select! {
                    changed = shown.changed() => if changed.is_err() { return },
                    () = tokio::time::sleep(Duration::from_secs(1)) => match authority.upgrade() {
                        Some(authority) => authority.queue.sweep(),
                        None => return,
                    },
                }
            }
        });
    }

    /// Cut a connection off on our own account. Its tokens end even if that can't be stored.
    pub(crate) async fn cut_off(
        &self,
        connection: &ConnectionId,
        why: RevokedBy,
    ) -> Result<(), crate::RowsError> {
        let stored = self.rows.revoke(connection, why).await;
        self.forget(connection);
        if let Err(error) = &stored {
            tracing::error!(%connection, %error, "a connection was cut off but that could not be stored");
        }
        stored
    }
}

/// A request with all that the queue fills in left empty.
pub(crate) fn draft(method: Method, asked: Scope, offered: Vec<Offered>) -> Request {
    Request {
        id: RequestId::from(""),
        snapshot: String::new(),
        code: String::new(),
        client: None,
        app: String::new(),
        method,
        redirect: String::new(),
        program: None,
        // A permit to change includes the one to read, and reading is all that is ticked at first.
        preselected: asked.within(&all(&offered, Access::Read)),
        asked,
        offered,
        resource: Resource::All,
        asked_on: Timestamp::default(),
        until: Timestamp::default(),
    }
}
