use crate::{Connection, legacy::session::Session};
use model::Resource;
use protocol::{Era, Level, Object};
use serde_json::value::RawValue;
use std::sync::Arc;

/// Who asks: the app's side of a request, in its own era.
#[derive(Clone)]
pub(crate) enum App {
    /// On a session of the legacy era.
    Session(Arc<Session>),
    /// In the modern era, where each request says everything itself.
    Visit(Arc<Visit>),
}

/// One request of the modern era, as far as it describes itself.
pub(crate) struct Visit {
    pub(crate) connection: Arc<Connection>,
    /// Where it came in.
    pub(crate) endpoint: Resource,
    /// What the app can do, as it came.
    pub(crate) declared: Box<RawValue>,
    /// From which level on it wants to hear what the service logs.
    pub(crate) level: Option<Level>,
}

/// What a service asks an app in the middle of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ability {
    /// The person fills in a form.
    Form,
    /// The person opens an address.
    Url,
    Sampling,
    Roots,
}

impl Ability {
    /// What answering this request takes.
    pub(crate) fn of(method: &str, params: Option<&Object<'_>>) -> Option<Self> {
        Some(match method {
            protocol::method::ELICIT => match params.and_then(|p| p.text("mode")).as_deref() {
                Some("url") => Self::Url,
                _ => Self::Form,
            },
            protocol::method::SAMPLE => Self::Sampling,
            protocol::method::ROOTS_LIST => Self::Roots,
            _ => return None,
        })
    }

    /// The capability that an app declares for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Form | Self::Url => "elicitation",
            Self::Sampling => "sampling",
            Self::Roots => "roots",
        }
    }

    /// What an app that has nothing but this declares.
    pub(crate) fn declared(self) -> Object<'static> {
        let within = match self {
            Self::Form => Object::new().with("form", Object::new()),
            Self::Url => Object::new().with("url", Object::new()),
            Self::Sampling | Self::Roots => Object::new(),
        };
        Object::new().with(self.name(), within)
    }

    /// Whether the person is asked, who may turn away.
    pub(crate) const fn is_of_the_person(self) -> bool {
        matches!(self, Self::Form | Self::Url)
    }

    const ALL: [Self; 4] = [Self::Form, Self::Url, Self::Sampling, Self::Roots];
}

/// Whether these capabilities hold this one.
pub(crate) fn can(declared: &RawValue, ability: Ability) -> bool {
    // Nearly every app that can nothing says `{}`.
    if !declared.get().contains(ability.name()) {
        return false;
    }
    let Ok(declared) = Object::parse(declared.get()) else { return false };
    let Some(said) = declared.get(ability.name()) else { return false };
    let modes = Object::parse(said.get()).unwrap_or_default();
    match ability {
        // Who names no mode means forms (2025-11-25, "Elicitation": capabilities).
        Ability::Form => modes.get("form").is_some() || modes.get("url").is_none(),
        Ability::Url => modes.get("url").is_some(),
        Ability::Sampling | Ability::Roots => true,
    }
}

/// Whether an app that declared this can be asked anything.
pub(crate) fn can_be_asked(declared: &RawValue) -> bool {
    Ability::ALL.into_iter().any(|a| can(declared, a))
}

impl App {
    pub(crate) fn era(&self) -> Era {
        match self {
            Self::Session(_) => Era::Legacy,
            Self::Visit(_) => Era::Modern,
        }
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        match self {
            Self::Session(s) => &s.connection,
            Self::Visit(v) => &v.connection,
        }
    }

    pub(crate) fn endpoint(&self) -> &Resource {
        match self {
            Self::Session(s) => &s.endpoint,
            Self::Visit(v) => &v.endpoint,
        }
    }

    pub(crate) fn declared(&self) -> &RawValue {
        match self {
            Self::Session(s) => &s.declared,
            Self::Visit(v) => &v.declared,
        }
    }

    /// From which level on the app wants to hear what this service logs.
    pub(crate) fn level(&self) -> Option<Level> {
        match self {
            Self::Session(s) => s.level(),
            Self::Visit(v) => v.level,
        }
    }
}
