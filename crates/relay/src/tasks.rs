//! Ids of tasks at the endpoint of all services: `<service>:<id>`, so that a later request finds its service.

use model::ShortName;
use protocol::{Object, raw};
use serde_json::value::RawValue;

/// The member of `_meta` by which a message of the legacy era says which task it belongs to.
const RELATED: &str = "io.modelcontextprotocol/related-task";

/// A result in which every id of a task has its service in front; `None` when there is none in it.
pub(crate) fn named(result: &RawValue, service: &ShortName) -> Option<Box<RawValue>> {
    if !result.get().contains("\"taskId\"") {
        return None;
    }
    let mut object = Object::parse(result.get()).ok()?;
    let mut changed = rename(&mut object, service);
    for member in ["task", "_meta"] {
        let Some(inner) = object.get(member).map(ToOwned::to_owned) else { continue };
        let Ok(mut inner) = Object::parse(inner.get()) else { continue };
        let renamed = if member == "task" {
            rename(&mut inner, service)
        } else {
            let related = inner.get(RELATED).map(ToOwned::to_owned);
            let related = related.as_ref().and_then(|r| Object::parse(r.get()).ok());
            related.is_some_and(|mut r| {
                let renamed = rename(&mut r, service);
                inner.set(RELATED, r.to_raw());
                renamed
            })
        };
        if renamed {
            object.set(member, inner.to_raw());
            changed = true;
        }
    }
    if let Some(list) = object.get("tasks").map(ToOwned::to_owned)
        && let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(list.get())
    {
        let renamed: Vec<Box<RawValue>> = list
            .into_iter()
            .map(|t| match Object::parse(t.get()) {
                Ok(mut task) => {
                    rename(&mut task, service);
                    task.to_raw()
                }
                Err(_) => t.to_owned(),
            })
            .collect();
        object.set("tasks", raw(&renamed));
        changed = true;
    }
    changed.then(|| object.to_raw())
}

fn rename(object: &mut Object<'_>, service: &ShortName) -> bool {
    let Some(id) = object.text("taskId").map(std::borrow::Cow::into_owned) else { return false };
    object.set("taskId", raw(&format!("{service}:{id}")));
    true
}

/// The service and its own id of a task.
pub(crate) fn split(id: &str) -> Option<(&str, &str)> {
    id.split_once(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_carries_its_service_wherever_it_is_named() {
        let name: ShortName = "a".parse().unwrap();
        let named = |json: &str| {
            let json = RawValue::from_string(json.to_owned()).unwrap();
            named(&json, &name).map(|r| r.get().to_owned())
        };
        assert_eq!(
            named(r#"{"resultType":"task","taskId":"7","ttl":1e400}"#).unwrap(),
            r#"{"resultType":"task","taskId":"a:7","ttl":1e400}"#
        );
        assert_eq!(named(r#"{"task":{"taskId":"7"}}"#).unwrap(), r#"{"task":{"taskId":"a:7"}}"#);
        assert_eq!(
            named(r#"{"tasks":[{"taskId":"7"},{"taskId":"8"}]}"#).unwrap(),
            r#"{"tasks":[{"taskId":"a:7"},{"taskId":"a:8"}]}"#
        );
        assert_eq!(
            named(r#"{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"7"}}}"#).unwrap(),
            r#"{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"a:7"}}}"#
        );
        assert_eq!(named(r#"{"content":[{"text":"\"taskId\""}]}"#), None);
        assert_eq!(split("a:7:8"), Some(("a", "7:8")));
    }
}
