//! Requests of apps of the modern era.

use crate::{
    Caller, Door, Leave, Relay, Service,
    app::{App, Visit},
    call,
    carry::mirrored,
    client::Head,
    compact::{self, Taken},
    dispatch,
    legacy::exchange,
    local,
    modern::{
        listening::{self, Wanted, Watched},
        parked::{self, Retry},
    },
    problem::RelayError,
    reply,
    shelf::Speaks,
};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use model::{Access, Resource};
use protocol::{
    Era, Message, Notification, Object, Request, Revision, code, header as mcp, meta::Meta, method, mirror,
};
use std::{collections::BTreeMap, sync::Arc};

/// Whether a POST is of the modern era: by its header, or by what the request says of itself.
pub(crate) fn is_modern(headers: &HeaderMap, message: &Message<'_>) -> bool {
    // An app that falls back may go on naming the revision it would rather speak.
    if is_initialize(message) {
        return false;
    }
    if names_modern(headers) {
        return true;
    }
    match message {
        Message::Request(r) => {
            protocol::meta::is_modern(r)
                || (matches!(r.method.as_ref(), method::DISCOVER | method::LISTEN)
                    && !headers.contains_key(mcp::SESSION_ID))
        }
        Message::Notification(_) | Message::Response(_) => false,
    }
}

/// Whether the header names a revision of the modern era that is spoken here.
pub(crate) fn names_modern(headers: &HeaderMap) -> bool {
    let header = headers.get(mcp::PROTOCOL_VERSION).and_then(|v| v.to_str().ok());
    header.and_then(|v| v.parse::<Revision>().ok()).is_some_and(|r| r.era() == Era::Modern)
}

/// Whether this opens a session of the legacy era.
pub(crate) fn is_initialize(message: &Message<'_>) -> bool {
    matches!(message, Message::Request(r) if r.method == method::INITIALIZE && !protocol::meta::is_modern(r))
}

/// Handles one message.
pub(crate) async fn message(
    relay: &Arc<Relay>,
    caller: &Caller,
    endpoint: &Resource,
    headers: &HeaderMap,
    message: Message<'_>,
) -> Response {
    match message {
        Message::Request(r) => request(relay, caller, endpoint, headers, r).await,
        Message::Notification(n) => {
            notification(relay, caller, endpoint, n);
            reply::taken()
        }
        Message::Response(_) => {
            let text = "Answers to questions come in a request of their own in this revision.";
            reply::refuse(StatusCode::BAD_REQUEST, None, code::INVALID_REQUEST, text)
        }
    }
}

/// What a request says of itself, checked against its headers.
fn checked(door: Door, headers: &HeaderMap, request: &Request<'_>) -> Result<Meta, Box<Response>> {
    let refuse =
        |code, text: &str| Box::new(reply::refuse(StatusCode::BAD_REQUEST, Some(&request.id), code, text));
    let meta = Meta::read(request).map_err(|e| refuse(e.code(), &e.to_string()))?;
    // Over stdio there are no headers to contradict.
    if door == Door::Http {
        mirror::check(headers, &meta.version, request)
            .map_err(|e| refuse(code::HEADER_MISMATCH, &e.to_string()))?;
    }
    if meta.revision().is_none() {
        let data = Object::new()
            .with("supported", local::versions())
            .with("requested", meta.version.chars().take(60).collect::<String>());
        let text = "This revision is not spoken here.";
        let body =
            protocol::error_with(Some(&request.id), code::UNSUPPORTED_VERSION, text, Some(&data.to_raw()));
        return Err(Box::new(reply::message_with(StatusCode::BAD_REQUEST, body)));
    }
    Ok(meta)
}

async fn request(
    relay: &Arc<Relay>,
    caller: &Caller,
    endpoint: &Resource,
    headers: &HeaderMap,
    request: Request<'_>,
) -> Response {
    let meta = match checked(caller.door, headers, &request) {
        Ok(meta) => meta,
        Err(refusal) => return *refusal,
    };
    let id = request.id.clone();
    let handled = match relay.admission.admit(&caller.connection) {
        Err(problem) => Err(RelayError::Other(problem)),
        Ok(()) if method::is_legacy_only(&request.method) => {
            Err(RelayError::NoMethod { method: request.method.chars().take(60).collect() })
        }
        Ok(()) => answered(relay, caller, endpoint, headers, meta, request).await,
    };
    handled.unwrap_or_else(|e| reply::error(Era::Modern, &e, &id))
}

async fn answered(
    relay: &Arc<Relay>,
    caller: &Caller,
    endpoint: &Resource,
    headers: &HeaderMap,
    meta: Meta,
    mut request: Request<'_>,
) -> Result<Response, RelayError> {
    let scope = caller.leave();
    match request.method.as_ref() {
        method::DISCOVER => return local::discover(relay, caller, &scope, endpoint, &request.id).await,
        method::LISTEN => return listen(relay, caller, &scope, endpoint, &request).await,
        _ => {}
    }
    let visit = Arc::new(Visit {
        connection: caller.connection.clone(),
        endpoint: endpoint.clone(),
        declared: meta.capabilities,
        level: meta.level,
    });
    let app = App::Visit(visit.clone());
    if let Some(list) = local::list(relay, &app, &scope, &request).await {
        return Ok(list);
    }
    let taken = compact::take(relay, &app, &scope, &mut request).await;
    let is_inner = match taken {
        Taken::Answer(answer) => return Ok(answer),
        Taken::Call => true,
        Taken::No => false,
    };
    let place = dispatch::locate(relay, &app, &scope, &mut request).await?;
    // What the app mirrors is what it saw a schema for: of a tool within a call it saw none.
    let mirrors = caller.door == Door::Http && !is_inner;
    if let Some(params) = place.params.as_ref().filter(|_| mirrors) {
        let arguments = request.params.as_ref().and_then(|p| p.get("arguments"));
        if let Err(mismatch) = params.check(headers, arguments) {
            let status = StatusCode::BAD_REQUEST;
            let text = mismatch.to_string();
            return Ok(reply::refuse(status, Some(&request.id), code::HEADER_MISMATCH, &text));
        }
    }
    let has_state = request.params.as_ref().is_some_and(|p| p.get("requestState").is_some());
    if has_state
        && place.refusal.is_none()
        && relay.speaks(&place.service).await? == Speaks::Legacy
        && let Retry::Of(answer) = parked::retry(relay, &visit, &place, &request)?
    {
        let token = call::token(&request);
        return Ok(parked::go_on(relay, visit, *answer, &request, token).await);
    }
    Ok(call::forward(relay, app, place, request).await)
}

/// `subscriptions/listen`.
async fn listen(
    relay: &Arc<Relay>,
    caller: &Caller,
    scope: &Leave,
    endpoint: &Resource,
    request: &Request<'_>,
) -> Result<Response, RelayError> {
    let filter = request.params.as_ref().and_then(|p| p.object("notifications"));
    let filter = filter.ok_or(RelayError::BadParams { what: "“notifications” is missing" })?;
    let services: Vec<Arc<Service>> = match endpoint {
        Resource::One(name) => vec![relay.one(name, scope)?],
        Resource::All => relay.access.services().iter().filter(|s| scope.names(&s.name)).cloned().collect(),
    };
    // What a service offers may have to be asked first; one that does not answer in time offers nothing yet.
    futures_util::future::join_all(services.iter().map(|s| relay.inventory(s))).await;
    let can = |service: &Arc<Service>, capability: &str| {
        relay.shelf(service).seen().is_some_and(|i| i.can(capability))
    };
    let can_watch = |service: &Arc<Service>| relay.shelf(service).seen().is_some_and(|i| i.can_subscribe());
    let all = *endpoint == Resource::All;
    let lists = Wanted::lists_of(&filter, |capability| {
        // At the endpoint of all services, a service may come that has what none has now.
        all || services.iter().any(|s| can(s, capability))
    });
    let mut resources = BTreeMap::new();
    for uri in listening::uris(&filter) {
        let place = match endpoint {
            Resource::One(_) => services.first().map(|s| (s.clone(), uri.clone())),
            Resource::All => dispatch::by_uri(relay, scope, &uri).await,
        };
        // What can't be heard of is left out of what is acknowledged.
        let Some((service, own)) = place.filter(|(s, _)| can_watch(s)) else { continue };
        let watched: &mut Watched =
            resources.entry(service.id.to_string()).or_insert_with(|| Watched { service, uris: Vec::new() });
        watched.uris.push((uri, own));
    }
    if caller.connection.gate.is_closed() {
        return Err(RelayError::Revoked);
    }
    let wanted = Wanted { lists, resources };
    let open = listening::open(relay, caller, endpoint.clone(), request.id.clone(), wanted);
    Ok(reply::stream(mcp::EVENT_STREAM, open))
}

/// The era's core has none from apps over HTTP. One that nobody here knows is for the one service that can be
/// meant.
fn notification(relay: &Arc<Relay>, caller: &Caller, endpoint: &Resource, notice: Notification<'_>) {
    let Resource::One(name) = endpoint else { return };
    if matches!(notice.method.as_ref(), method::CANCELLED | method::INITIALIZED | method::ROOTS_CHANGED) {
        return;
    }
    // While paused nothing reaches a service.
    if relay.admission.admit(&caller.connection).is_err() {
        return;
    }
    let scope = caller.leave();
    let Ok(service) = relay.one(name, &scope) else { return };
    let modern = relay.shelf(&service).seen().is_some_and(|i| i.speaks == Speaks::Modern);
    let Some(pass) = caller.connection.gate.enter().filter(|_| modern && scope.allows(name, Access::Write))
    else {
        return;
    };
    let relay = relay.clone();
    let as_request =
        Request { id: protocol::Id::from(0), method: notice.method.to_string().into(), params: None };
    let (mirrored, body) = (mirrored(&as_request, None), notice.to_bytes());
    tokio::spawn(async move {
        let head = Head { revision: Some(Revision::NEWEST), mirrored: &mirrored, ..Head::default() };
        if let Err(error) = exchange::tell(&relay.http, &relay.limits, &service, head, body).await {
            tracing::debug!(service = %service.name, %error, "a message did not arrive");
        }
        drop(pass);
    });
}
