use crate::{
    Relay, Service,
    app::{self, Visit},
    legacy::link::Link,
};
use futures_util::future::join_all;
use model::{ConnectionId, ServiceId, Timestamp};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

/// The sessions at services of the legacy era that serve apps of the modern era, which has none.
///
/// Keyed by what a session is opened with: whose it is, where, and what the app can do. Calls that can't be
/// asked anything share one. A call that may be asked something has one to itself, so that a question can be
/// attributed; it is kept for the next one.
#[derive(Default)]
pub(crate) struct Links(Mutex<HashMap<Key, Kept>>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    connection: ConnectionId,
    service: ServiceId,
    declared: Arc<str>,
}

#[derive(Default)]
struct Kept {
    shared: Option<(Arc<Link>, Timestamp)>,
    free: Vec<(Arc<Link>, Timestamp)>,
}

/// How long a session that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(600);

/// How many sessions of one kind are kept for later.
const FREE: usize = 4;

/// What a service of the legacy era knows the app to be able to: nothing of the modern era's own.
fn legacy_capabilities(visit: &Visit) -> Box<serde_json::value::RawValue> {
    crate::cross::capabilities_for_legacy(&visit.declared)
}

impl Links {
    fn all(&self) -> MutexGuard<'_, HashMap<Key, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session for calls that can't be asked anything.
    pub(crate) fn shared(
        &self,
        visit: &Visit,
        service: &Arc<Service>,
        now: Timestamp,
    ) -> (Arc<Link>, Box<serde_json::value::RawValue>) {
        let declared = legacy_capabilities(visit);
        let mut all = self.all();
        let kept = all.entry(key(visit, service, &declared)).or_default();
        if let Some((link, used)) = &mut kept.shared
            && link.service.load().url == service.url
        {
            *used = now;
            link.service.store(service.clone());
            return (link.clone(), declared);
        }
        let link = Link::new(service.clone());
        kept.shared = Some((link.clone(), now));
        (link, declared)
    }

    /// The service forgot a shared session: the next call opens another.
    pub(crate) fn forgotten(&self, link: &Arc<Link>) {
        for kept in self.all().values_mut() {
            if kept.shared.as_ref().is_some_and(|(l, _)| Arc::ptr_eq(l, link)) {
                kept.shared = None;
            }
        }
    }

    /// Takes out the sessions that `which` says.
    fn take(&self, which: impl Fn(&Key) -> bool) -> Vec<Arc<Link>> {
        let mut all = self.all();
        let keys: Vec<Key> = all.keys().filter(|k| which(k)).cloned().collect();
        keys.iter().filter_map(|k| all.remove(k)).flat_map(Kept::links).collect()
    }

    /// Takes out the sessions that nobody used for a while.
    fn take_idle(&self, now: Timestamp) -> Vec<Arc<Link>> {
        let idle = |(_, used): &(Arc<Link>, Timestamp)| now.since(*used) > IDLE;
        let mut out = Vec::new();
        self.all().retain(|_, kept| {
            if kept.shared.as_ref().is_some_and(idle) {
                out.extend(kept.shared.take().map(|(l, _)| l));
            }
            let (old, free): (Vec<_>, Vec<_>) = kept.free.drain(..).partition(idle);
            kept.free = free;
            out.extend(old.into_iter().map(|(l, _)| l));
            kept.shared.is_some() || !kept.free.is_empty()
        });
        out
    }
}

impl Kept {
    fn links(self) -> impl Iterator<Item = Arc<Link>> {
        self.shared.into_iter().chain(self.free).map(|(link, _)| link)
    }
}

fn key(visit: &Visit, service: &Service, declared: &serde_json::value::RawValue) -> Key {
    Key {
        connection: visit.connection.id.clone(),
        service: service.id.clone(),
        declared: declared.get().into(),
    }
}

/// A session that one call has to itself. Given back when the call is over; else it ends, since the service may
/// still be at work in it.
pub(crate) struct Lease {
    relay: Weak<Relay>,
    key: Key,
    link: Option<Arc<Link>>,
    connection: Arc<crate::Connection>,
}

impl Lease {
    /// The call is over: the session is good for the next one.
    pub(crate) fn give_back(mut self) {
        let (Some(relay), Some(link)) = (self.relay.upgrade(), self.link.take()) else { return };
        let now = relay.clock.now();
        let known = relay.access.services().iter().any(|s| s.id == self.key.service);
        let mut all = relay.links.all();
        // Nothing is kept for a connection or a service that has gone meanwhile.
        if known && !self.connection.gate.is_closed() {
            let kept = all.entry(self.key.clone()).or_default();
            if kept.free.len() < FREE {
                kept.free.push((link, now));
                return;
            }
        }
        drop(all);
        self.link = Some(link);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(relay), Some(link)) = (self.relay.upgrade(), self.link.take())
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { link.close(&relay.http, &relay.limits).await });
        }
    }
}

impl Relay {
    /// A session for one call that may be asked something.
    pub(crate) fn lease(
        self: &Arc<Self>,
        visit: &Visit,
        service: &Arc<Service>,
    ) -> (Lease, Arc<Link>, Box<serde_json::value::RawValue>) {
        let declared = legacy_capabilities(visit);
        let key = key(visit, service, &declared);
        let free = self.links.all().get_mut(&key).and_then(|kept| kept.free.pop());
        let link = free.map(|(link, _)| link).filter(|l| l.service.load().url == service.url);
        let link = link.unwrap_or_else(|| Link::new(service.clone()));
        link.service.store(service.clone());
        let lease = Lease {
            relay: Arc::downgrade(self),
            key,
            link: Some(link.clone()),
            connection: visit.connection.clone(),
        };
        self.sweep_links();
        (lease, link, declared)
    }

    /// Ends the sessions that nobody used for a while.
    pub(crate) fn sweep_links(self: &Arc<Self>) {
        let idle = self.links.take_idle(self.clock.now());
        if !idle.is_empty() {
            let relay = self.clone();
            tokio::spawn(async move {
                join_all(idle.iter().map(|l| l.close(&relay.http, &relay.limits))).await;
            });
        }
    }

    /// Ends the sessions of a connection.
    pub(crate) async fn end_links_of(&self, connection: &ConnectionId) {
        let links = self.links.take(|k| &k.connection == connection);
        join_all(links.iter().map(|l| l.close(&self.http, &self.limits))).await;
    }

    /// Ends the sessions at a service.
    pub(crate) async fn end_links_at(&self, service: &ServiceId) {
        let links = self.links.take(|k| &k.service == service);
        join_all(links.iter().map(|l| l.close(&self.http, &self.limits))).await;
    }
}

/// Whether a call of this app may be asked something, so that it needs a session to itself.
pub(crate) fn needs_its_own(visit: &Visit, method: &str) -> bool {
    protocol::method::may_ask(method) && app::can_be_asked(&visit.declared)
}
