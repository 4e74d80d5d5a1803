use crate::{
    Connection, Gate, Limits, Service,
    client::Http,
    legacy::{
        exchange::{self, Opened},
        inbox::Inbox,
    },
    problem::RelayError,
};
use arc_swap::ArcSwap;
use model::{Clock, Random, Resource, ServiceId, SessionId};
use protocol::{Id, Object, Request, Revision, method};
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};
use tokio::sync::OnceCell;
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
    inner: Mutex<Inner>,
    used: AtomicI64,
    questions: AtomicU64,
}

#[derive(Default)]
struct Inner {
    links: HashMap<ServiceId, Arc<Link>>,
    questions: HashMap<String, Question>,
    running: HashMap<Id, Option<Arc<Link>>>,
    level: Option<Box<RawValue>>,
    /// Cancelled when the app's listening stream ends; `None` before there was one.
    listener: Option<CancellationToken>,
}

/// The session at one service that belongs to one session of an app. It is opened on first need.
///
/// Not shared between sessions of apps, so that ids pass verbatim and a service's questions are the app's
/// that declared it can answer them.
pub(crate) struct Link {
    /// The service as of the last call.
    pub(crate) service: ArcSwap<Service>,
    opened: OnceCell<Opened>,
    /// Whose listening stream this service's is passed on to.
    heard_by: Mutex<Option<CancellationToken>>,
}

/// A request from a service that the app has yet to answer.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) link: Arc<Link>,
    /// The service's own id for it.
    pub(crate) id: Id,
    /// The call it was asked within, with which it ends.
    call: Option<Id>,
}

/// How many questions of services may wait for one app.
const MAX_QUESTIONS: usize = 256;

impl Link {
    pub(crate) fn new(service: Arc<Service>) -> Arc<Self> {
        Arc::new(Self { service: ArcSwap::new(service), opened: OnceCell::new(), heard_by: Mutex::default() })
    }

    /// The open session, when there is one.
    pub(crate) fn opened(&self) -> Option<&Opened> {
        self.opened.get()
    }

    /// The open session, opened now when it isn't. Callers that come meanwhile wait for the same opening;
    /// when the one who opens gives up, the next takes over.
    pub(crate) async fn open(
        &self,
        http: &Http,
        limits: &Limits,
        revision: Revision,
        declared: &RawValue,
        level: Option<Box<RawValue>>,
    ) -> Result<&Opened, RelayError> {
        let opening = || async {
            let service = self.service.load_full();
            let opened = exchange::open(http, limits, &service, revision, declared).await?;
            if let Some(level) = level
                && Object::parse(opened.capabilities.get()).is_ok_and(|c| c.get("logging").is_some())
            {
                let params = Object::new().with("level", &level);
                let request = Request::new(Id::text("bellhop-level"), method::SET_LEVEL, Some(params));
                // A service that won't hear of levels still does its work.
                let _ = exchange::ask(http, limits, &service, opened.head(), &request).await;
            }
            Ok(opened)
        };
        self.opened.get_or_try_init(opening).await
    }

    /// Tells the service that the session is over.
    pub(crate) async fn close(&self, http: &Http, limits: &Limits) {
        if let Some(opened) = self.opened() {
            exchange::close(http, limits, &self.service.load(), opened).await;
        }
    }
}

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
            inner: Mutex::default(),
            used: AtomicI64::new(clock.now().millis()),
            questions: AtomicU64::new(1),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics while it holds the lock; should it, the tables are still whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
                inner.questions.retain(|_, q| !Arc::ptr_eq(&q.link, stale));
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
        inner.questions.retain(|_, q| !Arc::ptr_eq(&q.link, &link));
        Some(link)
    }

    /// Opens the session at the service behind a link.
    pub(crate) async fn open<'l>(
        &self,
        link: &'l Link,
        http: &Http,
        limits: &Limits,
    ) -> Result<&'l Opened, RelayError> {
        let level = self.inner().level.clone();
        link.open(http, limits, self.revision, &self.declared, level).await
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
        let mut heard_by = link.heard_by.lock().unwrap_or_else(PoisonError::into_inner);
        if heard_by.as_ref().is_some_and(|h| !h.is_cancelled()) {
            return None;
        }
        *heard_by = Some(listener.clone());
        Some(listener)
    }

    /// How much the app wants logged, for sessions opened later.
    pub(crate) fn set_level(&self, level: Box<RawValue>) {
        self.inner().level = Some(level);
    }

    /// A request begins; false when one of that id runs already.
    pub(crate) fn begin(&self, id: &Id) -> bool {
        let mut inner = self.inner();
        if inner.running.contains_key(id) {
            return false;
        }
        inner.running.insert(id.clone(), None);
        true
    }

    /// Where a running request went.
    pub(crate) fn went_to(&self, id: &Id, link: &Arc<Link>) {
        if let Some(place) = self.inner().running.get_mut(id) {
            *place = Some(link.clone());
        }
    }

    pub(crate) fn ended(&self, id: &Id) {
        let mut inner = self.inner();
        inner.running.remove(id);
        inner.questions.retain(|_, q| q.call.as_ref() != Some(id));
    }

    /// The link that a running request went to.
    pub(crate) fn running(&self, id: &Id) -> Option<Arc<Link>> {
        self.inner().running.get(id).cloned().flatten()
    }

    /// The requests that still run, and where: what is left when an app does not even read that it was revoked.
    pub(crate) fn all_running(&self) -> Vec<(Id, Arc<Link>)> {
        let inner = self.inner();
        inner.running.iter().filter_map(|(id, link)| Some((id.clone(), link.clone()?))).collect()
    }

    /// Remembers a service's question and gives the id to ask the app with; `None` when too many wait.
    pub(crate) fn asked(&self, link: &Arc<Link>, call: Option<&Id>, id: Id) -> Option<Id> {
        let mut inner = self.inner();
        if inner.questions.len() >= MAX_QUESTIONS {
            return None;
        }
        let ours = format!("bellhop-{}", self.questions.fetch_add(1, Ordering::Relaxed));
        inner.questions.insert(ours.clone(), Question { link: link.clone(), id, call: call.cloned() });
        Some(Id::text(&ours))
    }

    /// The question that the app answers with this id. It can be answered once.
    pub(crate) fn answered(&self, id: &Id) -> Option<Question> {
        self.inner().questions.remove(id.as_text()?.as_ref())
    }

    /// The service takes its question back: the id the app knows it by.
    pub(crate) fn withdrawn(&self, link: &Arc<Link>, id: &Id) -> Option<Id> {
        let mut inner = self.inner();
        let ours = inner
            .questions
            .iter()
            .find(|(_, q)| Arc::ptr_eq(&q.link, link) && &q.id == id)
            .map(|(ours, _)| ours.clone())?;
        inner.questions.remove(&ours);
        Some(Id::text(&ours))
    }

    /// The links with a question that waits.
    pub(crate) fn asking(&self) -> Vec<Arc<Link>> {
        let mut links: Vec<Arc<Link>> = Vec::new();
        for q in self.inner().questions.values() {
            if !links.iter().any(|l| Arc::ptr_eq(l, &q.link)) {
                links.push(q.link.clone());
            }
        }
        links
    }
}
