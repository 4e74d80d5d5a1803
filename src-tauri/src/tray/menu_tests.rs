use super::*;
use crate::words::Language;
use control::{ConnectionView, Method, RequestAbout, RequestView, ServiceView, ShownTools, StatusView};
use model::{Listing, Problem, Scope, ShortName};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn status(pause: PauseView, keys: KeysState) -> Section {
    Section::Status(StatusView {
        version: "0.1.0".into(),
        pid: 1,
        desktop: true,
        home: "/home".into(),
        endpoint: None,
        keys,
        pause,
        problems: Vec::new(),
        computer: "anna-laptop".into(),
    })
}

fn open() -> KeysState {
    KeysState::Open { kept: "keychain".into() }
}

fn connection(app: &str, calls_now: u32, last_active: Option<Timestamp>) -> ConnectionView {
    ConnectionView {
        id: app.into(),
        name: format!("{app} on anna-laptop"),
        named: false,
        app: app.into(),
        app_id: None,
        computer: "anna-laptop".into(),
        method: Method::Oauth,
        scope: Scope::default(),
        scope_words: String::new(),
        program: None,
        key: None,
        shown: ShownTools { listing: Listing::Auto, tools: 0, compact: false },
        connected_on: NOW,
        last_active,
        calls_now,
        calls: 0,
        state: ConnectionState::Allowed,
    }
}

fn request(app: &str) -> RequestView {
    RequestView {
        id: "0a".into(),
        snapshot: String::new(),
        about: RequestAbout::Connect,
        code: String::new(),
        app: app.into(),
        app_id: None,
        computer: "anna-laptop".into(),
        method: Method::Bridge,
        redirect: String::new(),
        program: None,
        asked: Scope::default(),
        services: Vec::new(),
        asked_on: NOW,
        until: NOW,
    }
}

fn service(title: &str, state: ServiceState) -> ServiceView {
    ServiceView {
        id: "5e".into(),
        name: ShortName::nearest("mittwald").unwrap(),
        title: title.into(),
        url: "https://mcp.example".into(),
        catalogue: None,
        account: None,
        method: control::SignInMethod::Oauth,
        permissions: control::PermissionsView::default(),
        exceptions: Vec::new(),
        stays: control::Stays::Unknown,
        state,
        tools: Vec::new(),
        awaited_by: Vec::new(),
        trouble: None,
    }
}

fn view(sections: impl IntoIterator<Item = Section>) -> View {
    let mut view = View::default();
    for section in sections {
        view.put(section);
    }
    view
}

fn english(sections: impl IntoIterator<Item = Section>) -> (Look, Vec<Entry>) {
    of(&view(sections), Language::English.words(), NOW)
}

fn problem() -> Problem {
    Problem::new("signin.ended", "The sign-in has ended.", "Sign in again.")
}

#[test]
fn when_all_is_well_the_menu_says_so_and_offers_pause_open_and_quit() {
    let (look, entries) = english([status(PauseView::Running, open())]);
    assert_eq!(look, Look::Well);
    assert_eq!(entries[0], Entry::Line("● All well".into()));
    assert_eq!(entries[1], Entry::Rule);
    assert!(matches!(&entries[2], Entry::Sub(text, lengths) if text == "Pause" && lengths.len() == 3));
    assert_eq!(entries[3], Entry::Do(Act::Open, "Open Bellhop".into()));
    assert_eq!(entries[4], Entry::Do(Act::Quit, "Quit".into()));
}

#[test]
fn an_app_is_active_while_it_calls_and_for_a_minute_after() {
    let connections = Section::Connections(vec![
        connection("Cursor", 1, None),
        connection("Codex", 0, Some(NOW - Duration::from_secs(59))),
        connection("Zed", 0, Some(NOW - Duration::from_secs(61))),
    ]);
    let (look, entries) = english([status(PauseView::Running, open()), connections]);
    assert_eq!(look, Look::Busy);
    assert_eq!(entries[1], Entry::Line("Cursor · active now".into()));
    assert_eq!(entries[2], Entry::Line("Codex · active now".into()));
    assert_eq!(entries[3], Entry::Rule);
}

#[test]
fn a_revoked_connection_is_never_active() {
    let mut revoked = connection("Cursor", 1, Some(NOW));
    revoked.state = ConnectionState::Revoked { on: NOW, refused: true };
    let (look, entries) = english([status(PauseView::Running, open()), Section::Connections(vec![revoked])]);
    assert_eq!((look, &entries[1]), (Look::Well, &Entry::Rule));
}

#[test]
fn what_needs_the_person_stands_before_all_else() {
    let (look, entries) = english([
        status(
            PauseView::Paused { until: None },
            KeysState::Locked { kept: "keychain".into(), problem: problem() },
        ),
        Section::Requests(vec![request("Cursor")]),
        Section::Services(vec![service("mittwald", ServiceState::NeedsSignIn { problem: problem() })]),
    ]);
    assert_eq!(look, Look::NeedsYou);
    assert_eq!(
        entries[..5],
        [
            Entry::Line("⚠ Bellhop needs you".into()),
            Entry::Do(Act::Consent("0a".into()), "Cursor wants to connect…".into()),
            Entry::Do(Act::Open, "Unlock…".into()),
            Entry::Do(Act::SignIn("5e".into()), "Sign in to mittwald…".into()),
            Entry::Rule,
        ]
    );
}

#[test]
fn a_pause_says_until_when_and_offers_to_resume_instead_of_pausing() {
    let until = NOW + Duration::from_secs(900);
    let (look, entries) = english([status(PauseView::Paused { until: Some(until) }, open())]);
    assert_eq!(look, Look::Paused);
    assert!(matches!(&entries[0], Entry::Line(text) if text.starts_with("❙❙ Paused until ")), "{entries:?}");
    assert!(entries.contains(&Entry::Do(Act::Resume, "Resume".into())));
    assert!(!entries.iter().any(|entry| matches!(entry, Entry::Sub(..))));
}

#[test]
fn the_menu_speaks_german() {
    let (_, entries) = of(&view([status(PauseView::Running, open())]), Language::German.words(), NOW);
    assert_eq!(entries[0], Entry::Line("● Alles gut".into()));
    assert_eq!(entries[4], Entry::Do(Act::Quit, "Beenden".into()));
}

#[test]
fn an_apps_name_can_neither_break_the_line_nor_fill_the_screen() {
    let name = format!("Cursor\nQuit{}", "x".repeat(200));
    let (_, entries) = english([status(PauseView::Running, open()), Section::Requests(vec![request(&name)])]);
    let Entry::Do(_, text) = &entries[1] else { panic!("{entries:?}") };
    assert!(!text.contains('\n') && text.chars().count() < 80, "{text}");
}

#[test]
fn every_act_survives_the_way_through_a_menu_id() {
    let acts = [
        Act::Open,
        Act::Consent("0a".into()),
        Act::SignIn("5e".into()),
        Act::Pause(PauseFor::Minutes15),
        Act::Pause(PauseFor::UntilTomorrow),
        Act::Pause(PauseFor::UntilResume),
        Act::Resume,
        Act::Quit,
    ];
    for act in acts {
        assert_eq!(Act::parse(&act.id()), Some(act));
    }
    assert_eq!(Act::parse("approve:0a"), None);
}
