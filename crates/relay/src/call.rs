//! One request to a service, and the beginning of its answer.

use crate::{
    CallRecord, Relay, Service,
    answer::Answer,
    app::App,
    carry::{self, Carried, Load},
    dispatch::Place,
    flight::Flight,
    hold,
    modern::{links, state},
    problem::RelayError,
    reply,
    source::Source,
    stream::{First, Stream},
    told::{Shape, Way},
};
use axum::response::Response;
use http::StatusCode;
use model::Resource;
use protocol::{Era, Object, Request, code, header as mcp, method};
use std::sync::Arc;

/// Sends an authorised request to a service and gives what it answers.
pub(crate) async fn forward(relay: &Arc<Relay>, app: App, place: Place, request: Request<'_>) -> Response {
    let era = app.era();
    let Some(pass) = app.connection().gate.enter() else {
        return reply::error(era, &RelayError::Revoked, &request.id);
    };
    let cancel = match &app {
        App::Session(session) => match session.begin(&request.id) {
            Some(cancel) => Some(cancel),
            None => {
                let text = "A request with this id is under way.";
                let status = StatusCode::BAD_REQUEST;
                return reply::refuse(status, Some(&request.id), code::INVALID_REQUEST, text);
            }
        },
        App::Visit(_) => None,
    };
    app.connection().count();
    let Place { service, target, params, refusal } = place;
    let record = record(relay, &app, Some(&service), &request, target);
    let mut flight = Flight::new(relay, app, &service, &request, record, pass);
    flight.cancel = cancel;
    flight.token = token(&request);
    if let App::Visit(visit) = &flight.app
        && links::needs_its_own(visit, &request.method)
    {
        flight.digest = Some(state::digest_of(&visit.endpoint, &service.id, &request));
    }
    let shape = shape(&flight, &request);
    let load = Load { service: service.clone(), trip: flight.trip().clone(), shape: shape.clone(), params };
    if asks_midway(relay, &flight, &request.method).await {
        return midway(relay, flight, shape, load, request, refusal).await;
    }
    let carried = if let Some(refusal) = refusal {
        Err(refusal)
    } else {
        let stop = flight.app.connection().stop.cancelled();
        let given_up = async {
            match &flight.cancel {
                Some(cancel) => cancel.cancelled().await,
                None => std::future::pending().await,
            }
        };
        let gone = relay.shelf(&service).over.clone();
        let carrying = carry::carry(relay, &flight.app, &load, &request);
        tokio::select! {
            biased;
            () = stop => Err(RelayError::Revoked),
            carried = carrying => carried,
            () = given_up => Err(RelayError::GivenUp),
            () = gone.cancelled() => Err(RelayError::NoService { name: service.name.to_string() }),
        }
    };
    match carried {
        Ok(Carried::Message(message, outcome, status)) => {
            flight.over(outcome);
            reply::message_with(status, message)
        }
        Ok(Carried::Body { media, source, way }) => {
            // A stream of the modern era may end with questions, after which the request is made again.
            let again = (way == Way::LegacyApp).then(|| request.into_owned());
            let answer = Answer::new(flight, shape, load, way, source, again);
            begin(answer, media, way).await
        }
        Ok(Carried::Ask { asked, state, way }) => {
            let mut answer = Answer::new(flight, shape, load, way, Source::Ended, Some(request.into_owned()));
            answer.ask(asked, state);
            begin(answer, mcp::EVENT_STREAM, way).await
        }
        Err(error) => match hold::about(relay, &flight, &error) {
            Some(about) => {
                let (request, way) = (request.into_owned(), Way::new(era, era));
                let (source, hold) = hold::until(relay, &flight, about, load.clone(), request.clone());
                let answer = Answer::new(flight, shape, load, way, source, Some(request));
                begin(answer.holding(hold), mcp::EVENT_STREAM, way).await
            }
            None => {
                end(&mut flight, &error);
                reply::error(era, &error, &request.id)
            }
        },
    }
}

/// How a call ends with an error of ours.
pub(crate) fn end(flight: &mut Flight, error: &RelayError) {
    match error {
        // It may be at work still.
        RelayError::Revoked
        | RelayError::GivenUp
        | RelayError::NoService { .. }
        | RelayError::TimedOut { .. }
        | RelayError::NotInTime { .. }
        | RelayError::TooLarge { .. }
        | RelayError::MissingCapability { .. } => flight.given_up(error.outcome()),
        _ => flight.over(error.outcome()),
    }
}

/// Whether a service of the legacy era may ask an app of the modern one while it works on this.
async fn asks_midway(relay: &Arc<Relay>, flight: &Flight, method: &str) -> bool {
    let App::Visit(visit) = &flight.app else { return false };
    links::needs_its_own(visit, method)
        && relay.speaks(&flight.service).await.is_ok_and(|s| s.era() == Era::Legacy)
}

/// A call that may be asked something in the middle: everything about it, its beginning too, is looked after by
/// what can also wait for the app's answers.
async fn midway(
    relay: &Arc<Relay>,
    flight: Flight,
    shape: Shape,
    load: Load,
    request: Request<'_>,
    refusal: Option<RelayError>,
) -> Response {
    let request = request.into_owned();
    let work = carry::owned(relay.clone(), flight.app.clone(), load.clone(), request.clone());
    let source = match refusal {
        None => Source::Waiting(Box::pin(work)),
        Some(refusal) => Source::Waiting(Box::pin(async move { Err(refusal) })),
    };
    let answer = Answer::new(flight, shape, load, Way::ModernApp, source, Some(request));
    begin(answer, mcp::EVENT_STREAM, Way::ModernApp).await
}

/// The answer's head. Across eras it waits for the first message: when that is all, it is no stream, and an
/// error has the status that the era gives it.
pub(crate) async fn begin(answer: Answer, media: &'static str, way: Way) -> Response {
    let stream = Stream::new(answer);
    let mut stream = if media == mcp::JSON { stream.in_pieces() } else { stream };
    if way != Way::ModernApp {
        return reply::stream(media, stream);
    }
    match stream.first().await {
        First::Only(message) => reply::message_with(reply::status_of(Era::Modern, &message), message),
        First::Begins => reply::stream(media, stream),
    }
}

pub(crate) fn token(request: &Request<'_>) -> Option<Box<serde_json::value::RawValue>> {
    let meta = request.params.as_ref()?.get("_meta")?;
    if !meta.get().contains("progressToken") {
        return None;
    }
    Object::parse(meta.get()).ok()?.get("progressToken").map(ToOwned::to_owned)
}

fn shape(flight: &Flight, request: &Request<'_>) -> Shape {
    let prefix = match flight.app.endpoint() {
        Resource::All => Some(flight.service.name.clone()),
        Resource::One(_) => None,
    };
    Shape {
        id: request.id.clone(),
        cacheable: flight.cacheable,
        tool: request.method == method::TOOLS_CALL,
        prefix,
    }
}

/// The log's line of a request.
pub(crate) fn record(
    relay: &Relay,
    app: &App,
    service: Option<&Arc<Service>>,
    request: &Request<'_>,
    target: Option<String>,
) -> CallRecord {
    CallRecord {
        at: relay.clock.now(),
        connection: app.connection().id.clone(),
        service: service.map(|s| s.name.clone()),
        method: request.method.chars().take(128).collect(),
        target: target.map(|t| t.chars().take(128).collect()),
        took: std::time::Duration::ZERO,
        outcome: "ok",
    }
}
