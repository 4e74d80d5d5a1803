//! What Bellhop answers itself: who it is, and the lists, from the inventories.

use crate::{
    Caller, Leave, Relay, Service,
    app::App,
    atlas::{self, Section},
    cross,
    inventory::{Inventory, Item},
    legacy::session::Session,
    problem::RelayError,
    reply,
};
use axum::response::Response;
use futures_util::future::join_all;
use model::Resource;
use protocol::{Era, Id, Object, Request, Revision, header, meta, method};
use serde_json::value::RawValue;
use std::sync::Arc;

/// The most characters of instructions that every app shows its model.
const MAX_INSTRUCTIONS: usize = 512;

/// Opens a session. The answer needs no service to be reachable.
pub(crate) async fn initialize(
    relay: &Arc<Relay>,
    caller: &Caller,
    endpoint: &Resource,
    request: &Request<'_>,
) -> Response {
    let Some(asked) = request.param("protocolVersion") else {
        let error = RelayError::BadParams { what: "“protocolVersion” is missing" };
        return reply::error(Era::Legacy, &error, &request.id);
    };
    let revision = Revision::negotiate(&asked);
    let declared =
        request.params.as_ref().and_then(|p| p.object("capabilities")).unwrap_or_default().to_raw();
    let about = match about(relay, &caller.leave(), endpoint, Era::Legacy).await {
        Ok(about) => about,
        Err(e) => return reply::error(Era::Legacy, &e, &request.id),
    };
    let mut result = Object::new()
        .with("protocolVersion", revision.as_str())
        .with("capabilities", about.capabilities)
        .with("serverInfo", about.server);
    if let Some(text) = about.instructions {
        result = result.with("instructions", text);
    }
    let session = Session::new(
        caller.connection.clone(),
        endpoint.clone(),
        revision,
        declared,
        relay.clock.as_ref(),
        relay.random.as_ref(),
        &relay.limits,
    );
    let id = session.id.clone();
    relay.keep(session);
    let answer = reply::message(protocol::result(&request.id, result));
    reply::with(answer, header::SESSION_ID, id.as_str())
}

/// `server/discover`. Likewise.
pub(crate) async fn discover(
    relay: &Arc<Relay>,
    scope: &Leave,
    endpoint: &Resource,
    id: &Id,
) -> Result<Response, RelayError> {
    let about = about(relay, scope, endpoint, Era::Modern).await?;
    let mut result = Object::new()
        .with("resultType", "complete")
        .with("supportedVersions", versions())
        .with("capabilities", about.capabilities)
        .with("_meta", Object::new().with(meta::SERVER_INFO, about.server));
    if let Some(text) = about.instructions {
        result = result.with("instructions", text);
    }
    Ok(reply::message(protocol::result(id, cross::cacheable_for(result, &relay.limits))))
}

/// The revisions that are spoken here, the newest first.
pub(crate) fn versions() -> Vec<&'static str> {
    Revision::ALL.iter().rev().map(|r| r.as_str()).collect()
}

/// Who Bellhop is, to apps and services.
pub(crate) fn us() -> Object<'static> {
    Object::new().with("name", "bellhop").with("title", "Bellhop").with("version", env!("CARGO_PKG_VERSION"))
}

fn changing() -> Object<'static> {
    Object::new().with("listChanged", true)
}

/// What stands behind an endpoint.
struct About {
    capabilities: Box<RawValue>,
    server: Box<RawValue>,
    instructions: Option<String>,
}

async fn about(
    relay: &Arc<Relay>,
    scope: &Leave,
    endpoint: &Resource,
    era: Era,
) -> Result<About, RelayError> {
    match endpoint {
        Resource::All => Ok(all(relay, scope, era).await),
        Resource::One(name) => {
            let service = relay.one(name, scope)?;
            Ok(one(relay, &service, era).await)
        }
    }
}

async fn one(relay: &Arc<Relay>, service: &Arc<Service>, era: Era) -> About {
    match relay.inventory(service).await {
        Ok(inventory) => About {
            capabilities: inventory.offers(era),
            server: inventory.server.clone(),
            instructions: inventory.instructions.clone(),
        },
        // The app stays connected, and learns of the lists when the service is back.
        Err(_) => About {
            capabilities: Object::new().with("tools", changing()).to_raw(),
            server: us().to_raw(),
            instructions: None,
        },
    }
}

async fn all(relay: &Arc<Relay>, scope: &Leave, era: Era) -> About {
    let known = inventories(relay, scope).await;
    let any = |capability: &str| known.iter().any(|(_, i)| i.can(capability));
    let mut can = Object::new().with("tools", changing());
    if any("prompts") {
        can = can.with("prompts", changing());
    }
    if any("resources") {
        can = can.with("resources", changing().with("subscribe", true));
    }
    if any("completions") {
        can = can.with("completions", Object::new());
    }
    if any("logging") {
        can = can.with("logging", Object::new());
    }
    // Tasks of one era are none of the other.
    let tasks = |i: &Inventory| i.speaks.era() == era && i.has_tasks();
    if known.iter().any(|(_, i)| tasks(i)) {
        can = match era {
            Era::Modern => can.with("extensions", Object::new().with(meta::TASKS, Object::new())),
            Era::Legacy => {
                let calls = Object::new().with("tools", Object::new().with("call", Object::new()));
                can.with("tasks", Object::new().with("cancel", Object::new()).with("requests", calls))
            }
        };
    }
    let services: Vec<_> = relay.access.services().iter().filter(|s| scope.names(&s.name)).cloned().collect();
    About { capabilities: can.to_raw(), server: us().to_raw(), instructions: Some(instructions(&services)) }
}

/// Which services stand behind the endpoint, in as many characters as apps read.
fn instructions(services: &[Arc<Service>]) -> String {
    let head = "The person's online services. A tool's name begins with the short name of its service:";
    let mut out = head.to_owned();
    let mut left = services.len();
    for service in services {
        let title: String = service.title.chars().filter(|c| !c.is_control()).take(60).collect();
        let part = format!(" {}_ is {title};", service.name);
        // Room stays for saying how many more there are.
        if out.chars().count() + part.chars().count() > MAX_INSTRUCTIONS - 20 {
            break;
        }
        out.push_str(&part);
        left -= 1;
    }
    match (services.len(), left) {
        (0, _) => {
            "No service is connected, or this app may use none. The person adds them in Bellhop.".into()
        }
        (_, 0) => format!("{}.", out.trim_end_matches(';')),
        (_, n) => format!("{} and {n} more.", out.trim_end_matches(';')),
    }
}

/// The inventories of all services in the scope, those that are to be had in time.
async fn inventories(relay: &Arc<Relay>, scope: &Leave) -> Vec<(Arc<Service>, Arc<Inventory>)> {
    let services = relay.access.services();
    let asked = services.iter().filter(|s| scope.names(&s.name)).map(|service| async move {
        match relay.inventory(service).await {
            Ok(inventory) => Some((service.clone(), inventory)),
            Err(error) => {
                tracing::debug!(service = %service.name, %error, "left out of the lists");
                None
            }
        }
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// Waits, within the limits, until what is behind the endpoint of all services is known.
pub(crate) async fn know_all(relay: &Arc<Relay>, scope: &Leave) {
    let _ = inventories(relay, scope).await;
}

/// A list's member in the result, the capability it belongs to, and where it is, at one service and at all of them.
type Kind = (&'static str, &'static str, fn(&Inventory) -> &[Item], fn(&atlas::Atlas) -> &Section);

fn kind(method: &str) -> Option<Kind> {
    Some(match method {
        method::TOOLS_LIST => ("tools", "tools", |i| &i.tools, |a| &a.tools),
        method::PROMPTS_LIST => ("prompts", "prompts", |i| &i.prompts, |a| &a.prompts),
        method::RESOURCES_LIST => ("resources", "resources", |i| &i.resources, |a| &a.resources),
        method::TEMPLATES_LIST => ("resourceTemplates", "resources", |i| &i.templates, |a| &a.templates),
        _ => return None,
    })
}

/// The answer to a list request; `None` when it is none. Lists come whole, so there is no second page.
pub(crate) async fn list(
    relay: &Arc<Relay>,
    app: &App,
    scope: &Leave,
    request: &Request<'_>,
) -> Option<Response> {
    let (member, capability, of_one, of_all) = kind(&request.method)?;
    let era = app.era();
    let values = if request.param("cursor").is_some() {
        Err(RelayError::BadParams { what: "there is no such page" })
    } else {
        match app.endpoint() {
            Resource::One(name) => match relay.one(name, scope) {
                Ok(service) => match relay.inventory(&service).await {
                    // What the service does not have is not made up for it.
                    Ok(inventory) if !inventory.can(capability) => {
                        Err(RelayError::NoMethod { method: request.method.to_string() })
                    }
                    Ok(inventory) => {
                        let allowed = |i: &&Item| scope.allows(&service.name, i.needs);
                        Ok(atlas::list(of_one(&inventory).iter().filter(allowed).map(|i| i.seen(era))))
                    }
                    Err(e) => Err(e),
                },
                Err(e) => Err(e),
            },
            Resource::All => {
                know_all(relay, scope).await;
                Ok(atlas::list(of_all(&relay.atlas()).seen(scope).map(|e| e.seen(era))))
            }
        }
    };
    Some(match values {
        Ok(values) => {
            let result = Object::new().with(member, values);
            let result = match era {
                Era::Legacy => result,
                Era::Modern => {
                    let about = Object::new().with(meta::SERVER_INFO, us());
                    let result = result.with("resultType", "complete").with("_meta", about);
                    cross::cacheable_for(result, &relay.limits)
                }
            };
            reply::message(protocol::result(&request.id, result))
        }
        Err(e) => reply::error(era, &e, &request.id),
    })
}

/// An empty result.
pub(crate) fn done(id: &Id) -> Response {
    reply::message(protocol::result(id, Object::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_stay_within_what_apps_read_and_say_what_they_leave_out() {
        let services: Vec<_> = (0..50)
            .map(|n| {
                Arc::new(Service {
                    id: format!("{n}").into(),
                    name: format!("s{n}").parse().unwrap(),
                    title: format!("The service of number {n}"),
                    url: "https://a.example/".into(),
                    bearer: None,
                })
            })
            .collect();
        let text = instructions(&services);
        assert!(text.chars().count() <= MAX_INSTRUCTIONS);
        assert!(text.contains("s0_ is The service of number 0"));
        assert!(text.ends_with("more."), "{text}");
        assert!(instructions(&services[..1]).ends_with("number 0."));
    }
}
