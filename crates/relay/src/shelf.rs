use crate::{
    Relay, Service,
    inventory::{Inventory, Item},
    legacy::{link::Link, listen},
    modern::ask::{self, Probed},
    problem::RelayError,
};
use arc_swap::{ArcSwap, ArcSwapOption};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use model::{ServiceId, Timestamp};
use protocol::{Message, Notification, Object, Request, code, method};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::Ordering},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How a service is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// In the modern era's way.
    Modern,
    /// In the legacy era's way; which of its transports, each session finds out.
    Legacy,
}

impl Speaks {
    pub(crate) const fn era(self) -> protocol::Era {
        match self {
            Self::Modern => protocol::Era::Modern,
            Self::Legacy => protocol::Era::Legacy,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Legacy => "legacy",
        }
    }

    pub(crate) fn from_str(text: &str) -> Option<Self> {
        [Self::Modern, Self::Legacy].into_iter().find(|s| s.as_str() == text)
    }
}

/// What Bellhop knows of one service, and its own session there.
pub(crate) struct Shelf {
    seen: ArcSwapOption<Inventory>,
    /// Bellhop's own session, for lists and their changes.
    own: ArcSwap<Link>,
    /// Cancelled when the service is removed.
    pub(crate) over: CancellationToken,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The kept inventory has been looked for.
    looked: bool,
    /// How often the service said that its lists changed.
    changes: u64,
    /// How often in a row they changed while they were fetched.
    restless: u32,
    /// How many of these the last fetch has seen.
    seen_changes: u64,
    watching: bool,
    /// A service of the modern era was asked for a session, and has none.
    no_sessions: bool,
    /// A server in trouble said nothing about its era when it was asked, so it is asked again next time.
    unsure: bool,
    failed: Option<(Timestamp, RelayError)>,
    /// Somebody waited in vain for the fetch that is under way.
    slow: bool,
    /// Somebody sees to it that a service in trouble is asked again.
    retrying: bool,
    fetch: Option<Fetch>,
}

impl Inner {
    /// The service said that its lists changed, and they were not fetched since.
    fn stale(&self) -> bool {
        self.changes > self.seen_changes
    }

    fn fetches(&self) -> bool {
        // `peek` would not do: it knows of the end only when somebody waited for it.
        self.fetch.as_ref().is_some_and(|f| f.clone().now_or_never().is_none())
    }

    /// It is being asked, and somebody waited for that in vain.
    fn is_slow(&self) -> bool {
        self.slow && self.fetches()
    }
}

type Fetch = Shared<BoxFuture<'static, Result<(), RelayError>>>;

/// How long a service that could not be reached is left alone when somebody merely lists.
const LEFT_ALONE: Duration = Duration::from_secs(15);

/// How long to wait before fetching again what changed while it was fetched, which doubles while it goes on so.
const BREATH: Duration = Duration::from_millis(50);
const MAX_RESTLESS: u32 = 10;

/// How long a service in trouble is left alone at most.
const ASK_AGAIN: Duration = Duration::from_secs(600);

/// How long to wait before listening again to a service that ended the stream.
const LISTEN_AGAIN: Duration = Duration::from_secs(30);

impl Shelf {
    pub(crate) fn new(service: &Arc<Service>) -> Arc<Self> {
        Arc::new(Self {
            seen: ArcSwapOption::empty(),
            own: ArcSwap::new(Link::new(service.clone())),
            over: CancellationToken::new(),
            inner: Mutex::default(),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was last seen.
    pub(crate) fn seen(&self) -> Option<Arc<Inventory>> {
        self.seen.load_full()
    }

    /// Why it could not be asked what it offers the last time.
    pub(crate) fn failed(&self) -> Option<RelayError> {
        self.inner().failed.as_ref().map(|(_, error)| error.clone())
    }

    /// Whether a service of the modern era may also take sessions: until it was asked for one and refused.
    pub(crate) fn may_take_sessions(&self) -> bool {
        !self.inner().no_sessions
    }

    /// It was asked for a session and refused.
    pub(crate) fn takes_no_sessions(&self) {
        self.inner().no_sessions = true;
    }

    pub(crate) fn own(&self) -> Arc<Link> {
        self.own.load_full()
    }

    /// The link to fetch on: a new one when the service moved.
    fn own_for(&self, service: &Arc<Service>) -> Arc<Link> {
        let link = self.own();
        if link.service.load().url == service.url {
            link.service.store(service.clone());
            return link;
        }
        let link = Link::new(service.clone());
        self.own.store(link.clone());
        link
    }
}

impl Relay {
    /// What the service offers. What is known is given at once, and fetched anew behind it when it is old;
    /// when nothing is known or the service said that it changed, this waits as long as the limits let it.
    pub(crate) async fn inventory(
        self: &Arc<Self>,
        service: &Arc<Service>,
    ) -> Result<Arc<Inventory>, RelayError> {
        let shelf = self.shelf(service);
        self.recall_kept(&shelf, service).await;
        let seen = shelf.seen();
        let now = self.clock.now();
        let stale = {
            let inner = shelf.inner();
            let old = seen.as_ref().is_none_or(|s| now.since(s.fetched) > self.limits.inventory_age);
            if !inner.stale() && !old {
                return seen.ok_or_else(|| RelayError::TimedOut { title: service.title.clone() });
            }
            if let Some((at, error)) = &inner.failed
                && now.since(*at) < LEFT_ALONE
            {
                return seen.ok_or_else(|| error.clone());
            }
            inner.stale()
        };
        let fetch = self.fetch(&shelf, service);
        if let Some(seen) = &seen
            && !stale
        {
            return Ok(seen.clone());
        }
        let fetched = tokio::time::timeout(self.limits.merge, fetch).await;
        let error = match fetched {
            Ok(Err(e)) => e,
            Ok(Ok(())) => RelayError::TimedOut { title: service.title.clone() },
            Err(_) => {
                shelf.inner().slow = true;
                RelayError::TimedOut { title: service.title.clone() }
            }
        };
        shelf.seen().ok_or(error)
    }

    /// The same beside other services: a service that somebody has waited for in vain holds nobody back again.
    pub(crate) async fn inventory_beside(
        self: &Arc<Self>,
        service: &Arc<Service>,
    ) -> Result<Arc<Inventory>, RelayError> {
        let shelf = self.shelf(service);
        if shelf.inner().is_slow() {
            return shelf.seen().ok_or_else(|| RelayError::TimedOut { title: service.title.clone() });
        }
        self.inventory(service).await
    }

    /// What is wrong with a service, when it could not be asked what it offers.
    pub(crate) fn trouble(&self, service: &Arc<Service>) -> Option<RelayError> {
        let shelf = self.shelf(service);
        let inner = shelf.inner();
        let slow = || inner.is_slow().then(|| RelayError::TimedOut { title: service.title.clone() });
        inner.failed.as_ref().map(|(_, error)| error.clone()).or_else(slow)
    }

    /// Fetches, or joins the fetch that is under way. It goes on when nobody waits for it any more.
    pub(crate) fn fetch(self: &Arc<Self>, shelf: &Arc<Shelf>, service: &Arc<Service>) -> Fetch {
        let mut inner = shelf.inner();
        if let Some(fetch) = inner.fetch.as_ref().filter(|_| inner.fetches()) {
            return fetch.clone();
        }
        inner.slow = false;
        let title = service.title.clone();
        let (relay, shelf, service) = (self.clone(), shelf.clone(), service.clone());
        let task = tokio::spawn(async move {
            fetching(relay.clone(), shelf.clone(), service.clone()).await?;
            let pause = {
                let mut inner = shelf.inner();
                inner.restless = if inner.stale() { (inner.restless + 1).min(MAX_RESTLESS) } else { 0 };
                BREATH * 2_u32.pow(inner.restless)
            };
            // What changed while it was fetched was perhaps not seen. Whoever waits does not wait for that: there
            // are services that say so with each list they give.
            if shelf.inner().stale() {
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    if shelf.inner().stale() && !shelf.over.is_cancelled() {
                        drop(relay.fetch(&shelf, &service));
                    }
                });
            }
            Ok(())
        });
        let fetch: Fetch = task.map(move |r| r.unwrap_or(Err(RelayError::Died { title }))).boxed().shared();
        inner.fetch = Some(fetch.clone());
        fetch
    }

    /// How a service is spoken to, as it was last seen; found out when it never was.
    ///
    /// # Errors
    /// Why that is not known.
    pub(crate) async fn speaks(self: &Arc<Self>, service: &Arc<Service>) -> Result<Speaks, RelayError> {
        let shelf = self.shelf(service);
        if let Some(seen) = shelf.seen() {
            return Ok(seen.speaks);
        }
        self.recall_kept(&shelf, service).await;
        if shelf.seen().is_none() {
            // Whoever calls it wants to know now, also when it was not there a moment ago.
            self.fetch(&shelf, service).await?;
        }
        shelf.seen().map(|i| i.speaks).ok_or_else(|| RelayError::TimedOut { title: service.title.clone() })
    }

    /// Looks once for what was kept of a service.
    async fn recall_kept(&self, shelf: &Shelf, service: &Service) {
        if shelf.inner().looked {
            return;
        }
        let kept = self.rows.load(&service.id).await.and_then(|json| Inventory::read(&json));
        let kept = kept.map(|kept| kept.known(service));
        let mut inner = shelf.inner();
        if !std::mem::replace(&mut inner.looked, true)
            && let Some(kept) = kept
            && shelf.seen.load().is_none()
        {
            shelf.seen.store(Some(Arc::new(kept)));
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// It did not understand how it was spoken to: how it is spoken to now.
    ///
    /// # Errors
    /// Why that can't be found out.
    pub(crate) async fn learn_anew(self: &Arc<Self>, service: &Arc<Service>) -> Result<Speaks, RelayError> {
        let shelf = self.shelf(service);
        {
            let mut inner = shelf.inner();
            inner.unsure = true;
            inner.no_sessions = false;
        }
        self.fetch(&shelf, service).await?;
        self.speaks(service).await
    }

    /// What it offers now, fetched anew; `None` when it can't be had.
    pub(crate) async fn look_again(self: &Arc<Self>, service: &Arc<Service>) -> Option<Arc<Inventory>> {
        let shelf = self.shelf(service);
        self.fetch(&shelf, service).await.ok()?;
        shelf.seen()
    }

    /// The service said that its lists changed.
    pub(crate) fn lists_changed(self: &Arc<Self>, service: &Arc<Service>) {
        let shelf = self.shelf(service);
        shelf.inner().changes += 1;
        // The task runs by itself; nobody waits for it here.
        drop(self.fetch(&shelf, service));
    }
}

async fn fetching(relay: Arc<Relay>, shelf: Arc<Shelf>, service: Arc<Service>) -> Result<(), RelayError> {
    // Before the first request, so that a change that comes meanwhile counts for the next fetch.
    let changes = shelf.inner().changes;
    let work = async {
        let now = relay.clock.now();
        let link = shelf.own_for(&service);
        let was_open = link.opened().is_some();
        if was_open && !shelf.inner().unsure {
            match Inventory::fetch(&relay.http, &relay.limits, &service, &link, now).await {
                // Not every service says 404 of a session that it forgot; and it may have changed its era.
                Err(
                    RelayError::SessionGone { .. } | RelayError::Status { .. } | RelayError::Declined { .. },
                ) => {}
                other => return other,
            }
        }
        match ask::discover(&relay.http, &relay.limits, &service).await? {
            Probed::Modern(about) => {
                shelf.inner().unsure = false;
                Inventory::fetch_modern(&relay.http, &relay.limits, &service, about, now).await
            }
            Probed::Not { sure } => {
                shelf.inner().unsure = !sure;
                let link = Link::new(service.clone());
                shelf.own.store(link.clone());
                Inventory::fetch(&relay.http, &relay.limits, &service, &link, now).await
            }
        }
    };
    let fetched = tokio::select! {
        () = shelf.over.cancelled() => Err(RelayError::NoService { name: service.name.to_string() }),
        fetched = work => fetched,
    };
    let new = match fetched {
        Ok(new) => Arc::new(new),
        Err(e) => {
            tracing::debug!(service = %service.name, error = %e, "the inventory could not be fetched");
            failed(&relay, &shelf, &service, &e);
            return Err(e);
        }
    };
    let old = shelf.seen.swap(Some(new.clone()));
    relay.generation.fetch_add(1, Ordering::AcqRel);
    let (watch, was_in_trouble) = {
        let mut inner = shelf.inner();
        inner.looked = true;
        let was_in_trouble = inner.failed.take().is_some();
        inner.seen_changes = changes;
        let says = ["tools", "prompts", "resources"].iter().any(|c| {
            let can = Object::parse(new.capabilities.get()).unwrap_or_default();
            can.object(c).and_then(|c| c.flag("listChanged")) == Some(true)
        });
        (says && !std::mem::replace(&mut inner.watching, true), was_in_trouble)
    };
    if watch {
        tokio::spawn(watching(relay.clone(), shelf.clone(), service.clone()));
    }
    if old.as_ref().is_some_and(|old| old.same(&new)) {
        if was_in_trouble {
            relay.record.inventory_changed(&service.id);
        }
        return Ok(());
    }
    relay.announce(&service, old.as_deref(), &new);
    relay.record.inventory_changed(&service.id);
    relay.rows.save(&service.id, &new.write()).await;
    Ok(())
}

/// Remembers why a service could not be asked, tells whoever shows it, and sees to it that it is asked again.
fn failed(relay: &Arc<Relay>, shelf: &Arc<Shelf>, service: &Arc<Service>, error: &RelayError) {
    let (is_news, retry) = {
        let mut inner = shelf.inner();
        let before = inner.failed.replace((relay.clock.now(), error.clone()));
        let is_news = before.is_none_or(|(_, e)| e.to_string() != error.to_string());
        let retry = error.may_pass() && !shelf.over.is_cancelled();
        (is_news, retry && !std::mem::replace(&mut inner.retrying, true))
    };
    if is_news {
        relay.record.inventory_changed(&service.id);
    }
    if retry {
        let first = relay.limits.ask_again;
        tokio::spawn(asking_again(Arc::downgrade(relay), shelf.clone(), service.id.clone(), first));
    }
}

/// Asks a service in trouble again, ever more seldom, until it is well or gone: so that apps hear of its tools, and
/// nobody reads of trouble that is over.
async fn asking_again(relay: Weak<Relay>, shelf: Arc<Shelf>, service: ServiceId, first: Duration) {
    let mut wait = first;
    loop {
        tokio::select! {
            () = shelf.over.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(ASK_AGAIN);
        let Some(relay) = relay.upgrade() else { break };
        let services = relay.access.services();
        let Some(service) = services.iter().find(|s| s.id == service) else { break };
        if shelf.inner().failed.is_some() {
            // What comes of it is remembered there.
            let _ = relay.fetch(&shelf, service).await;
        }
        if shelf.inner().failed.as_ref().is_none_or(|(_, error)| !error.may_pass()) {
            break;
        }
    }
    shelf.inner().retrying = false;
}

/// Listens for changes of the lists, while the service lets it: on Bellhop's own session, or by a subscription.
async fn watching(relay: Arc<Relay>, shelf: Arc<Shelf>, service: Arc<Service>) {
    let listening = async {
        loop {
            let heard = match shelf.seen().map(|i| i.speaks) {
                Some(Speaks::Modern) => hear_modern(&relay, &service).await,
                Some(Speaks::Legacy) => hear_legacy(&relay, &shelf).await,
                None => return,
            };
            if heard.is_err() {
                // It has no such stream, or is gone; the next fetch tries again.
                return;
            }
            tokio::time::sleep(LISTEN_AGAIN).await;
        }
    };
    tokio::select! {
        () = shelf.over.cancelled() => {}
        () = listening => {}
    }
    shelf.inner().watching = false;
    tracing::trace!(service = %service.name, "no longer listening for changes");
}

async fn hear_legacy(relay: &Arc<Relay>, shelf: &Arc<Shelf>) -> Result<(), RelayError> {
    let link = shelf.own();
    listen::events(
        &relay.http,
        &relay.limits,
        &link,
        || {},
        |data| match Message::peek(data.as_bytes()) {
            Ok(Message::Notification(n)) if is_list_change(&n.method) => {
                relay.lists_changed(&link.service.load());
            }
            Ok(Message::Request(question)) => refuse(relay, &link, &question),
            _ => {}
        },
    )
    .await
}

async fn hear_modern(relay: &Arc<Relay>, service: &Arc<Service>) -> Result<(), RelayError> {
    let wanted = Object::new()
        .with("toolsListChanged", true)
        .with("promptsListChanged", true)
        .with("resourcesListChanged", true);
    let body = ask::subscribe(&relay.http, service, "bellhop-changes", wanted).await?;
    listen::read(body, relay.limits.message, &service.title, |data| {
        if let Ok(Message::Notification(n)) = Message::peek(data.as_bytes())
            && is_list_change(&n.method)
        {
            relay.lists_changed(service);
        }
    })
    .await
}

/// On Bellhop's own session nobody is there to be asked; only a ping is answered, by which some services tell
/// living clients from dead ones.
fn refuse(relay: &Arc<Relay>, link: &Arc<Link>, question: &Request<'_>) {
    let answer = if question.method == method::PING {
        protocol::result(&question.id, Object::new())
    } else {
        let text = "Nobody can be asked on this session.";
        protocol::error(Some(&question.id), code::METHOD_NOT_FOUND, text)
    };
    let (relay, link) = (relay.clone(), link.clone());
    tokio::spawn(async move { relay.tell(&link, answer).await });
}

type ListOf = fn(&Inventory) -> &[Item];

pub(crate) fn is_list_change(method: &str) -> bool {
    matches!(method, method::TOOLS_CHANGED | method::PROMPTS_CHANGED | method::RESOURCES_CHANGED)
}

impl Relay {
    /// Tells the apps that may see the service which of its lists changed.
    fn announce(&self, service: &Service, old: Option<&Inventory>, new: &Inventory) {
        let raws = |i: Option<&Inventory>, list: ListOf| {
            i.map(|i| list(i).iter().map(|i| i.raw.get().to_owned()).collect::<Vec<_>>()).unwrap_or_default()
        };
        let lists: [(&'static str, ListOf); 4] = [
            (method::TOOLS_CHANGED, |i| &i.tools),
            (method::PROMPTS_CHANGED, |i| &i.prompts),
            (method::RESOURCES_CHANGED, |i| &i.resources),
            (method::RESOURCES_CHANGED, |i| &i.templates),
        ];
        let sessions = self.sessions_seeing(service);
        let mut told = Vec::new();
        for (method, list) in lists {
            if !told.contains(&method) && raws(old, list) != raws(Some(new), list) {
                told.push(method);
                let notice = Notification::new(method, None).to_bytes();
                for session in &sessions {
                    session.inbox.put_once(notice.clone());
                }
                self.listeners.tell_change(service, method);
            }
        }
    }
}
