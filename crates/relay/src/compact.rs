//! The compact listing: when the tools of all services are too many for an app, it gets two, of which one finds the
//! others and one calls them. What it may do is the same.

use crate::{
    Leave, Relay, Service, ToolsShown,
    app::App,
    atlas::Entry,
    connection::{Connection, Shows},
    local,
    names::{CALL_TOOL, FIND_TOOLS},
    reply,
};
use axum::response::Response;
use model::{Listing, Resource};
use protocol::{Era, Object, Request, method, raw};
use serde_json::value::RawValue;
use std::{collections::HashSet, sync::Arc};

/// How many tools are found at once: unless it is said, and at most.
const FOUND: (usize, usize) = (10, 50);

/// What of a found tool the app is told.
const TOLD: [&str; 5] = ["name", "title", "description", "inputSchema", "annotations"];

/// Whether so many tools are shown compactly.
fn is_compact(shows: Shows, tools: usize) -> bool {
    match shows.listing {
        Listing::Auto => tools > shows.most,
        Listing::Full => false,
        Listing::Compact => true,
    }
}

impl Relay {
    /// How many tools a caller sees at the endpoint of all services.
    fn tools_seen(&self, scope: &Leave) -> usize {
        self.atlas().tools.seen(scope).count()
    }

    /// How many tools a connection has at the endpoint of all services, as they are known now, and how an app that
    /// comes now is shown them.
    pub fn tools_shown(&self, connection: &Connection) -> ToolsShown {
        let tools = self.tools_seen(&Leave::of(connection));
        ToolsShown { tools, compact: is_compact(connection.shows(), tools) }
    }

    /// How tools are shown to a connection's app was changed ([`Connection::show`]): it is told to look again.
    pub fn shown_anew(&self, connection: &Connection) {
        self.tell_of_tools(connection);
    }
}

impl App {
    /// Whether tools are shown to it compactly.
    pub(crate) fn is_compact(&self, relay: &Relay, scope: &Leave) -> bool {
        if *self.endpoint() != Resource::All {
            return false;
        }
        match (self, self.connection().shows().listing) {
            // Decided when the session was opened: an app that reads lists once would never learn of another.
            (Self::Session(session), Listing::Auto) => session.is_compact(),
            (app, _) => for_visit(relay, app.connection(), scope),
        }
    }
}

/// Whether tools are shown compactly to an app of the modern era. By what the connection is, not by what a request
/// says of itself: lists don't vary from one request to the next.
pub(crate) fn for_visit(relay: &Relay, connection: &Connection, scope: &Leave) -> bool {
    is_compact(connection.shows(), relay.tools_seen(scope))
}

/// What a session that is opened now holds to; `client` is what the app calls itself.
pub(crate) fn for_session(relay: &Relay, connection: &Connection, scope: &Leave, client: &str) -> bool {
    let shows = connection.shows();
    let most = crate::most::known(client).unwrap_or(shows.most);
    is_compact(Shows { most, ..shows }, relay.tools_seen(scope))
}

/// The list of the two.
pub(crate) fn list(services: &[Arc<Service>]) -> Box<RawValue> {
    let text = |what: &str| Object::new().with("type", "string").with("description", what);
    let behind = local::named(services, 300);
    let find = Object::new()
        .with("name", FIND_TOOLS)
        .with("title", "Find tools")
        .with(
            "description",
            format!(
                "Finds tools of the person's online services ({behind}). Say in a few words what is to be done, such as \
                 “list domains”; the tools that fit best come first, each with its inputSchema. Run one of them with \
                 {CALL_TOOL}."
            ),
        )
        .with(
            "inputSchema",
            schema(
                Object::new()
                    .with("query", text("What is to be done, or a tool's name. Empty for all tools in their order."))
                    .with("service", text("The short name of a service, to look there alone."))
                    .with(
                        "limit",
                        Object::new()
                            .with("type", "integer")
                            .with("minimum", 1)
                            .with("maximum", FOUND.1)
                            .with("default", FOUND.0)
                            .with("description", "How many tools at most."),
                    )
                    .with(
                        "skip",
                        Object::new()
                            .with("type", "integer")
                            .with("minimum", 0)
                            .with("default", 0)
                            .with("description", "How many of the first to leave out, to see more."),
                    ),
                &["query"],
            ),
        )
        .with("annotations", Object::new().with("readOnlyHint", true).with("openWorldHint", false));
    let call = Object::new()
        .with("name", CALL_TOOL)
        .with("title", "Call a tool")
        .with(
            "description",
            format!(
                "Runs a tool that {FIND_TOOLS} found, and answers as that tool does. What the tool does, and whether it \
                 only reads, stands in what was found."
            ),
        )
        .with(
            "inputSchema",
            schema(
                Object::new().with("name", text("The tool's name, as it was found.")).with(
                    "arguments",
                    Object::new()
                        .with("type", "object")
                        .with("description", "The tool's input: an object that fits its inputSchema.")
                        .with("additionalProperties", true),
                ),
                &["name"],
            ),
        )
        .with("annotations", Object::new().with("readOnlyHint", false).with("openWorldHint", true));
    raw(&[find, call])
}

fn schema(properties: Object<'_>, required: &[&str]) -> Object<'static> {
    Object::new().with("type", "object").with("properties", properties).with("required", required)
}

/// What a request is to the two.
pub(crate) enum Taken {
    /// Nothing: it goes its way.
    No,
    /// It was a call through the one, and is now what it is a call of.
    Call,
    /// It is answered.
    Answer(Response),
}

/// Takes a request that is for one of the two. They are there also for an app that is shown all tools: one that was
/// not a moment ago may still call them.
pub(crate) async fn take(relay: &Arc<Relay>, app: &App, scope: &Leave, request: &mut Request<'_>) -> Taken {
    if request.method != method::TOOLS_CALL || *app.endpoint() != Resource::All {
        return Taken::No;
    }
    let name = request.param("name");
    let arguments = || request.params.as_ref().and_then(|p| p.object("arguments")).unwrap_or_default();
    match name.as_deref() {
        Some(FIND_TOOLS) => {
            let result = match Wanted::read(&arguments()) {
                Ok(wanted) => find(relay, app.era(), scope, &wanted).await,
                Err(what) => failed(what),
            };
            Taken::Answer(answer(app.era(), request, result))
        }
        Some(CALL_TOOL) => match inner(&arguments()) {
            Ok((name, arguments)) => {
                let params = request.params.get_or_insert_default();
                params.set("name", raw(&name));
                match arguments {
                    Some(arguments) => params.set("arguments", arguments),
                    None => params.remove("arguments"),
                }
                Taken::Call
            }
            Err(what) => Taken::Answer(answer(app.era(), request, failed(what))),
        },
        _ => Taken::No,
    }
}

fn answer(era: Era, request: &Request<'_>, result: Object<'_>) -> Response {
    let result = match era {
        Era::Legacy => result,
        Era::Modern => result.with("resultType", "complete"),
    };
    reply::message(protocol::result(&request.id, result))
}

fn text(text: &str) -> [Object<'static>; 1] {
    [Object::new().with("type", "text").with("text", text)]
}

/// What the model did wrong, so that it can do it right.
fn failed(what: &str) -> Object<'static> {
    Object::new().with("content", text(what)).with("isError", true)
}

/// The tool and its arguments within the arguments of a call.
fn inner(arguments: &Object<'_>) -> Result<(String, Option<Box<RawValue>>), &'static str> {
    let name =
        arguments.text("name").ok_or("“name” is missing: the name of a tool that find_tools found.")?;
    if [FIND_TOOLS, CALL_TOOL].contains(&name.as_ref()) {
        return Err(
            "call_tool runs the tools of services. Use find_tools and call_tool themselves directly.",
        );
    }
    let inner = match arguments.get("arguments") {
        None => None,
        Some(none) if none.get() == "null" => None,
        Some(object) if object.get().starts_with('{') => Some(object.to_owned()),
        Some(_) => return Err("“arguments” has to be an object, as the tool's inputSchema says."),
    };
    Ok((name.into_owned(), inner))
}

/// What is to be found.
struct Wanted {
    query: String,
    service: Option<String>,
    limit: usize,
    skip: usize,
}

impl Wanted {
    fn read(arguments: &Object<'_>) -> Result<Self, &'static str> {
        let number = |name: &str, default: usize| match arguments.get(name) {
            None => Ok(default),
            Some(value) => {
                value.get().parse::<usize>().map_err(|_| "“limit” and “skip” have to be whole numbers.")
            }
        };
        let query =
            arguments.text("query").ok_or("“query” is missing: a few words that say what is to be done.")?;
        let service = arguments.text("service").map(std::borrow::Cow::into_owned).filter(|s| !s.is_empty());
        Ok(Self {
            query: query.trim().to_owned(),
            service,
            limit: number("limit", FOUND.0)?.clamp(1, FOUND.1),
            skip: number("skip", 0)?,
        })
    }
}

/// The tools that fit, among those that the caller sees.
async fn find(relay: &Arc<Relay>, era: Era, scope: &Leave, wanted: &Wanted) -> Object<'static> {
    local::know_all(relay, scope).await;
    let atlas = relay.atlas();
    let here = |e: &&Entry| wanted.service.as_ref().is_none_or(|s| e.service.name.as_str() == s.as_str());
    let seen = || atlas.tools.seen(scope).filter(here);
    let found: Vec<&Entry> = if wanted.query.is_empty() {
        seen().collect()
    } else {
        let may: HashSet<&str> = seen().map(|e| e.public.as_str()).collect();
        let ranked = atlas.find_tools(&wanted.query);
        let mut ranked: Vec<&Entry> =
            ranked.into_iter().filter(|e| may.contains(e.public.as_str())).collect();
        // Who knows a name means that tool.
        let meant = |e: &Entry| [&e.public, &e.key].iter().any(|n| n.eq_ignore_ascii_case(&wanted.query));
        ranked.sort_by_key(|e| !meant(e));
        ranked
    };
    let tools: Vec<Box<RawValue>> =
        found.iter().skip(wanted.skip).take(wanted.limit).map(|e| told(e.seen(era))).collect();
    let more = found.len().saturating_sub(wanted.skip.saturating_add(tools.len()));
    let mut said = Object::new().with("tools", &tools).with("more", more);
    if tools.is_empty() {
        said = said.with("hint", "Nothing fits. Try other words, or an empty query for all tools.");
    }
    let trouble = local::trouble(relay, scope);
    if !trouble.is_empty() {
        said = said.with("trouble", local::told_of_trouble(&trouble));
    }
    let said = said.to_raw();
    Object::new().with("content", text(said.get())).with("structuredContent", said)
}

/// A tool as it is told among what was found.
fn told(tool: &RawValue) -> Box<RawValue> {
    let Ok(tool) = Object::parse(tool.get()) else { return tool.to_owned() };
    let mut out = Object::new();
    for member in TOLD {
        if let Some(value) = tool.get(member) {
            out.set(member, value.to_owned());
        }
    }
    out.to_raw()
}
