use crate::{
    Limits, Service,
    client::Http,
    legacy::{
        exchange::{self, Opened},
        listen,
    },
    problem::RelayError,
};
use arc_swap::ArcSwap;
use protocol::{Id, Level, Object, Request, Revision, method};
use serde_json::value::RawValue;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OnceCell, mpsc};
use tokio_util::sync::CancellationToken;

/// A session at one service of the legacy era. It is opened on first need.
///
/// One that belongs to an app's session is not shared, so that ids pass verbatim and a service's questions are
/// the app's that declared it can answer them. One that serves requests of the modern era is shared by those
/// that can't be asked anything; the others have one each for as long as they run.
pub(crate) struct Link {
    /// The service as of the last call.
    pub(crate) service: ArcSwap<Service>,
    opened: OnceCell<Opened>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Whose listening stream this service's is passed on to.
    heard_by: Option<CancellationToken>,
    /// The level that the service was told for this session.
    level: Option<Level>,
    /// What the service says outside of any call, for the one call that has this link to itself.
    aside: Option<mpsc::Receiver<String>>,
}

/// How many messages outside of a call wait for it before the stream that brings them has to.
const ASIDE: usize = 64;

impl Link {
    pub(crate) fn new(service: Arc<Service>) -> Arc<Self> {
        Arc::new(Self { service: ArcSwap::new(service), opened: OnceCell::new(), inner: Mutex::default() })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics while it holds the lock; should it, the fields are still whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
    ) -> Result<&Opened, RelayError> {
        // In a box, so that what happens once is not part of every call's state.
        let opening = || {
            Box::pin(async {
                let service = self.service.load_full();
                exchange::open(http, limits, &service, revision, declared).await
            })
        };
        self.opened.get_or_try_init(opening).await
    }

    /// Sees to it that the service logs from this level on. The level is the session's: it only ever gets more
    /// talkative, and who shares the session filters. A service that won't hear of levels still does its work.
    pub(crate) async fn hear(&self, http: &Http, limits: &Limits, level: Level) {
        let Some(opened) = self.opened() else { return };
        if self.inner().level.is_some_and(|now| now <= level) {
            return;
        }
        if !Object::parse(opened.capabilities.get()).is_ok_and(|c| c.get("logging").is_some()) {
            return;
        }
        let params = Object::new().with("level", level.as_str());
        let request = Request::new(Id::text("bellhop-level"), method::SET_LEVEL, Some(params));
        let service = self.service.load_full();
        if Box::pin(exchange::ask(http, limits, &service, opened, &request)).await.is_ok() {
            self.inner().level = Some(level);
        }
    }

    /// Tells the service the level that the session's one app wants, up or down.
    pub(crate) async fn set_level(&self, http: &Http, limits: &Limits, level: Level) {
        self.inner().level = None;
        self.hear(http, limits, level).await;
    }

    /// Gives the one call that has this link what the service says outside of it: some services put their
    /// questions there. Waits until the service has taken the stream, so that it finds it when it asks.
    pub(crate) async fn listen_aside(self: &Arc<Self>, http: &Http, limits: &Limits) {
        if self.opened().is_none_or(|o| !o.has_listening_stream()) || self.inner().aside.is_some() {
            return;
        }
        let open = tokio::time::timeout(limits.connect, Box::pin(listen::open(http, self))).await;
        let Ok(Ok(body)) = open else { return };
        let (tell, aside) = mpsc::channel(ASIDE);
        self.inner().aside = Some(aside);
        let max = limits.message;
        tokio::spawn(async move {
            let title = String::new();
            // It ends with the link: then nobody holds the other end.
            let closed = tell.clone();
            let reading = listen::read(body, max, &title, |data| {
                let _ = tell.try_send(data.to_owned());
            });
            tokio::select! {
                () = closed.closed() => {}
                _ = reading => {}
            }
        });
    }

    /// What the service says outside of calls, when somebody listens. Whoever takes it gives it back.
    pub(crate) fn take_aside(&self) -> Option<mpsc::Receiver<String>> {
        self.inner().aside.take()
    }

    pub(crate) fn give_aside(&self, aside: mpsc::Receiver<String>) {
        self.inner().aside = Some(aside);
    }

    /// The app's listening stream, when the service's has yet to be passed on to it. Says so once for each.
    pub(crate) fn to_be_heard_by(&self, listener: CancellationToken) -> Option<CancellationToken> {
        let mut inner = self.inner();
        if inner.heard_by.as_ref().is_some_and(|h| !h.is_cancelled()) {
            return None;
        }
        inner.heard_by = Some(listener.clone());
        Some(listener)
    }

    /// Tells the service that the session is over.
    pub(crate) async fn close(&self, http: &Http, limits: &Limits) {
        if let Some(opened) = self.opened() {
            exchange::close(http, limits, &self.service.load(), opened).await;
        }
    }
}
