//! The fields of `_meta` that the modern era gives a meaning to (2026-07-28, "General fields").

use crate::{Level, Object, Request, Revision, code, raw};
use serde_json::value::RawValue;

/// What all names that the specification reserves begin with.
pub const PREFIX: &str = "io.modelcontextprotocol/";
/// The revision of a request.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// Who asks.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// What the asker can do.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// How much the asker wants logged.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// Which subscription a notification is for.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// Who answers.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// The extension in which services work on tasks.
pub const TASKS: &str = "io.modelcontextprotocol/tasks";

/// The fields that describe one request. They are per request, not per session.
const PER_REQUEST: [&str; 4] = [PROTOCOL_VERSION, CLIENT_INFO, CLIENT_CAPABILITIES, LOG_LEVEL];

/// What a modern request says of itself.
#[derive(Debug, Clone)]
pub struct Meta {
    /// Its revision, as it came.
    pub version: String,
    /// What the app can do, as it came.
    pub capabilities: Box<RawValue>,
    /// Who the app says it is.
    pub client: Option<Box<RawValue>>,
    /// From which level on the app wants to hear what the service logs; `None` for nothing.
    pub level: Option<Level>,
}

/// Why a request's `_meta` is not what the era requires.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMeta {
    /// A required field is not there, or is of the wrong type.
    #[error("`_meta` lacks “{0}”.")]
    Missing(&'static str),
    /// A level nobody knows.
    #[error("“{LOG_LEVEL}” is no level.")]
    Level,
}

impl BadMeta {
    /// The JSON-RPC code to answer with.
    pub const fn code(&self) -> i64 {
        code::INVALID_PARAMS
    }
}

impl Meta {
    /// Reads it.
    ///
    /// # Errors
    /// When something required is missing.
    pub fn read(request: &Request<'_>) -> Result<Self, BadMeta> {
        let missing = BadMeta::Missing(PROTOCOL_VERSION);
        let meta = request.params.as_ref().and_then(|p| p.object("_meta")).ok_or_else(|| missing.clone())?;
        let version = meta.text(PROTOCOL_VERSION).ok_or(missing)?.into_owned();
        let capabilities = meta
            .get(CLIENT_CAPABILITIES)
            .filter(|c| c.get().starts_with('{'))
            .ok_or(BadMeta::Missing(CLIENT_CAPABILITIES))?
            .to_owned();
        let level = match meta.get(LOG_LEVEL) {
            None => None,
            Some(level) => Some(Level::from_raw(level).ok_or(BadMeta::Level)?),
        };
        let client = meta.get(CLIENT_INFO).map(ToOwned::to_owned);
        Ok(Self { version, capabilities, client, level })
    }

    /// The revision, when it is one of the modern era.
    pub fn revision(&self) -> Option<Revision> {
        self.version.parse::<Revision>().ok().filter(|r| r.era() == crate::Era::Modern)
    }
}

/// Whether a request says in its `_meta` that it is of the modern era, whichever revision it names.
pub fn is_modern(request: &Request<'_>) -> bool {
    let meta = request.params.as_ref().and_then(|p| p.get("_meta"));
    meta.is_some_and(|m| {
        m.get().contains(PROTOCOL_VERSION)
            && Object::parse(m.get()).is_ok_and(|m| m.get(PROTOCOL_VERSION).is_some())
    })
}

/// Takes out of a request what only the modern era knows: the fields that describe it, and the members of a
/// retry. For a service of the legacy era.
pub fn strip(params: &mut Object<'_>) {
    params.remove("inputResponses");
    params.remove("requestState");
    let Some(meta) = params.get("_meta").map(ToOwned::to_owned) else { return };
    let Ok(mut meta) = Object::parse(meta.get()) else { return };
    for name in PER_REQUEST {
        meta.remove(name);
    }
    if meta.is_empty() {
        params.remove("_meta");
    } else {
        let meta = meta.to_raw();
        params.set("_meta", meta);
    }
}

/// Gives a request what the modern era requires. What was there of these fields is replaced: a request says
/// nothing for itself that its sender did not.
pub fn stamp(params: &mut Object<'_>, capabilities: &RawValue, client: &RawValue, level: Option<Level>) {
    let kept = params.get("_meta").map(ToOwned::to_owned);
    let mut meta = kept.as_ref().and_then(|m| Object::parse(m.get()).ok()).unwrap_or_default();
    meta.set(PROTOCOL_VERSION, raw(Revision::NEWEST.as_str()));
    meta.set(CLIENT_INFO, client.to_owned());
    meta.set(CLIENT_CAPABILITIES, capabilities.to_owned());
    match level {
        Some(level) => meta.set(LOG_LEVEL, raw(level.as_str())),
        None => meta.remove(LOG_LEVEL),
    }
    let meta = meta.to_raw();
    params.set("_meta", meta);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    fn request(json: &str) -> Request<'_> {
        let Message::Request(r) = Message::parse(json.as_bytes()).unwrap() else { panic!("a request") };
        r
    }

    #[test]
    fn what_is_required_is_missed_and_what_is_optional_is_not() {
        let whole = r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"sampling":{}}}}}"#;
        let meta = Meta::read(&request(whole)).unwrap();
        assert_eq!(meta.revision(), Some(Revision::V20260728));
        assert_eq!(meta.capabilities.get(), r#"{"sampling":{}}"#);
        assert!(meta.level.is_none() && meta.client.is_none());
        let bad = |from: &str, to: &str| Meta::read(&request(&whole.replace(from, to))).unwrap_err();
        assert_eq!(bad("clientCapabilities", "x"), BadMeta::Missing(CLIENT_CAPABILITIES));
        assert_eq!(bad("protocolVersion", "x"), BadMeta::Missing(PROTOCOL_VERSION));
        assert_eq!(bad("_meta", "meta"), BadMeta::Missing(PROTOCOL_VERSION));
        assert_eq!(bad(r#"{"sampling":{}}"#, "7"), BadMeta::Missing(CLIENT_CAPABILITIES));
        assert_eq!(
            bad(r#""2026-07-28","#, r#""2026-07-28","io.modelcontextprotocol/logLevel":"loud","#),
            BadMeta::Level
        );
    }

    #[test]
    fn what_is_stamped_can_be_stripped_and_nothing_else_is_touched() {
        let json = r#"{"name":"t","arguments":{"n":1e400},"_meta":{"progressToken":7,"io.modelcontextprotocol/logLevel":"debug","own/x":[1]}}"#;
        let mut params = Object::parse(json).unwrap();
        let client = raw(&Object::new().with("name", "c"));
        stamp(&mut params, &raw(&Object::new()), &client, None);
        assert!(!params.to_raw().get().contains("logLevel"), "nobody asked for a log");
        strip(&mut params);
        assert_eq!(
            params.to_raw().get(),
            r#"{"name":"t","arguments":{"n":1e400},"_meta":{"progressToken":7,"own/x":[1]}}"#
        );
    }

    #[test]
    fn an_empty_meta_is_left_out_for_the_legacy_era() {
        let mut params = Object::new();
        stamp(&mut params, &raw(&Object::new()), &raw(&Object::new()), Some(Level::Info));
        params.set("requestState", raw("s"));
        strip(&mut params);
        assert_eq!(params.to_raw().get(), "{}");
    }
}
