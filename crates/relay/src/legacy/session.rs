use crate::{
    Connection, Gate, Limits, Relay, Service,
    client::Http,
    cross,
    legacy::{exchange::Opened, inbox::Inbox, link::Link},
    problem::RelayError,
    resume::Broken,
};
use model::{Clock, Random, Resource, ServiceId, SessionId};
use protocol::{Id, Level, Revision};
use serde_json::value::RawValue;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// A session of the legacy era that an app opened, and what hangs on it at the services.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// Whose it is: nobody else can use it.
    pub(crate) connection: Arc<Connection>,
    /// Where it was opened: all services, or one.
    pub(crate) endpoint: Resource,
    pub(crate) revision: Revision,
    /// What the app said it can do, passed on to services as it came.
    pub(crate) declared: Box<RawValue>,
    /// What waits for the app's listening stream.
    pub(crate) inbox: Inbox,
    /// Cancelled when the session ends.
    pub(crate) over: CancellationToken,
    /// Entered by notices that a call was given up: they reach a service before the session's end does.
    pub(crate) notices: Gate,
    /// The same as a service of the modern era understands it.
    modern: OnceLock<Box<RawValue>>,
    /// Whether tools are too many for the app, as of when the session was opened.
    compact: OnceLock<bool>,
    inner: Mutex<Inner>,
    used: AtomicI64,
    numbers: AtomicU64,
}

#[derive(Default)]
struct Inner {
    links: HashMap<ServiceId, Arc<Link>>,
    questions: HashMap<String, Question>,
    running: HashMap<Id, Running>,
    level: Option<Level>,
    /// Cancelled when the app's listening stream ends; `None` before there was one.
    listener: Option<CancellationToken>,
    /// What the app called resources that it subscribed to, by their services' own URIs.
    called: HashMap<(ServiceId, String), String>,
    /// The resources of services of the legacy era that the app subscribed to.
    subscribed: HashMap<ServiceId, Subscribed>,
    /// The resources of services of the modern era that the app wants to hear of.
    watches: HashMap<ServiceId, Watch>,
    /// Streams that broke off, for a moment, so that the app can go on with them.
    broken: HashMap<u64, Broken>,
}

/// A request that was begun.
struct Running {
    /// Where it went, for a service that is told when it is given up.
    link: Option<Arc<Link>>,
    /// Cancelled when the app gives it up.
    cancel: CancellationToken,
}

/// The resources of one service that are watched for a session.
#[derive(Default)]
struct Watch {
    uris: BTreeSet<String>,
    /// Ends the subscription at the service.
    stop: CancellationToken,
}

/// The resources of one service that the app subscribed to there.
#[derive(Default)]
struct Subscribed {
    /// By the service's own URIs.
    uris: BTreeSet<String>,
    /// The link whose session at the service knows of them.
    at: Weak<Link>,
}

/// A request that the app has yet to answer.
struct Question {
    asker: Asker,
    /// The call it was asked within, with which it ends.
    call: Option<Id>,
}

/// Who waits for an answer of the app.
pub(crate) enum Asker {
    /// A service, which knows the question by this id of its own.
    Service(Arc<Link>, Id),
    /// A call to a service of the modern era, which asks in its result.
    Call(oneshot::Sender<Said>),
}

/// What an app answered: its result, or its error.
pub(crate) type Said = Result<Box<RawValue>, Box<RawValue>>;

/// How many questions of services may wait for one app.
const MAX_QUESTIONS: usize = 256;

/// How many names of resources are kept for one session.
const MAX_CALLED: usize = 1000;

impl Session {
    pub(crate) fn new(
        connection: Arc<Connection>,
        endpoint: Resource,
        revision: Revision,
        declared: Box<RawValue>,
        clock: &dyn Clock,
        random: &dyn Random,
        limits: &Limits,
    ) -> Arc<Self> {
        Arc::new(Self {
            id: SessionId::new(random),
            connection,
            endpoint,
            revision,
            declared,
            inbox: Inbox::new(limits.queue),
            over: CancellationToken::new(),
            notices: Gate::new(),
            modern: OnceLock::new(),
            compact: OnceLock::new(),
            inner: Mutex::default(),
            used: AtomicI64::new(clock.now().millis()),
            numbers: AtomicU64::new(1),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics while it holds the lock; should it, the tables are still whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the app can do, as a service of the modern era understands it.
    pub(crate) fn for_modern(&self) -> &RawValue {
        self.modern.get_or_init(|| cross::capabilities_for_modern(&self.declared, self.revision))
    }

    /// Tools are too many for the app, or not: said once, when the session is opened.
    pub(crate) fn find_compact(&self, compact: bool) {
        let _ = self.compact.set(compact);
    }

    pub(crate) fn is_compact(&self) -> bool {
        self.compact.get().copied().unwrap_or_default()
    }

    pub(crate) fn touch(&self, clock: &dyn Clock) {
        self.used.fetch_max(clock.now().millis(), Ordering::Relaxed);
    }

    /// When it was last used, in milliseconds.
    pub(crate) fn used(&self) -> i64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether something runs on it or listens to it now.
    pub(crate) fn is_busy(&self) -> bool {
        self.inbox.is_heard() || !self.inner().running.is_empty()
    }

    /// The link to a service, a new one on first need or when the service moved.
    pub(crate) fn link(&self, service: &Arc<Service>) -> Arc<Link> {
        let mut inner = self.inner();
        if let Some(link) = inner.links.get(&service.id) {
            let known = link.service.load();
            if Arc::ptr_eq(&known, service) {
                return link.clone();
            }
            if known.url == service.url {
                link.service.store(service.clone());
                return link.clone();
            }
        }
        let link = Link::new(service.clone());
        inner.links.insert(service.id.clone(), link.clone());
        link
    }

    /// The service forgot this link's session: the link to use instead, the same for all who ask.
    pub(crate) fn renew(&self, stale: &Arc<Link>) -> Arc<Link> {
        let service = stale.service.load_full();
        let mut inner = self.inner();
        match inner.links.get(&service.id) {
            Some(link) if !Arc::ptr_eq(link, stale) => link.clone(),
            _ => {
                let link = Link::new(service.clone());
                inner.links.insert(service.id.clone(), link.clone());
                inner.questions.retain(|_, q| !q.is_of(stale));
                link
            }
        }
    }

    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.inner().links.values().cloned().collect()
    }

    pub(crate) fn take_links(&self) -> Vec<Arc<Link>> {
        let mut inner = self.inner();
        inner.questions.clear();
        inner.links.drain().map(|(_, link)| link).collect()
    }

    pub(crate) fn take_link(&self, service: &ServiceId) -> Option<Arc<Link>> {
        let mut inner = self.inner();
        let link = inner.links.remove(service)?;
        inner.questions.retain(|_, q| !q.is_of(&link));
        Some(link)
    }

    /// Opens the session at the service behind a link.
    pub(crate) async fn open<'l>(
        &self,
        link: &'l Link,
        http: &Http,
        limits: &Limits,
    ) -> Result<&'l Opened, RelayError> {
        let opened = link.open(http, limits, self.revision, &self.declared).await?;
        let level = self.inner().level;
        if let Some(level) = level {
            link.hear(http, limits, level).await;
        }
        Ok(opened)
    }

    /// The app listens from now on, until the token that this gives is cancelled.
    pub(crate) fn listens(&self) -> CancellationToken {
        let token = CancellationToken::new();
        self.inner().listener = Some(token.clone());
        token
    }

    /// The app's listening stream, when the service's has yet to be passed on to it. Says so once for each.
    pub(crate) fn to_be_heard(&self, link: &Link) -> Option<CancellationToken> {
        let listener = self.inner().listener.clone().filter(|l| !l.is_cancelled())?;
        link.to_be_heard_by(listener)
    }

    /// From which level on the app wants to hear what services log.
    pub(crate) fn set_level(&self, level: Level) {
        self.inner().level = Some(level);
    }

    /// The level that the app asked for.
    pub(crate) fn level(&self) -> Option<Level> {
        self.inner().level
    }

    /// A request begins, and gets what is cancelled when the app gives it up; `None` when one of that id runs
    /// already.
    pub(crate) fn begin(&self, id: &Id) -> Option<CancellationToken> {
        let mut inner = self.inner();
        if inner.running.contains_key(id) {
            return None;
        }
        let cancel = CancellationToken::new();
        inner.running.insert(id.clone(), Running { link: None, cancel: cancel.clone() });
        Some(cancel)
    }

    /// Where a running request went.
    pub(crate) fn went_to(&self, id: &Id, link: &Arc<Link>) {
        if let Some(running) = self.inner().running.get_mut(id) {
            running.link = Some(link.clone());
        }
    }

    /// A running request is nowhere yet.
    pub(crate) fn came_back(&self, id: &Id) {
        if let Some(running) = self.inner().running.get_mut(id) {
            running.link = None;
        }
    }

    pub(crate) fn ended(&self, id: &Id) {
        let mut inner = self.inner();
        inner.running.remove(id);
        inner.questions.retain(|_, q| q.call.as_ref() != Some(id));
    }

    /// The app gives up a request. The link it went to, where the service is to be told; else it is cancelled
    /// here.
    pub(crate) fn give_up(&self, id: &Id) -> Option<Arc<Link>> {
        let inner = self.inner();
        let running = inner.running.get(id)?;
        if running.link.is_none() {
            running.cancel.cancel();
        }
        running.link.clone()
    }

    /// The requests that still run, and where: what is left when an app does not even read that it was revoked.
    pub(crate) fn all_running(&self) -> Vec<(Id, Arc<Link>)> {
        let inner = self.inner();
        inner.running.iter().filter_map(|(id, r)| Some((id.clone(), r.link.clone()?))).collect()
    }

    /// Remembers a question and gives the id to ask the app with; `None` when too many wait.
    pub(crate) fn asked(&self, asker: Asker, call: Option<&Id>) -> Option<Id> {
        let mut inner = self.inner();
        if inner.questions.len() >= MAX_QUESTIONS {
            return None;
        }
        let ours = format!("bellhop-{}", self.numbers.fetch_add(1, Ordering::Relaxed));
        inner.questions.insert(ours.clone(), Question { asker, call: call.cloned() });
        Some(Id::text(&ours))
    }

    /// Who asked what the app answers with this id. It can be answered once.
    pub(crate) fn answered(&self, id: &Id) -> Option<Asker> {
        self.inner().questions.remove(id.as_text()?.as_ref()).map(|q| q.asker)
    }

    /// The service takes its question back: the id the app knows it by.
    pub(crate) fn withdrawn(&self, link: &Arc<Link>, id: &Id) -> Option<Id> {
        let mut inner = self.inner();
        let is_it =
            |q: &Question| matches!(&q.asker, Asker::Service(l, i) if Arc::ptr_eq(l, link) && i == id);
        let ours = inner.questions.iter().find(|(_, q)| is_it(q)).map(|(ours, _)| ours.clone())?;
        inner.questions.remove(&ours);
        Some(Id::text(&ours))
    }

    /// A number that this session has not used yet: for streams.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// What the app wants to hear of a service changes: the URIs from now on, and what ends the subscription
    /// for them. `None` when nothing changed.
    pub(crate) fn watch(
        &self,
        service: &ServiceId,
        uri: &str,
        on: bool,
    ) -> Option<(Vec<String>, CancellationToken)> {
        let mut inner = self.inner();
        let watch = inner.watches.entry(service.clone()).or_default();
        let changed = if on { watch.uris.insert(uri.to_owned()) } else { watch.uris.remove(uri) };
        if !changed {
            return None;
        }
        watch.stop.cancel();
        watch.stop = self.over.child_token();
        Some((watch.uris.iter().cloned().collect(), watch.stop.clone()))
    }

    /// The app subscribes to a resource of a service of the legacy era, by the service's own URI, or no longer
    /// wants to hear of it.
    pub(crate) fn subscribes(&self, service: &ServiceId, own: &str, on: bool) {
        let mut inner = self.inner();
        let uris = &mut inner.subscribed.entry(service.clone()).or_default().uris;
        if !on {
            uris.remove(own);
        } else if uris.len() < MAX_CALLED {
            uris.insert(own.to_owned());
        }
    }

    /// What the session behind this link doesn't know of yet, since it is a new one: says so once for each link.
    pub(crate) fn to_be_subscribed(&self, link: &Arc<Link>) -> Vec<String> {
        let mut inner = self.inner();
        let Some(subscribed) = inner.subscribed.get_mut(&link.service.load().id) else { return Vec::new() };
        if std::ptr::eq(subscribed.at.as_ptr(), Arc::as_ptr(link)) {
            return Vec::new();
        }
        subscribed.at = Arc::downgrade(link);
        subscribed.uris.iter().cloned().collect()
    }

    /// The app subscribed to a resource under this name, or no longer wants to hear of it.
    pub(crate) fn called(&self, service: &ServiceId, own: &str, public: Option<String>) {
        let key = (service.clone(), own.to_owned());
        let mut inner = self.inner();
        match public {
            Some(public) if inner.called.len() < MAX_CALLED => {
                inner.called.insert(key, public);
            }
            _ => {
                inner.called.remove(&key);
            }
        }
    }

    /// What the app calls a resource: as it did when it subscribed.
    pub(crate) fn public_uri(&self, relay: &Relay, service: &Service, uri: &str) -> String {
        let called = self.inner().called.get(&(service.id.clone(), uri.to_owned())).cloned();
        called.unwrap_or_else(|| relay.public_uri(&service.name, uri))
    }

    /// Keeps a stream that broke off, for a moment.
    pub(crate) fn keep_broken(&self, number: u64, broken: Broken) {
        self.inner().broken.insert(number, broken);
    }

    /// The stream that broke off, for whoever goes on with it; it stays where it does not fit.
    pub(crate) fn take_broken(&self, number: u64, fits: impl FnOnce(&Broken) -> bool) -> Option<Broken> {
        let mut inner = self.inner();
        inner.broken.get(&number).filter(|b| fits(b))?;
        inner.broken.remove(&number)
    }

    /// The links with a question that waits.
    pub(crate) fn asking(&self) -> Vec<Arc<Link>> {
        let mut links: Vec<Arc<Link>> = Vec::new();
        for q in self.inner().questions.values() {
            if let Asker::Service(link, _) = &q.asker
                && !links.iter().any(|l| Arc::ptr_eq(l, link))
            {
                links.push(link.clone());
            }
        }
        links
    }
}

impl Question {
    fn is_of(&self, link: &Arc<Link>) -> bool {
        matches!(&self.asker, Asker::Service(l, _) if Arc::ptr_eq(l, link))
    }
}
