//! The requests of apps: brought before the person, and answered.

use super::Rooms;
use crate::{Notice, inner::Inner};
use control::{ActivityKind, SectionName};
use model::{Explain, Problem, RequestId, Scope};
use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Mutex, watch};

/// How many answers of the person are remembered for those who still ask how a request ended.
const REMEMBERED: usize = 64;
/// How many requests get windows of their own. When more wait, the main window lists them.
const WINDOWS: usize = 3;
/// The least time between two looks for new requests: an app that asks over and over opens no more windows.
const PACE: Duration = Duration::from_secs(1);

/// What the person decided, newest last. Held while the authority is told, so that whoever saw a request go finds
/// the answer here.
#[derive(Default)]
pub(super) struct Decisions(Mutex<VecDeque<(RequestId, bool)>>);

fn keep(decided: &mut VecDeque<(RequestId, bool)>, request: &RequestId, allowed: bool) {
    if decided.len() == REMEMBERED {
        decided.pop_front();
    }
    decided.push_back((request.clone(), allowed));
}

impl Rooms {
    /// Show each app that asks for something: in the view, and in a window of its own that comes to the front.
    pub(super) fn watch_requests(self: &Arc<Self>, inner: &Arc<Inner>) {
        let (mut listed, mut wished) = (self.authority.requests(), self.permits.shown());
        let publisher = Arc::clone(&inner.publisher);
        tokio::spawn(async move {
            while either(&mut listed, &mut wished).await {
                publisher.mark(SectionName::Requests);
            }
        });
        let (mut requests, mut wishes) = (self.authority.requests(), self.permits.shown());
        let (rooms, inner) = (Arc::downgrade(self), Arc::downgrade(inner));
        tokio::spawn(async move {
            let mut shown: HashSet<RequestId> = HashSet::new();
            while either(&mut requests, &mut wishes).await {
                let (Some(rooms), Some(inner)) = (rooms.upgrade(), inner.upgrade()) else { return };
                let waiting = rooms.headlines();
                let fresh: Vec<_> = waiting.iter().filter(|(id, _)| !shown.contains(id)).collect();
                shown = waiting.iter().map(|(id, _)| id.clone()).collect();
                if fresh.is_empty() {
                    continue;
                }
                if waiting.len() > WINDOWS {
                    inner.ask_person(None, "Apps wait for your answer".to_owned());
                } else {
                    for (id, headline) in fresh {
                        inner.ask_person(Some(id), headline.clone());
                    }
                }
                drop((rooms, inner));
                tokio::time::sleep(PACE).await;
            }
        });
    }

    /// What waits for the person: each request, and what stands above it.
    fn headlines(&self) -> Vec<(RequestId, String)> {
        let apps = self.authority.requests().borrow().clone();
        let wishes = self.permits.shown().borrow().clone();
        let connect = apps.iter().map(|r| {
            let app = self.app_name(&r.app);
            (r.id.clone(), format!("{app} wants to connect"))
        });
        connect.chain(wishes.iter().map(|w| (w.id.clone(), w.headline()))).collect()
    }

    /// Whether this request waits for the person.
    pub(crate) fn waits(&self, request: &RequestId) -> bool {
        self.authority.requests().borrow().iter().any(|r| r.id == *request)
            || self.permits.find(request).is_some()
    }

    /// Let an app in, or let a connection do more, as the person was shown it.
    pub(crate) async fn approve(
        &self,
        request: &RequestId,
        snapshot: &str,
        scope: Scope,
    ) -> Result<(), Problem> {
        let mut decided = self.decisions.0.lock().await;
        if self.permits.find(request).is_some() {
            self.allow_more(request, snapshot, &scope).await?;
        } else {
            self.authority.approve(request, snapshot, scope).await.map_err(|e| e.problem())?;
        }
        keep(&mut decided, request, true);
        Ok(())
    }

    /// Refuse what an app asks.
    pub(crate) async fn deny(&self, request: &RequestId) -> Result<(), Problem> {
        let mut decided = self.decisions.0.lock().await;
        if self.deny_more(request) {
            keep(&mut decided, request, false);
            return Ok(());
        }
        let app = self.authority.requests().borrow().iter().find(|r| r.id == *request).map(|r| r.app.clone());
        self.authority.deny(request).await.map_err(|e| e.problem())?;
        keep(&mut decided, request, false);
        self.log.note(ActivityKind::ConnectionDenied, app.map(|a| self.app_name(&a)), None, "denied");
        Ok(())
    }

    /// What the person decided, if they did.
    pub(crate) async fn decided(&self, request: &RequestId) -> Option<bool> {
        self.decisions.0.lock().await.iter().find(|(id, _)| id == request).map(|(_, allowed)| *allowed)
    }
}

/// Wait until either list has changed; `false` when there will be no more.
async fn either<A, B>(a: &mut watch::Receiver<A>, b: &mut watch::Receiver<B>) -> bool {
    tokio::select! {
        changed = a.changed() => changed.is_ok(),
        changed = b.changed() => changed.is_ok(),
    }
}

impl Inner {
    /// Bring up a window for the person to answer in, and say so where they look otherwise.
    fn ask_person(&self, request: Option<&RequestId>, title: String) {
        self.raise(request.cloned());
        if let Some(desktop) = &self.desktop {
            let body = "Answer in Bellhop's window.".to_owned();
            desktop.notify(Notice { title, body, request: request.cloned() });
        }
    }
}
