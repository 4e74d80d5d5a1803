//! A sign-in from Connect to a service that is stored.

use super::{Begun, Entry, Purpose, State, unknown};
use crate::{
    catalogue::{self, At, Redirect, Tile},
    inner::Inner,
    registry::Held,
    rooms::Rooms,
};
use control::{Answer, Exception, GivenClient, Outcome, SectionName, SignInEnd, SignInMethod};
use model::{Explain, Problem, ServiceId, ShortName};
use signin::{Attempt, Exceptions, Phase, RedirectChoice, SignedIn, Target};
use std::sync::Arc;
use tokio::sync::watch;

pub(super) fn no_browser(why: String) -> Problem {
    Problem::new(
        "engine.no_browser",
        format!("The browser didn't open: {why}."),
        "Copy the address and open it yourself.",
    )
}

/// How the person wants to sign in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wish {
    /// Whether to open the system's browser.
    pub(crate) open_browser: bool,
    /// How; `None` for as before, and the best there is for a new service.
    pub(crate) method: Option<SignInMethod>,
    /// What to ask for; `None` for what is preset.
    pub(crate) permissions: Option<Vec<String>>,
    /// The registration that the provider gave them.
    pub(crate) client: Option<GivenClient>,
    /// What the provider may do against the rules; `None` for as before.
    pub(crate) exceptions: Option<Vec<Exception>>,
    /// Whether to ask before anything is opened.
    pub(crate) ask: bool,
}

/// Sign in to a new service: from a tile, or an address that the person typed.
pub(crate) async fn add(
    inner: &Arc<Inner>,
    tile: Option<String>,
    url: Option<String>,
    name: Option<ShortName>,
    wish: Wish,
) -> Outcome {
    let rooms = inner.open_rooms()?;
    let tile = match tile {
        Some(id) => Some(inner.catalogue.tile(&id).ok_or_else(|| {
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
    let url = match (tile.as_ref().map(|t| &t.at), url) {
        (Some(At::Playground), _) => inner.playground.url().await?,
        (Some(At::Url { url }), _) => asked_for(inner, url)?,
        (Some(At::Site { .. }) | None, Some(url)) => asked_for(inner, &url)?,
        (Some(At::Site { .. }) | None, None) => {
            return Err(Problem::new(
                "engine.no_address",
                "No address was given.",
                "Type the service's address.",
            ));
        }
    };
    begin(inner, rooms, Purpose::New { tile, name, wish }, url).await
}

/// Whether this address is Bellhop's own. As a service of itself it would ask itself for its services for ever.
fn is_own(url: &url::Url, port: u16) -> bool {
    let here = match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    here && url.port_or_known_default() == Some(port)
}

/// An address as it is asked for; refused when it is none, or Bellhop's own.
fn asked_for(inner: &Inner, url: &str) -> Result<String, Problem> {
    let url = signin::typed_address(url).map_err(|e| e.problem())?;
    if is_own(&url, inner.port) { Err(own_address()) } else { Ok(url.to_string()) }
}

fn own_address() -> Problem {
    Problem::new(
        "engine.own_address",
        "That is Bellhop's own address, which is for the apps on this computer.",
        "Give the address of the service.",
    )
}

/// Sign in again to a service that is there. Its credential stays until this succeeds.
pub(crate) async fn again(inner: &Arc<Inner>, service: ServiceId, mut wish: Wish) -> Outcome {
    let rooms = inner.open_rooms()?;
    let entry = rooms.registry.get(&service).ok_or_else(crate::commands::unknown_service)?;
    let tile = entry.row.catalogue.as_deref().and_then(|id| inner.catalogue.tile(id));
    let url = match tile.as_deref() {
        Some(Tile { at: At::Playground, .. }) => inner.playground.url().await?,
        _ => entry.row.url.clone(),
    };
    let exceptions = super::words::exceptions(&entry.row.exceptions);
    // One that needed no sign-in and now does: how, is found out.
    if entry.row.method != store::ServiceMethod::None {
        wish.method.get_or_insert(crate::views::method_of(entry.row.method));
    }
    wish.exceptions.get_or_insert(exceptions);
    if wish.permissions.is_none() {
        wish.permissions = entry.row.asked.clone();
        // Who is asked sees what apps wait for, and may take it out.
        let wanted = rooms.awaited.wanted(&service);
        if wish.ask && !wanted.is_empty() {
            let mut all = wish.permissions.unwrap_or_else(|| entry.granted());
            for one in wanted {
                if !all.contains(&one) {
                    all.push(one);
                }
            }
            wish.permissions = Some(all);
        }
    }
    begin(inner, rooms, Purpose::Again { service, tile, wish }, url).await
}

/// Start, and answer as soon as there is a page to open (or none is needed).
async fn begin(inner: &Arc<Inner>, rooms: &Arc<Rooms>, purpose: Purpose, url: String) -> Outcome {
    let tile = purpose.tile();
    let wish = purpose.wish().clone();
    let open_browser = wish.open_browser;
    let title = match (tile, &purpose) {
        (Some(tile), _) => tile.title.clone(),
        (None, Purpose::Again { service, .. }) => {
            rooms.registry.get(service).map_or_else(|| url.clone(), |e| e.row.title.clone())
        }
        (None, Purpose::New { .. }) => host(&url),
    };
    let exceptions = wish.exceptions.unwrap_or_default();
    let (known, granted) = match purpose.service().and_then(|s| rooms.registry.get(&s)).map(|e| e.credential)
    {
        Some(Held::Owned { owner, .. }) => {
            let (server, registration) = owner.registration();
            (Some((server.issuer.clone(), registration.clone())), owner.granted().unwrap_or_default())
        }
        _ => (None, Vec::new()),
    };
    let target = Target {
        url: url.clone(),
        redirect: match tile.map(|t| t.extra.redirect) {
            Some(Redirect::Scheme) => RedirectChoice::Scheme,
            _ => RedirectChoice::Loopback,
        },
        method: wish.method.and_then(super::words::method),
        preset: tile.as_ref().map(|t| t.extra.permissions.clone()).filter(|p| !p.is_empty()),
        scopes: wish.permissions,
        granted,
        client: wish.client.map(super::words::client),
        known,
        exceptions: Exceptions {
            pkce_undeclared: exceptions.contains(&Exception::PkceUndeclared),
            no_resource: exceptions.contains(&Exception::NoResource),
        },
        token_page: tile.and_then(|t| t.extra.token_page.clone()),
        account_tool: tile.and_then(|t| t.extra.account_tool.clone()),
        ask: wish.ask,
        // A tile that is part of Bellhop leads to no private network, but for the playground's.
        typed_by_person: tile.is_none_or(|t| t.own || !matches!(t.at, At::Url { .. })),
        scheme_available: inner.desktop.is_some(),
        open_browser,
    };
    let begun = inner.sign_ins.join_or_begin(&url, &purpose, || Entry {
        attempt: rooms.signin.begin(target),
        purpose: purpose.clone(),
        title,
        url: url.clone(),
        state: State::Running,
        end: watch::Sender::new(None),
    });
    match begun {
        Begun::Joined(attempt) => {
            if open_browser {
                // A page that doesn't open is said by the sign-in's own row, which offers the address.
                let _ = attempt.open_again().await;
            }
            first_page(attempt).await
        }
        Begun::New(attempt) => {
            inner.mark(SectionName::SignIns);
            tokio::spawn(follow(Arc::clone(inner), Arc::clone(rooms), attempt.clone(), purpose));
            first_page(attempt).await
        }
    }
}

async fn first_page(attempt: Attempt) -> Outcome {
    let id = attempt.id.clone();
    let mut phases = attempt.phases.clone();
    let phase = phases.wait_for(|p| !matches!(p, Phase::Looking)).await.map(|p| p.clone());
    match phase {
        Ok(Phase::Browser { address, .. }) => Ok(Answer::SignIn { attempt: id, address: Some(address) }),
        // For the terminal without a window: it shows the code itself.
        Ok(Phase::Device { address, .. }) => Ok(Answer::SignIn { attempt: id, address: Some(address) }),
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
        Err(problem) if problem.code == "signin.denied" => {
            rooms.note_failed_sign_in(purpose_name(&rooms, &purpose).as_ref(), &problem);
            decline(&rooms, &purpose);
            (State::Failed(problem.clone()), SignInEnd::Failed { problem })
        }
        // The person's own Cancel needs no report.
        Err(problem) if problem.code == "signin.cancelled" => {
            decline(&rooms, &purpose);
            (State::Over, SignInEnd::Failed { problem })
        }
        Err(problem) => {
            rooms.note_failed_sign_in(purpose_name(&rooms, &purpose).as_ref(), &problem);
            (State::Failed(problem.clone()), SignInEnd::Failed { problem })
        }
    };
    inner.sign_ins.settle(&attempt.id, state, end);
    inner.mark(SectionName::SignIns);
}

/// The person doesn't want to sign in again now: calls that wait for that end.
fn decline(rooms: &Rooms, purpose: &Purpose) {
    if let Purpose::Again { service, .. } = purpose {
        rooms.sign_in_declined(service);
    }
}

fn purpose_name(rooms: &Rooms, purpose: &Purpose) -> Option<ShortName> {
    match purpose {
        Purpose::New { tile, name, .. } => name.clone().or_else(|| tile.as_ref().map(|t| t.name.clone())),
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
    // From here on nobody else takes the name, and the service is not removed.
    let _turn = rooms.changing.lock().await;
    let old = match purpose {
        Purpose::Again { service, .. } => {
            Some(rooms.registry.get(service).ok_or_else(crate::commands::unknown_service)?)
        }
        // The same account at the same place is the same service, signed in to again.
        Purpose::New { name: None, .. } => {
            let open = matches!(signed_in.kind, signin::SignedInKind::Open);
            rooms.registry.same(&signed_in.url, signed_in.account.as_deref(), open)
        }
        Purpose::New { .. } => None,
    };
    let exceptions = super::words::exception_words(purpose.wish().exceptions.as_deref().unwrap_or_default());
    let mut row = match old {
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
            // A site is known by its own name; of other tiles all services are the same.
            let own = signed_in.title.clone();
            let title = match tile.map(|t| (&t.at, t.title.clone())) {
                Some((At::Site { .. }, title)) => own.or(Some(title)),
                Some((_, title)) => Some(title),
                None => own,
            };
            rooms.new_service_row(
                rooms.registry.free_name(&wanted),
                title.unwrap_or_else(|| host(&signed_in.url)),
                &signed_in,
                tile.map(|t| t.id.clone()),
            )
        }
    };
    row.exceptions = exceptions;
    rooms.connect_service(inner, row, signed_in).await
}

pub(crate) fn host(url: &str) -> String {
    url::Url::parse(url).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_else(|| url.to_owned())
}
