//! Subscriptions of apps of the modern era (`subscriptions/listen`).

use crate::{Caller, Connection, Relay, Service, legacy::inbox::Inbox, modern::watch};
use bytes::Bytes;
use http_body::Frame;
use model::{ConnectionId, Resource, Scope};
use protocol::{Id, Notification, Object, meta, method, raw, sse};
use serde_json::value::RawValue;
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// All subscriptions that are open.
#[derive(Default)]
pub(crate) struct Listeners {
    open: Mutex<HashMap<u64, Arc<Listener>>>,
    next: AtomicU64,
}

/// One of them.
struct Listener {
    connection: Arc<Connection>,
    /// What the token may do that it was opened with.
    limit: Option<Arc<Scope>>,
    endpoint: Resource,
    /// The request that opened it, by which its notifications are known.
    id: Id,
    /// The list changes that were asked for, by method.
    lists: Vec<&'static str>,
    inbox: Inbox,
    /// Cancelled when it has to make room.
    over: CancellationToken,
}

/// The names of list changes in a filter, what has to be offered for each, and the notifications.
const LISTS: [(&str, &str, &str); 3] = [
    ("toolsListChanged", "tools", method::TOOLS_CHANGED),
    ("promptsListChanged", "prompts", method::PROMPTS_CHANGED),
    ("resourcesListChanged", "resources", method::RESOURCES_CHANGED),
];

impl Listeners {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Listener>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a new one. When its connection has more than so many, the oldest ends.
    fn keep(&self, number: u64, listener: &Arc<Listener>, most: usize) {
        let mut open = self.open();
        open.insert(number, listener.clone());
        let mut own: Vec<_> =
            open.iter().filter(|(_, l)| l.connection.id == listener.connection.id).collect();
        own.sort_by_key(|(number, _)| **number);
        for (_, old) in own.iter().take(own.len().saturating_sub(most)) {
            old.over.cancel();
        }
    }

    /// A list of this service has changed.
    pub(crate) fn tell_change(&self, service: &Service, method: &'static str) {
        for listener in self.open().values() {
            let here = match &listener.endpoint {
                Resource::All => true,
                Resource::One(name) => *name == service.name,
            };
            if here && listener.may_see(service) && listener.lists.contains(&method) {
                listener.inbox.put_once(listener.tagged(method, Object::new()));
            }
        }
    }
}

impl Listeners {
    /// The list of all services is another for this connection alone.
    pub(crate) fn tell_connection(&self, connection: &ConnectionId, method: &'static str) {
        let own = |l: &&Arc<Listener>| l.connection.id == *connection && l.endpoint == Resource::All;
        for listener in self.open().values().filter(own).filter(|l| l.lists.contains(&method)) {
            listener.inbox.put_once(listener.tagged(method, Object::new()));
        }
    }
}

impl Listener {
    /// Whether the app may see anything of this service now.
    fn may_see(&self, service: &Service) -> bool {
        self.connection.grant.load().scope.names(&service.name)
            && self.limit.as_ref().is_none_or(|limit| limit.names(&service.name))
    }

    fn tagged(&self, method: &'static str, params: Object<'_>) -> Bytes {
        let about = Object::new().with(meta::SUBSCRIPTION_ID, raw(&self.id));
        Notification::new(method, Some(params.with("_meta", about))).to_bytes()
    }
}

/// What an app asked to hear of, as far as it can be heard.
pub(crate) struct Wanted {
    pub(crate) lists: Vec<(&'static str, &'static str)>,
    /// The resources, by service.
    pub(crate) resources: BTreeMap<String, Watched>,
}

/// The resources of one service that are watched.
pub(crate) struct Watched {
    pub(crate) service: Arc<Service>,
    /// As the app calls them and as the service does.
    pub(crate) uris: Vec<(String, String)>,
}

impl Wanted {
    /// The list changes in a filter of which `offered` says that there are such lists.
    pub(crate) fn lists_of(
        filter: &Object<'_>,
        offered: impl Fn(&str) -> bool,
    ) -> Vec<(&'static str, &'static str)> {
        LISTS
            .into_iter()
            .filter(|(name, capability, _)| filter.flag(name) == Some(true) && offered(capability))
            .map(|(name, _, method)| (name, method))
            .collect()
    }

    /// The filter that is kept to, as it is acknowledged.
    fn filter(&self) -> Object<'static> {
        let mut filter = Object::new();
        for (name, _) in &self.lists {
            filter.set(name, raw(&true));
        }
        let uris: Vec<&str> =
            self.resources.values().flat_map(|w| w.uris.iter().map(|(public, _)| public.as_str())).collect();
        if !uris.is_empty() {
            filter.set("resourceSubscriptions", raw(&uris));
        }
        filter
    }
}

/// The body of a subscription.
pub(crate) struct Subscription {
    relay: Arc<Relay>,
    number: u64,
    stream: crate::legacy::inbox::Listening,
    /// Ends what listens for it at services.
    _watching: DropGuard,
    /// The answer to the request, when the subscription ends from our side.
    end: Option<Bytes>,
    ended: bool,
}

/// Opens one.
pub(crate) fn open(
    relay: &Arc<Relay>,
    caller: &Caller,
    endpoint: Resource,
    id: Id,
    wanted: Wanted,
) -> Subscription {
    let connection = &caller.connection;
    let listener = Arc::new(Listener {
        connection: connection.clone(),
        limit: caller.limit.clone(),
        endpoint,
        id: id.clone(),
        lists: wanted.lists.iter().map(|(_, method)| *method).collect(),
        inbox: Inbox::new(relay.limits.queue),
        over: CancellationToken::new(),
    });
    let acknowledged = Object::new().with("notifications", wanted.filter());
    listener.inbox.put(listener.tagged(method::ACKNOWLEDGED, acknowledged));
    let watching = CancellationToken::new();
    for Watched { service, uris } in wanted.resources.into_values() {
        let own: Vec<String> = uris.iter().map(|(_, own)| own.clone()).collect();
        let public: HashMap<String, String> = uris.into_iter().map(|(public, own)| (own, public)).collect();
        let (listener, seen) = (listener.clone(), service.clone());
        watch::resources(relay, service, own, watching.child_token(), move |uri| {
            if !listener.may_see(&seen) {
                return;
            }
            let uri = public.get(uri).map_or(uri, String::as_str);
            listener
                .inbox
                .put_once(listener.tagged(method::RESOURCE_UPDATED, Object::new().with("uri", uri)));
        });
    }
    let number = relay.listeners.next.fetch_add(1, Ordering::Relaxed);
    relay.listeners.keep(number, &listener, relay.limits.sessions);
    let left = CancellationToken::new();
    let stream = listener.inbox.listen(&connection.stop, &listener.over, left, relay.limits.keep_alive);
    let about = Object::new().with(meta::SUBSCRIPTION_ID, raw(&id));
    let end = protocol::result(&id, Object::new().with("resultType", "complete").with("_meta", about));
    Subscription {
        relay: relay.clone(),
        number,
        stream,
        _watching: watching.drop_guard(),
        end: Some(end),
        ended: false,
    }
}

impl http_body::Body for Subscription {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        match std::task::ready!(Pin::new(&mut this.stream).poll_frame(cx)) {
            Some(frame) => Poll::Ready(Some(frame)),
            None => {
                this.ended = true;
                let end = this.end.take().map(|end| Ok(Frame::data(sse::encode(&end))));
                Poll::Ready(end)
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.relay.listeners.open().remove(&self.number);
    }
}

/// The URIs of a filter.
pub(crate) fn uris(filter: &Object<'_>) -> Vec<String> {
    let list: Vec<&RawValue> = filter.list("resourceSubscriptions").unwrap_or_default();
    list.into_iter().filter_map(|u| serde_json::from_str(u.get()).ok()).collect()
}
