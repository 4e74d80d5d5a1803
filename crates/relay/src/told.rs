//! What a service says in the course of a call, as the app is told it.

use crate::{
    Relay,
    app::{self, Ability, App},
    cross::{self, Turn},
    flight::Flight,
    legacy::{
        link::Link,
        session::{Asker, Session},
        translate,
    },
    problem::RelayError,
    shelf, tasks, uris,
};
use bytes::Bytes;
use model::ShortName;
use protocol::{Era, Id, Level, Message, Notification, Object, Outcome, Request, Response, code, method};
use serde_json::value::RawValue;
use std::{borrow::Cow, sync::Arc};

/// The eras of the two sides of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Both legacy: everything passes as it is.
    Legacy,
    /// Both modern: likewise.
    Modern,
    /// An app of the legacy era, a service of the modern one.
    LegacyApp,
    /// An app of the modern era, a service of the legacy one.
    ModernApp,
}

impl Way {
    pub(crate) const fn new(app: Era, service: Era) -> Self {
        match (app, service) {
            (Era::Legacy, Era::Legacy) => Self::Legacy,
            (Era::Modern, Era::Modern) => Self::Modern,
            (Era::Legacy, Era::Modern) => Self::LegacyApp,
            (Era::Modern, Era::Legacy) => Self::ModernApp,
        }
    }

    /// Whether messages change on the way.
    pub(crate) const fn crosses(self) -> bool {
        matches!(self, Self::LegacyApp | Self::ModernApp)
    }
}

/// What becomes of a service's message.
pub(crate) enum Passed {
    /// The answer to the call, and what the log calls it.
    Answer(Bytes, &'static str),
    /// Something before the answer.
    On(Bytes),
    /// The service ends its work with questions to the app (the modern era's way), and the state to send back.
    Ask(Vec<(String, Box<RawValue>)>, Option<Box<RawValue>>),
    /// The service asks in the middle of its work (the legacy era's way).
    Question(Question),
    /// It takes such a question back.
    Withdrawn(Id),
    /// It can't go on.
    Fail(RelayError),
    /// Nothing for the app.
    Nothing,
}

/// A question of a service of the legacy era that an app of the modern one is asked in a result.
pub(crate) struct Question {
    /// The service's id for it.
    pub(crate) id: Id,
    /// The request as the app gets it.
    pub(crate) request: Box<RawValue>,
}

/// What it takes to turn an answer into the app's.
#[derive(Clone)]
pub(crate) struct Shape {
    /// The app's id for the call.
    pub(crate) id: Id,
    /// Whether the app may keep the result for a while.
    pub(crate) cacheable: bool,
    /// Whether it is a tool's.
    pub(crate) tool: bool,
    /// The service's short name, at the endpoint of all services: what is named in the answer gets it in front.
    pub(crate) prefix: Option<ShortName>,
}

impl Shape {
    /// The answer as the app gets it. `data` is the message as it came; where nothing has to change, that is
    /// what the app gets.
    pub(crate) fn answer(&self, relay: &Relay, way: Way, response: &Response<'_>, data: &[u8]) -> Passed {
        let outcome = outcome(&response.outcome);
        let same_id = response.id.as_ref() == Some(&self.id);
        let named = match (&self.prefix, &response.outcome) {
            (Some(name), Outcome::Result(result)) => {
                let named = tasks::named(result, name);
                uris::named(relay, name, named.as_deref().unwrap_or(result)).or(named)
            }
            _ => None,
        };
        let turned = match (way, &response.outcome) {
            (Way::Legacy | Way::Modern, _) => match named {
                None if same_id => return Passed::Answer(Bytes::copy_from_slice(data), outcome),
                None => None,
                Some(result) => Some(Turn::Result(result)),
            },
            (Way::ModernApp, Outcome::Result(r)) => {
                let r = named.as_deref().unwrap_or(r);
                Some(Turn::Result(cross::result_for_modern(r, self.cacheable, &relay.limits)))
            }
            (Way::ModernApp, Outcome::Error(e)) => Some(cross::error_for_modern(e)),
            (Way::LegacyApp, Outcome::Result(r)) => {
                Some(cross::result_for_legacy(named.as_deref().unwrap_or(r), self.tool))
            }
            (Way::LegacyApp, Outcome::Error(e)) => Some(Turn::Error(cross::error_for_legacy(e))),
        };
        let own = match turned {
            None => response.outcome.clone(),
            Some(Turn::Result(r)) => Outcome::Result(Cow::Owned(r)),
            Some(Turn::Error(e)) => Outcome::Error(Cow::Owned(e)),
            Some(Turn::Ask(asked, state)) => return Passed::Ask(asked, state),
        };
        Passed::Answer(Response { id: Some(self.id.clone()), outcome: own }.to_bytes(), outcome)
    }
}

/// How the activity log calls it.
pub(crate) fn outcome(outcome: &Outcome<'_>) -> &'static str {
    match outcome {
        Outcome::Error(_) => "error",
        Outcome::Result(result) => {
            // Most results say nothing of it, and are spared a reader.
            let failed = result.get().contains("\"isError\"")
                && Object::parse(result.get()).ok().and_then(|r| r.flag("isError")) == Some(true);
            if failed { "tool_error" } else { "ok" }
        }
    }
}

/// Reads a message that came on a call's own stream.
pub(crate) fn on_call(flight: &Flight, shape: &Shape, way: Way, data: &str) -> Passed {
    let message = match Message::peek(data.as_bytes()) {
        Ok(message) => message,
        Err(flaw) => {
            tracing::debug!(service = %flight.service.name, %flaw, "a service sent no message");
            return Passed::Nothing;
        }
    };
    match message {
        Message::Response(response) => {
            if response.id.as_ref() != Some(&flight.trip().sent_id()) {
                return Passed::Nothing;
            }
            shape.answer(&flight.relay, way, &response, data.as_bytes())
        }
        Message::Notification(notice) => notification(flight, way, notice, data),
        Message::Request(question) => question_of(flight, way, question),
    }
}

fn notification(flight: &Flight, way: Way, notice: Notification<'_>, data: &str) -> Passed {
    let as_it_came = || Passed::On(Bytes::copy_from_slice(data.as_bytes()));
    if shelf::is_list_change(&notice.method) {
        // The app lists from the inventory: it is told when that has changed.
        flight.relay.lists_changed(&flight.service);
        return Passed::Nothing;
    }
    match (way, notice.method.as_ref()) {
        (Way::Legacy, _) => {
            let App::Session(session) = &flight.app else { return Passed::Nothing };
            let Some(link) = flight.trip().link() else { return Passed::Nothing };
            translate::notification(&flight.relay, session, &link, notice, data)
        }
        (Way::Modern | Way::LegacyApp, _) => as_it_came(),
        (Way::ModernApp, method::PROGRESS) => match (&flight.token, notice.params) {
            (Some(token), Some(mut params)) => {
                params.set("progressToken", token.clone());
                Passed::On(Notification::new(method::PROGRESS, Some(params)).to_bytes())
            }
            _ => Passed::Nothing,
        },
        (Way::ModernApp, method::MESSAGE) => {
            let said = notice.params.as_ref().and_then(|p| p.get("level")).and_then(Level::from_raw);
            match (flight.level(), said) {
                (Some(wanted), Some(said)) if said >= wanted => as_it_came(),
                _ => Passed::Nothing,
            }
        }
        (Way::ModernApp, method::CANCELLED) => {
            notice.id_param("requestId").map_or(Passed::Nothing, Passed::Withdrawn)
        }
        // Of the era before alone, or for a subscription, which has a stream of its own.
        (Way::ModernApp, method::ELICITATION_COMPLETE | method::RESOURCE_UPDATED) => Passed::Nothing,
        (Way::ModernApp, _) => as_it_came(),
    }
}

fn question_of(flight: &Flight, way: Way, question: Request<'_>) -> Passed {
    let Some(link) = flight.trip().link() else {
        // Services of the modern era have no requests.
        return Passed::Nothing;
    };
    match (way, &flight.app) {
        (Way::Legacy, App::Session(session)) => {
            ask_the_app(&flight.relay, session, &link, Some(&flight.id), question)
        }
        (Way::ModernApp, _) => ask_in_result(flight, &link, question),
        _ => Passed::Nothing,
    }
}

/// A question gets an id of ours, so that two services never ask with the same one.
pub(crate) fn ask_the_app(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    link: &Arc<Link>,
    call: Option<&Id>,
    mut question: Request<'_>,
) -> Passed {
    match session.asked(Asker::Service(link.clone(), question.id.clone()), call) {
        Some(ours) => {
            question.id = ours;
            Passed::On(question.to_bytes())
        }
        None => {
            answer_with_error(relay, link, &question.id, code::INTERNAL, "Too many requests are waiting.");
            Passed::Nothing
        }
    }
}

/// An app of the modern era is asked in a result, when it declared that it can be.
fn ask_in_result(flight: &Flight, link: &Arc<Link>, question: Request<'_>) -> Passed {
    if question.method == method::PING {
        let answer = protocol::result(&question.id, Object::new());
        let (relay, link) = (flight.relay.clone(), link.clone());
        tokio::spawn(async move { relay.tell(&link, answer).await });
        return Passed::Nothing;
    }
    let Some(ability) = Ability::of(&question.method, question.params.as_ref()) else {
        let text = "This app knows no such request.";
        answer_with_error(&flight.relay, link, &question.id, code::METHOD_NOT_FOUND, text);
        return Passed::Nothing;
    };
    if !app::can(flight.app.declared(), ability) {
        let text = "The app did not say that it can do this.";
        answer_with_error(&flight.relay, link, &question.id, code::INVALID_REQUEST, text);
        let title = flight.service.title.clone();
        return Passed::Fail(RelayError::MissingCapability { title, ability });
    }
    let id = question.id.clone();
    let request = cross::question_for_modern(&question.method, question.params);
    Passed::Question(Question { id, request })
}

/// Tells a service that its question can't be answered.
pub(crate) fn answer_with_error(relay: &Arc<Relay>, link: &Arc<Link>, id: &Id, code: i64, text: &str) {
    let refusal = protocol::error(Some(id), code, text);
    let (relay, link) = (relay.clone(), link.clone());
    tokio::spawn(async move { relay.tell(&link, refusal).await });
}
