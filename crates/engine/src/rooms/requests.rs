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
use tokio::sync::Mutex;

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
    /// Show each app that asks: in the view, and in a window of its own that comes to the front.
    pub(super) fn watch_requests(self: &Arc<Self>, inner: &Arc<Inner>) {
        let mut listed = self.authority.requests();
        let publisher = Arc::clone(&inner.publisher);
        tokio::spawn(async move {
            while listed.changed().await.is_ok() {
                publisher.mark(SectionName::Requests);
            }
        });
        let mut requests = self.authority.requests();
        let (rooms, inner) = (Arc::downgrade(self), Arc::downgrade(inner));
        tokio::spawn(async move {
            let mut shown: HashSet<RequestId> = HashSet::new();
            while requests.changed().await.is_ok() {
                let waiting = requests.borrow_and_update().clone();
                let fresh: Vec<_> = waiting.iter().filter(|r| !shown.contains(&r.id)).collect();
                shown = waiting.iter().map(|r| r.id.clone()).collect();
                if fresh.is_empty() {
                    continue;
                }
                let (Some(rooms), Some(inner)) = (rooms.upgrade(), inner.upgrade()) else { return };
                if waiting.len() > WINDOWS {
                    inner.ask_person(None, "Apps want to connect".to_owned());
                } else {
                    for request in fresh {
                        let app = rooms.app_name(&request.app);
                        inner.ask_person(Some(&request.id), format!("{app} wants to connect"));
                    }
                }
                drop((rooms, inner));
                tokio::time::sleep(PACE).await;
            }
        });
    }

    /// Whether this request waits for the person.
    pub(crate) fn waits(&self, request: &RequestId) -> bool {
        self.authority.requests().borrow().iter().any(|r| r.id == *request)
    }

    /// Let an app in, as the person was shown it.
    pub(crate) async fn approve(
        &self,
        request: &RequestId,
        snapshot: &str,
        scope: Scope,
    ) -> Result<(), Problem> {
        let mut decided = self.decisions.0.lock().await;
        self.authority.approve(request, snapshot, scope).await.map_err(|e| e.problem())?;
        keep(&mut decided, request, true);
        Ok(())
    }

    /// Refuse an app.
    pub(crate) async fn deny(&self, request: &RequestId) -> Result<(), Problem> {
        let mut decided = self.decisions.0.lock().await;
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
