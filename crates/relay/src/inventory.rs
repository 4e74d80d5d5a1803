use crate::{
    Limits, Service,
    client::Http,
    cross,
    legacy::{exchange, link::Link},
    modern::ask::{self, Discovered},
    problem::RelayError,
    relay::ToolSeen,
    shelf::Speaks,
};
use model::{Access, Timestamp};
use protocol::{Id, Object, Request, method, mirror};
use serde_json::value::RawValue;
use std::{collections::HashMap, sync::Arc};

/// What a service offers, as last seen. Never changed, only replaced.
#[derive(Debug, Clone)]
pub(crate) struct Inventory {
    pub(crate) fetched: Timestamp,
    /// The era it was spoken to in.
    pub(crate) speaks: Speaks,
    pub(crate) capabilities: Box<RawValue>,
    pub(crate) server: Box<RawValue>,
    pub(crate) instructions: Option<String>,
    pub(crate) tools: Vec<Item>,
    pub(crate) prompts: Vec<Item>,
    pub(crate) resources: Vec<Item>,
    pub(crate) templates: Vec<Item>,
    /// The place of a tool in `tools`, by its name.
    by_name: HashMap<String, usize>,
}

/// One tool, prompt, resource or template.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// What it is asked for by: its name or its URI.
    pub(crate) key: String,
    pub(crate) title: Option<String>,
    /// What it needs of a connection's scope.
    pub(crate) needs: Access,
    /// Whether the service said so, and not only nothing to the contrary.
    said: bool,
    /// All of it, as it came.
    pub(crate) raw: Box<RawValue>,
    /// As an app of the legacy era may have it, where that is something else.
    pub(crate) for_legacy: Option<Box<RawValue>>,
    /// Which arguments are mirrored in headers; `None` for none.
    pub(crate) params: Option<Arc<mirror::Params>>,
}

impl Item {
    /// As an app of this era may have it.
    pub(crate) fn seen(&self, era: protocol::Era) -> &RawValue {
        match (&self.for_legacy, era) {
            (Some(raw), protocol::Era::Legacy) => raw,
            _ => &self.raw,
        }
    }
}

/// The form inventories are kept in. Another number, and what was kept is fetched anew.
const FORM: u32 = 2;

/// The kinds of list: member of the result, what an entry is called by, capability, method.
const LISTS: [(&str, &str, &str, &str); 4] = [
    ("tools", "name", "tools", method::TOOLS_LIST),
    ("prompts", "name", "prompts", method::PROMPTS_LIST),
    ("resources", "uri", "resources", method::RESOURCES_LIST),
    ("resourceTemplates", "uriTemplate", "resources", method::TEMPLATES_LIST),
];

impl Inventory {
    /// Asks a service of the legacy era, on Bellhop's own session, for everything it lists.
    pub(crate) async fn fetch(
        http: &Http,
        limits: &Limits,
        service: &Service,
        link: &Link,
        now: Timestamp,
    ) -> Result<Self, RelayError> {
        let declared = Object::new().to_raw();
        let opened = link.open(http, limits, protocol::Revision::NEWEST_LEGACY, &declared).await?;
        let about = Discovered {
            capabilities: opened.capabilities.clone(),
            server: opened.server.clone(),
            instructions: opened.instructions.clone(),
        };
        let lists = everything(limits, service, &about, |id, method, cursor| async move {
            let params = cursor.map(|c: String| Object::new().with("cursor", c));
            let request = Request::new(Id::text(&id), method, params);
            exchange::ask(http, limits, service, opened, &request).await
        })
        .await?;
        Ok(Self::new(now, Speaks::Legacy, about, lists).known(service))
    }

    /// Asks a service of the modern era for everything it lists.
    pub(crate) async fn fetch_modern(
        http: &Http,
        limits: &Limits,
        service: &Service,
        about: Discovered,
        now: Timestamp,
    ) -> Result<Self, RelayError> {
        let lists = everything(limits, service, &about, |id, method, cursor| async move {
            ask::page(http, limits, service, &id, method, cursor).await
        })
        .await?;
        let mut new = Self::new(now, Speaks::Modern, about, lists);
        new.tools.retain(|tool| is_well_annotated(service, tool));
        new.index();
        Ok(new.known(service))
    }

    /// With what is known of a service's tools where it says nothing itself.
    pub(crate) fn known(mut self, service: &Service) -> Self {
        for tool in self.tools.iter_mut().filter(|t| !t.said && service.reads.contains(&t.key)) {
            tool.needs = Access::Read;
        }
        self
    }

    fn new(now: Timestamp, speaks: Speaks, about: Discovered, lists: [Vec<Item>; 4]) -> Self {
        let [tools, prompts, resources, templates] = lists;
        let mut new = Self {
            fetched: now,
            speaks,
            capabilities: about.capabilities,
            server: about.server,
            instructions: about.instructions,
            tools,
            prompts,
            resources,
            templates,
            by_name: HashMap::new(),
        };
        new.index();
        new
    }

    fn index(&mut self) {
        self.by_name = self.tools.iter().enumerate().map(|(at, t)| (t.key.clone(), at)).collect();
    }

    /// The tool of this name.
    pub(crate) fn tool(&self, name: &str) -> Option<&Item> {
        self.tools.get(*self.by_name.get(name)?)
    }

    /// Which arguments of a tool are mirrored in headers.
    pub(crate) fn params_of(&self, name: &str) -> Option<Arc<mirror::Params>> {
        self.tool(name)?.params.clone()
    }

    /// What the service can do, as an app of this era is told.
    pub(crate) fn offers(&self, era: protocol::Era) -> Box<RawValue> {
        if self.speaks.era() == era {
            self.capabilities.clone()
        } else {
            cross::offers_across(&self.capabilities)
        }
    }

    /// What was kept; `None` when it is of another form.
    pub(crate) fn read(json: &str) -> Option<Self> {
        let kept = Object::parse(json).ok()?;
        let number = |name: &str| serde_json::from_str::<i64>(kept.get(name)?.get()).ok();
        if number("form")? != i64::from(FORM) {
            return None;
        }
        let speaks = Speaks::from_str(&kept.text("speaks")?)?;
        let lists = LISTS.map(|(member, key, _, _)| items(&kept, member, key));
        let about = Discovered {
            capabilities: kept.get("capabilities")?.to_owned(),
            server: kept.get("server")?.to_owned(),
            instructions: kept.text("instructions").map(std::borrow::Cow::into_owned),
        };
        Some(Self::new(Timestamp::from_millis(number("fetched")?), speaks, about, lists))
    }

    /// To be kept.
    pub(crate) fn write(&self) -> String {
        fn raws(items: &[Item]) -> Vec<&RawValue> {
            items.iter().map(|i| i.raw.as_ref()).collect()
        }
        let mut kept = Object::new()
            .with("form", FORM)
            .with("fetched", self.fetched.millis())
            .with("speaks", self.speaks.as_str())
            .with("capabilities", &self.capabilities)
            .with("server", &self.server);
        if let Some(text) = &self.instructions {
            kept = kept.with("instructions", text);
        }
        let lists = [&self.tools, &self.prompts, &self.resources, &self.templates];
        for ((member, ..), list) in LISTS.iter().zip(lists) {
            kept = kept.with(member, raws(list));
        }
        kept.to_raw().get().to_owned()
    }

    /// Whether both offer the same.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let later = Self { fetched: other.fetched, ..self.clone() };
        later.write() == other.write()
    }

    /// Whether the service can do this at all.
    pub(crate) fn can(&self, capability: &str) -> bool {
        Object::parse(self.capabilities.get()).is_ok_and(|c| c.get(capability).is_some())
    }

    /// Whether its resources can be watched.
    pub(crate) fn can_subscribe(&self) -> bool {
        let can = Object::parse(self.capabilities.get()).unwrap_or_default();
        can.object("resources").is_some_and(|r| r.flag("subscribe") == Some(true))
    }

    /// Whether the service works on tasks, in its era's way.
    pub(crate) fn has_tasks(&self) -> bool {
        let can = Object::parse(self.capabilities.get()).unwrap_or_default();
        match self.speaks {
            Speaks::Legacy => can.get("tasks").is_some(),
            Speaks::Modern => {
                can.object("extensions").is_some_and(|e| e.get(protocol::meta::TASKS).is_some())
            }
        }
    }

    pub(crate) fn seen(&self) -> Vec<ToolSeen> {
        self.tools
            .iter()
            .map(|t| ToolSeen { name: t.key.clone(), title: t.title.clone(), reads: t.needs == Access::Read })
            .collect()
    }
}

/// All pages of all lists that a service says it has.
async fn everything<F, T>(
    limits: &Limits,
    service: &Service,
    about: &Discovered,
    mut page: F,
) -> Result<[Vec<Item>; 4], RelayError>
where
    F: FnMut(String, &'static str, Option<String>) -> T,
    T: Future<Output = Result<Box<RawValue>, RelayError>>,
{
    let can = Object::parse(about.capabilities.get()).unwrap_or_default();
    let mut lists = [const { Vec::new() }; 4];
    let mut size = 0;
    for ((member, key, capability, method), out) in LISTS.iter().zip(&mut lists) {
        if can.get(capability).is_none() {
            continue;
        }
        let mut cursor: Option<String> = None;
        for number in 0..limits.pages {
            let asked = page(format!("bellhop-{member}-{number}"), method, cursor.take()).await;
            let result = match asked {
                // A service with resources need not have templates.
                Err(RelayError::Declined { .. }) => break,
                other => other?,
            };
            // All pages together are held no more than one message is.
            size += result.get().len();
            if size > limits.message {
                return Err(RelayError::TooLarge { title: service.title.clone() });
            }
            let result = Object::parse(result.get())
                .map_err(|_| RelayError::NoMcp { title: service.title.clone() })?;
            out.extend(items(&result, member, key));
            cursor = result.text("nextCursor").map(std::borrow::Cow::into_owned);
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(lists)
}

/// A tool whose annotations for headers are invalid is none (2026-07-28, "Custom Headers from Tool Parameters").
fn is_well_annotated(service: &Service, tool: &Item) -> bool {
    let schema = Object::parse(tool.raw.get()).ok().and_then(|t| t.get("inputSchema").map(ToOwned::to_owned));
    let Some(schema) = schema else { return true };
    match mirror::Params::of_schema(&schema) {
        Ok(_) => true,
        Err(why) => {
            tracing::warn!(service = %service.name, tool = %tool.key, %why, "a tool is left out");
            false
        }
    }
}

fn items(result: &Object<'_>, member: &str, key: &str) -> Vec<Item> {
    let list = result.list(member).unwrap_or_default();
    let mut out: Vec<Item> = Vec::with_capacity(list.len());
    let mut known = std::collections::HashSet::new();
    for raw in list {
        let Ok(object) = Object::parse(raw.get()) else { continue };
        let Some(name) = object.text(key) else { continue };
        // Two readers could take it for two different things.
        let mut members = std::collections::HashSet::new();
        if !object.members().all(|(name, _)| members.insert(name)) {
            continue;
        }
        // A service that lists one name twice means whichever it means; apps see one.
        if !known.insert(name.clone().into_owned()) {
            continue;
        }
        let notes = object.object("annotations");
        let hint = notes.as_ref().and_then(|n| n.flag("readOnlyHint"));
        let reads = member != "tools" || hint == Some(true);
        let title =
            object.text("title").or_else(|| notes.as_ref()?.text("title").map(|t| t.into_owned().into()));
        let params = object.get("inputSchema").filter(|_| member == "tools");
        let params = params.and_then(|s| mirror::Params::of_schema(s).ok()).filter(|p| !p.is_empty());
        out.push(Item {
            key: name.clone().into_owned(),
            title: title.map(std::borrow::Cow::into_owned),
            needs: if reads { Access::Read } else { Access::Write },
            said: hint.is_some(),
            for_legacy: if member == "tools" { cross::tool_for_legacy(&object) } else { None },
            params: params.map(Arc::new),
            raw: raw.to_owned(),
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_reads_what_it_writes() {
        let json = r#"{"form":2,"speaks":"legacy","fetched":5,"capabilities":{"tools":{}},"server":{"name":"x"},"instructions":"i","tools":[{"name":"a","annotations":{"readOnlyHint":true,"title":"A"},"new":1e400},{"name":"b"},{"name":"b"},7,{"name":"c","name":"d"}],"prompts":[],"resources":[{"uri":"x:y"}],"resourceTemplates":[]}"#;
        let inventory = Inventory::read(json).unwrap();
        let again = Inventory::read(&inventory.write()).unwrap();
        assert!(inventory.same(&again));
        assert_eq!(
            again.seen(),
            [
                ToolSeen { name: "a".into(), title: Some("A".into()), reads: true },
                ToolSeen { name: "b".into(), title: None, reads: false },
            ]
        );
        assert!(again.tools[0].raw.get().contains("1e400"));
    }

    /// Proves catalogue.6 and catalogue.7.
    #[test]
    fn a_tool_that_is_known_to_read_needs_no_more_unless_its_service_says_otherwise() {
        let json = r#"{"form":2,"speaks":"legacy","fetched":5,"capabilities":{"tools":{}},"server":{"name":"x"},"tools":[{"name":"list"},{"name":"get","annotations":{"readOnlyHint":false}},{"name":"delete"},{"name":"show","annotations":{"readOnlyHint":true}}]}"#;
        let service = Service {
            id: "x".into(),
            name: "x".parse().unwrap(),
            title: "X".into(),
            url: "https://x.example/mcp".into(),
            proof: None,
            reads: ["list".to_owned(), "get".to_owned()].into(),
        };
        let seen = Inventory::read(json).unwrap().known(&service).seen();
        let reads: Vec<_> = seen.iter().filter(|t| t.reads).map(|t| t.name.as_str()).collect();
        assert_eq!(reads, ["list", "show"]);
    }

    #[test]
    fn an_inventory_of_another_form_is_fetched_anew() {
        assert!(Inventory::read(r#"{"form":1,"fetched":5}"#).is_none());
        assert!(Inventory::read("nonsense").is_none());
    }
}
