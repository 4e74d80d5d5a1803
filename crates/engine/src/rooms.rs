//! The rooms that need the vault, and what goes on between them.

use crate::{
    bridge::Asks,
    browser::SystemBrowser,
    catalogue::{self, At},
    connections::{Connections, Known, Standing},
    inner::Inner,
    log::Log,
    registry::{Entry, Held, Registry},
    rows::{self, credentials::Kept},
    surroundings::Around,
};
use async_trait::async_trait;
use authority::{Authority, Grant, RevokedBy};
use control::{ActivityFilter, ActivityKind, ActivityEntry, SectionName};
use model::{
    AppId, Clock, ConnectionId, Explain, Problem, Program, Random, RequestId, Resource, Scope, ServiceId, ShortName,
};
use relay::{Connection, Limits, Relay};
use signin::{CredentialHandle, CredentialState, Http, Owner, SignIn, SignedIn, SignedInKind};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use store::{ServiceMethod, ServiceRow, Store};

/// How long a revoked connection's calls have to end by themselves before they are cut.
const CUT: Duration = Duration::from_millis(100);
/// How many answers of the person are remembered for those who still ask how a request ended.
const DECISIONS: usize = 64;

/// The rooms that need the vault.
pub(crate) struct Rooms {
    inner: Weak<Inner>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    computer: String,
    pub(crate) store: Arc<Store>,
    pub(crate) log: Arc<Log>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) connections: Connections,
    pub(crate) authority: Arc<Authority>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) signin: SignIn,
    pub(crate) authority_routes: axum::Router,
    pub(crate) relay_routes: axum::Router,
    pub(crate) bridge_asks: Asks,
    http: Http,
    apps: apps::Apps,
    decisions: Mutex<VecDeque<(RequestId, bool)>>,
}

impl Rooms {
    /// Furnish the rooms: read what is kept, start the owners of the credentials, let the apps in again.
    pub(crate) async fn open(inner: &Arc<Inner>, store: Arc<Store>) -> Result<Arc<Self>, Problem> {
        let (clock, random) = (Arc::clone(&inner.clock), Arc::clone(&inner.random));
        let registry = Arc::new(Registry::new(Arc::clone(&inner.publisher)));
        let http = Http::new().map_err(|e| e.problem())?;
        let log = Arc::new(Log::new(inner, Arc::clone(&store)));
        let browser = Arc::new(SystemBrowser(inner.desktop.clone()));
        let client_name = format!("Bellhop on {}", inner.computer);
        let key = Arc::new(rows::TokenSubkey(store.vault().subkey("local-token")));
        let rooms = Arc::new_cyclic(|weak: &Weak<Self>| {
            let authority = Authority::new(
                Arc::new(Doorkeeper(weak.clone())),
                Arc::new(Around(Arc::clone(&registry))),
                key,
                Arc::clone(&clock),
                Arc::clone(&random),
            );
            let relay = Relay::new(
                Arc::clone(&registry) as Arc<dyn relay::Access>,
                Arc::clone(&inner.pause) as Arc<dyn relay::Admission>,
                Arc::clone(&log) as Arc<dyn relay::Record>,
                Arc::new(rows::Inventories::new(Arc::clone(&store))),
                Arc::clone(&clock),
                Arc::clone(&random),
                Limits::default(),
            );
            Self {
                inner: Arc::downgrade(inner),
                clock: Arc::clone(&clock),
                random: Arc::clone(&random),
                computer: inner.computer.clone(),
                connections: Connections::new(Arc::clone(&inner.publisher)),
                authority_routes: authority.routes(),
                relay_routes: relay.routes(),
                authority,
                relay,
                signin: SignIn::new(http.clone(), clock, random, browser, client_name),
                bridge_asks: Asks::default(),
                apps: inner.apps.clone(),
                decisions: Mutex::default(),
                http,
                log,
                registry,
                store,
            }
        });
        rooms.load_connections().await?;
        rooms.load_services(inner).await?;
        Ok(rooms)
    }

    async fn load_connections(&self) -> Result<(), Problem> {
        let kept = rows::grants::load_all(&self.store).await?;
        let mut families = Vec::new();
        for connection in kept {
            let known = self.known(connection.grant.clone(), connection.revoked_on, connection.last_active);
            if let (Standing::Allowed(_), Some(family)) = (&known.standing, connection.family) {
                families.push((connection.grant, family));
            }
            self.connections.put(known);
        }
        self.authority.load(families);
        Ok(())
    }

    async fn load_services(self: &Arc<Self>, inner: &Arc<Inner>) -> Result<(), Problem> {
        let kept = rows::credentials::load_all(&self.store).await?;
        let playground = kept.iter().any(|(row, _)| is_playground(row));
        for (row, credential) in kept {
            let credential = match credential {
                Kept::None => Held::None,
                Kept::Open(credential) => Held::Owned(self.own(row.id.clone(), *credential)),
                Kept::Sealed(problem) => Held::Sealed(problem),
            };
            self.registry.put(Entry { row, credential });
        }
        if playground {
            // Its sign-in is renewed and its tools are listed from the start, so it has to be there.
            let inner = Arc::clone(inner);
            tokio::spawn(async move {
                if let Err(problem) = inner.playground.url().await {
                    tracing::warn!(%problem, "the playground is not there");
                }
            });
        }
        Ok(())
    }

    /// Start the owner of a credential, and show what becomes of it.
    fn own(self: &Arc<Self>, service: ServiceId, credential: signin::Credential) -> CredentialHandle {
        let rows = Arc::new(rows::Credentials::new(Arc::clone(&self.store)));
        let handle =
            Owner::spawn(credential, rows, &self.http, Arc::clone(&self.clock), Arc::clone(&self.random));
        let mut states = handle.states();
        let (rooms, inner) = (Arc::downgrade(self), self.inner.clone());
        tokio::spawn(async move {
            let mut needed = matches!(*states.borrow_and_update(), CredentialState::NeedsSignIn { .. });
            while states.changed().await.is_ok() {
                let needs = matches!(*states.borrow_and_update(), CredentialState::NeedsSignIn { .. });
                let (Some(rooms), Some(inner)) = (rooms.upgrade(), inner.upgrade()) else { return };
                inner.mark(SectionName::Services);
                inner.mark(SectionName::Status);
                if needs && !needed {
                    rooms.needs_person(&inner, &service);
                }
                needed = needs;
            }
        });
        handle
    }

    /// A sign-in has ended for good: said once, in the log and to the person.
    fn needs_person(&self, inner: &Inner, service: &ServiceId) {
        let Some(entry) = self.registry.get(service) else { return };
        self.log.note(ActivityKind::NeedsSignIn, None, Some(entry.row.name.to_string()), "needs_sign_in");
        if let Some(desktop) = &inner.desktop {
            desktop.notify(crate::Notice {
                title: format!("{} needs you to sign in again", entry.row.title),
                body: "Nothing is lost. Open Bellhop to sign in.".to_owned(),
                request: None,
            });
        }
    }

    // --- services ---

    pub(crate) fn new_service_row(
        &self,
        name: ShortName,
        title: String,
        signed_in: &SignedIn,
        catalogue: Option<String>,
    ) -> ServiceRow {
        ServiceRow {
            id: ServiceId::new(&*self.random),
            name,
            title,
            url: signed_in.url.clone(),
            catalogue,
            account: signed_in.account.clone(),
            method: ServiceMethod::None,
            created_on: self.clock.now(),
        }
    }

    /// Keep a service that was just signed in to, put it to use, and look at what it offers.
    pub(crate) async fn connect_service(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        mut row: ServiceRow,
        signed_in: SignedIn,
    ) -> Result<ServiceRow, Problem> {
        let credential = match signed_in.kind {
            SignedInKind::Open => None,
            SignedInKind::OAuth(new) => Some(new),
        };
        row.method = if credential.is_some() { ServiceMethod::Oauth } else { ServiceMethod::None };
        let first = self.registry.all().is_empty();
        let credential = rows::credentials::connect(&self.store, &row, credential, self.clock.now(), &*self.random).await?;
        let credential = match credential {
            Some(credential) => Held::Owned(self.own(row.id.clone(), credential)),
            None => Held::None,
        };
        if let Some(old) = self.registry.put(Entry { row: row.clone(), credential }) {
            // The new sign-in is stored: the old one is given back, and nobody waits for that.
            tokio::spawn(async move {
                if let Err(e) = old.revoke_at_provider().await {
                    tracing::info!("the earlier sign-in could not be given back: {e}");
                }
            });
        }
        self.log.drain();
        if first {
            self.first_service(inner).await;
        }
        let (relay, id) = (Arc::clone(&self.relay), row.id.clone());
        tokio::spawn(async move {
            if let Err(problem) = relay.refresh_inventory(&id).await {
                tracing::info!(code = %problem.code, "a new service's tools could not be listed yet");
            }
        });
        Ok(row)
    }

    /// Start at login is on after the first Connect, unless the person decided or this is a build from the tree.
    async fn first_service(&self, inner: &Inner) {
        let decided = self.store.setting("autostart_decided").await.ok().flatten().is_some();
        if decided || inner.from_tree {
            return;
        }
        if let Some(desktop) = &inner.desktop
            && desktop.autostart().is_ok()
        {
            if let Err(why) = desktop.set_autostart(true) {
                tracing::warn!("start at login could not be switched on: {why}");
            }
            self.autostart_decided().await;
            inner.mark(SectionName::Settings);
        }
    }

    pub(crate) async fn autostart_decided(&self) {
        if let Err(e) = self.store.set_setting("autostart_decided", "1").await {
            tracing::warn!("a setting could not be stored: {e}");
        }
    }

    pub(crate) async fn remove_service(&self, inner: &Arc<Inner>, id: &ServiceId) -> Result<(), Problem> {
        let entry = self.registry.get(id).ok_or_else(crate::commands::unknown_service)?;
        // Durable first: what is said to be gone stays gone.
        self.store.remove_service(id, self.clock.now()).await.map_err(|e| e.problem())?;
        self.registry.remove(id);
        self.connections.take_service(&entry.row.name);
        self.relay.service_removed(id).await;
        self.log.drain();
        if let Held::Owned(credential) = entry.credential {
            tokio::spawn(async move {
                if let Err(e) = credential.revoke_at_provider().await {
                    tracing::info!("the provider could not be told: {e}");
                }
            });
        }
        if is_playground(&entry.row) && !self.registry.all().iter().any(|e| is_playground(&e.row)) {
            inner.playground.stop().await;
        }
        Ok(())
    }

    // --- connections ---

    /// The name under which an app is shown: that of a known app, else what it said.
    pub(crate) fn app_name(&self, claimed: &str) -> String {
        let known = self.apps.get(&AppId::from(claimed)).ok();
        let known = known.or_else(|| self.apps.get(&self.apps.recognise(claimed)?).ok());
        match known {
            Some(app) => app.name,
            None => plain(claimed),
        }
    }

    /// The known app that calls itself this.
    pub(crate) fn recognise(&self, name: &str) -> Option<AppId> {
        self.apps.recognise(name)
    }

    fn known(&self, grant: Grant, revoked_on: Option<model::Timestamp>, last_active: Option<model::Timestamp>) -> Known {
        let app = self.app_name(&grant.app);
        let name = format!("{app} on {}", self.computer);
        self.log.name(&grant.connection, name.clone());
        let standing = match revoked_on {
            Some(on) => Standing::Revoked { on, last_active },
            None => Standing::Allowed(Connection::new(
                grant.connection.clone(),
                relay::Grant { name, scope: grant.scope.clone() },
                last_active,
                0,
            )),
        };
        Known { app_id: self.recognise(&grant.app), computer: self.computer.clone(), app, standing, grant }
    }

    /// Let a bridge in.
    pub(crate) async fn allow_bridge(
        &self,
        app: &str,
        scope: Scope,
        program: Option<Program>,
    ) -> Result<Arc<Connection>, Problem> {
        let grant = Grant {
            connection: ConnectionId::new(&*self.random),
            client: None,
            app: app.to_owned(),
            method: authority::Method::Bridge,
            scope,
            resource: Resource::All,
            program,
            allowed_on: self.clock.now(),
        };
        self.allow(&grant, None).await.map_err(|e| e.problem())?;
        self.connections.live(&grant.connection).ok_or_else(unknown_connection)
    }

    async fn allow(&self, grant: &Grant, family: Option<&authority::Family>) -> Result<(), authority::RowsError> {
        rows::grants::allow(&self.store, grant, family, &self.app_name(&grant.app), &self.computer).await?;
        self.connections.put(self.known(grant.clone(), None, None));
        self.log.drain();
        Ok(())
    }

    /// Cut a connection off, in-flight calls included. When this returns, nothing of it but the notice of its
    /// cancellation reaches a service.
    pub(crate) async fn revoke(&self, id: &ConnectionId) -> Result<(), Problem> {
        self.connections.get(id).ok_or_else(unknown_connection)?;
        self.cut(id).await.map_err(|e| e.problem())
    }

    async fn cut(&self, id: &ConnectionId) -> Result<(), authority::RowsError> {
        let on = self.clock.now();
        rows::grants::revoke(&self.store, id, on).await?;
        let live = self.connections.end(id, on);
        self.authority.forget(id);
        if let Some(live) = live {
            live.gate.close();
            live.stop.cancel();
            if tokio::time::timeout(CUT, live.gate.drained()).await.is_err() {
                tracing::warn!(connection = %id, "a call did not end within {} ms of its revocation", CUT.as_millis());
            }
        }
        self.log.drain();
        let (relay, id) = (Arc::clone(&self.relay), id.clone());
        tokio::spawn(async move { relay.forget(&id).await });
        Ok(())
    }

    // --- requests ---

    /// Let an app in, as the person was shown it.
    pub(crate) async fn approve(&self, request: &RequestId, snapshot: &str, scope: Scope) -> Result<(), Problem> {
        // Before the authority says so: whoever waits for the end looks here as soon as the request is gone.
        self.decide(request, true);
        let approved = self.authority.approve(request, snapshot, scope).await;
        if approved.is_err() {
            self.decisions().retain(|(id, _)| id != request);
        }
        approved.map_err(|e| e.problem())
    }

    /// Refuse an app.
    pub(crate) async fn deny(&self, request: &RequestId) -> Result<(), Problem> {
        let app = self.authority.requests().borrow().iter().find(|r| r.id == *request).map(|r| r.app.clone());
        self.decide(request, false);
        self.authority.deny(request).await.map_err(|e| e.problem())?;
        self.log.note(ActivityKind::ConnectionDenied, app.map(|a| self.app_name(&a)), None, "denied");
        Ok(())
    }

    fn decisions(&self) -> MutexGuard<'_, VecDeque<(RequestId, bool)>> {
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decide(&self, request: &RequestId, allowed: bool) {
        let mut decisions = self.decisions();
        if decisions.len() == DECISIONS {
            decisions.pop_front();
        }
        decisions.push_back((request.clone(), allowed));
    }

    /// What the person decided, if they did.
    pub(crate) fn decided(&self, request: &RequestId) -> Option<bool> {
        self.decisions().iter().rev().find(|(id, _)| id == request).map(|(_, allowed)| *allowed)
    }

    // --- the log ---

    pub(crate) async fn activity(&self, filter: &ActivityFilter) -> Result<Vec<ActivityEntry>, Problem> {
        self.log.read(filter).await
    }

    pub(crate) fn note_failed_sign_in(&self, name: Option<&ShortName>, problem: &Problem) {
        self.log.note(ActivityKind::SignInFailed, None, name.map(ToString::to_string), &problem.code);
    }

    pub(crate) fn note_app(&self, app: &AppId, connected: bool) {
        let kind = if connected { ActivityKind::AppConnected } else { ActivityKind::AppDisconnected };
        let name = self.apps.get(app).map_or_else(|_| app.to_string(), |a| a.name);
        self.log.note(kind, Some(name), None, "ok");
    }

    pub(crate) async fn note_pause(&self, paused: bool, kept: &str) {
        if let Err(e) = self.store.set_setting("pause", kept).await {
            tracing::warn!("the pause could not be stored: {e}");
        }
        let kind = if paused { ActivityKind::Paused } else { ActivityKind::Resumed };
        self.log.note(kind, None, None, "ok");
    }

    /// Write down when connections were last active. Done now and then, and at the end: not on each call.
    pub(crate) async fn keep_last_active(&self) {
        for known in self.connections.all() {
            if let (Standing::Allowed(live), Some(at)) = (&known.standing, known.last_active())
                && let Err(e) = self.store.touch_connection(&live.id, at).await
            {
                tracing::warn!("a connection's last activity could not be stored: {e}");
                return;
            }
        }
    }

    /// Finish: calls under way get `patience`, then they are cut; what has to be stored is stored.
    pub(crate) async fn close(&self, patience: Duration) {
        let live: Vec<_> = self.connections.all().into_iter().filter_map(|k| match k.standing {
            Standing::Allowed(live) => Some(live),
            Standing::Revoked { .. } => None,
        }).collect();
        let drained = async {
            for connection in &live {
                connection.gate.drained().await;
            }
        };
        if tokio::time::timeout(patience, drained).await.is_err() {
            for connection in &live {
                connection.stop.cancel();
            }
        }
        let stops = self.registry.all().into_iter().filter_map(|e| e.credential.owned());
        futures_util::future::join_all(stops.map(|c| async move { c.stop().await })).await;
        self.keep_last_active().await;
        self.log.note(ActivityKind::Finished, None, None, "ok");
        self.store.close().await;
    }
}

fn is_playground(row: &ServiceRow) -> bool {
    row.catalogue.as_deref().and_then(catalogue::tile).is_some_and(|t| t.at == At::Playground)
}

/// What somebody calls itself, with nothing in it that could look like something else.
fn plain(claimed: &str) -> String {
    let name: String = claimed.chars().filter(|c| c.is_alphanumeric() || " -_.".contains(*c)).take(64).collect();
    let name = name.trim();
    if name.is_empty() { "An app".to_owned() } else { name.to_owned() }
}

fn unknown_connection() -> Problem {
    Problem::new("engine.unknown_connection", "That connection isn't there.", "Look at the list again.")
}

/// What the authority keeps, kept; and whom it lets in or cuts off, live.
struct Doorkeeper(Weak<Rooms>);

impl Doorkeeper {
    fn rooms(&self) -> Result<Arc<Rooms>, authority::RowsError> {
        self.0.upgrade().ok_or_else(|| authority::RowsError("Bellhop is closing".to_owned()))
    }
}

#[async_trait]
impl authority::GrantRows for Doorkeeper {
    async fn register(&self, client: &authority::Client) -> Result<(), authority::RowsError> {
        rows::grants::register(&self.rooms()?.store, client).await
    }

    async fn client(&self, id: &model::ClientId) -> Result<Option<authority::Client>, authority::RowsError> {
        rows::grants::client(&self.rooms()?.store, id).await
    }

    async fn unused_clients(&self) -> Result<u32, authority::RowsError> {
        rows::grants::unused_clients(&self.rooms()?.store).await
    }

    async fn purge_clients(&self, before: model::Timestamp) -> Result<u32, authority::RowsError> {
        rows::grants::purge_clients(&self.rooms()?.store, before).await
    }

    async fn allow(&self, grant: &Grant, family: Option<&authority::Family>) -> Result<(), authority::RowsError> {
        let rooms = self.rooms()?;
        // The same client at the same endpoint again: its earlier connection has been replaced.
        let earlier = rooms.connections.find(|k| {
            k.grant.client.is_some() && k.grant.client == grant.client && k.grant.resource == grant.resource
        });
        rooms.allow(grant, family).await?;
        if let Some(earlier) = earlier {
            rooms.cut(&earlier.id).await?;
        }
        Ok(())
    }

    async fn rotate(&self, id: &ConnectionId, family: &authority::Family) -> Result<(), authority::RowsError> {
        rows::grants::rotate(&self.rooms()?.store, id, family).await
    }

    async fn revoke(&self, id: &ConnectionId, _why: RevokedBy) -> Result<(), authority::RowsError> {
        self.rooms()?.cut(id).await
    }
}
