//! What Bellhop answers itself: `initialize` and the lists, from the inventories.

use crate::{
    Caller, Relay, Service,
    atlas::{self, Section},
    inventory::{Inventory, Item},
    legacy::session::Session,
    problem::RelayError,
    reply,
};
use axum::response::Response;
use futures_util::future::join_all;
use model::{Resource, Scope};
use protocol::{Id, Object, Request, Revision, header, method, raw};
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
        return reply::message(
            RelayError::BadParams { what: "“protocolVersion” is missing" }.reply(&request.id),
        );
    };
    let revision = Revision::negotiate(&asked);
    let declared =
        request.params.as_ref().and_then(|p| p.object("capabilities")).unwrap_or_default().to_raw();
    let scope = caller.scope();
    let result = match endpoint {
        Resource::All => all(relay, &scope, revision).await,
        Resource::One(name) => match relay.one(name, &scope) {
            Ok(service) => one(relay, &service, revision).await,
            Err(e) => return reply::message(e.reply(&request.id)),
        },
    };
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

fn us() -> Object<'static> {
    Object::new().with("name", "bellhop").with("title", "Bellhop").with("version", env!("CARGO_PKG_VERSION"))
}

fn changing() -> Object<'static> {
    Object::new().with("listChanged", true)
}

async fn one(relay: &Arc<Relay>, service: &Arc<Service>, revision: Revision) -> Object<'static> {
    let result = Object::new().with("protocolVersion", revision.as_str());
    match relay.inventory(service).await {
        Ok(inventory) => {
            let result =
                result.with("capabilities", &inventory.capabilities).with("serverInfo", &inventory.server);
            match &inventory.instructions {
                Some(text) => result.with("instructions", text),
                None => result,
            }
        }
        // The app stays connected, and learns of the lists when the service is back.
        Err(_) => {
            result.with("capabilities", Object::new().with("tools", changing())).with("serverInfo", us())
        }
    }
}

async fn all(relay: &Arc<Relay>, scope: &Scope, revision: Revision) -> Object<'static> {
    let known = inventories(relay, scope).await;
    let any = |capability: &str| known.iter().any(|(_, i)| i.can(capability));
    let mut can = Object::new().with("tools", changing());
    if any("prompts") {
        can = can.with("prompts", changing());
    }
    if any("resources") {
        can = can.with("resources", changing().with("subscribe", true));
    }
    for capability in ["completions", "logging"] {
        if any(capability) {
            can.set(if capability == "logging" { "logging" } else { "completions" }, raw(&Object::new()));
        }
    }
    let services: Vec<_> = relay.access.services().iter().filter(|s| scope.names(&s.name)).cloned().collect();
    Object::new()
        .with("protocolVersion", revision.as_str())
        .with("capabilities", can)
        .with("serverInfo", us())
        .with("instructions", instructions(&services))
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
async fn inventories(relay: &Arc<Relay>, scope: &Scope) -> Vec<(Arc<Service>, Arc<Inventory>)> {
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
pub(crate) async fn know_all(relay: &Arc<Relay>, scope: &Scope) {
    let _ = inventories(relay, scope).await;
}

/// A list's member in the result, at one service and at all of them.
type Kind = (&'static str, fn(&Inventory) -> &[Item], fn(&atlas::Atlas) -> &Section);

fn kind(method: &str) -> Option<Kind> {
    Some(match method {
        method::TOOLS_LIST => ("tools", |i| &i.tools, |a| &a.tools),
        method::PROMPTS_LIST => ("prompts", |i| &i.prompts, |a| &a.prompts),
        method::RESOURCES_LIST => ("resources", |i| &i.resources, |a| &a.resources),
        method::TEMPLATES_LIST => ("resourceTemplates", |i| &i.templates, |a| &a.templates),
        _ => return None,
    })
}

/// The answer to a list request; `None` when it is none. Lists come whole, so there is no second page.
pub(crate) async fn list(
    relay: &Arc<Relay>,
    scope: &Scope,
    service: Option<&Arc<Service>>,
    request: &Request<'_>,
) -> Option<Response> {
    let (member, of_one, of_all) = kind(&request.method)?;
    let result: Result<Box<RawValue>, RelayError> = if request.param("cursor").is_some() {
        Err(RelayError::BadParams { what: "there is no such page" })
    } else if let Some(service) = service {
        relay.inventory(service).await.map(|inventory| {
            let allowed = of_one(&inventory).iter().filter(|i| scope.allows(&service.name, i.needs));
            atlas::list(allowed.map(|i| i.raw.as_ref()))
        })
    } else {
        know_all(relay, scope).await;
        Ok(atlas::list(of_all(&relay.atlas()).seen(scope)))
    };
    Some(reply::message(match result {
        Ok(values) => protocol::result(&request.id, Object::new().with(member, values)),
        Err(e) => e.reply(&request.id),
    }))
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
