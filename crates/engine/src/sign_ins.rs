//! The sign-ins under way: from Connect to a service that is stored, or to a sentence about why not.

use crate::{
    catalogue::{self, At, Redirect, Tile},
    inner::Inner,
    rooms::Rooms,
};
use control::{Answer, Outcome, SectionName, SignInEnd, SignInPhase, SignInView};
use model::{AttemptId, Explain, Problem, ServiceId, ShortName};
use signin::{Attempt, Phase, RedirectChoice, SignedIn, Target};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// The sign-ins under way, and those that failed and were not dismissed yet.
#[derive(Default)]
pub(crate) struct SignIns {
    entries: Mutex<BTreeMap<AttemptId, Entry>>,
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
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    /// A new service, from a tile or an address.
    New { tile: Option<&'static Tile>, name: Option<ShortName> },
    /// A service that is there already.
    Again { service: ServiceId, tile: Option<&'static Tile> },
}

impl Purpose {
    fn tile(&self) -> Option<&'static Tile> {
        match self {
            Self::New { tile, .. } | Self::Again { tile, .. } => *tile,
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
    fn entries(&self) -> MutexGuard<'_, BTreeMap<AttemptId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attempt(&self, id: &AttemptId) -> Result<Attempt, Problem> {
        self.entries().get(id).map(|e| e.attempt.clone()).ok_or_else(unknown)
    }

    /// Open the sign-in page again.
    pub(crate) async fn open_again(&self, id: &AttemptId) -> Outcome {
        let attempt = self.attempt(id)?;
        attempt.open_again().await.map_err(no_browser)?;
        Ok(Answer::Done)
    }

    /// Stop waiting; or, when it has failed already, take it off the screen.
    pub(crate) fn cancel(&self, id: &AttemptId) -> Outcome {
        let mut entries = self.entries();
        let entry = entries.get(id).ok_or_else(unknown)?;
        entry.attempt.cancel();
        if matches!(entry.state, State::Failed(_)) {
            entries.remove(id);
        }
        Ok(Answer::Done)
    }

    /// How it ends; waits until it has.
    pub(crate) async fn end(&self, id: &AttemptId) -> Result<SignInEnd, Problem> {
        let mut end = self.entries().get(id).map(|e| e.end.subscribe()).ok_or_else(unknown)?;
        match end.wait_for(Option::is_some).await {
            Ok(end) => end.clone().ok_or_else(unknown),
            Err(_) => Err(unknown()),
        }
    }

    /// End all of them: the engine finishes.
    pub(crate) fn cancel_all(&self) {
        for entry in self.entries().values() {
            entry.attempt.cancel();
        }
    }

    pub(crate) fn view(&self) -> Vec<SignInView> {
        let entries = self.entries();
        let shown = entries.iter().filter_map(|(id, e)| {
            let phase = match (&e.state, &*e.attempt.phases.borrow()) {
                (State::Failed(problem), _) => SignInPhase::Failed { problem: problem.clone() },
                (State::Over, _) => return None,
                (State::Running, Phase::Looking) => SignInPhase::Looking,
                (State::Running, Phase::Browser { address, until }) => {
                    SignInPhase::Browser { address: address.clone(), until: *until }
                }
                (State::Running, _) => SignInPhase::Finishing,
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

    /// A sign-in to the same place that waits already: a second click joins it.
    fn running(&self, url: &str) -> Option<(AttemptId, Attempt)> {
        let entries = self.entries();
        let mut running = entries.iter().filter(|(_, e)| matches!(e.state, State::Running) && e.url == url);
        running.next().map(|(id, e)| (id.clone(), e.attempt.clone()))
    }

    fn settle(&self, id: &AttemptId, state: State, end: SignInEnd) {
        let mut entries = self.entries();
        if let Some(entry) = entries.get_mut(id) {
            entry.state = state;
            entry.end.send_replace(Some(end));
        }
        let done: Vec<_> = entries
            .iter()
            .filter(|(_, e)| matches!(e.state, State::Over))
            .map(|(id, _)| id.clone())
            .collect();
        // Ids are random: which of them goes first makes no difference to anybody who still asks.
        for id in done.iter().skip(REMEMBERED) {
            entries.remove(id);
        }
    }
}

pub(crate) fn no_browser(why: String) -> Problem {
    Problem::new(
        "engine.no_browser",
        format!("The browser didn't open: {why}."),
        "Copy the address and open it yourself.",
    )
}

/// Sign in to a new service: from a tile, or an address that the person typed.
pub(crate) async fn add(
    inner: &Arc<Inner>,
    tile: Option<String>,
    url: Option<String>,
    name: Option<ShortName>,
    open_browser: bool,
) -> Outcome {
    let rooms = inner.open_rooms()?;
    let tile = match tile {
        Some(id) => Some(catalogue::tile(&id).ok_or_else(|| {
            Problem::new(
                "engine.unknown_tile",
                format!("Bellhop doesn't know “{id}”."),
                "Give its address instead.",
            )
        })?),
        None => None,
    };
    if let Some(name) = &name
        && rooms.registry.all().iter().any(|e| e.row.name == *name)
    {
        return Err(Problem::new(
            "engine.name_taken",
            format!("There is a service called {name} already."),
            "Choose another name.",
        )
        .with("name", name));
    }
    let url = match (tile, url) {
        (Some(Tile { at: At::Url { url }, .. }), _) => url.clone(),
        (Some(Tile { at: At::Playground, .. }), _) => inner.playground.url().await?,
        (None, Some(url)) => signin::typed_address(&url).map_err(|e| e.problem())?.to_string(),
        (None, None) => {
            return Err(Problem::new(
                "engine.no_address",
                "No address was given.",
                "Type the service's address.",
            ));
        }
    };
    begin(inner, rooms, Purpose::New { tile, name }, url, open_browser).await
}

/// Sign in again to a service that is there. Its credential stays until this succeeds.
pub(crate) async fn again(inner: &Arc<Inner>, service: ServiceId, open_browser: bool) -> Outcome {
    let rooms = inner.open_rooms()?;
    let entry = rooms.registry.get(&service).ok_or_else(crate::commands::unknown_service)?;
    let tile = entry.row.catalogue.as_deref().and_then(catalogue::tile);
    let url = match tile {
        Some(Tile { at: At::Playground, .. }) => inner.playground.url().await?,
        _ => entry.row.url.clone(),
    };
    begin(inner, rooms, Purpose::Again { service, tile }, url, open_browser).await
}

/// Start, and answer as soon as there is a page to open (or none is needed).
async fn begin(
    inner: &Arc<Inner>,
    rooms: &Arc<Rooms>,
    purpose: Purpose,
    url: String,
    open_browser: bool,
) -> Outcome {
    if let Some((id, attempt)) = inner.sign_ins.running(&url) {
        if open_browser {
            // A page that doesn't open is said by the sign-in's own row, which offers the address.
            let _ = attempt.open_again().await;
        }
        return first_page(id, attempt).await;
    }
    let tile = purpose.tile();
    let attempt = rooms.signin.begin(Target {
        url: url.clone(),
        redirect: match tile.map(|t| t.redirect) {
            Some(Redirect::Scheme) => RedirectChoice::Scheme,
            _ => RedirectChoice::Loopback,
        },
        scopes: tile.map(|t| t.permissions.clone()).filter(|p| !p.is_empty()),
        // A tile is part of Bellhop, and only the playground's leads to this computer.
        typed_by_person: tile.is_none_or(|t| t.at == At::Playground),
        scheme_available: inner.desktop.is_some(),
        open_browser,
    });
    let id = attempt.id.clone();
    let title = match (tile, &purpose) {
        (Some(tile), _) => tile.title.clone(),
        (None, Purpose::Again { service, .. }) => {
            rooms.registry.get(service).map_or_else(|| url.clone(), |e| e.row.title.clone())
        }
        (None, Purpose::New { .. }) => host(&url),
    };
    let entry = Entry {
        attempt: attempt.clone(),
        purpose: purpose.clone(),
        title,
        url,
        state: State::Running,
        end: watch::Sender::new(None),
    };
    {
        let mut entries = inner.sign_ins.entries();
        // What failed before at the same place is over once it is tried again.
        entries.retain(|_, e| !(matches!(e.state, State::Failed(_)) && e.url == entry.url));
        entries.insert(id.clone(), entry);
    }
    inner.mark(SectionName::SignIns);
    tokio::spawn(follow(Arc::clone(inner), Arc::clone(rooms), attempt.clone(), purpose));
    first_page(id, attempt).await
}

async fn first_page(id: AttemptId, attempt: Attempt) -> Outcome {
    let mut phases = attempt.phases.clone();
    let phase = phases.wait_for(|p| !matches!(p, Phase::Looking)).await.map(|p| p.clone());
    match phase {
        Ok(Phase::Browser { address, .. }) => Ok(Answer::SignIn { attempt: id, address: Some(address) }),
        Ok(Phase::Failed(problem)) => Err(problem),
        Ok(_) => Ok(Answer::SignIn { attempt: id, address: None }),
        Err(_) => Err(unknown()),
    }
}

/// Show each step, and store what comes out.
async fn follow(inner: Arc<Inner>, rooms: Arc<Rooms>, attempt: Attempt, purpose: Purpose) {
    let mut phases = attempt.phases.clone();
    let showing = async {
        while phases.changed().await.is_ok() {
            inner.mark(SectionName::SignIns);
        }
    };
    let ended = tokio::select! {
        ended = attempt.end() => ended,
        () = showing => attempt.end().await,
    };
    let stored = match ended {
        Ok(signed_in) => store(&inner, &rooms, signed_in, &purpose).await,
        Err(e) => Err(e.problem()),
    };
    let (state, end) = match stored {
        Ok(entry) => {
            let end = SignInEnd::Connected {
                service: entry.id.clone(),
                name: entry.name.to_string(),
                account: entry.account.clone(),
            };
            (State::Over, end)
        }
        // The person's own Cancel needs no report.
        Err(problem) if problem.code == "signin.cancelled" => (State::Over, SignInEnd::Failed { problem }),
        Err(problem) => {
            rooms.note_failed_sign_in(purpose_name(&rooms, &purpose).as_ref(), &problem);
            (State::Failed(problem.clone()), SignInEnd::Failed { problem })
        }
    };
    inner.sign_ins.settle(&attempt.id, state, end);
    inner.mark(SectionName::SignIns);
}

fn purpose_name(rooms: &Rooms, purpose: &Purpose) -> Option<ShortName> {
    match purpose {
        Purpose::New { tile, name } => name.clone().or_else(|| tile.map(|t| t.name.clone())),
        Purpose::Again { service, .. } => rooms.registry.get(service).map(|e| e.row.name.clone()),
    }
}

async fn store(
    inner: &Arc<Inner>,
    rooms: &Arc<Rooms>,
    signed_in: SignedIn,
    purpose: &Purpose,
) -> Result<store::ServiceRow, Problem> {
    let tile = purpose.tile();
    let old = match purpose {
        Purpose::Again { service, .. } => {
            Some(rooms.registry.get(service).ok_or_else(crate::commands::unknown_service)?)
        }
        // The same account at the same place is the same service, signed in to again.
        Purpose::New { name: None, .. } => rooms.registry.same(&signed_in.url, signed_in.account.as_deref()),
        Purpose::New { .. } => None,
    };
    let row = match old {
        Some(entry) => store::ServiceRow {
            url: signed_in.url.clone(),
            account: signed_in.account.clone().or(entry.row.account.clone()),
            ..entry.row
        },
        None => {
            let wanted = match purpose {
                Purpose::New { name: Some(name), .. } => name.clone(),
                _ => match tile {
                    Some(tile) => tile.name.clone(),
                    None => catalogue::name_for(&signed_in.url, signed_in.title.as_deref()),
                },
            };
            let title = tile.map(|t| t.title.clone()).or(signed_in.title.clone());
            rooms.new_service_row(
                rooms.registry.free_name(&wanted),
                title.unwrap_or_else(|| host(&signed_in.url)),
                &signed_in,
                tile.map(|t| t.id.clone()),
            )
        }
    };
    rooms.connect_service(inner, row, signed_in).await
}

fn host(url: &str) -> String {
    url::Url::parse(url).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_else(|| url.to_owned())
}
