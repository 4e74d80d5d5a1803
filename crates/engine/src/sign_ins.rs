//! The sign-ins under way: from Connect to a service that is stored, or to a sentence about why not.

use crate::catalogue::Tile;
use control::{Answer, GivenClient, Outcome, SignInEnd, SignInMethod, SignInPhase, SignInView};
use model::{AttemptId, Explain, Problem, Secret, ServiceId, ShortName, Timestamp};
use run::no_browser;
use signin::{Attempt, Choice, Said};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

mod run;
mod words;

pub(crate) use run::{Wish, add, again, host};
pub(crate) use words::exceptions;

/// The sign-ins under way, and those that failed and were not dismissed yet.
#[derive(Default)]
pub(crate) struct SignIns {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    entries: BTreeMap<AttemptId, Entry>,
    /// Those that have ended, oldest first.
    ended: VecDeque<AttemptId>,
}

struct Entry {
    attempt: Attempt,
    purpose: Purpose,
    title: String,
    url: String,
    state: State,
    end: watch::Sender<Option<SignInEnd>>,
}

enum State {
    Running,
    Failed(Problem),
    /// Kept for those who still ask how it ended.
    Over,
}

/// What a sign-in is for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Purpose {
    /// A new service, from a tile or an address.
    New { tile: Option<Arc<Tile>>, name: Option<ShortName>, wish: Wish },
    /// A service that is there already.
    Again { service: ServiceId, tile: Option<Arc<Tile>>, wish: Wish },
}

impl Purpose {
    fn tile(&self) -> Option<&Arc<Tile>> {
        match self {
            Self::New { tile, .. } | Self::Again { tile, .. } => tile.as_ref(),
        }
    }

    /// How the person wants it.
    fn wish(&self) -> &Wish {
        match self {
            Self::New { wish, .. } | Self::Again { wish, .. } => wish,
        }
    }

    fn service(&self) -> Option<ServiceId> {
        match self {
            Self::New { .. } => None,
            Self::Again { service, .. } => Some(service.clone()),
        }
    }
}

/// How many sign-ins that ended are remembered.
const REMEMBERED: usize = 32;

fn unknown() -> Problem {
    Problem::new("engine.unknown_sign_in", "That sign-in isn't there any more.", "Start it again.")
}

impl SignIns {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attempt(&self, id: &AttemptId) -> Result<Attempt, Problem> {
        self.table().entries.get(id).map(|e| e.attempt.clone()).ok_or_else(unknown)
    }

    /// Open the sign-in page again.
    pub(crate) async fn open_again(&self, id: &AttemptId) -> Outcome {
        let attempt = self.attempt(id)?;
        attempt.open_again().await.map_err(no_browser)?;
        Ok(Answer::Done)
    }

    /// Say what a sign-in waits for.
    pub(crate) fn say(&self, id: &AttemptId, said: Said) -> Outcome {
        if self.attempt(id)?.say(said) {
            return Ok(Answer::Done);
        }
        Err(Problem::new(
            "engine.sign_in_not_asked",
            "The sign-in doesn't wait for that (any more).",
            "Look at how far it is.",
        ))
    }

    /// How to go on with a sign-in that asks.
    pub(crate) fn choose(
        &self,
        id: &AttemptId,
        method: SignInMethod,
        permissions: Option<Vec<String>>,
        client: Option<GivenClient>,
    ) -> Outcome {
        let method = words::method(method);
        self.say(id, Said::Choice(Choice { method, permissions, client: client.map(words::client) }))
    }

    /// The API token that a sign-in waits for.
    pub(crate) fn give_token(
        &self,
        id: &AttemptId,
        token: String,
        header: Option<String>,
        ends: Option<Timestamp>,
    ) -> Outcome {
        let header = header.map(|h| signin::token_header(&h)).transpose().map_err(|e| e.problem())?;
        let token = Secret::new(token.trim());
        self.say(id, Said::Token(signin::ApiToken { token, header, ends }))
    }

    /// Stop waiting; or, when it has failed already, take it off the screen.
    pub(crate) fn cancel(&self, id: &AttemptId) -> Outcome {
        let mut table = self.table();
        let entry = table.entries.get(id).ok_or_else(unknown)?;
        entry.attempt.cancel();
        if matches!(entry.state, State::Failed(_)) {
            table.entries.remove(id);
        }
        Ok(Answer::Done)
    }

    /// How it ends; waits until it has.
    pub(crate) async fn end(&self, id: &AttemptId) -> Result<SignInEnd, Problem> {
        let mut end = self.table().entries.get(id).map(|e| e.end.subscribe()).ok_or_else(unknown)?;
        match end.wait_for(Option::is_some).await {
            Ok(end) => end.clone().ok_or_else(unknown),
            Err(_) => Err(unknown()),
        }
    }

    /// End all of them: the engine finishes.
    pub(crate) fn cancel_all(&self) {
        for entry in self.table().entries.values() {
            entry.attempt.cancel();
        }
    }

    /// End those to a service that was removed.
    pub(crate) fn cancel_service(&self, service: &ServiceId) {
        for entry in self.table().entries.values().filter(|e| e.purpose.service().as_ref() == Some(service)) {
            entry.attempt.cancel();
        }
    }

    pub(crate) fn view(&self) -> Vec<SignInView> {
        let table = self.table();
        let shown = table.entries.iter().filter_map(|(id, e)| {
            let phase = match (&e.state, &*e.attempt.phases.borrow()) {
                (State::Failed(problem), _) => SignInPhase::Failed { problem: problem.clone() },
                (State::Over, _) => return None,
                (State::Running, phase) => words::phase(phase),
            };
            Some(SignInView {
                attempt: id.clone(),
                catalogue: e.purpose.tile().map(|t| t.id.clone()),
                service: e.purpose.service(),
                title: e.title.clone(),
                phase,
            })
        });
        shown.collect()
    }

    /// The sign-in for the same purpose at the same place that waits already, or a new one: a second click joins the
    /// first. The entry is there before anybody else can look.
    fn join_or_begin(&self, url: &str, purpose: &Purpose, begin: impl FnOnce() -> Entry) -> Begun {
        let mut table = self.table();
        let same = |e: &&Entry| matches!(e.state, State::Running) && e.url == url && e.purpose == *purpose;
        if let Some(entry) = table.entries.values().find(same) {
            return Begun::Joined(entry.attempt.clone());
        }
        // What failed before at the same place is over once it is tried again.
        table.entries.retain(|_, e| !(matches!(e.state, State::Failed(_)) && e.url == url));
        let entry = begin();
        let attempt = entry.attempt.clone();
        table.entries.insert(attempt.id.clone(), entry);
        Begun::New(attempt)
    }

    fn settle(&self, id: &AttemptId, state: State, end: SignInEnd) {
        let mut table = self.table();
        if let Some(entry) = table.entries.get_mut(id) {
            entry.state = state;
            entry.end.send_replace(Some(end));
        }
        table.ended.push_back(id.clone());
        while table.ended.len() > REMEMBERED {
            if let Some(oldest) = table.ended.pop_front() {
                table.entries.remove(&oldest);
            }
        }
    }
}

/// A sign-in that was joined or begun.
enum Begun {
    Joined(Attempt),
    New(Attempt),
}
