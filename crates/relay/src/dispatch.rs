//! What each message of an app is and where it goes: may it, and which service.

use crate::{
    Relay, Service, call,
    legacy::session::{Link, Session},
    local,
    problem::RelayError,
    reply,
};
use axum::response::Response;
use bytes::Bytes;
use model::{Access, Permit, Resource, Scope, ShortName};
use protocol::{
    Id, Message, Notification, Object, Request, Response as Answer,
    method::{self, Need, need},
    raw,
};
use std::sync::Arc;

/// Handles one message on an open session, of a caller that may do `scope`.
pub(crate) async fn message(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    scope: &Scope,
    message: Message<'_>,
) -> Response {
    match message {
        Message::Request(r) => request(relay, session, scope, r).await,
        Message::Notification(n) => {
            notification(relay, session, scope, n).await;
            reply::taken()
        }
        Message::Response(r) => {
            answer(relay, session, r).await;
            reply::taken()
        }
    }
}

async fn request(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    scope: &Scope,
    request: Request<'_>,
) -> Response {
    if let Err(problem) = relay.admission.admit() {
        return reply::message(RelayError::Other(problem).reply(&request.id));
    }
    if request.method == method::PING {
        return local::done(&request.id);
    }
    let id = request.id.clone();
    let handled = match &session.endpoint {
        Resource::All => at_all(relay, session, scope, request).await,
        Resource::One(name) => at_one(relay, session, scope, name, request).await,
    };
    handled.unwrap_or_else(|e| reply::message(e.reply(&id)))
}

/// Whether the scope allows this; the refusal names what to allow.
fn may(scope: &Scope, service: &Service, access: Access, tool: Option<&str>) -> Result<(), RelayError> {
    if scope.allows(&service.name, access) {
        return Ok(());
    }
    Err(RelayError::NotAllowed {
        title: service.title.clone(),
        permit: Permit { service: service.name.clone(), access },
        tool: tool.map(ToOwned::to_owned),
    })
}

/// A refused call is a call as well: the log shows it.
fn refused(
    relay: &Relay,
    session: &Session,
    service: &Arc<Service>,
    request: &Request<'_>,
    target: Option<&str>,
    error: RelayError,
) -> RelayError {
    let mut record = call::record(relay, session, Some(service), request, target.map(ToOwned::to_owned));
    record.outcome = error.outcome();
    relay.record.call(record);
    error
}

/// `/mcp/<service>`: everything as it is.
async fn at_one(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    scope: &Scope,
    name: &ShortName,
    request: Request<'_>,
) -> Result<Response, RelayError> {
    let service = relay.one(name, scope)?;
    if let Some(list) = local::list(relay, scope, Some(&service), &request).await {
        return Ok(list);
    }
    let named = ["name", "uri"].iter().find_map(|p| request.param(p)).map(std::borrow::Cow::into_owned);
    let access = match need(&request.method) {
        Need::Nothing => Access::Read,
        Need::Of(access) => access,
        Need::Unknown => Access::Write,
        // A tool that is not in the inventory may do anything.
        Need::AsTheTool => match (relay.inventory(&service).await, &named) {
            (Ok(i), Some(n)) => i.tools.iter().find(|t| &t.key == n).map_or(Access::Write, |t| t.needs),
            _ => Access::Write,
        },
    };
    may(scope, &service, access, named.as_deref())
        .map_err(|e| refused(relay, session, &service, &request, named.as_deref(), e))?;
    remember_level(session, &request);
    Ok(call::forward(relay, session, &service, request, named).await)
}

fn remember_level(session: &Session, request: &Request<'_>) {
    if request.method == method::SET_LEVEL
        && let Some(level) = request.params.as_ref().and_then(|p| p.get("level"))
    {
        session.set_level(level.to_owned());
    }
}

/// `/mcp`: everything under the names of the atlas.
async fn at_all(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    scope: &Scope,
    mut request: Request<'_>,
) -> Result<Response, RelayError> {
    if let Some(list) = local::list(relay, scope, None, &request).await {
        return Ok(list);
    }
    let (service, access, target) = match request.method.as_ref() {
        method::TOOLS_CALL | method::PROMPTS_GET => {
            let is_tool = request.method == method::TOOLS_CALL;
            let name = text_param(&request, "name", "“name” is missing")?;
            let place = by_name(relay, scope, is_tool, &name).await;
            let (service, access, key) =
                place.ok_or_else(|| nothing(if is_tool { "tool" } else { "prompt" }, &name))?;
            set_param(&mut request, "name", &key);
            (service, access, key)
        }
        method::RESOURCES_READ | method::SUBSCRIBE | method::UNSUBSCRIBE => {
            let uri = text_param(&request, "uri", "“uri” is missing")?;
            let (service, own) = by_uri(relay, scope, &uri).await.ok_or_else(|| nothing("resource", &uri))?;
            set_param(&mut request, "uri", &own);
            (service, Access::Read, own)
        }
        method::COMPLETE => {
            let (service, key) = complete(relay, scope, &mut request).await?;
            (service, Access::Read, key)
        }
        method::SET_LEVEL => {
            remember_level(session, &request);
            set_level_everywhere(relay, session, &request);
            return Ok(local::done(&request.id));
        }
        other => return Err(RelayError::NoMethod { method: other.chars().take(60).collect() }),
    };
    may(scope, &service, access, Some(&target))
        .map_err(|e| refused(relay, session, &service, &request, Some(&target), e))?;
    Ok(call::forward(relay, session, &service, request, Some(target)).await)
}

fn nothing(what: &'static str, name: &str) -> RelayError {
    RelayError::Nothing { what, name: name.chars().take(80).collect() }
}

fn text_param(request: &Request<'_>, name: &str, what: &'static str) -> Result<String, RelayError> {
    request.param(name).map(std::borrow::Cow::into_owned).ok_or(RelayError::BadParams { what })
}

fn set_param(request: &mut Request<'_>, name: &'static str, value: &str) {
    if let Some(params) = &mut request.params {
        params.set(name, raw(value));
    }
}

/// Where a public name lies. What a connection can't see at all is not there for it.
async fn by_name(
    relay: &Arc<Relay>,
    scope: &Scope,
    is_tool: bool,
    name: &str,
) -> Option<(Arc<Service>, Access, String)> {
    let look = || {
        let atlas = relay.atlas();
        let entry = if is_tool { atlas.tools.get(name) } else { atlas.prompts.get(name) }?;
        scope.names(&entry.service.name).then(|| (entry.service.clone(), entry.needs, entry.key.clone()))
    };
    match look() {
        Some(found) => Some(found),
        None => {
            // Perhaps of a service that nobody has asked for its lists since Bellhop started.
            local::know_all(relay, scope).await;
            look()
        }
    }
}

async fn by_uri(relay: &Arc<Relay>, scope: &Scope, uri: &str) -> Option<(Arc<Service>, String)> {
    local::know_all(relay, scope).await;
    let services = relay.access.services();
    let may: Vec<_> = services
        .iter()
        .filter(|s| scope.names(&s.name) && relay.shelf(s).seen().is_some_and(|i| i.can("resources")))
        .cloned()
        .collect();
    relay.atlas().resource(uri, &may).filter(|(s, _)| scope.names(&s.name))
}

/// `completion/complete` names a prompt or a template within `ref`.
async fn complete(
    relay: &Arc<Relay>,
    scope: &Scope,
    request: &mut Request<'_>,
) -> Result<(Arc<Service>, String), RelayError> {
    let missing = || RelayError::BadParams { what: "“ref” is missing" };
    let params = request.params.as_mut().ok_or_else(missing)?;
    let reference = params.get("ref").ok_or_else(missing)?.to_owned();
    let reference = Object::parse(reference.get()).map_err(|_| missing())?;
    let (service, key, member) = if let Some(name) = reference.text("name") {
        let (service, _, key) =
            by_name(relay, scope, false, &name).await.ok_or_else(|| nothing("prompt", &name))?;
        (service, key, "name")
    } else {
        let uri = reference.text("uri").ok_or_else(missing)?;
        let (service, key) = by_uri(relay, scope, &uri).await.ok_or_else(|| nothing("resource", &uri))?;
        (service, key, "uri")
    };
    let reference = reference.with(member, &key).to_raw();
    params.set("ref", reference);
    Ok((service, key))
}

/// Tells the services with an open session; those opened later are told then.
fn set_level_everywhere(relay: &Arc<Relay>, session: &Session, request: &Request<'_>) {
    let level = Request::new(Id::text("bellhop-level"), method::SET_LEVEL, request.params.clone());
    tell_all(relay, session, session.links(), &level.to_bytes());
}

/// Passes a message on to services without waiting for it to arrive.
fn tell_all(relay: &Arc<Relay>, session: &Session, links: Vec<Arc<Link>>, message: &Bytes) {
    for link in links {
        let Some(pass) = session.connection.gate.enter() else { return };
        let (relay, message) = (relay.clone(), message.clone());
        tokio::spawn(async move {
            relay.tell(&link, message).await;
            drop(pass);
        });
    }
}

async fn notification(relay: &Arc<Relay>, session: &Arc<Session>, scope: &Scope, notice: Notification<'_>) {
    match notice.method.as_ref() {
        // Ours: each service was told when its session was opened.
        method::INITIALIZED => {}
        method::CANCELLED => {
            // The service knows the request by the same id.
            let link = notice.id_param("requestId").and_then(|id| session.running(&id));
            tell_all(relay, session, link.into_iter().collect(), &notice.to_bytes());
        }
        // About a question of a service; the token is the service's own.
        method::PROGRESS => tell_all(relay, session, session.asking(), &notice.to_bytes()),
        method::ROOTS_CHANGED => tell_all(relay, session, session.links(), &notice.to_bytes()),
        _ => {
            // One that nobody here knows: as with such a request, it takes an endpoint of one service.
            let Resource::One(name) = &session.endpoint else { return };
            if relay.one(name, scope).is_ok_and(|s| scope.allows(&s.name, Access::Write)) {
                tell_all(relay, session, session.links(), &notice.to_bytes());
            }
        }
    }
}

/// The app answers a service's question.
async fn answer(relay: &Arc<Relay>, session: &Arc<Session>, mut answer: Answer<'_>) {
    // An answer that comes too late, or twice, is nobody's fault.
    let Some(question) = answer.id.as_ref().and_then(|id| session.answered(id)) else { return };
    let Some(_pass) = session.connection.gate.enter() else { return };
    answer.id = Some(question.id);
    relay.tell(&question.link, answer.to_bytes()).await;
}
