//! What the tray's menu holds for a view. Pure, so that it can be tested without a tray.

use crate::{desk::Wish, words::Words};
use control::{
    Command, ConnectionState, KeysState, PauseFor, PauseView, RequestAbout, Section, SectionName,
    ServiceState, View,
};
use model::{RequestId, ServiceId, Timestamp};
use std::time::Duration;

/// How long after its last call an app still counts as active.
const ACTIVE: Duration = Duration::from_secs(60);
/// How many apps, requests or services the menu names; the window shows all.
const NAMED: usize = 5;

/// The state that the icon shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// All is well.
    Well,
    /// A call is under way.
    Busy,
    /// No call passes.
    Paused,
    /// Something waits for the person.
    NeedsYou,
}

/// A line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// To read only.
    Line(String),
    /// To click.
    Do(Act, String),
    /// A rule between two groups.
    Rule,
    /// A menu behind it.
    Sub(String, Vec<Entry>),
}

/// What a click does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Open the main window.
    Open,
    /// Open the consent window of a request.
    Consent(RequestId),
    /// Sign in again to a service.
    SignIn(ServiceId),
    /// Let no call pass.
    Pause(PauseFor),
    /// Let calls pass again.
    Resume,
    /// End Bellhop.
    Quit,
}

impl Act {
    /// The act as a menu entry's id. It says all by itself, so that a click on an entry of a menu that was
    /// replaced a moment ago still does what the person read.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Open => "open".to_owned(),
            Self::Consent(request) => format!("consent:{request}"),
            Self::SignIn(service) => format!("sign-in:{service}"),
            Self::Pause(PauseFor::Minutes15) => "pause-15-minutes".to_owned(),
            Self::Pause(PauseFor::UntilTomorrow) => "pause-until-tomorrow".to_owned(),
            Self::Pause(PauseFor::UntilResume) => "pause-until-resume".to_owned(),
            Self::Resume => "resume".to_owned(),
            Self::Quit => "quit".to_owned(),
        }
    }

    /// The act of an id.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        Some(match id.split_once(':') {
            Some(("consent", request)) => Self::Consent(request.into()),
            Some(("sign-in", service)) => Self::SignIn(service.into()),
            Some(_) => return None,
            None => match id {
                "open" => Self::Open,
                "pause-15-minutes" => Self::Pause(PauseFor::Minutes15),
                "pause-until-tomorrow" => Self::Pause(PauseFor::UntilTomorrow),
                "pause-until-resume" => Self::Pause(PauseFor::UntilResume),
                "resume" => Self::Resume,
                "quit" => Self::Quit,
                _ => return None,
            },
        })
    }

    /// What is wished for by it.
    pub(crate) fn wish(self) -> Wish {
        match self {
            Self::Open => Wish::Show(None),
            Self::Consent(request) => Wish::Show(Some(request)),
            Self::SignIn(service) => Wish::Do(Command::sign_in(service, true)),
            Self::Pause(length) => Wish::Do(Command::Pause { length }),
            Self::Resume => Wish::Do(Command::Resume),
            Self::Quit => Wish::Quit,
        }
    }
}

/// The menu before the engine has said anything.
pub(crate) fn starting(words: &Words) -> Vec<Entry> {
    vec![Entry::Line(words.starting.to_owned()), Entry::Rule, Entry::Do(Act::Quit, words.quit.to_owned())]
}

/// The menu when the engine could not start; the window says why.
pub(crate) fn failed(words: &Words) -> Vec<Entry> {
    vec![Entry::Line(words.needs_you.to_owned()), Entry::Rule, Entry::Do(Act::Quit, words.quit.to_owned())]
}

/// The look and the menu for a view at a time.
pub(crate) fn of(view: &View, words: &Words, now: Timestamp) -> (Look, Vec<Entry>) {
    let needs = needs(view, words);
    let (active, calling) = active(view, words, now);
    let pause = pause(view);

    let (look, state) = match &pause {
        _ if !needs.is_empty() => (Look::NeedsYou, words.needs_you.to_owned()),
        PauseView::Paused { until: Some(until) } => {
            (Look::Paused, words.paused_until.replace("{}", &clock_time(*until, now)))
        }
        PauseView::Paused { until: None } => (Look::Paused, words.paused.to_owned()),
        PauseView::Running if calling => (Look::Busy, words.well.to_owned()),
        PauseView::Running => (Look::Well, words.well.to_owned()),
    };

    let mut entries = vec![Entry::Line(state)];
    entries.extend(needs);
    entries.extend(active);
    entries.push(Entry::Rule);
    entries.push(match pause {
        PauseView::Paused { .. } => Entry::Do(Act::Resume, words.resume.to_owned()),
        PauseView::Running => {
            let lengths = [
                (PauseFor::Minutes15, words.minutes_15),
                (PauseFor::UntilTomorrow, words.until_tomorrow),
                (PauseFor::UntilResume, words.until_resume),
            ];
            let lengths = lengths.map(|(length, text)| Entry::Do(Act::Pause(length), text.to_owned()));
            Entry::Sub(words.pause.to_owned(), lengths.into())
        }
    });
    entries.push(Entry::Do(Act::Open, words.open.to_owned()));
    entries.push(Entry::Do(Act::Quit, words.quit.to_owned()));
    (look, entries)
}

/// What waits for the person, most urgent first.
fn needs(view: &View, words: &Words) -> Vec<Entry> {
    let mut needs = Vec::new();
    if let Some(Section::Requests(requests)) = view.sections.get(&SectionName::Requests) {
        needs.extend(requests.iter().take(NAMED).map(|request| {
            let asks = match request.about {
                RequestAbout::Connect => words.asks,
                RequestAbout::More { .. } => words.asks_more,
            };
            Entry::Do(Act::Consent(request.id.clone()), asks.replace("{}", &short(&request.app)))
        }));
    }
    let status = match view.sections.get(&SectionName::Status) {
        Some(Section::Status(status)) => Some(status),
        _ => None,
    };
    match status.map(|status| &status.keys) {
        Some(KeysState::Locked { .. }) => needs.push(Entry::Do(Act::Open, words.unlock.to_owned())),
        Some(KeysState::Unchosen { .. }) => needs.push(Entry::Do(Act::Open, words.choose_keys.to_owned())),
        Some(KeysState::Open { .. }) | None => {}
    }
    if let Some(Section::Services(services)) = view.sections.get(&SectionName::Services) {
        let ended =
            services.iter().filter(|service| matches!(service.state, ServiceState::NeedsSignIn { .. }));
        needs.extend(ended.take(NAMED).map(|service| {
            Entry::Do(Act::SignIn(service.id.clone()), words.sign_in.replace("{}", &short(&service.title)))
        }));
    }
    // Problems of other kinds have sentences too long for a menu.
    if needs.is_empty() && status.is_some_and(|status| !status.problems.is_empty()) {
        needs.push(Entry::Do(Act::Open, words.look.to_owned()));
    }
    needs
}

/// The apps that are used now, and whether a call is under way.
fn active(view: &View, words: &Words, now: Timestamp) -> (Vec<Entry>, bool) {
    let Some(Section::Connections(connections)) = view.sections.get(&SectionName::Connections) else {
        return (Vec::new(), false);
    };
    let allowed = connections.iter().filter(|c| c.state == ConnectionState::Allowed);
    let active: Vec<_> = allowed
        .filter(|c| c.calls_now > 0 || c.last_active.is_some_and(|at| now.since(at) < ACTIVE))
        .collect();
    let calling = active.iter().any(|c| c.calls_now > 0);
    let lines = active.iter().take(NAMED).map(|c| Entry::Line(words.active.replace("{}", &short(&c.app))));
    (lines.collect(), calling)
}

fn pause(view: &View) -> PauseView {
    match view.sections.get(&SectionName::Status) {
        Some(Section::Status(status)) => status.pause.clone(),
        _ => PauseView::Running,
    }
}

/// A name that somebody else chose, on one line and no longer than a menu bears.
fn short(name: &str) -> String {
    const LONGEST: usize = 40;
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if name.chars().count() <= LONGEST {
        return name;
    }
    name.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// A time of the day, with the date when it is another day's.
fn clock_time(at: Timestamp, now: Timestamp) -> String {
    let local = |t: Timestamp| {
        jiff::Timestamp::from_millisecond(t.millis()).map(|t| t.to_zoned(jiff::tz::TimeZone::system())).ok()
    };
    match (local(at), local(now)) {
        (Some(at), Some(now)) if at.date() == now.date() => at.strftime("%H:%M").to_string(),
        (Some(at), _) => at.strftime("%Y-%m-%d %H:%M").to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
#[path = "menu_tests.rs"]
mod tests;
