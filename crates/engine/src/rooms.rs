//! The rooms that need the vault, and what goes on between them.

use crate::{
    asking::{awaited::Awaited, permits::Permits},
    bridge::Asks,
    browser::SystemBrowser,
    connections::{Connections, Standing},
    inner::Inner,
    log::Log,
    registry::Registry,
    rows::{self, Grants},
    surroundings::Around,
    wire::{Wire, Wires},
};
use authority::Authority;
use control::{ActivityEntry, ActivityFilter, ActivityKind};
use doorkeeper::Doorkeeper;
use model::{AppId, Clock, ConnectionId, Explain, Problem, Proxies, Random, ShortName, Timestamp};
use relay::{Limits, Relay};
use signin::{Http, SignIn};
use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use store::Store;

/// How long a revoked connection's calls have to end by themselves before they are cut.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long renewals under way have to arrive and be stored when Bellhop ends.
const RENEWALS: Duration = Duration::from_secs(4);

pub(crate) use grants::unknown_connection;

mod doorkeeper;
mod grants;
mod leaving;
mod requests;
mod services;
mod standing;

/// The rooms that need the vault.
pub(crate) struct Rooms {
    inner: Weak<Inner>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    computer: String,
    pub(crate) store: Arc<Store>,
    grants: Grants,
    pub(crate) log: Arc<Log>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) connections: Connections,
    pub(crate) wires: Wires,
    pub(crate) authority: Arc<Authority>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) signin: SignIn,
    pub(crate) authority_routes: axum::Router,
    pub(crate) bridge_asks: Asks,
    http: Http,
    apps: apps::Apps,
    decisions: requests::Decisions,
    /// Connections that want to do more.
    pub(crate) permits: Permits,
    /// Sign-ins that calls wait for.
    pub(crate) awaited: Awaited,
    /// Whether a PIN was set, which a person answers with where there is no desktop.
    pin: AtomicBool,
    /// What was stored of when connections were last active: what has not changed wakes no disk.
    kept_active: tokio::sync::Mutex<HashMap<ConnectionId, Timestamp>>,
    /// Held while services come and go and while an app is let in, so that nobody is let in to what has just gone. No
    /// network is waited for under it.
    pub(crate) changing: tokio::sync::Mutex<()>,
}

impl Rooms {
    /// Furnish the rooms: read what is kept, start the owners of the credentials, let the apps in again.
    pub(crate) async fn open(
        inner: &Arc<Inner>,
        store: Arc<Store>,
        vault: &vault::Vault,
    ) -> Result<Arc<Self>, Problem> {
        let (clock, random) = (Arc::clone(&inner.clock), Arc::clone(&inner.random));
        let registry = Arc::new(Registry::new(Arc::clone(&inner.publisher), Arc::clone(&inner.catalogue)));
        let proxies = Arc::clone(&inner.proxies) as Arc<dyn Proxies>;
        let http = Http::new(Arc::clone(&proxies)).map_err(|e| e.problem())?;
        let log = Arc::new(Log::new(inner, Arc::clone(&store)));
        let browser = Arc::new(SystemBrowser(inner.desktop.clone()));
        let client_name = format!("Bellhop on {}", inner.computer);
        let key = Arc::new(rows::TokenSubkey(vault.subkey("local-token")));
        let pin = matches!(store.setting("pin").await, Ok(Some(_)));
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
                Arc::new(crate::asking::Asking(weak.clone())),
                Arc::new(rows::Inventories(Arc::clone(&store))),
                Arc::clone(&clock),
                Arc::clone(&random),
                proxies,
                Limits::default(),
            );
            Self {
                inner: Arc::downgrade(inner),
                clock: Arc::clone(&clock),
                random: Arc::clone(&random),
                computer: inner.computer.clone(),
                connections: Connections::new(Arc::clone(&inner.publisher)),
                authority_routes: authority.routes(),
                authority,
                relay,
                signin: SignIn::new(
                    http.clone(),
                    Arc::clone(&clock),
                    Arc::clone(&random),
                    browser,
                    client_name,
                )
                .with_document(std::env::var("BELLHOP_CLIENT_METADATA_URL").ok().filter(|v| !v.is_empty())),
                bridge_asks: Asks::default(),
                wires: Wires::default(),
                apps: inner.apps.clone(),
                decisions: requests::Decisions::default(),
                permits: Permits::new(Arc::clone(&clock), Arc::clone(&random)),
                awaited: Awaited::new(Arc::clone(&clock)),
                pin: AtomicBool::new(pin),
                kept_active: tokio::sync::Mutex::default(),
                changing: tokio::sync::Mutex::default(),
                http,
                log,
                registry,
                grants: Grants(Arc::clone(&store)),
                store,
            }
        });
        let generic = authority::GENERIC.into();
        rooms
            .store
            .keep_client(&generic, "Generic client", rooms.clock.now())
            .await
            .map_err(|e| e.problem())?;
        rooms.load_connections().await?;
        rooms.load_services(inner).await?;
        rooms.load_receipts().await?;
        rooms.watch_requests(inner);
        Ok(rooms)
    }

    /// All that the engine consists of; `None` when it is being taken down.
    pub(crate) fn house(&self) -> Option<Arc<Inner>> {
        self.inner.upgrade()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Whether a PIN was set.
    pub(crate) fn has_pin(&self) -> bool {
        self.pin.load(Ordering::Acquire)
    }

    /// A PIN was set.
    pub(crate) fn pin_set(&self) {
        self.pin.store(true, Ordering::Release);
    }

    /// A request of this caller arrived on this wire: it can be cut with the connection, and its row moves.
    pub(crate) fn carry(&self, wire: &Wire, caller: &relay::Caller) {
        self.wires.carry(wire, &caller.connection.id);
        self.connections.moved();
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
        if let Err(e) = self.store.set_setting("pause", Some(kept)).await {
            tracing::warn!("the pause could not be stored: {e}");
        }
        let kind = if paused { ActivityKind::Paused } else { ActivityKind::Resumed };
        self.log.note(kind, None, None, "ok");
    }

    /// Write down when connections were last active. Done now and then, and at the end: not on each call.
    pub(crate) async fn keep_last_active(&self) {
        let all = self.connections.all();
        let mut kept = self.kept_active.lock().await;
        let mut seen: Vec<_> = all.iter().filter_map(|k| Some((k.live_id()?, k.last_active()?))).collect();
        seen.retain(|(id, at)| kept.get(id) != Some(at));
        match self.store.save_last_active(&seen).await {
            Ok(()) => kept.extend(seen),
            Err(e) => tracing::warn!("when connections were last active could not be stored: {e}"),
        }
    }

    /// Finish: calls under way get `patience`, then they are cut; what has to be stored is stored.
    pub(crate) async fn close(&self, patience: Duration) {
        let live: Vec<_> = self
            .connections
            .all()
            .into_iter()
            .filter_map(|k| match k.standing {
                Standing::Allowed(live) => Some(live),
                Standing::Revoked { .. } => None,
            })
            .collect();
        let drained = async {
            for connection in &live {
                connection.gate.drained().await;
            }
        };
        let calls = async {
            if tokio::time::timeout(patience, drained).await.is_err() {
                for connection in &live {
                    connection.stop.cancel();
                }
            }
        };
        let stops = self.registry.all().into_iter().filter_map(|e| e.credential.owned());
        let stops = futures_util::future::join_all(stops.map(|c| async move { c.stop().await }));
        // Side by side, so that there is time left to write down the rest.
        let (_, stopped) = tokio::join!(calls, tokio::time::timeout(RENEWALS, stops));
        if stopped.is_err() {
            tracing::warn!("Bellhop ends while a sign-in is being renewed");
        }
        self.keep_last_active().await;
        self.log.note(ActivityKind::Finished, None, None, "ok");
        self.store.close().await;
    }
}
