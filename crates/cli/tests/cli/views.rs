//! Views with something of everything.

use control::{
    AppMethod, AppState, AppView, CatalogueView, ConnectionState, ConnectionView, KeyView, KeysState, Method,
    PauseView, RequestAbout, RequestService, RequestView, Section, ServiceState, ServiceView, ShownTools,
    StatusView, ToolView,
};
use model::{Clock, Listing, Problem, Program, SystemClock, Timestamp};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn ago(minutes: u32) -> Timestamp {
    SystemClock.now() - MINUTE * minutes
}

/// In so many minutes, and some seconds more so that it doesn't pass the mark while a test runs.
fn ahead(minutes: u32) -> Timestamp {
    SystemClock.now() + MINUTE * minutes + Duration::from_secs(10)
}

pub fn status(desktop: bool) -> StatusView {
    StatusView {
        version: "0.1.0".into(),
        pid: 4711,
        desktop,
        home: "/home/you/.local/share/bellhop".into(),
        endpoint: Some("http://127.0.0.1:27440/mcp".into()),
        keys: KeysState::Open { kept: "keychain".into() },
        pause: PauseView::Running,
        problems: vec![Problem::new("a.b", "Playground needs you to sign in again.", "Sign in again.")],
        computer: "laptop".into(),
    }
}

pub fn services() -> Section {
    let tool = |name: &str| ToolView { name: name.into(), title: name.into(), reads: true };
    Section::Services(vec![
        ServiceView {
            id: "s1".into(),
            name: "playground".parse().unwrap(),
            title: "Playground".into(),
            url: "http://127.0.0.1:40000/mcp".into(),
            catalogue: Some("playground".into()),
            account: Some("you@playground.example".into()),
            method: control::SignInMethod::Oauth,
            permissions: control::PermissionsView::default(),
            exceptions: Vec::new(),
            stays: control::Stays::Unknown,
            state: ServiceState::Connected { until: None },
            tools: vec![tool("a"), tool("b")],
            awaited_by: vec![],
            trouble: None,
        },
        ServiceView {
            id: "s2".into(),
            name: "blog".parse().unwrap(),
            title: "My Blog".into(),
            url: "https://blog.example/mcp".into(),
            catalogue: None,
            account: None,
            method: control::SignInMethod::Oauth,
            permissions: control::PermissionsView::default(),
            exceptions: Vec::new(),
            stays: control::Stays::Unknown,
            state: ServiceState::NeedsSignIn { problem: Problem::new("a.b", "It ended.", "Sign in.") },
            tools: vec![],
            awaited_by: vec!["Cursor on laptop".into()],
            trouble: None,
        },
    ])
}

pub fn catalogue() -> Section {
    Section::Catalogue(vec![CatalogueView {
        id: "playground".into(),
        title: "Playground".into(),
        about: "Try it without an account.".into(),
        url: None,
        site: None,
        full_name: "app.bellhop.desktop/playground".into(),
        mark: "P".into(),
        colour: None,
        keywords: vec!["demo".into()],
        website: None,
        note: None,
        token_page: None,
        own: false,
        services: vec![],
    }])
}

pub fn connections() -> Section {
    let connection = ConnectionView {
        id: "0123456789abcdef0123456789abcdef".into(),
        name: "Cursor on laptop".into(),
        named: false,
        app: "Cursor".into(),
        app_id: Some("cursor".into()),
        computer: "laptop".into(),
        method: Method::Oauth,
        scope: "playground:read".parse().unwrap(),
        scope_words: "reads playground".into(),
        program: None,
        key: None,
        shown: ShownTools { listing: Listing::Auto, tools: 2, compact: false },
        connected_on: ago(180),
        last_active: Some(ago(5)),
        calls_now: 0,
        calls: 3,
        state: ConnectionState::Allowed,
    };
    Section::Connections(vec![
        connection.clone(),
        ConnectionView {
            id: "fedcba98765432100123456789abcdef".into(),
            name: "Claude Desktop on laptop".into(),
            method: Method::Bridge,
            scope: "playground:read playground:write".parse().unwrap(),
            last_active: None,
            state: ConnectionState::Revoked { on: ago(2880), refused: true },
            ..connection
        },
    ])
}

/// Two access keys, one of them old.
pub fn access_keys() -> Section {
    let Section::Connections(connections) = connections() else { unreachable!() };
    let key = |id: &str, app: &str, old| ConnectionView {
        id: id.into(),
        name: format!("{app} on laptop"),
        app: app.into(),
        app_id: None,
        method: Method::AccessKey,
        key: Some(KeyView { ends: None, old }),
        ..connections[0].clone()
    };
    let keys = [key("aaaa0000", "Backup", false), key("bbbb0000", "Old script", true)];
    Section::Connections(keys.into_iter().chain(connections.iter().cloned()).collect())
}

pub fn request(id: &str, code: &str, app: &str) -> RequestView {
    let service = |name: &str, read| RequestService {
        name: name.parse().unwrap(),
        title: name.into(),
        read,
        write: false,
        tools: vec![],
    };
    RequestView {
        id: id.into(),
        snapshot: format!("hash-of-{id}"),
        about: RequestAbout::Connect,
        code: code.into(),
        app: app.into(),
        app_id: None,
        computer: "laptop".into(),
        method: if code.is_empty() { Method::Bridge } else { Method::Oauth },
        redirect: "127.0.0.1".into(),
        program: Some(Program { pid: 1, identity: "/usr/bin/cursor".into(), name: "cursor".into() }),
        asked: "playground:read".parse().unwrap(),
        services: vec![service("playground", true), service("blog", false)],
        asked_on: ago(1),
        until: ahead(4),
    }
}

pub fn requests() -> Section {
    Section::Requests(vec![
        request("aaaa1111bbbb", "TIN OAK 7", "Cursor"),
        request("bbbb2222cccc", "", "Claude\u{1b}[2J Desktop"),
    ])
}

/// A connection that wants to do more.
pub fn wish() -> RequestView {
    let about = RequestAbout::More { connection: "n1".into(), tool: Some("write_note".into()) };
    let asked = "playground:write".parse().unwrap();
    let mut services = request("", "", "").services;
    services.truncate(1);
    services[0].read = false;
    RequestView { about, asked, services, ..request("dddd3333eeee", "", "Cursor") }
}

pub fn apps() -> Section {
    let app = |id: &str, name: &str, found, state| AppView {
        id: id.into(),
        name: name.into(),
        found,
        file: format!("~/.{id}/mcp.json"),
        state,
        default: AppMethod::Http,
        methods: vec![AppMethod::Http, AppMethod::Bridge],
    };
    Section::Apps(vec![
        app("cursor", "Cursor", true, AppState::Connected { method: AppMethod::Http }),
        app("claude-desktop", "Claude Desktop", false, AppState::Disconnected),
    ])
}
