//! The sections of the view, built from what the rooms know.

use crate::{
    asking::wish::Wish,
    catalogue::{At, Tile},
    connections::{Known, Standing},
    inner::Inner,
    registry::{Entry, Held},
    rooms::Rooms,
    sign_ins,
};
use control::{
    AppMethod, AppState, AppView, CatalogueView, ConnectionState, ConnectionView, KeyView, KeysState,
    PermissionsView, RequestAbout, RequestService, RequestView, Section, SectionName, ServiceState,
    ServiceView, SettingsView, ShownTools, SignInMethod, StatusView, Stays, ToolView,
};
use model::{Access, Listing, Scope};
use signin::CredentialState;
use std::sync::Arc;

/// After this an access key should be replaced: whoever read it meanwhile would go on using it.
const KEY_IS_OLD: std::time::Duration = std::time::Duration::from_secs(90 * 24 * 60 * 60);

/// Build one section, as it is now.
pub(crate) async fn section(inner: &Arc<Inner>, name: SectionName) -> Section {
    let rooms = inner.rooms.get();
    match name {
        SectionName::Status => Section::Status(status(inner)),
        SectionName::Services => Section::Services(
            rooms.map(|r| r.registry.all().iter().map(|e| service(r, e)).collect()).unwrap_or_default(),
        ),
        SectionName::Catalogue => Section::Catalogue(tiles(inner, rooms)),
        SectionName::SignIns => Section::SignIns(inner.sign_ins.view()),
        SectionName::Connections => {
            let all = rooms.map(|r| r.connections.all()).unwrap_or_default();
            Section::Connections(all.iter().filter_map(|k| Some(connection(rooms?, k))).collect())
        }
        SectionName::Requests => Section::Requests(rooms.map(|r| requests(inner, r)).unwrap_or_default()),
        SectionName::Apps => Section::Apps(app_list(inner).await),
        SectionName::Activity => Section::Activity(match rooms {
            Some(rooms) => rooms.activity(&control::ActivityFilter::default()).await.unwrap_or_default(),
            None => Vec::new(),
        }),
        SectionName::Settings => Section::Settings(settings(inner)),
    }
}

fn status(inner: &Inner) -> StatusView {
    let keys = inner.keys().clone();
    let mut problems = Vec::new();
    if let KeysState::Locked { problem, .. } = &keys {
        problems.push(problem.clone());
    }
    for entry in inner.rooms.get().map(|r| r.registry.all()).unwrap_or_default() {
        if let ServiceState::NeedsSignIn { problem } = service_state(&entry) {
            let problem = problem.with("service", &entry.row.name).with("title", &entry.row.title);
            let waiting = inner.rooms.get().map(|r| awaited_by(r, &entry)).unwrap_or_default().join(", ");
            problems.push(if waiting.is_empty() { problem } else { problem.with("awaited_by", waiting) });
        }
    }
    problems.extend(inner.catalogue.now().problem().cloned());
    StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        desktop: inner.desktop.is_some(),
        home: inner.home.root().display().to_string(),
        endpoint: Some(inner.endpoint()),
        keys,
        pause: inner.pause.view(),
        problems,
        computer: inner.computer.clone(),
    }
}

fn service_state(entry: &Entry) -> ServiceState {
    let (states, renews) = match &entry.credential {
        Held::Owned { owner, renews } => (owner.states(), *renews),
        Held::Fixed(handle) => (handle.states(), false),
        Held::Sealed(problem) => return ServiceState::NeedsSignIn { problem: problem.clone() },
        Held::None => {
            return match entry.row.method {
                store::ServiceMethod::None => ServiceState::Connected { until: None },
                _ => ServiceState::SignedOut,
            };
        }
    };
    let state = states.borrow().clone();
    match state {
        CredentialState::Ready { until } => ServiceState::Connected { until: until.filter(|_| !renews) },
        CredentialState::Refreshing => ServiceState::Connected { until: None },
        CredentialState::Degraded { problem, next_try }
        | CredentialState::Unsaved { problem, next_try, .. } => ServiceState::Degraded { problem, next_try },
        CredentialState::NeedsSignIn { problem } => ServiceState::NeedsSignIn { problem },
        CredentialState::Stopped => ServiceState::SignedOut,
    }
}

fn tools(rooms: &Rooms, entry: &Entry) -> Vec<ToolView> {
    let seen = rooms.relay.tools(&entry.row.id).into_iter();
    seen.map(|t| ToolView { title: t.title.unwrap_or_else(|| t.name.clone()), name: t.name, reads: t.reads })
        .collect()
}

fn service(rooms: &Rooms, entry: &Entry) -> ServiceView {
    let row = &entry.row;
    ServiceView {
        id: row.id.clone(),
        name: row.name.clone(),
        title: row.title.clone(),
        url: row.url.clone(),
        catalogue: row.catalogue.clone(),
        account: row.account.clone(),
        method: method_of(row.method),
        permissions: permissions(rooms, entry),
        exceptions: sign_ins::exceptions(&row.exceptions),
        stays: stays(entry, idle_days(rooms, entry)),
        state: service_state(entry),
        tools: tools(rooms, entry),
        awaited_by: awaited_by(rooms, entry),
        trouble: rooms.relay.health(&row.id),
    }
}

pub(crate) fn method_of(method: store::ServiceMethod) -> SignInMethod {
    match method {
        store::ServiceMethod::Oauth => SignInMethod::Oauth,
        store::ServiceMethod::Device => SignInMethod::Device,
        store::ServiceMethod::Token => SignInMethod::Token,
        store::ServiceMethod::Password => SignInMethod::Password,
        store::ServiceMethod::None => SignInMethod::None,
    }
}

/// What was asked for, and what was granted: without a word from the provider that is the same (RFC 6749 §5.1).
fn permissions(rooms: &Rooms, entry: &Entry) -> PermissionsView {
    let granted = entry.granted();
    let wanted = rooms.awaited.wanted(&entry.row.id);
    let wanted = wanted.into_iter().filter(|w| !granted.contains(w)).collect();
    PermissionsView { asked: entry.row.asked.clone().unwrap_or_default(), granted, wanted }
}

/// After how many days without use the service's refresh token is lost, where that is known of the provider.
fn idle_days(rooms: &Rooms, entry: &Entry) -> Option<u16> {
    let id = entry.row.catalogue.as_deref()?;
    rooms.house()?.catalogue.tile(id)?.extra.refresh_idle_days
}

/// How long a service stays signed in, as far as anybody said.
fn stays(entry: &Entry, idle_days: Option<u16>) -> Stays {
    match (&entry.credential, service_state(entry)) {
        (Held::None, ServiceState::Connected { .. }) => Stays::OpenEnded,
        (
            Held::Owned { owner, renews: true },
            ServiceState::Connected { .. } | ServiceState::Degraded { .. },
        ) => {
            let idle = idle_days.and_then(|days| {
                Some(owner.issued_at()? + std::time::Duration::from_secs(u64::from(days) * 24 * 60 * 60))
            });
            // It is renewed long before, again and again.
            owner.stays_until().or(idle).map_or(Stays::OpenEnded, |at| Stays::Until { at })
        }
        (_, ServiceState::Connected { until: Some(at) }) => Stays::NeedsYouOn { at },
        (Held::Fixed(_), ServiceState::Connected { until: None }) => Stays::OpenEnded,
        _ => Stays::Unknown,
    }
}

/// The connections, by name, whose calls wait until the person has signed in to this service.
fn awaited_by(rooms: &Rooms, entry: &Entry) -> Vec<String> {
    let all = rooms.awaited.connections(&entry.row.id).into_iter();
    all.filter_map(|c| rooms.connections.get(&c)).map(|k| k.name()).collect()
}

fn tiles(inner: &Inner, rooms: Option<&Arc<Rooms>>) -> Vec<CatalogueView> {
    let services = rooms.map(|r| r.registry.all()).unwrap_or_default();
    let view = |t: &Arc<Tile>| CatalogueView {
        id: t.id.clone(),
        title: t.title.clone(),
        about: t.about.clone(),
        url: match &t.at {
            At::Url { url } => Some(url.clone()),
            At::Playground | At::Site { .. } => None,
        },
        site: match &t.at {
            At::Site { example } => Some(example.clone()),
            At::Url { .. } | At::Playground => None,
        },
        full_name: t.full_name.clone(),
        mark: t.mark(),
        colour: t.extra.colour.clone(),
        keywords: t.extra.keywords.clone(),
        website: t.website.clone(),
        note: t.extra.note.clone(),
        token_page: t.extra.token_page.clone(),
        own: t.own,
        services: services
            .iter()
            .filter(|e| e.row.catalogue.as_deref() == Some(t.id.as_str()))
            .map(|e| e.row.id.clone())
            .collect(),
    };
    inner.catalogue.now().tiles().iter().map(view).collect()
}

/// A scope in words: "reads playground, changes mittwald".
pub(crate) fn words(scope: &Scope) -> String {
    let mut parts: Vec<String> = Vec::new();
    for permit in scope.permits() {
        let changes = scope.allows(&permit.service, Access::Write);
        let part = match (permit.access, changes) {
            (Access::Read, true) => continue,
            (Access::Read, false) => format!("reads {}", permit.service),
            (Access::Write, _) => format!("reads and changes {}", permit.service),
        };
        parts.push(part);
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn connection(rooms: &Rooms, known: &Known) -> ConnectionView {
    let shown = match &known.standing {
        Standing::Allowed(live) => {
            let seen = rooms.relay.tools_shown(live);
            ShownTools {
                listing: live.shows().listing,
                tools: u32::try_from(seen.tools).unwrap_or(u32::MAX),
                compact: seen.compact,
            }
        }
        Standing::Revoked { .. } => ShownTools { listing: Listing::Auto, tools: 0, compact: false },
    };
    let state = match &known.standing {
        Standing::Allowed(live) => {
            live.paused_on().map_or(ConnectionState::Allowed, |since| ConnectionState::Paused { since })
        }
        Standing::Revoked { on, refused, .. } => ConnectionState::Revoked { on: *on, refused: *refused },
    };
    let key = (known.method() == control::Method::AccessKey && known.live_id().is_some()).then(|| KeyView {
        ends: known.key_ends,
        old: rooms.clock().now().since(known.grant.allowed_on) >= KEY_IS_OLD,
    });
    let (calls_now, calls, scope) = match &known.standing {
        Standing::Allowed(live) => (
            u32::try_from(live.gate.in_flight()).unwrap_or(u32::MAX),
            u32::try_from(live.calls()).unwrap_or(u32::MAX),
            live.grant.load().scope.clone(),
        ),
        Standing::Revoked { .. } => (0, 0, known.grant.scope.clone()),
    };
    ConnectionView {
        id: known.grant.connection.clone(),
        name: known.name(),
        named: known.own_name.is_some(),
        app: known.app.clone(),
        app_id: known.app_id.clone(),
        computer: known.computer.clone(),
        method: known.method(),
        scope_words: words(&scope),
        scope,
        program: known.grant.program.clone(),
        key,
        shown,
        connected_on: known.grant.allowed_on,
        last_active: known.last_active(),
        calls_now,
        calls,
        state,
    }
}

fn requests(inner: &Inner, rooms: &Rooms) -> Vec<RequestView> {
    let services = rooms.registry.all();
    let waiting = rooms.authority.requests().borrow().clone();
    let view = |r: &authority::Request| RequestView {
        id: r.id.clone(),
        snapshot: r.snapshot.clone(),
        about: RequestAbout::Connect,
        code: r.code.clone(),
        app: r.app.clone(),
        app_id: rooms.recognise(&r.app),
        computer: inner.computer.clone(),
        method: match r.method {
            authority::Method::Oauth => control::Method::Oauth,
            authority::Method::Bridge => control::Method::Bridge,
            authority::Method::Device => control::Method::Device,
            authority::Method::AccessKey => control::Method::AccessKey,
        },
        redirect: r.redirect.clone(),
        program: r.program.clone(),
        asked: r.asked.clone(),
        services: r
            .offered
            .iter()
            .map(|o| RequestService {
                name: o.name.clone(),
                title: o.title.clone(),
                read: r.preselected.allows(&o.name, Access::Read),
                write: r.preselected.allows(&o.name, Access::Write),
                tools: services
                    .iter()
                    .find(|e| e.row.name == o.name)
                    .map(|e| tools(rooms, e))
                    .unwrap_or_default(),
            })
            .collect(),
        asked_on: r.asked_on,
        until: r.until,
    };
    let wishes = rooms.permits.shown().borrow().clone();
    let mut all: Vec<_> = waiting.iter().map(view).chain(wishes.iter().map(|w| wish(rooms, w))).collect();
    all.sort_by_key(|r| r.asked_on);
    all
}

/// A connection that wants to do more.
fn wish(rooms: &Rooms, w: &Wish) -> RequestView {
    let services = rooms.registry.all();
    let entry = services.iter().find(|e| e.row.name == w.permit.service);
    RequestView {
        id: w.id.clone(),
        snapshot: w.snapshot.clone(),
        about: RequestAbout::More { connection: w.connection.clone(), tool: w.tool.clone() },
        code: String::new(),
        app: w.app.clone(),
        app_id: rooms.recognise(&w.app),
        computer: w.computer.clone(),
        method: w.method,
        redirect: String::new(),
        program: w.program.clone(),
        asked: w.asked(),
        services: vec![RequestService {
            name: w.permit.service.clone(),
            title: w.title.clone(),
            read: false,
            write: false,
            tools: entry.map(|e| tools(rooms, e)).unwrap_or_default(),
        }],
        asked_on: w.asked_on,
        until: w.until,
    }
}

/// The apps, read from their configs; on a thread that may wait for a disk.
async fn app_list(inner: &Arc<Inner>) -> Vec<AppView> {
    let apps = inner.apps.clone();
    tokio::task::spawn_blocking(move || apps.list().into_iter().map(app).collect()).await.unwrap_or_default()
}

pub(crate) fn method(method: apps::Method) -> AppMethod {
    match method {
        apps::Method::Http => AppMethod::Http,
        apps::Method::Bridge => AppMethod::Bridge,
    }
}

fn app(seen: apps::AppSeen) -> AppView {
    AppView {
        id: seen.id,
        name: seen.name,
        found: seen.found.is_some(),
        file: seen.file.map(|f| f.display().to_string()).unwrap_or_default(),
        state: match seen.state {
            apps::AppState::Disconnected => AppState::Disconnected,
            apps::AppState::Connected { method: m } => AppState::Connected { method: method(m) },
            apps::AppState::Other { problem } => AppState::Other { problem },
            apps::AppState::Unreadable { problem } => AppState::Unreadable { problem },
        },
        default: method(seen.default),
        methods: seen.methods.into_iter().map(method).collect(),
    }
}

fn settings(inner: &Inner) -> SettingsView {
    let autostart = match &inner.desktop {
        Some(desktop) => desktop.autostart(),
        None => Err("Only the desktop app can start by itself.".to_owned()),
    };
    SettingsView {
        autostart: *autostart.as_ref().unwrap_or(&false),
        autostart_fixed: autostart.err(),
        port: inner.port,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_said_in_words_with_changing_once() {
        assert_eq!(
            words(&"a:read b:read b:write c:write".parse().unwrap()),
            "reads a, reads and changes b, reads and changes c"
        );
        assert_eq!(words(&Scope::default()), "nothing");
    }
}
