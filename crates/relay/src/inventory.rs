use crate::{
    Limits, Service,
    client::Http,
    legacy::{exchange, session::Link},
    problem::RelayError,
    relay::ToolSeen,
};
use model::{Access, Timestamp};
use protocol::{Id, Object, Request, method};
use serde_json::value::RawValue;

/// What a service offers, as last seen. Never changed, only replaced.
#[derive(Debug, Clone)]
pub(crate) struct Inventory {
    pub(crate) fetched: Timestamp,
    pub(crate) capabilities: Box<RawValue>,
    pub(crate) server: Box<RawValue>,
    pub(crate) instructions: Option<String>,
    pub(crate) tools: Vec<Item>,
    pub(crate) prompts: Vec<Item>,
    pub(crate) resources: Vec<Item>,
    pub(crate) templates: Vec<Item>,
}

/// One tool, prompt, resource or template.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// What it is asked for by: its name or its URI.
    pub(crate) key: String,
    pub(crate) title: Option<String>,
    /// What it needs of a connection's scope.
    pub(crate) needs: Access,
    /// All of it, as it came.
    pub(crate) raw: Box<RawValue>,
}

/// The form inventories are kept in. Another number, and what was kept is fetched anew.
const FORM: u32 = 1;

/// The kinds of list: member of the result, what an entry is called by, capability, method.
const LISTS: [(&str, &str, &str, &str); 4] = [
    ("tools", "name", "tools", method::TOOLS_LIST),
    ("prompts", "name", "prompts", method::PROMPTS_LIST),
    ("resources", "uri", "resources", method::RESOURCES_LIST),
    ("resourceTemplates", "uriTemplate", "resources", method::TEMPLATES_LIST),
];

impl Inventory {
    /// Asks the service, on Bellhop's own session, for everything it lists.
    pub(crate) async fn fetch(
        http: &Http,
        limits: &Limits,
        service: &Service,
        link: &Link,
        now: Timestamp,
    ) -> Result<Self, RelayError> {
        let declared = Object::new().to_raw();
        let opened = link.open(http, limits, protocol::Revision::NEWEST_LEGACY, &declared, None).await?;
        let can = Object::parse(opened.capabilities.get()).unwrap_or_default();
        let mut lists = [const { Vec::new() }; 4];
        for ((member, key, capability, method), out) in LISTS.iter().zip(&mut lists) {
            if can.get(capability).is_none() {
                continue;
            }
            let mut cursor: Option<String> = None;
            for page in 0..limits.pages {
                let params = cursor.take().map(|c| Object::new().with("cursor", c));
                let request = Request::new(Id::text(&format!("bellhop-{member}-{page}")), method, params);
                let asked = exchange::ask(http, limits, service, opened.head(), &request).await;
                let result = match asked {
                    // A service with resources need not have templates.
                    Err(RelayError::Declined { .. }) => break,
                    other => other?.1,
                };
                let result = Object::parse(result.get())
                    .map_err(|_| RelayError::NoMcp { title: service.title.clone() })?;
                out.extend(items(&result, member, key));
                cursor = result.text("nextCursor").map(std::borrow::Cow::into_owned);
                if cursor.is_none() {
                    break;
                }
            }
        }
        let [tools, prompts, resources, templates] = lists;
        Ok(Self {
            fetched: now,
            capabilities: opened.capabilities.clone(),
            server: opened.server.clone(),
            instructions: opened.instructions.clone(),
            tools,
            prompts,
            resources,
            templates,
        })
    }

    /// What was kept; `None` when it is of another form.
    pub(crate) fn read(json: &str) -> Option<Self> {
        let kept = Object::parse(json).ok()?;
        let number = |name: &str| serde_json::from_str::<i64>(kept.get(name)?.get()).ok();
        if number("form")? != i64::from(FORM) {
            return None;
        }
        let [tools, prompts, resources, templates] =
            LISTS.map(|(member, key, _, _)| items(&kept, member, key));
        Some(Self {
            fetched: Timestamp::from_millis(number("fetched")?),
            capabilities: kept.get("capabilities")?.to_owned(),
            server: kept.get("server")?.to_owned(),
            instructions: kept.text("instructions").map(std::borrow::Cow::into_owned),
            tools,
            prompts,
            resources,
            templates,
        })
    }

    /// To be kept.
    pub(crate) fn write(&self) -> String {
        fn raws(items: &[Item]) -> Vec<&RawValue> {
            items.iter().map(|i| i.raw.as_ref()).collect()
        }
        let mut kept = Object::new()
            .with("form", FORM)
            .with("fetched", self.fetched.millis())
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

    pub(crate) fn seen(&self) -> Vec<ToolSeen> {
        self.tools
            .iter()
            .map(|t| ToolSeen { name: t.key.clone(), title: t.title.clone(), reads: t.needs == Access::Read })
            .collect()
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
        let reads = member != "tools" || notes.as_ref().and_then(|n| n.flag("readOnlyHint")) == Some(true);
        let title =
            object.text("title").or_else(|| notes.as_ref()?.text("title").map(|t| t.into_owned().into()));
        out.push(Item {
            key: name.clone().into_owned(),
            title: title.map(std::borrow::Cow::into_owned),
            needs: if reads { Access::Read } else { Access::Write },
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
        let json = r#"{"form":1,"fetched":5,"capabilities":{"tools":{}},"server":{"name":"x"},"instructions":"i","tools":[{"name":"a","annotations":{"readOnlyHint":true,"title":"A"},"new":1e400},{"name":"b"},{"name":"b"},7,{"name":"c","name":"d"}],"prompts":[],"resources":[{"uri":"x:y"}],"resourceTemplates":[]}"#;
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

    #[test]
    fn an_inventory_of_another_form_is_fetched_anew() {
        assert!(Inventory::read(r#"{"form":2,"fetched":5}"#).is_none());
        assert!(Inventory::read("nonsense").is_none());
    }
}
