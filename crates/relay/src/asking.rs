//! Asking the app what a service wants to know before it answers.

use crate::{
    Relay,
    app::{self, Ability},
    carry::{self, Carried, Load},
    cross,
    flight::Flight,
    legacy::session::{Asker, Said, Session},
    modern::state::Waits,
    problem::RelayError,
    reply,
};
use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use protocol::{Era, Id, Object, Request, raw};
use serde_json::value::RawValue;
use std::sync::Arc;
use tokio::sync::oneshot;

type Asking = BoxFuture<'static, Result<Carried, RelayError>>;

/// Asks an app of the legacy era by requests, and makes the service's request again with the answers. `None` when
/// the app can't be asked.
///
/// Gives the requests, which go out on the call's own stream, and what then waits for the answers.
pub(crate) fn of_session(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    load: &Load,
    request: &Request<'static>,
    asked: Vec<(String, Box<RawValue>)>,
    state: Option<Box<RawValue>>,
) -> Option<(Vec<Bytes>, Asking)> {
    let (relay, session, load, mut again) = (relay.clone(), session.clone(), load.clone(), request.clone());
    let mut waiting = Vec::with_capacity(asked.len());
    let mut questions = Vec::with_capacity(asked.len());
    for (key, question) in asked {
        let name = || format!("bellhop-{}", session.number());
        let (method, params) = cross::question_for_legacy(&question, session.revision, name)?;
        let ability = Ability::of(&method, Some(&params))?;
        if !app::can(session.for_modern(), ability) {
            let title = load.service.title.clone();
            let error = RelayError::MissingCapability { title, ability };
            return Some((Vec::new(), Box::pin(async move { Err(error) })));
        }
        let (tell, said) = oneshot::channel();
        let id = session.asked(Asker::Call(tell), Some(&load.shape.id))?;
        questions.push(Request { id, method: method.into(), params: Some(params) }.to_bytes());
        waiting.push(async move { (key, ability, said.await) });
    }
    let asking: Asking = Box::pin(async move {
        let mut responses = Object::new();
        for (key, ability, said) in join_all(waiting).await {
            let said: Said = said.map_err(|_| RelayError::GivenUp)?;
            match said {
                Ok(result) => responses.put(key, result),
                // The era has no errors for answers; a person who was not asked has cancelled.
                Err(_) if ability.is_of_the_person() => {
                    responses.put(key, raw(&Object::new().with("action", "cancel")));
                }
                Err(_) => return Err(RelayError::Unanswered { title: load.service.title.clone() }),
            }
        }
        // An independent request: under an id of its own.
        again.id = Id::text(&format!("bellhop-{}", relay.number()));
        let params = again.params.get_or_insert_default();
        if !responses.is_empty() {
            params.set("inputResponses", responses.to_raw());
        }
        match state {
            Some(state) => params.set("requestState", state),
            None => params.remove("requestState"),
        }
        let app = crate::app::App::Session(session);
        carry::carry(&relay, &app, &load, &again).await
    });
    Some((questions, asking))
}

/// Asks an app of the modern era in a result, for something after which the request is to be made anew.
pub(crate) fn again(flight: &Flight, asked: Vec<(String, Box<RawValue>)>) -> Option<Asking> {
    let title = flight.service.title.clone();
    let Some(digest) = flight.digest.filter(|_| app::can(flight.app.declared(), Ability::Url)) else {
        let error = RelayError::MissingCapability { title, ability: Ability::Url };
        return Some(Box::pin(async move { Err(error) }));
    };
    let relay = &flight.relay;
    let connection = &flight.app.connection().id;
    let state = relay.seal(connection, &digest, Waits::Again);
    let message = protocol::result(&flight.id, cross::input_required(&asked, &state));
    let status = reply::status_of(Era::Modern, &message);
    Some(Box::pin(async move { Ok(Carried::Message(message, "input_required", status)) }))
}
