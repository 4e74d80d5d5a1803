use crate::{
    About, Access, Admission, Caller, Connection, InventoryRows, Leave, Limits, Person, Record, Service,
    app::App,
    atlas::Atlas,
    client::Http,
    inventory::Inventory,
    legacy::{exchange, link::Link, session::Session, translate},
    modern::{links::Links, listening::Listeners, parked::Parked, state::Sealer},
    problem::RelayError,
    routes,
    shelf::Shelf,
    uris::Heard,
};
use arc_swap::ArcSwap;
use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use model::{Clock, ConnectionId, Explain, Problem, Proxies, Random, Resource, ServiceId, ShortName};
use protocol::{Notification, method};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, atomic::AtomicU64, atomic::Ordering},
};

/// A tool as the window shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolSeen {
    /// Its name at the service.
    pub name: String,
    /// Its title, where it has one.
    pub title: Option<String>,
    /// Whether the service says that it only reads.
    pub reads: bool,
}

/// How the tools of all services are shown to a connection's app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolsShown {
    /// How many there are.
    pub tools: usize,
    /// Whether they are to be searched, instead of listed.
    pub compact: bool,
}

/// The room: sessions, inventories and the endpoints under `/mcp`.
pub struct Relay {
    pub(crate) access: Arc<dyn Access>,
    pub(crate) admission: Arc<dyn Admission>,
    pub(crate) record: Arc<dyn Record>,
    pub(crate) person: Arc<dyn Person>,
    pub(crate) rows: Arc<dyn InventoryRows>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) limits: Limits,
    pub(crate) http: Http,
    /// Counts changes of inventories, so that the atlas knows when it is old.
    pub(crate) generation: AtomicU64,
    /// Numbers for what needs one that nothing else has.
    pub(crate) numbers: AtomicU64,
    pub(crate) sealer: Sealer,
    pub(crate) links: Links,
    pub(crate) parked: Parked,
    pub(crate) listeners: Listeners,
    pub(crate) heard: Heard,
    atlas: ArcSwap<Atlas>,
    sessions: RwLock<HashMap<String, Arc<Session>>>,
    shelves: RwLock<HashMap<ServiceId, Arc<Shelf>>>,
}

impl Relay {
    /// The room, without sessions. Makes no request until it is asked something. Must be used within a tokio
    /// runtime.
    #[allow(clippy::too_many_arguments, reason = "each port is one, and they are named where they are given")]
    pub fn new(
        access: Arc<dyn Access>,
        admission: Arc<dyn Admission>,
        record: Arc<dyn Record>,
        person: Arc<dyn Person>,
        inventories: Arc<dyn InventoryRows>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        proxies: Arc<dyn Proxies>,
        limits: Limits,
    ) -> Arc<Self> {
        Arc::new(Self {
            http: Http::new(&limits, proxies),
            access,
            admission,
            record,
            person,
            rows: inventories,
            clock,
            sealer: Sealer::new(random.as_ref()),
            random,
            limits,
            generation: AtomicU64::new(1),
            numbers: AtomicU64::new(1),
            links: Links::default(),
            parked: Parked::default(),
            listeners: Listeners::default(),
            heard: Heard::default(),
            atlas: ArcSwap::default(),
            sessions: RwLock::default(),
            shelves: RwLock::default(),
        })
    }

    /// Answers a request at an endpoint: `/mcp` or `/mcp/{service}`, which is what `endpoint` says of its path.
    /// Only a boundary layer calls this, for it alone makes a [`Caller`].
    pub async fn answer(
        self: &Arc<Self>,
        caller: Caller,
        endpoint: Resource,
        request: Request<Body>,
    ) -> Response {
        routes::endpoint(self.clone(), caller, endpoint, request).await
    }

    /// The connection is gone: ends its sessions and tells the services. A service that does not answer can
    /// hold this up for three times the limit of a handshake: don't make a person wait for it.
    pub async fn forget(&self, connection: &ConnectionId) {
        let gone = self.take_sessions(|s| &s.connection.id == connection);
        let sessions = join_all(gone.iter().map(|s| self.close_session(s)));
        tokio::join!(sessions, self.end_links_of(connection));
    }

    /// The person lets a connection do more with a service: its app is told that there is more in the lists. Call it
    /// when [`Connection::grant`](crate::Connection::grant) has it.
    pub fn widened(&self, connection: &ConnectionId, service: &ServiceId) {
        let services = self.access.services();
        let Some(service) = services.iter().find(|s| &s.id == service) else { return };
        let notice = Notification::new(method::TOOLS_CHANGED, None).to_bytes();
        for session in self.sessions_seeing(service).iter().filter(|s| &s.connection.id == connection) {
            session.inbox.put_once(notice.clone());
        }
        // Apps of the modern era listen without a session; to look again costs the others little.
        self.listeners.tell_change(service, method::TOOLS_CHANGED);
    }

    /// Fetches what a service offers, now: after a sign-in, or when the person asks.
    ///
    /// # Errors
    /// Why it can't be fetched.
    pub async fn refresh_inventory(self: &Arc<Self>, service: &ServiceId) -> Result<(), Problem> {
        let services = self.access.services();
        let service = services
            .iter()
            .find(|s| &s.id == service)
            .ok_or_else(|| RelayError::NoService { name: service.to_string() }.problem())?;
        let shelf = self.shelf(service);
        self.fetch(&shelf, service).await.map_err(|e| e.problem())
    }

    /// Recall what a service offered when it was last seen, and look again behind that when it is old: at a start,
    /// so that [`Relay::tools`] knows it before any app asks.
    pub async fn recall(self: &Arc<Self>, service: &ServiceId) {
        let services = self.access.services();
        if let Some(service) = services.iter().find(|s| &s.id == service)
            && let Err(e) = self.inventory(service).await
        {
            tracing::info!(service = %service.name, "its tools are not known yet: {e}");
        }
    }

    /// The tools of a service as last seen, in its order. Empty when it was never reached.
    pub fn tools(&self, service: &ServiceId) -> Vec<ToolSeen> {
        let shelf = self.shelves.read().unwrap_or_else(PoisonError::into_inner).get(service).cloned();
        shelf.and_then(|s| s.seen()).map(|i| i.seen()).unwrap_or_default()
    }

    /// What is wrong with a service, when it could not be asked what it offers the last time; `None` while all is
    /// well, or it was not asked yet. A change of this is told as [`Record::inventory_changed`].
    pub fn health(&self, service: &ServiceId) -> Option<Problem> {
        let services = self.access.services();
        let service = services.iter().find(|s| &s.id == service)?;
        let failed = self.shelf(service).failed();
        failed.map(|error| error.problem())
    }

    /// A service was removed or signed out: ends the sessions there and forgets what it offered. Call it when
    /// [`Access::services`] no longer has it.
    pub async fn service_removed(&self, service: &ServiceId) {
        let mut links: Vec<Arc<Link>> = {
            let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
            sessions.values().filter_map(|s| s.take_link(service)).collect()
        };
        let shelf = self.shelves.write().unwrap_or_else(PoisonError::into_inner).remove(service);
        if let Some(shelf) = shelf {
            shelf.over.cancel();
            let own = shelf.own();
            self.heard.forget(&own.service.load().name);
            links.push(own);
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        self.end_parked_at(service);
        tokio::join!(self.close(links), self.end_links_at(service));
    }

    /// A number that nothing else has.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether the person could allow what is refused here.
    pub(crate) fn could_ask(&self, app: &App, error: &RelayError) -> bool {
        let RelayError::NotAllowed { permit, tool, .. } = error else { return false };
        self.person.can_be_asked(&About::Permit {
            connection: app.connection().id.clone(),
            permit: permit.clone(),
            tool: tool.clone(),
        })
    }

    /// Tells the services: of what still runs, then of the end.
    async fn close_session(&self, session: &Session) {
        let running = session.all_running();
        let reason = "The session is over.";
        join_all(running.iter().map(|(id, link)| self.tell(link, translate::cancelled(id, reason)))).await;
        let _ = tokio::time::timeout(self.limits.handshake, session.notices.drained()).await;
        self.close(session.take_links()).await;
    }

    /// Sends a message of which only the arrival matters, where a session is open.
    pub(crate) async fn tell(&self, link: &Link, message: Bytes) {
        let Some(opened) = link.opened() else { return };
        let service = link.service.load_full();
        let told = exchange::tell(&self.http, &self.limits, &service, opened.head(), message).await;
        if let Err(error) = told {
            tracing::debug!(service = %service.name, %error, "a message did not arrive");
        }
    }

    async fn close(&self, links: Vec<Arc<Link>>) {
        join_all(links.iter().map(|link| link.close(&self.http, &self.limits))).await;
    }

    /// The session of this id.
    pub(crate) fn session(&self, id: &str) -> Option<Arc<Session>> {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Keeps a new session. When its connection has too many, the one idle the longest makes room.
    pub(crate) fn keep(self: &Arc<Self>, session: Arc<Session>) {
        let connection = session.connection.id.clone();
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(session.id.as_str().to_owned(), session);
        let mut own: Vec<_> =
            sessions.values().filter(|s| s.connection.id == connection && !s.is_busy()).cloned().collect();
        let count = sessions.values().filter(|s| s.connection.id == connection).count();
        drop(sessions);
        own.sort_by_key(|s| s.used());
        for old in own.iter().take(count.saturating_sub(self.limits.sessions)) {
            self.end(old);
        }
    }

    /// Ends a session; the services are told by and by.
    pub(crate) fn end(self: &Arc<Self>, session: &Arc<Session>) {
        let gone = self.take_sessions(|s| s.id == session.id);
        for session in gone {
            let relay = self.clone();
            tokio::spawn(async move { relay.close_session(&session).await });
        }
    }

    fn take_sessions(&self, which: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<_> = sessions.values().filter(|s| which(s)).cloned().collect();
        for session in &gone {
            session.over.cancel();
            sessions.remove(session.id.as_str());
        }
        gone
    }

    /// The sessions whose app may see something of this service.
    pub(crate) fn sessions_seeing(&self, service: &Service) -> Vec<Arc<Session>> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let sees = |s: &&Arc<Session>| {
            let here = match &s.endpoint {
                Resource::All => true,
                Resource::One(name) => name == &service.name,
            };
            here && s.connection.grant.load().scope.names(&service.name)
        };
        sessions.values().filter(sees).cloned().collect()
    }

    /// Tells a connection's app that the list of tools at the endpoint of all services is another.
    pub(crate) fn tell_of_tools(&self, connection: &Connection) {
        let notice = Notification::new(method::TOOLS_CHANGED, None).to_bytes();
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let own = |s: &&Arc<Session>| s.connection.id == connection.id && s.endpoint == Resource::All;
        for session in sessions.values().filter(own) {
            session.inbox.put_once(notice.clone());
        }
        drop(sessions);
        self.listeners.tell_connection(&connection.id, method::TOOLS_CHANGED);
    }

    /// The one service of `/mcp/<name>`, when this scope knows of it.
    pub(crate) fn one(&self, name: &ShortName, scope: &Leave) -> Result<Arc<Service>, RelayError> {
        let services = self.access.services();
        let found = services.iter().find(|s| &s.name == name && scope.names(name)).cloned();
        found.ok_or_else(|| RelayError::NoService { name: name.to_string() })
    }

    /// What is known of a service.
    pub(crate) fn shelf(&self, service: &Arc<Service>) -> Arc<Shelf> {
        let known = self.shelves.read().unwrap_or_else(PoisonError::into_inner).get(&service.id).cloned();
        known.unwrap_or_else(|| {
            let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
            shelves.entry(service.id.clone()).or_insert_with(|| Shelf::new(service)).clone()
        })
    }

    /// What lies where at the endpoint of all services, as of now.
    pub(crate) fn atlas(&self) -> Arc<Atlas> {
        let services = self.access.services();
        let generation = self.generation.load(Ordering::Acquire);
        let atlas = self.atlas.load_full();
        if atlas.generation == generation && Arc::ptr_eq(&atlas.services, &services) {
            return atlas;
        }
        let seen = |service: &Service| -> Option<Arc<Inventory>> {
            let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
            shelves.get(&service.id).and_then(|s| s.seen())
        };
        let atlas = Arc::new(Atlas::new(services, generation, seen));
        self.atlas.store(atlas.clone());
        atlas
    }
}
