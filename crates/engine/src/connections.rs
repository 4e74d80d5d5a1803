use crate::publisher::Publisher;
use authority::Grant;
use control::{Method, SectionName};
use model::{AppId, ClientId, ConnectionId, Listing, Permit, Program, Scope, ShortName, Timestamp};
use relay::{Connection, Shows};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// The connections: those that are allowed, live, and those that were revoked, for showing.
pub(crate) struct Connections {
    publisher: Arc<Publisher>,
    table: RwLock<HashMap<ConnectionId, Known>>,
}

/// A connection as the engine knows it.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) grant: Grant,
    /// The app's name as it is shown: that of a known app, else what it said.
    pub(crate) app: String,
    pub(crate) app_id: Option<AppId>,
    pub(crate) computer: String,
    /// What the person calls it, where they gave it a name.
    pub(crate) own_name: Option<String>,
    /// From when on its access key lets nobody in, where it has one that ends.
    pub(crate) key_ends: Option<Timestamp>,
    pub(crate) standing: Standing,
}

/// Whether a connection may do anything.
#[derive(Clone)]
pub(crate) enum Standing {
    /// It may, unless it is paused: calls pass through this.
    Allowed(Arc<Connection>),
    /// It may not any more; and its app is turned away, if the person cut it off and has not asked it back.
    Revoked { on: Timestamp, last_active: Option<Timestamp>, refused: bool },
}

impl Known {
    /// Its name, such as "Cursor on anna-laptop", or what the person calls it.
    pub(crate) fn name(&self) -> String {
        self.own_name.clone().unwrap_or_else(|| format!("{} on {}", self.app, self.computer))
    }

    /// Whether its app, cut off and not asked back, is the one that asks now: the same client, or a name that is the
    /// same and no other program seen behind it.
    pub(crate) fn turns_away(&self, client: Option<&ClientId>, app: &str, program: Option<&Program>) -> bool {
        let Standing::Revoked { refused: true, .. } = self.standing else { return false };
        let own = client.filter(|c| c.as_str() != authority::GENERIC);
        let same_client = own.is_some() && self.grant.client.as_ref() == own;
        let same_program = match (&self.grant.program, program) {
            (Some(then), Some(now)) => then.identity == now.identity,
            _ => true,
        };
        same_client || (self.app == app && same_program)
    }

    pub(crate) fn method(&self) -> Method {
        match self.grant.method {
            authority::Method::Oauth => Method::Oauth,
            authority::Method::Bridge => Method::Bridge,
            authority::Method::Device => Method::Device,
            authority::Method::AccessKey => Method::AccessKey,
        }
    }

    /// Show tools to its app so from now on; how many it can hold, its name tells.
    pub(crate) fn show(&self, listing: Listing) {
        if let Standing::Allowed(live) = &self.standing {
            let name = self.app_id.as_ref().map_or(self.app.as_str(), AppId::as_str);
            live.show(Shows { listing, most: relay::most_tools(name) });
        }
    }

    /// Its id, if it is allowed.
    pub(crate) fn live_id(&self) -> Option<ConnectionId> {
        matches!(self.standing, Standing::Allowed(_)).then(|| self.grant.connection.clone())
    }

    pub(crate) fn last_active(&self) -> Option<Timestamp> {
        match &self.standing {
            Standing::Allowed(live) => live.last_active(),
            Standing::Revoked { last_active, .. } => *last_active,
        }
    }
}

impl Connections {
    pub(crate) fn new(publisher: Arc<Publisher>) -> Self {
        Self { publisher, table: RwLock::default() }
    }

    fn read<T>(&self, look: impl FnOnce(&HashMap<ConnectionId, Known>) -> T) -> T {
        look(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn put(&self, known: Known) {
        let id = known.grant.connection.clone();
        self.table.write().unwrap_or_else(PoisonError::into_inner).insert(id, known);
        self.publisher.mark(SectionName::Connections);
    }

    /// Something of a row changes: a call begins.
    pub(crate) fn moved(&self) {
        self.publisher.mark(SectionName::Connections);
    }

    /// The live connection of that id: what a call goes through.
    pub(crate) fn live(&self, id: &ConnectionId) -> Option<Arc<Connection>> {
        self.read(|t| match &t.get(id)?.standing {
            Standing::Allowed(live) => Some(Arc::clone(live)),
            Standing::Revoked { .. } => None,
        })
    }

    /// It is revoked from now on: no call finds it. Gives back what was live.
    pub(crate) fn end(&self, id: &ConnectionId, on: Timestamp, refused: bool) -> Option<Arc<Connection>> {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let known = table.get_mut(id)?;
        let Standing::Allowed(live) = &known.standing else { return None };
        let live = Arc::clone(live);
        known.standing = Standing::Revoked { on, last_active: live.last_active(), refused };
        self.publisher.mark(SectionName::Connections);
        Some(live)
    }

    /// The person calls it so from now on.
    pub(crate) fn rename(&self, id: &ConnectionId, own_name: Option<String>) -> Option<String> {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let known = table.get_mut(id)?;
        known.own_name = own_name;
        let name = known.name();
        if let Standing::Allowed(live) = &known.standing {
            let scope = live.grant.load().scope.clone();
            live.grant.store(Arc::new(relay::Grant { name: name.clone(), scope }));
        }
        self.publisher.mark(SectionName::Connections);
        Some(name)
    }

    /// The apps of these connections may ask again.
    pub(crate) fn readmit(&self, ids: &[ConnectionId]) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            if let Some(Known { standing: Standing::Revoked { refused, .. }, .. }) = table.get_mut(id) {
                *refused = false;
            }
        }
        self.publisher.mark(SectionName::Connections);
    }

    /// The connections for which `wanted` holds, whatever they may do.
    pub(crate) fn ids(&self, wanted: impl Fn(&Known) -> bool) -> Vec<ConnectionId> {
        self.read(|t| t.values().filter(|k| wanted(k)).map(|k| k.grant.connection.clone()).collect())
    }

    /// A connection may do this too, from the next call on.
    pub(crate) fn widen(&self, id: &ConnectionId, permit: &Permit) {
        let more = Scope::new([permit.clone()]);
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = table.get_mut(id) else { return };
        known.grant.scope = known.grant.scope.union(&more);
        if let Standing::Allowed(live) = &known.standing {
            let now = live.grant.load();
            let scope = now.scope.union(&more);
            live.grant.store(Arc::new(relay::Grant { name: now.name.clone(), scope }));
        }
        self.publisher.mark(SectionName::Connections);
    }

    /// A service is gone: no connection may do anything with a later one of that name.
    pub(crate) fn take_service(&self, service: &ShortName) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        for known in table.values_mut() {
            known.grant.scope = known.grant.scope.without(service);
            if let Standing::Allowed(live) = &known.standing {
                let now = live.grant.load();
                let scope = now.scope.without(service);
                live.grant.store(Arc::new(relay::Grant { name: now.name.clone(), scope }));
            }
        }
        self.publisher.mark(SectionName::Connections);
    }

    pub(crate) fn get(&self, id: &ConnectionId) -> Option<Known> {
        self.read(|t| t.get(id).cloned())
    }

    /// All of them, newest first, revoked ones behind.
    pub(crate) fn all(&self) -> Vec<Known> {
        let mut all: Vec<Known> = self.read(|t| t.values().cloned().collect());
        all.sort_by_key(|k| {
            let revoked = matches!(k.standing, Standing::Revoked { .. });
            (revoked, std::cmp::Reverse(k.grant.allowed_on), k.grant.connection.clone())
        });
        all
    }

    /// The allowed connection for which `wanted` holds.
    pub(crate) fn find(&self, wanted: impl Fn(&Known) -> bool) -> Option<Arc<Connection>> {
        self.read(|t| {
            t.values().find_map(|k| match &k.standing {
                Standing::Allowed(live) if wanted(k) => Some(Arc::clone(live)),
                _ => None,
            })
        })
    }
}
