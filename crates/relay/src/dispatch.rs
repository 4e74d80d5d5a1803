//! What each request of an app is and where it goes: may it, and which service.

use crate::{Leave, Relay, Service, app::App, call, local, problem::RelayError, tasks};
use model::{Access, Permit, Resource, ShortName};
use protocol::{
    Object, Request,
    method::{self, Need, need},
    mirror, raw,
};
use std::{borrow::Cow, sync::Arc};

/// Where a request goes.
pub(crate) struct Place {
    pub(crate) service: Arc<Service>,
    /// The tool, prompt or resource, as the service calls it; for the log.
    pub(crate) target: Option<String>,
    /// Which of a tool's arguments are mirrored in headers.
    pub(crate) params: Option<Arc<mirror::Params>>,
    /// The scope does not allow it, and the person could.
    pub(crate) refusal: Option<RelayError>,
}

/// A request's place before the scope was looked at.
struct Found {
    service: Arc<Service>,
    needs: Access,
    target: Option<String>,
    params: Option<Arc<mirror::Params>>,
}

impl Found {
    fn reading(service: Arc<Service>, target: String) -> Self {
        Self { service, needs: Access::Read, target: Some(target), params: None }
    }
}

/// Finds the service a request is for and writes it as that service has it: under its own names.
///
/// # Errors
/// When there is nothing of that name, or the scope does not allow it: the refusal is logged as a call.
pub(crate) async fn locate(
    relay: &Arc<Relay>,
    app: &App,
    scope: &Leave,
    request: &mut Request<'_>,
) -> Result<Place, RelayError> {
    let found = match app.endpoint() {
        Resource::All => at_all(relay, scope, request).await?,
        Resource::One(name) => at_one(relay, scope, name, request).await?,
    };
    let Found { service, needs, target, params } = found;
    let refusal = may(app, scope, &service, needs, target.as_deref()).err();
    if let Some(error) = &refusal
        && !relay.could_ask(app, error)
    {
        // A refused call is a call as well: the log shows it.
        let mut record = call::record(relay, app, Some(&service), request, target);
        record.outcome = error.outcome();
        relay.record.call(record);
        return Err(error.clone());
    }
    Ok(Place { service, target, params, refusal })
}

/// Whether the scope allows this; the refusal names what to allow.
fn may(
    app: &App,
    scope: &Leave,
    service: &Service,
    access: Access,
    tool: Option<&str>,
) -> Result<(), RelayError> {
    if scope.allows(&service.name, access) {
        return Ok(());
    }
    if app.connection().grant.load().scope.allows(&service.name, access) {
        // The person has nothing to add: the app itself asked for a token that may do less.
        return Err(RelayError::NarrowToken {
            title: service.title.clone(),
            permit: Permit { service: service.name.clone(), access },
        });
    }
    Err(RelayError::NotAllowed {
        title: service.title.clone(),
        permit: Permit { service: service.name.clone(), access },
        tool: tool.map(ToOwned::to_owned),
    })
}

/// `/mcp/<service>`: everything as it is.
async fn at_one(
    relay: &Arc<Relay>,
    scope: &Leave,
    name: &ShortName,
    request: &Request<'_>,
) -> Result<Found, RelayError> {
    let service = relay.one(name, scope)?;
    let target = ["name", "uri"].iter().find_map(|p| request.param(p)).map(Cow::into_owned);
    let mut params = None;
    let needs = match need(&request.method) {
        Need::Nothing => Access::Read,
        Need::Of(access) => access,
        Need::Unknown => Access::Write,
        Need::AsTheTool => match (relay.inventory(&service).await, &target) {
            (Ok(inventory), Some(name)) => match inventory.tool(name) {
                Some(tool) => {
                    params = tool.params.clone();
                    tool.needs
                }
                // A tool that is not in the inventory may do anything.
                None => Access::Write,
            },
            _ => Access::Write,
        },
    };
    Ok(Found { service, needs, target, params })
}

/// `/mcp`: everything under the names of the atlas.
async fn at_all(relay: &Arc<Relay>, scope: &Leave, request: &mut Request<'_>) -> Result<Found, RelayError> {
    match request.method.as_ref() {
        method::TOOLS_CALL => {
            let name = text_param(request, "name", "“name” is missing")?;
            let found = by_name(relay, scope, true, &name)
                .await
                .ok_or_else(|| missing(relay, scope, "tool", &name))?;
            set_param(request, "name", found.target.as_deref().unwrap_or(&name));
            Ok(found)
        }
        method::PROMPTS_GET => {
            let name = text_param(request, "name", "“name” is missing")?;
            let found = by_name(relay, scope, false, &name)
                .await
                .ok_or_else(|| missing(relay, scope, "prompt", &name))?;
            set_param(request, "name", found.target.as_deref().unwrap_or(&name));
            Ok(found)
        }
        method::RESOURCES_READ | method::SUBSCRIBE | method::UNSUBSCRIBE => {
            let uri = text_param(request, "uri", "“uri” is missing")?;
            let (service, own) = by_uri(relay, scope, &uri).await.ok_or_else(|| nothing("resource", &uri))?;
            set_param(request, "uri", &own);
            Ok(Found::reading(service, own))
        }
        method::COMPLETE => {
            let (service, key) = complete(relay, scope, request).await?;
            Ok(Found::reading(service, key))
        }
        method::TASKS_GET | method::TASKS_RESULT | method::TASKS_UPDATE | method::TASKS_CANCEL => {
            let id = text_param(request, "taskId", "“taskId” is missing")?;
            let services = relay.access.services();
            let found = tasks::split(&id).and_then(|(name, own)| {
                let service = services.iter().find(|s| s.name.as_str() == name && scope.names(&s.name))?;
                Some((service.clone(), own.to_owned()))
            });
            let (service, own) = found.ok_or_else(|| nothing("task", &id))?;
            set_param(request, "taskId", &own);
            let needs = match request.method.as_ref() {
                method::TASKS_GET | method::TASKS_RESULT => Access::Read,
                _ => Access::Write,
            };
            Ok(Found { service, needs, target: Some(own), params: None })
        }
        other => Err(RelayError::NoMethod { method: other.chars().take(60).collect() }),
    }
}

/// There is nothing of that name; or there may be, at a service that could not be asked.
fn missing(relay: &Relay, scope: &Leave, what: &'static str, name: &str) -> RelayError {
    let services = relay.access.services();
    let of_it = |s: &&Arc<Service>| {
        let rest = name.strip_prefix(s.name.as_str()).unwrap_or_default();
        rest.starts_with('_') && scope.names(&s.name) && relay.shelf(s).seen().is_none()
    };
    let error = services.iter().filter(of_it).find_map(|s| relay.trouble(s));
    error.unwrap_or_else(|| nothing(what, name))
}

fn nothing(what: &'static str, name: &str) -> RelayError {
    RelayError::Nothing { what, name: name.chars().take(80).collect() }
}

fn text_param(request: &Request<'_>, name: &str, what: &'static str) -> Result<String, RelayError> {
    request.param(name).map(Cow::into_owned).ok_or(RelayError::BadParams { what })
}

fn set_param(request: &mut Request<'_>, name: &'static str, value: &str) {
    if let Some(params) = &mut request.params {
        params.set(name, raw(value));
    }
}

/// Where a public name lies. What a connection can't see at all is not there for it.
async fn by_name(relay: &Arc<Relay>, scope: &Leave, is_tool: bool, name: &str) -> Option<Found> {
    let look = || {
        let atlas = relay.atlas();
        let entry = if is_tool { atlas.tools.get(name) } else { atlas.prompts.get(name) }?;
        scope.names(&entry.service.name).then(|| Found {
            service: entry.service.clone(),
            needs: entry.needs,
            target: Some(entry.key.clone()),
            params: entry.params.clone(),
        })
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

/// Where a public URI lies, and what its service calls it.
pub(crate) async fn by_uri(relay: &Arc<Relay>, scope: &Leave, uri: &str) -> Option<(Arc<Service>, String)> {
    local::know_all(relay, scope).await;
    let services = relay.access.services();
    let may: Vec<_> = services
        .iter()
        .filter(|s| scope.names(&s.name) && relay.shelf(s).seen().is_some_and(|i| i.can("resources")))
        .cloned()
        .collect();
    let found = relay.atlas().resource(uri).or_else(|| {
        let service = match relay.heard.of(uri) {
            // One that a service named in an answer, and lists nowhere.
            Some(name) => may.iter().find(|s| s.name == name),
            None => may.first().filter(|_| may.len() == 1),
        };
        service.map(|s| (s.clone(), uri.to_owned()))
    });
    found.filter(|(s, _)| scope.names(&s.name))
}

/// `completion/complete` names a prompt or a template within `ref`.
async fn complete(
    relay: &Arc<Relay>,
    scope: &Leave,
    request: &mut Request<'_>,
) -> Result<(Arc<Service>, String), RelayError> {
    let missing = || RelayError::BadParams { what: "“ref” is missing" };
    let params = request.params.as_mut().ok_or_else(missing)?;
    let reference = params.get("ref").ok_or_else(missing)?.to_owned();
    let reference = Object::parse(reference.get()).map_err(|_| missing())?;
    let (service, key, member) = if let Some(name) = reference.text("name") {
        let found = by_name(relay, scope, false, &name).await.ok_or_else(|| nothing("prompt", &name))?;
        let key = found.target.unwrap_or_default();
        (found.service, key, "name")
    } else {
        let uri = reference.text("uri").ok_or_else(missing)?;
        let (service, key) = by_uri(relay, scope, &uri).await.ok_or_else(|| nothing("resource", &uri))?;
        (service, key, "uri")
    };
    let reference = reference.with(member, &key).to_raw();
    params.set("ref", reference);
    Ok((service, key))
}
