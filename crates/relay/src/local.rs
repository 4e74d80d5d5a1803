//! What Bellhop answers itself: who it is, and the lists, from the inventories.

use crate::{
    Caller, Leave, Relay, Service,
    app::App,
    atlas::{self, Section},
    compact, cross,
    inventory::{Inventory, Item},
    legacy::session::Session,
    names::{CALL_TOOL, FIND_TOOLS},
    problem::RelayError,
    reply,
};
use axum::response::Response;
use futures_util::future::join_all;
use model::{Explain, Resource};
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
    let scope = caller.leave();
    if *endpoint == Resource::All {
        know_all(relay, &scope).await;
    }
    let client = request.params.as_ref().and_then(|p| p.object("clientInfo"));
    let client = client.as_ref().and_then(|c| c.text("name")).unwrap_or_default();
    let is_compact =
        *endpoint == Resource::All && compact::for_session(relay, &caller.connection, &scope, &client);
    let about = match about(relay, &scope, endpoint, Era::Legacy, is_compact).await {
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
    session.find_compact(is_compact);
    let id = session.id.clone();
    relay.keep(session);
    let answer = reply::message(protocol::result(&request.id, result));
    reply::with(answer, header::SESSION_ID, id.as_str())
}

/// `server/discover`. Likewise.
pub(crate) async fn discover(
    relay: &Arc<Relay>,
    caller: &Caller,
    scope: &Leave,
    endpoint: &Resource,
    id: &Id,
) -> Result<Response, RelayError> {
    if *endpoint == Resource::All {
        know_all(relay, scope).await;
    }
    let is_compact = *endpoint == Resource::All && compact::for_visit(relay, &caller.connection, scope);
    let about = about(relay, scope, endpoint, Era::Modern, is_compact).await?;
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
    is_compact: bool,
) -> Result<About, RelayError> {
    match endpoint {
        Resource::All => Ok(all(relay, scope, era, is_compact).await),
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

async fn all(relay: &Arc<Relay>, scope: &Leave, era: Era, is_compact: bool) -> About {
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
    let tools = is_compact.then(|| relay.atlas().tools.seen(scope).count());
    let instructions = instructions(&services, tools, &trouble(relay, scope));
    About { capabilities: can.to_raw(), server: us().to_raw(), instructions: Some(instructions) }
}

/// Which services stand behind the endpoint, how to get to their tools, and what is wrong with some, in as many
/// characters as apps read. `compact` is how many tools there are, where they are not listed.
fn instructions(services: &[Arc<Service>], compact: Option<usize>, trouble: &[Trouble]) -> String {
    if services.is_empty() {
        return "No service is connected, or this app may use none. The person adds them in Bellhop.".into();
    }
    let head = match compact {
        None => {
            "The person's online services, through Bellhop. A tool's name begins with the short name of its service: "
        }
        Some(_) => "The person's online services, through Bellhop: ",
    };
    let how = compact.map_or_else(String::new, |tools| {
        format!(
            " Their {tools} tools are not listed: look for one with {FIND_TOOLS}, in a few words, then run it with \
             {CALL_TOOL}."
        )
    });
    let wrong = in_trouble(trouble);
    let left = MAX_INSTRUCTIONS.saturating_sub([head, &how, &wrong].iter().map(|t| t.chars().count()).sum());
    format!("{head}{}.{how}{wrong}", named(services, left.saturating_sub(1)))
}

/// What is wrong, shortly: at most a third of what apps read.
fn in_trouble(trouble: &[Trouble]) -> String {
    let Some(first) = trouble.first() else { return String::new() };
    let more = match trouble.len() - 1 {
        0 => String::new(),
        n => format!(" The same or worse with {n} more."),
    };
    let said: String = first.says.chars().take(MAX_INSTRUCTIONS / 5).collect();
    format!(" Not all is well, so tools may be missing: {said}{more}")
}

/// The services in a few words, and how many more there are than there was room for.
pub(crate) fn named(services: &[Arc<Service>], room: usize) -> String {
    let mut out = String::new();
    for (n, service) in services.iter().enumerate() {
        let title: String = service.title.chars().filter(|c| !c.is_control()).take(60).collect();
        let same = title.to_lowercase().replace([' ', '-'], "_") == service.name.as_str();
        let part = if same { service.name.to_string() } else { format!("{} is {title}", service.name) };
        let part = if n == 0 { part } else { format!(", {part}") };
        let last = n + 1 == services.len();
        // Room stays for saying how many more there are.
        if out.chars().count() + part.chars().count() + if last { 0 } else { 14 } > room {
            let more = services.len() - n;
            return if n == 0 { format!("{more} services") } else { format!("{out} and {more} more") };
        }
        out.push_str(&part);
    }
    out
}

/// A service that could not be asked what it offers.
pub(crate) struct Trouble {
    service: Arc<Service>,
    /// The sentence.
    says: String,
}

/// What is wrong with services of the scope.
pub(crate) fn trouble(relay: &Relay, scope: &Leave) -> Vec<Trouble> {
    let services = relay.access.services();
    let in_trouble = services.iter().filter(|s| scope.names(&s.name)).filter_map(|service| {
        let says = relay.trouble(service)?.problem().sentence;
        Some(Trouble { service: service.clone(), says })
    });
    in_trouble.collect()
}

/// The same for an app: the service, and a sentence that says what is wrong with it.
pub(crate) fn told_of_trouble(trouble: &[Trouble]) -> Vec<Object<'static>> {
    let told = |t: &Trouble| Object::new().with("service", &t.service.name).with("problem", &t.says);
    trouble.iter().map(told).collect()
}

/// The inventories of all services in the scope, those that are to be had in time.
async fn inventories(relay: &Arc<Relay>, scope: &Leave) -> Vec<(Arc<Service>, Arc<Inventory>)> {
    let services = relay.access.services();
    let asked = services.iter().filter(|s| scope.names(&s.name)).map(|service| async move {
        match relay.inventory_beside(service).await {
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
    let mut wrong = Vec::new();
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
                wrong = trouble(relay, scope);
                if member == "tools" && app.is_compact(relay, scope) {
                    let services = relay.access.services();
                    let services: Vec<_> =
                        services.iter().filter(|s| scope.names(&s.name)).cloned().collect();
                    return Some(listed(relay, era, request, member, compact::list(&services), &wrong));
                }
                Ok(atlas::list(of_all(&relay.atlas()).seen(scope).map(|e| e.seen(era))))
            }
        }
    };
    Some(match values {
        Ok(values) => listed(relay, era, request, member, values, &wrong),
        Err(e) => reply::error(era, &e, &request.id),
    })
}

/// Where a list says which services it may lack something of.
const TROUBLE: &str = "bellhop/trouble";

fn listed(
    relay: &Relay,
    era: Era,
    request: &Request<'_>,
    member: &'static str,
    values: Box<RawValue>,
    wrong: &[Trouble],
) -> Response {
    let mut result = Object::new().with(member, values);
    let mut about = match era {
        Era::Legacy => Object::new(),
        Era::Modern => {
            result = cross::cacheable_for(result.with("resultType", "complete"), &relay.limits);
            Object::new().with(meta::SERVER_INFO, us())
        }
    };
    if !wrong.is_empty() {
        about = about.with(TROUBLE, told_of_trouble(wrong));
    }
    if !about.is_empty() {
        result = result.with("_meta", about);
    }
    reply::message(protocol::result(&request.id, result))
}

/// An empty result.
pub(crate) fn done(id: &Id) -> Response {
    reply::message(protocol::result(id, Object::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, title: &str) -> Arc<Service> {
        Arc::new(Service {
            id: name.into(),
            name: name.parse().unwrap(),
            title: title.into(),
            url: "https://a.example/".into(),
            reads: [].into(),
            proof: None,
        })
    }

    fn wrong(name: &str, says: &str) -> Trouble {
        Trouble { service: service(name, name), says: says.into() }
    }

    #[test]
    fn instructions_stay_within_what_apps_read_and_say_what_they_leave_out() {
        let services: Vec<_> =
            (0..50).map(|n| service(&format!("s{n}"), &format!("The service of number {n}"))).collect();
        let trouble: Vec<_> =
            (0..9).map(|n| wrong(&format!("s{n}"), &"Something is wrong. ".repeat(20))).collect();
        for tools in [None, Some(12_345)] {
            for trouble in [&[], &trouble[..1], &trouble[..]] {
                let text = instructions(&services, tools, trouble);
                assert!(text.chars().count() <= MAX_INSTRUCTIONS, "{text}");
                assert!(text.contains("s0 is The service of number 0"), "{text}");
                assert!(text.contains(" more."), "{text}");
                assert_eq!(text.contains("12345 tools are not listed"), tools.is_some(), "{text}");
                assert_eq!(text.contains("Something is wrong"), !trouble.is_empty(), "{text}");
            }
        }
    }

    #[test]
    fn instructions_read_as_a_sentence() {
        let services = [service("mittwald", "mittwald"), service("blog", "Anna's blog")];
        assert_eq!(
            instructions(&services, None, &[]),
            "The person's online services, through Bellhop. A tool's name begins with the short name of its service: \
             mittwald, blog is Anna's blog."
        );
        assert_eq!(
            instructions(&services, Some(312), &[wrong("blog", "Anna's blog could not be reached.")]),
            "The person's online services, through Bellhop: mittwald, blog is Anna's blog. Their 312 tools are not \
             listed: look for one with find_tools, in a few words, then run it with call_tool. Not all is well, so tools \
             may be missing: Anna's blog could not be reached."
        );
        assert!(instructions(&[], None, &[]).starts_with("No service is connected"));
    }
}
