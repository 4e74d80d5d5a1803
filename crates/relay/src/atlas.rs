use crate::{
    Leave, Service,
    inventory::{Inventory, Item},
    names,
    search::{Document, Index},
};
use model::{Access, ShortName};
use protocol::{Era, Object, mirror, raw};
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

/// Everything at the endpoint of all services under the name it has there, and where each of it lies. Built
/// anew when an inventory or the services change; never changed.
#[derive(Default)]
pub(crate) struct Atlas {
    pub(crate) services: Arc<Vec<Arc<Service>>>,
    pub(crate) generation: u64,
    pub(crate) tools: Section,
    pub(crate) prompts: Section,
    pub(crate) resources: Section,
    pub(crate) templates: Section,
    /// The tools' words, from when somebody first searches them.
    index: OnceLock<Index>,
}

/// The entries of one kind, in the order of services and, within one, in the service's own.
#[derive(Default)]
pub(crate) struct Section {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
}

/// One tool, prompt, resource or template.
pub(crate) struct Entry {
    /// What apps call it.
    pub(crate) public: String,
    pub(crate) service: Arc<Service>,
    /// What its service calls it.
    pub(crate) key: String,
    title: Option<String>,
    pub(crate) needs: Access,
    /// Which of a tool's arguments are mirrored in headers.
    pub(crate) params: Option<Arc<mirror::Params>>,
    /// The entry as apps see it.
    pub(crate) raw: Box<RawValue>,
    /// As apps of the legacy era see it, where that is something else.
    for_legacy: Option<Box<RawValue>>,
}

/// Before a URI that two services list: `bellhop://<service>/<URI>`.
const SCHEME: &str = "bellhop://";

impl Section {
    fn new(
        found: &[(Arc<Service>, Arc<Inventory>)],
        list: fn(&Inventory) -> &[Item],
        called: &'static str,
        public: impl Fn(&[(&ShortName, &str)]) -> Vec<String>,
    ) -> Self {
        let all: Vec<(&Arc<Service>, &Item)> =
            found.iter().flat_map(|(s, inventory)| list(inventory).iter().map(move |i| (s, i))).collect();
        let names = public(&all.iter().map(|(s, i)| (&s.name, i.key.as_str())).collect::<Vec<_>>());
        let entries: Vec<Entry> = all
            .into_iter()
            .zip(names)
            .map(|((service, item), public)| {
                let named = |raw: &RawValue| {
                    Object::parse(raw.get())
                        .map_or_else(|_| raw.to_owned(), |o| o.with(called, &public).to_raw())
                };
                Entry {
                    raw: named(&item.raw),
                    for_legacy: item.for_legacy.as_deref().map(named),
                    public,
                    service: service.clone(),
                    key: item.key.clone(),
                    title: item.title.clone(),
                    needs: item.needs,
                    params: item.params.clone(),
                }
            })
            .collect();
        let by_name = entries.iter().enumerate().map(|(at, e)| (e.public.clone(), at)).collect();
        Self { entries, by_name }
    }

    /// The entry of this public name.
    pub(crate) fn get(&self, public: &str) -> Option<&Entry> {
        self.entries.get(*self.by_name.get(public)?)
    }

    /// What a connection of this scope sees.
    pub(crate) fn seen<'a>(&'a self, scope: &'a Leave) -> impl Iterator<Item = &'a Entry> {
        // The scope is asked once for each service: its entries stand together.
        let mut asked: Option<(&'a Arc<Service>, [bool; 2])> = None;
        self.entries.iter().filter(move |entry| {
            let service = &entry.service;
            let [read, write] = match asked {
                Some((known, may)) if Arc::ptr_eq(known, service) => may,
                _ => [Access::Read, Access::Write].map(|access| scope.allows(&service.name, access)),
            };
            asked = Some((service, [read, write]));
            match entry.needs {
                Access::Read => read,
                Access::Write => write,
            }
        })
    }

    /// To be searched: places are those of the entries.
    fn index(&self) -> Index {
        let parsed: Vec<Object<'_>> =
            self.entries.iter().map(|e| Object::parse(e.raw.get()).unwrap_or_default()).collect();
        let texts: Vec<_> = parsed.iter().map(|o| (o.text("title"), o.text("description"))).collect();
        Index::new(self.entries.iter().zip(&texts).map(|(entry, (title, description))| Document {
            name: &entry.public,
            title: title.as_deref().or(entry.title.as_deref()).unwrap_or_default(),
            description: description.as_deref().unwrap_or_default(),
            service: &entry.service.title,
        }))
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}

impl Entry {
    /// As an app of this era sees it.
    pub(crate) fn seen(&self, era: Era) -> &RawValue {
        match (&self.for_legacy, era) {
            (Some(raw), Era::Legacy) => raw,
            _ => &self.raw,
        }
    }
}

impl Atlas {
    /// From what is known of the services now.
    pub(crate) fn new(
        services: Arc<Vec<Arc<Service>>>,
        generation: u64,
        inventory: impl Fn(&Service) -> Option<Arc<Inventory>>,
    ) -> Self {
        let found: Vec<_> = services.iter().filter_map(|s| inventory(s).map(|i| (s.clone(), i))).collect();
        Self {
            tools: Section::new(&found, |i| &i.tools, "name", names::public),
            prompts: Section::new(&found, |i| &i.prompts, "name", names::public),
            resources: Section::new(&found, |i| &i.resources, "uri", uris),
            templates: Section::new(&found, |i| &i.templates, "uriTemplate", uris),
            services,
            generation,
            index: OnceLock::new(),
        }
    }

    /// The tools that fit a query, the best first.
    pub(crate) fn find_tools(&self, query: &str) -> Vec<&Entry> {
        let index = self.index.get_or_init(|| self.tools.index());
        index.find(query).into_iter().filter_map(|place| self.tools.entries.get(place)).collect()
    }

    /// Which service a URI belongs to and what that service calls it. First what is listed, then what carries
    /// the service in front, then the template that fits best.
    pub(crate) fn resource(&self, uri: &str) -> Option<(Arc<Service>, String)> {
        if let Some(entry) = self.resources.get(uri).or_else(|| self.templates.get(uri)) {
            return Some((entry.service.clone(), entry.key.clone()));
        }
        if let Some((name, rest)) = uri.strip_prefix(SCHEME).and_then(|r| r.split_once('/'))
            && let Some(service) = self.services.iter().find(|s| s.name.as_str() == name)
        {
            return Some((service.clone(), rest.to_owned()));
        }
        let fixed = |e: &Entry| e.key.split('{').next().unwrap_or_default().len();
        let fits = |e: &&Entry| fixed(e) > 0 && uri.starts_with(e.key.get(..fixed(e)).unwrap_or_default());
        let best = self.templates.entries().filter(fits).max_by_key(|e| fixed(e))?;
        Some((best.service.clone(), uri.to_owned()))
    }

    /// What apps call a URI that this service lists; `None` when it lists no such.
    pub(crate) fn listed_uri(&self, service: &ShortName, uri: &str) -> Option<&str> {
        let own = |e: &&Entry| e.service.name == *service && e.key == uri;
        let entry = self.resources.get(uri).filter(own);
        let entry = entry.or_else(|| self.resources.get(&uri_of(service, uri)).filter(own))?;
        Some(&entry.public)
    }
}

/// A URI that names its service.
pub(crate) fn uri_of(service: &ShortName, uri: &str) -> String {
    format!("{SCHEME}{service}/{uri}")
}

/// URIs stay as they are where only one service lists them.
fn uris(items: &[(&ShortName, &str)]) -> Vec<String> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for (_, uri) in items {
        *count.entry(uri).or_default() += 1;
    }
    items
        .iter()
        .map(|(service, uri)| match count.get(uri) {
            Some(1) if !uri.starts_with(SCHEME) => (*uri).to_owned(),
            _ => uri_of(service, uri),
        })
        .collect()
}

/// Raw values as one list.
pub(crate) fn list<'a>(values: impl Iterator<Item = &'a RawValue>) -> Box<RawValue> {
    raw(&values.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atlas(services: &[(&str, &str)]) -> Atlas {
        let list: Vec<_> = services
            .iter()
            .map(|(name, _)| {
                Arc::new(Service {
                    id: (*name).into(),
                    name: name.parse().unwrap(),
                    title: (*name).into(),
                    url: "http://127.0.0.1:1/".into(),
                    reads: [].into(),
                    proof: None,
                })
            })
            .collect();
        Atlas::new(Arc::new(list), 1, |s| {
            let (_, lists) = services.iter().find(|(n, _)| *n == s.name.as_str())?;
            Inventory::read(&format!(
                r#"{{"form":2,"speaks":"legacy","fetched":0,"capabilities":{{}},"server":{{}},{lists}}}"#
            ))
            .map(Arc::new)
        })
    }

    fn place(atlas: &Atlas, uri: &str) -> Option<(String, String)> {
        atlas.resource(uri).map(|(s, u)| (s.name.to_string(), u))
    }

    #[test]
    fn a_uri_that_one_service_lists_stays_and_one_that_two_list_names_its_service() {
        let atlas = atlas(&[
            (
                "a",
                r#""resources":[{"uri":"x://1"},{"uri":"x://2"}],"resourceTemplates":[{"uriTemplate":"t://a/{id}"}]"#,
            ),
            ("b", r#""resources":[{"uri":"x://2"}],"resourceTemplates":[{"uriTemplate":"t://a/b/{id}"}]"#),
        ]);
        let at = |s: &str, u: &str| Some((s.to_owned(), u.to_owned()));
        assert_eq!(place(&atlas, "x://1"), at("a", "x://1"));
        assert_eq!(place(&atlas, "bellhop://a/x://2"), at("a", "x://2"));
        assert_eq!(place(&atlas, "bellhop://b/x://2"), at("b", "x://2"));
        assert_eq!(place(&atlas, "x://2"), None);
        assert_eq!(place(&atlas, "t://a/7"), at("a", "t://a/7"));
        assert_eq!(place(&atlas, "t://a/b/7"), at("b", "t://a/b/7"));
        let listed = |s: &str, u| atlas.listed_uri(&s.parse().unwrap(), u);
        assert_eq!(listed("b", "x://2"), Some("bellhop://b/x://2"));
        assert_eq!(listed("a", "x://1"), Some("x://1"));
        assert_eq!(listed("b", "x://1"), None);
    }
}
