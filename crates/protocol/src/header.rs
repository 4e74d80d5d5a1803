//! The header names of MCP's streamable HTTP transport, in the lower case that HTTP libraries compare.

use http::HeaderName;

/// `Mcp-Session-Id`, of the legacy era.
pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// `MCP-Protocol-Version`, since 2025-06-18.
pub const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// `Last-Event-ID`, to resume an event stream of the legacy era.
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// `Mcp-Method`, of the modern era.
pub const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// `Mcp-Name`, of the modern era.
pub const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// How the headers begin that mirror a tool's arguments, of the modern era; see [`crate::mirror`].
pub const PARAM_PREFIX: &str = "mcp-param-";

/// The media type of one message.
pub const JSON: &str = "application/json";
/// The media type of a stream of messages.
pub const EVENT_STREAM: &str = "text/event-stream";

/// Whether a `Content-Type` names this media type, whatever its parameters and case.
pub fn is_media_type(value: &str, media_type: &str) -> bool {
    value.split(';').next().is_some_and(|v| v.trim().eq_ignore_ascii_case(media_type))
}
