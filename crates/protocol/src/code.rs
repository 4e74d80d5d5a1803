//! JSON-RPC error codes, those of the JSON-RPC 2.0 specification and those MCP adds.

/// The text is no JSON.
pub const PARSE: i64 = -32700;
/// The JSON is no JSON-RPC message.
pub const INVALID_REQUEST: i64 = -32600;
/// No such method here.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The parameters don't fit the method: an unknown tool, a missing name.
pub const INVALID_PARAMS: i64 = -32602;
/// Something failed on the way.
pub const INTERNAL: i64 = -32603;
/// Something of the server's own; those of the legacy era say so of a session they don't know.
pub const SERVER: i64 = -32000;
/// The resource is not there (until 2025-11-25; INVALID_PARAMS since).
pub const RESOURCE_NOT_FOUND: i64 = -32002;
/// The person did not allow it. Of Bellhop's own, in the range JSON-RPC leaves to servers.
pub const NOT_ALLOWED: i64 = -32010;
/// The connection was revoked, or Bellhop is paused. Of Bellhop's own.
pub const STOPPED: i64 = -32011;
/// The service could not be reached, or answered with something that is no answer. Of Bellhop's own.
pub const UPSTREAM: i64 = -32012;
/// A header contradicts the body, or is missing (since 2026-07-28).
pub const HEADER_MISMATCH: i64 = -32020;
/// The client did not declare a capability that the request needs (since 2026-07-28).
pub const MISSING_CAPABILITY: i64 = -32021;
/// The revision is not spoken here (since 2026-07-28).
pub const UNSUPPORTED_VERSION: i64 = -32022;
/// The person has to open an address first (2025-11-25 alone).
pub const URL_ELICITATION: i64 = -32042;
