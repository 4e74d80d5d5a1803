use crate::{AppsError, Method, Surroundings, known::Known};
use serde_json::{Map, Value};
use std::path::Path;
use url::Url;

/// Whose the entry named `bellhop` is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is none.
    Absent,
    /// Ours, as it would be written today.
    Current(Method),
    /// Ours, with another address, program or home.
    Outdated(Method),
    /// Somebody else's.
    Foreign,
}

/// Our entry for this app.
pub(crate) fn entry(
    known: &Known,
    method: Method,
    here: &Surroundings,
) -> Result<Map<String, Value>, AppsError> {
    let shape = known.shape(method).ok_or_else(|| AppsError::Method { app: known.name.clone() })?;
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| AppsError::Unwritable { path: path.to_owned() })
    };
    let (bridge, home) = match method {
        Method::Http => (String::new(), String::new()),
        Method::Bridge => (text(&here.bridge)?, text(&here.bellhop_home)?),
    };
    let fill = |word: &str| match word {
        "{endpoint}" => here.endpoint.clone(),
        "{bridge}" => bridge.clone(),
        "{home}" => home.clone(),
        "{app}" => known.id.to_string(),
        plain => plain.to_owned(),
    };
    Ok(shape.iter().map(|(key, value)| (key.clone(), filled(value, &fill))).collect())
}

/// The value with every word filled in. Words are replaced whole, so nothing in a path can be taken for one.
fn filled(value: &Value, fill: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(word) => fill(word).into(),
        Value::Array(list) => list.iter().map(|v| filled(v, fill)).collect(),
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), filled(v, fill))).collect(),
        other => other.clone(),
    }
}

/// Whose this entry is.
pub(crate) fn standing(known: &Known, found: Option<&Value>, here: &Surroundings) -> Standing {
    let Some(found) = found else { return Standing::Absent };
    for method in known.methods() {
        if entry(known, method, here).is_ok_and(|e| e.iter().all(|(k, v)| found.get(k) == Some(v))) {
            return Standing::Current(method);
        }
    }
    let addressed = |(key, value): (&String, &Value)| {
        value == "{endpoint}" && found.get(key).and_then(Value::as_str).is_some_and(is_endpoint)
    };
    if known.http.as_ref().is_some_and(|shape| shape.iter().any(addressed)) {
        Standing::Outdated(Method::Http)
    } else if known.bridge.is_some() && is_bridge(found) {
        Standing::Outdated(Method::Bridge)
    } else {
        Standing::Foreign
    }
}

/// Whether the address is a Bellhop's: `/mcp` or `/mcp/<service>` on this computer.
fn is_endpoint(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    url.scheme() == "http" && here && model::Resource::from_path(url.path()).is_some()
}

/// Whether the program is a Bellhop's bridge: it is told `mcp` first, and is called bellhop or told an app.
fn is_bridge(entry: &Value) -> bool {
    let arguments: Vec<&str> =
        entry.get("args").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let named = entry.get("command").and_then(Value::as_str).is_some_and(|command| {
        // By both separators: the config may come from another system.
        command.rsplit(['/', '\\']).next().is_some_and(|name| name.to_lowercase().starts_with("bellhop"))
    });
    arguments.first() == Some(&"mcp") && (named || arguments.contains(&"--app"))
}
