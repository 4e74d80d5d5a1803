//! A request on its way to a service, in the service's era, until the service begins to answer.

use crate::{
    Relay, Service,
    app::App,
    client::Head,
    flight::Trip,
    legacy::{
        exchange::{self, Kind, Wire},
        link::Link,
        listen,
        session::Session,
    },
    modern::links,
    pool::Incoming,
    problem::RelayError,
    shelf::Speaks,
    source::Source,
    told::{Passed, Shape, Way},
};
use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt;
use protocol::{
    Era, Id, Level, Message, Object, Outcome, Request, Revision, code, header as mcp, meta, method, mirror,
    raw,
};
use serde_json::value::RawValue;
use std::{collections::VecDeque, sync::Arc};

/// What is carried, beside the request itself.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) service: Arc<Service>,
    pub(crate) trip: Trip,
    pub(crate) shape: Shape,
    /// Which arguments a service of the modern era wants mirrored in headers.
    pub(crate) params: Option<Arc<mirror::Params>>,
}

/// What came of a request.
pub(crate) enum Carried {
    /// A whole message for the app, what the log calls it, and the status that goes with it.
    Message(Bytes, &'static str, StatusCode),
    /// The beginning of an answer that goes on.
    Body { media: &'static str, source: Source, way: Way },
    /// The service of an app of the legacy era wants answers first.
    Ask { asked: Vec<(String, Box<RawValue>)>, state: Option<Box<RawValue>>, way: Way },
}

/// [`carry`] for whoever can't wait for it in place.
pub(crate) async fn owned(
    relay: Arc<Relay>,
    app: App,
    load: Load,
    request: Request<'static>,
) -> Result<Carried, RelayError> {
    carry(&relay, &app, &load, &request).await
}

/// Sends the request and waits for the beginning of the answer.
pub(crate) async fn carry(
    relay: &Arc<Relay>,
    app: &App,
    load: &Load,
    request: &Request<'_>,
) -> Result<Carried, RelayError> {
    let mut known = Known::FromBefore;
    loop {
        let spoken = relay.speaks(&load.service).await?;
        let shelf = relay.shelf(&load.service);
        // Many services of the modern era still take sessions; then nothing has to cross for an app that has them.
        let also_legacy = known == Known::FromBefore
            && app.era() == Era::Legacy
            && spoken == Speaks::Modern
            && shelf.may_take_sessions();
        let speaks = if also_legacy { Speaks::Legacy } else { spoken };
        let way = Way::new(app.era(), speaks.era());
        let carried = match speaks {
            Speaks::Modern => to_modern(relay, app, load, way, known, request).await,
            Speaks::Legacy => to_legacy(relay, app, load, way, known, request).await,
        };
        match carried {
            Err(RelayError::OtherEra { .. }) if also_legacy => {
                if let App::Session(session) = app {
                    session.came_back(&load.shape.id);
                }
                shelf.takes_no_sessions();
            }
            // It may speak otherwise than it did. Nothing was begun, so once more; a refusal then is one.
            Err(RelayError::OtherEra { .. }) if known == Known::FromBefore => {
                if let App::Session(session) = app {
                    session.came_back(&load.shape.id);
                }
                relay.learn_anew(&load.service).await?;
                known = Known::Now;
            }
            other => return other,
        }
    }
}

/// Since when a service's era is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// From another time: the service may have changed since.
    FromBefore,
    /// It was just asked.
    Now,
}

/// The headers that mirror a request of the modern era.
pub(crate) fn mirrored(
    request: &Request<'_>,
    params: Option<&mirror::Params>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut out = Vec::with_capacity(2);
    out.push((mcp::METHOD, mirror::encode(&request.method)));
    if let Some(name) = mirror::name_of(request) {
        out.push((mcp::NAME, mirror::encode(&name)));
    }
    if let Some(params) = params.filter(|p| !p.is_empty()) {
        out.extend(params.headers(request.params.as_ref().and_then(|p| p.get("arguments"))));
    }
    out
}

/// To a service of the modern era: one POST that says everything.
async fn to_modern(
    relay: &Arc<Relay>,
    app: &App,
    load: &Load,
    way: Way,
    known: Known,
    request: &Request<'_>,
) -> Result<Carried, RelayError> {
    let mut looked_again = false;
    let mut params = load.params.clone();
    loop {
        let stamped;
        let request = match app {
            App::Visit(_) => request,
            App::Session(session) => {
                let mut own = request.clone();
                let level = session.level().or_else(|| default_level(relay, &load.service));
                let fields = own.params.get_or_insert_default();
                meta::stamp(fields, session.for_modern(), &crate::local::us().to_raw(), level);
                stamped = own;
                &stamped
            }
        };
        load.trip.open(&request.id);
        let mirrored = mirrored(request, params.as_deref());
        let head = Head { revision: Some(Revision::NEWEST), mirrored: &mirrored, ..Head::default() };
        // What was authorised is what is sent.
        let response = relay.http.send(&load.service, Method::POST, head, request.to_bytes()).await?;
        if response.status().is_success() {
            return body_of(relay, load, way, response).await;
        }
        let status = response.status();
        let (said, error) = refused(relay, &load.service, head, response).await;
        let code = error_code(&said, &request.id);
        // The arguments it wants mirrored are others than they were.
        if code == Some(code::HEADER_MISMATCH) && !looked_again && params_may_change(request) {
            looked_again = true;
            let fresh = relay.look_again(&load.service).await;
            params = fresh.and_then(|i| i.params_of(request.param("name").as_deref()?));
            continue;
        }
        // Servers of the legacy era speak of the session that is missing, with this code and no id.
        let is_answer = !matches!(code, None | Some(code::SERVER));
        let refused = matches!(status.as_u16(), 400 | 404 | 405);
        let era_may_differ = known == Known::FromBefore && refused && !is_answer;
        return match error {
            RelayError::Status { title, .. } if era_may_differ => Err(RelayError::OtherEra { title }),
            RelayError::Status { .. } => answer_of_refusal(relay, load, way, said, status, error),
            _ => Err(error),
        };
    }
}

fn params_may_change(request: &Request<'_>) -> bool {
    request.method == protocol::method::TOOLS_CALL
}

/// How much a service of the modern era logs for an app of the legacy one that said nothing: such an app hears
/// what there is.
fn default_level(relay: &Relay, service: &Arc<Service>) -> Option<Level> {
    let logs = relay.shelf(service).seen().is_some_and(|i| i.can("logging"));
    logs.then_some(Level::Info)
}

/// To a service of the legacy era: on a session there.
async fn to_legacy(
    relay: &Arc<Relay>,
    app: &App,
    load: &Load,
    way: Way,
    known: Known,
    request: &Request<'_>,
) -> Result<Carried, RelayError> {
    let service = &load.service;
    let title = || service.title.clone();
    let own;
    let request = match app {
        App::Session(_) => request,
        App::Visit(_) => {
            own = for_legacy(relay, request);
            &own
        }
    };
    let body = request.to_bytes();
    let mut renewed = false;
    let mut link: Option<Arc<Link>> = None;
    loop {
        let (at, opened) = match app {
            App::Session(session) => {
                let at = link.take().unwrap_or_else(|| session.link(service));
                let opened = session.open(&at, &relay.http, &relay.limits).await;
                (at.clone(), opened.map(|_| ()))
            }
            App::Visit(visit) => {
                let (at, declared) = if links::needs_its_own(visit, &request.method) {
                    let (lease, at, declared) = relay.lease(visit, service);
                    load.trip.keep(lease);
                    (at, declared)
                } else {
                    let shared = relay.links.shared(visit, service, relay.clock.now());
                    relay.sweep_links(&visit.connection.id, &service.id);
                    shared
                };
                let opened =
                    at.open(&relay.http, &relay.limits, Revision::NEWEST_LEGACY, &declared).await.map(|_| ());
                if opened.is_ok() {
                    if let Some(level) = visit.level {
                        at.hear(&relay.http, &relay.limits, level).await;
                    }
                    if links::needs_its_own(visit, &request.method) {
                        at.listen_aside(&relay.http, &relay.limits).await;
                    }
                }
                (at, opened)
            }
        };
        if let Err(error) = opened {
            // A service that has gone over to the modern era takes no `initialize`.
            return Err(match error {
                RelayError::Status { title, status: 400 | 404 | 405 } | RelayError::Declined { title } => {
                    RelayError::OtherEra { title }
                }
                other => other,
            });
        }
        let Some(opened) = at.opened() else {
            return Err(RelayError::SessionGone { title: title() });
        };
        if let App::Session(session) = app {
            if let Some(left) = session.to_be_heard(&at) {
                listen::pass_on(relay, session, at.clone(), left).soon().await;
            }
            session.went_to(&load.shape.id, &at);
            subscribe_again(relay, session, &at, request);
        }
        load.trip.sent(&at, &request.id);
        let error = match &opened.wire {
            Wire::Events(wire) => match wire.sit(request) {
                None => RelayError::SessionGone { title: title() },
                Some(seat) => {
                    let told =
                        exchange::tell(&relay.http, &relay.limits, service, opened.head(), body.clone());
                    Box::pin(told).await?;
                    return Ok(Carried::Body { media: mcp::EVENT_STREAM, source: Source::Seat(seat), way });
                }
            },
            Wire::Streamable(_) => {
                let response = relay.http.send(service, Method::POST, opened.head(), body.clone()).await?;
                if response.status().is_success() {
                    return body_of(relay, load, way, response).await;
                }
                let status = response.status();
                let (said, mut error) = refused(relay, service, opened.head(), response).await;
                let gone = opened.has_session()
                    && matches!(error, RelayError::Status { .. })
                    && names_session(&said);
                if gone {
                    error = RelayError::SessionGone { title: title() };
                }
                match error {
                    RelayError::SessionGone { .. } => error,
                    // The words of the modern era, which it has gone over to.
                    RelayError::Status { title, .. }
                        if known == Known::FromBefore
                            && matches!(
                                error_code(&said, &load.trip.sent_id()),
                                Some(code::HEADER_MISMATCH | code::UNSUPPORTED_VERSION)
                            ) =>
                    {
                        return Err(RelayError::OtherEra { title });
                    }
                    RelayError::Status { .. } => {
                        return answer_of_refusal(relay, load, way, said, status, error);
                    }
                    // A sign-in and a pause are ours to explain.
                    _ => return Err(error),
                }
            }
        };
        // It forgot the session and so has begun nothing: once more, on a new one.
        if renewed {
            return Err(error);
        }
        renewed = true;
        match app {
            App::Session(session) => link = Some(session.renew(&at)),
            App::Visit(visit) => relay.links.forgotten(visit, service, &at),
        }
    }
}

/// Tells a service on a new session what the app subscribed to on the one before, which the service forgot.
fn subscribe_again(relay: &Arc<Relay>, session: &Arc<Session>, at: &Arc<Link>, request: &Request<'_>) {
    let mut uris = session.to_be_subscribed(at);
    if matches!(request.method.as_ref(), method::SUBSCRIBE | method::UNSUBSCRIBE) {
        // It says this one itself.
        uris.retain(|uri| request.param("uri").as_deref() != Some(uri));
    }
    if uris.is_empty() {
        return;
    }
    let Some(pass) = session.connection.gate.enter() else { return };
    let (relay, at) = (relay.clone(), at.clone());
    tokio::spawn(async move {
        let (service, Some(opened)) = (at.service.load_full(), at.opened()) else { return };
        for uri in uris {
            let id = Id::text(&format!("bellhop-again-{}", relay.number()));
            let again = Request::new(id, method::SUBSCRIBE, Some(Object::new().with("uri", uri)));
            if let Err(error) = exchange::ask(&relay.http, &relay.limits, &service, opened, &again).await {
                tracing::debug!(service = %service.name, %error, "a resource could not be subscribed to again");
            }
        }
        drop(pass);
    });
}

/// A request of the modern era as a service of the legacy one gets it: without what only the modern era knows,
/// under an id and a token for its progress that no other request on that session has.
fn for_legacy(relay: &Relay, request: &Request<'_>) -> Request<'static> {
    let mut own = request.clone().into_owned();
    own.id = Id::from(relay.number());
    if let Some(params) = &mut own.params {
        meta::strip(params);
        let kept = params.get("_meta").map(ToOwned::to_owned);
        if let Some(mut meta) = kept.as_ref().and_then(|m| Object::parse(m.get()).ok())
            && meta.get("progressToken").is_some()
        {
            meta.set("progressToken", raw(&own.id));
            let meta = meta.to_raw();
            params.set("_meta", meta);
        }
    }
    own
}

/// A good response: one message, or a stream.
async fn body_of(
    relay: &Arc<Relay>,
    load: &Load,
    way: Way,
    response: Response<Incoming>,
) -> Result<Carried, RelayError> {
    let title = || load.service.title.clone();
    // We ask for no encoding; what comes in one could grow without bound when it is unpacked.
    if response.headers().contains_key(http::header::CONTENT_ENCODING) {
        return Err(RelayError::NoMcp { title: title() });
    }
    let kind = exchange::kind(&response);
    let body = response.into_body();
    match kind {
        Kind::Events => {
            let source = Source::events(body, relay.limits.message);
            Ok(Carried::Body { media: mcp::EVENT_STREAM, source, way })
        }
        Kind::Json => collect(relay, body, load, way).await,
        Kind::Other => Err(RelayError::NoMcp { title: title() }),
    }
}

/// What a refusal says, as far as it is short, and what its status means.
async fn refused(
    relay: &Relay,
    service: &Service,
    head: Head<'_>,
    response: Response<Incoming>,
) -> (Bytes, RelayError) {
    let (parts, body) = response.into_parts();
    let short = http_body_util::Limited::new(body, 64 << 10).collect();
    let said = match tokio::time::timeout(relay.limits.handshake, short).await {
        Ok(Ok(said)) => said.to_bytes(),
        _ => Bytes::new(),
    };
    let error = match exchange::accepted(service, head, Response::from_parts(parts, ())) {
        Err(error) => error,
        Ok(_) => RelayError::NoMcp { title: service.title.clone() },
    };
    tracing::debug!(service = %service.name, %error, "a service refused a request");
    (said, error)
}

/// An answer to the request is one whatever its status.
fn answer_of_refusal(
    relay: &Relay,
    load: &Load,
    way: Way,
    said: Bytes,
    status: StatusCode,
    error: RelayError,
) -> Result<Carried, RelayError> {
    whole_answer(relay, said, load, way, status).map_err(|_| error)
}

/// The code of an error response to this request.
pub(crate) fn error_code(said: &[u8], id: &Id) -> Option<i64> {
    let Ok(Message::Response(response)) = Message::peek(said) else { return None };
    if response.id.as_ref().is_some_and(|i| i != id) {
        return None;
    }
    let Outcome::Error(error) = response.outcome else { return None };
    Object::parse(error.get()).ok()?.get("code")?.get().parse().ok()
}

/// Whether a refusal is about the session: servers made with the TypeScript SDK's examples answer 400 with
/// -32000 and not 404 for one they don't know.
fn names_session(said: &[u8]) -> bool {
    let Ok(Message::Response(response)) = Message::peek(said) else { return false };
    let Outcome::Error(error) = response.outcome else { return false };
    let Ok(error) = Object::parse(error.get()) else { return false };
    error.get("code").is_some_and(|c| c.get() == "-32000")
        && error.text("message").is_some_and(|m| m.to_ascii_lowercase().contains("session"))
}

/// Collects an answer of one message as far as the limits let it. What is larger passes as it arrives, unless
/// something in it has to change.
async fn collect(relay: &Relay, mut body: Incoming, load: &Load, way: Way) -> Result<Carried, RelayError> {
    let title = || load.service.title.clone();
    let mut parts: VecDeque<Bytes> = VecDeque::new();
    let mut size = 0;
    loop {
        let frame = tokio::time::timeout(relay.limits.answer, body.frame())
            .await
            .map_err(|_| RelayError::TimedOut { title: title() })?;
        let Some(frame) = frame else { break };
        if let Ok(data) = frame.map_err(|_| RelayError::Died { title: title() })?.into_data() {
            size += data.len();
            parts.push_back(data);
        }
        if way.crosses() && size > relay.limits.message {
            return Err(RelayError::TooLarge { title: title() });
        }
        if !way.crosses() && size > relay.limits.collect {
            let source = Source::Message { body, first: parts };
            return Ok(Carried::Body { media: mcp::JSON, source, way });
        }
    }
    whole_answer(relay, join(parts), load, way, StatusCode::OK)
}

/// One message that must be the answer to the request.
fn whole_answer(
    relay: &Relay,
    whole: Bytes,
    load: &Load,
    way: Way,
    status: StatusCode,
) -> Result<Carried, RelayError> {
    let no_mcp = || RelayError::NoMcp { title: load.service.title.clone() };
    let Ok(Message::Response(mut response)) = Message::peek(&whole) else { return Err(no_mcp()) };
    let sent = load.trip.sent_id();
    match &response.id {
        Some(id) if *id == sent => {
            if way == Way::Legacy && sent == load.shape.id && load.shape.prefix.is_none() {
                // As it came, without a copy.
                let outcome = crate::told::outcome(&response.outcome);
                return Ok(Carried::Message(whole.clone(), outcome, StatusCode::OK));
            }
        }
        // It could not read the request's id, so it names none: the app is told which it was.
        None if matches!(response.outcome, Outcome::Error(_)) => {
            response.id = Some(load.shape.id.clone());
            let message = response.to_bytes();
            let status = status_for(way, status, &message);
            return Ok(Carried::Message(message, "error", status));
        }
        _ => return Err(no_mcp()),
    }
    match load.shape.answer(relay, way, &response, &whole) {
        Passed::Answer(message, outcome) => {
            let status = status_for(way, status, &message);
            Ok(Carried::Message(message, outcome, status))
        }
        Passed::Ask(asked, state) => Ok(Carried::Ask { asked, state, way }),
        _ => Err(no_mcp()),
    }
}

/// An app of the modern era gets the status that the era gives to an error; one of the legacy era reads the
/// body of a 200 for sure.
fn status_for(way: Way, upstream: StatusCode, message: &[u8]) -> StatusCode {
    match way {
        Way::Modern if matches!(upstream, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND) => upstream,
        Way::Modern | Way::ModernApp => crate::reply::status_of(Era::Modern, message),
        Way::Legacy | Way::LegacyApp => StatusCode::OK,
    }
}

fn join(mut parts: VecDeque<Bytes>) -> Bytes {
    if parts.len() == 1 {
        return parts.pop_front().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    for part in parts {
        whole.extend_from_slice(&part);
    }
    whole.freeze()
}
