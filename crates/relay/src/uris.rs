//! URIs at the endpoint of all services: what a service names in an answer is named so that the app's next request
//! for it finds that service again.

use crate::{Relay, atlas};
use model::ShortName;
use protocol::{Object, raw};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// How many URIs are remembered.
const MAX_HEARD: usize = 1000;

/// Which service named a URI that none lists, newest last.
#[derive(Default)]
pub(crate) struct Heard(Mutex<VecDeque<(String, ShortName)>>);

impl Heard {
    /// The service that named this URI.
    pub(crate) fn of(&self, uri: &str) -> Option<ShortName> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().rev().find(|(u, _)| u == uri).map(|(_, name)| name.clone())
    }

    /// Remembers who named a URI, unless another did; says whose it is.
    fn keep(&self, uri: &str, service: &ShortName) -> ShortName {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = heard.iter().position(|(u, _)| u == uri);
        let kept = at.and_then(|at| heard.remove(at)).unwrap_or_else(|| (uri.to_owned(), service.clone()));
        let whose = kept.1.clone();
        heard.push_back(kept);
        if heard.len() > MAX_HEARD {
            heard.pop_front();
        }
        whose
    }

    /// The service is gone, and another may come under its name.
    pub(crate) fn forget(&self, service: &ShortName) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(_, name)| name != service);
    }
}

impl Relay {
    /// What apps call a service's URI: the same, unless that would lead to another service.
    pub(crate) fn public_uri(&self, service: &ShortName, uri: &str) -> String {
        let atlas = self.atlas();
        if let Some(listed) = atlas.listed_uri(service, uri) {
            return listed.to_owned();
        }
        let leads_back = match atlas.resource(uri) {
            Some((other, own)) => other.name == *service && own == uri,
            None => self.heard.keep(uri, service) == *service,
        };
        if leads_back { uri.to_owned() } else { atlas::uri_of(service, uri) }
    }
}

/// A result with the URIs that apps know; `None` when nothing in it changes. Links, embedded resources and contents
/// of resources name them, in tools' results, prompts and resources.
pub(crate) fn named(relay: &Relay, service: &ShortName, result: &RawValue) -> Option<Box<RawValue>> {
    if !result.get().contains("\"uri\"") {
        return None;
    }
    let mut object = Object::parse(result.get()).ok()?;
    let name = |uri: &str| relay.public_uri(service, uri);
    let mut changed = false;
    for (member, rename) in
        [("content", block as Rename), ("contents", contents as Rename), ("messages", message as Rename)]
    {
        let Some(list) = object.list(member) else { continue };
        if let Some(list) = renamed(&list, rename, &name) {
            object.set(member, list);
            changed = true;
        }
    }
    changed.then(|| object.to_raw())
}

/// Names the URIs within one object; says whether any changed.
type Rename = fn(&mut Object<'_>, &dyn Fn(&str) -> String) -> bool;

/// The list with what changed in it; `None` when nothing did.
fn renamed(list: &[&RawValue], rename: Rename, name: &dyn Fn(&str) -> String) -> Option<Box<RawValue>> {
    let mut changed = false;
    let one = |entry: &RawValue| {
        let mut object = Object::parse(entry.get()).ok()?;
        rename(&mut object, name).then(|| object.to_raw())
    };
    let new: Vec<Cow<'_, RawValue>> = list
        .iter()
        .map(|&entry| match one(entry) {
            Some(new) => {
                changed = true;
                Cow::Owned(new)
            }
            None => Cow::Borrowed(entry),
        })
        .collect();
    changed.then(|| raw(&new.iter().map(AsRef::as_ref).collect::<Vec<&RawValue>>()))
}

/// The contents of a resource.
fn contents(object: &mut Object<'_>, name: &dyn Fn(&str) -> String) -> bool {
    let Some(uri) = object.text("uri").map(Cow::into_owned) else { return false };
    let public = name(&uri);
    let changed = public != uri;
    if changed {
        object.set("uri", raw(&public));
    }
    changed
}

/// A block of content: a link, or a resource within.
fn block(object: &mut Object<'_>, name: &dyn Fn(&str) -> String) -> bool {
    match object.text("type").as_deref() {
        Some("resource_link") => contents(object, name),
        Some("resource") => {
            let Some(inner) = object.get("resource").map(ToOwned::to_owned) else { return false };
            let Ok(mut inner) = Object::parse(inner.get()) else { return false };
            let changed = contents(&mut inner, name);
            if changed {
                let inner = inner.to_raw();
                object.set("resource", inner);
            }
            changed
        }
        _ => false,
    }
}

/// A message of a prompt, whose content is one block.
fn message(object: &mut Object<'_>, name: &dyn Fn(&str) -> String) -> bool {
    let Some(content) = object.get("content").map(ToOwned::to_owned) else { return false };
    let Ok(mut content) = Object::parse(content.get()) else { return false };
    let changed = block(&mut content, name);
    if changed {
        let content = content.to_raw();
        object.set("content", content);
    }
    changed
}
