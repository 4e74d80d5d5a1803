//! The methods of MCP, by name, and what a caller needs for each.

use model::Access;

/// Opens a legacy session.
pub const INITIALIZE: &str = "initialize";
/// Says that the session is open.
pub const INITIALIZED: &str = "notifications/initialized";
/// Opens the modern era's conversation.
pub const DISCOVER: &str = "server/discover";
/// Are you there?
pub const PING: &str = "ping";
/// Which tools are there?
pub const TOOLS_LIST: &str = "tools/list";
/// Use a tool.
pub const TOOLS_CALL: &str = "tools/call";
/// Which prompts are there?
pub const PROMPTS_LIST: &str = "prompts/list";
/// One prompt, filled in.
pub const PROMPTS_GET: &str = "prompts/get";
/// Which resources are there?
pub const RESOURCES_LIST: &str = "resources/list";
/// Which shapes of resource URIs are there?
pub const TEMPLATES_LIST: &str = "resources/templates/list";
/// One resource.
pub const RESOURCES_READ: &str = "resources/read";
/// Tell me when a resource changes.
pub const SUBSCRIBE: &str = "resources/subscribe";
/// Don't tell me any more.
pub const UNSUBSCRIBE: &str = "resources/unsubscribe";
/// How is a task (of the tasks extension, and of 2025-11-25)?
pub const TASKS_GET: &str = "tasks/get";
/// What a task asked for (of the tasks extension).
pub const TASKS_UPDATE: &str = "tasks/update";
/// Give a task up (of the tasks extension, and of 2025-11-25).
pub const TASKS_CANCEL: &str = "tasks/cancel";
/// Complete an argument.
pub const COMPLETE: &str = "completion/complete";
/// How much to log.
pub const SET_LEVEL: &str = "logging/setLevel";
/// Forget a request.
pub const CANCELLED: &str = "notifications/cancelled";
/// How far a request is.
pub const PROGRESS: &str = "notifications/progress";
/// The client's roots changed.
pub const ROOTS_CHANGED: &str = "notifications/roots/list_changed";
/// The server's tools changed.
pub const TOOLS_CHANGED: &str = "notifications/tools/list_changed";
/// The server's prompts changed.
pub const PROMPTS_CHANGED: &str = "notifications/prompts/list_changed";
/// The server's resources changed.
pub const RESOURCES_CHANGED: &str = "notifications/resources/list_changed";
/// A resource changed.
pub const RESOURCE_UPDATED: &str = "notifications/resources/updated";

/// What a service says while it works.
pub const MESSAGE: &str = "notifications/message";
/// What was asked for at an address is done (2025-11-25).
pub const ELICITATION_COMPLETE: &str = "notifications/elicitation/complete";
/// Tell me when lists or resources change (since 2026-07-28).
pub const LISTEN: &str = "subscriptions/listen";
/// The first thing said on a subscription's stream.
pub const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
/// A service asks the person something.
pub const ELICIT: &str = "elicitation/create";
/// A service asks the app's model something.
pub const SAMPLE: &str = "sampling/createMessage";
/// A service asks which folders the app works in.
pub const ROOTS_LIST: &str = "roots/list";
/// What came of a task? (2025-11-25)
pub const TASKS_RESULT: &str = "tasks/result";
/// Which tasks are there? (2025-11-25)
pub const TASKS_LIST: &str = "tasks/list";

/// Whether a request of this method may be answered with questions first (multi round-trip requests).
pub fn may_ask(method: &str) -> bool {
    matches!(method, TOOLS_CALL | PROMPTS_GET | RESOURCES_READ)
}

/// Whether an answer to this method may be kept by whoever got it: it says for how long.
pub fn is_cacheable(method: &str) -> bool {
    matches!(method, DISCOVER | TOOLS_LIST | PROMPTS_LIST | RESOURCES_LIST | TEMPLATES_LIST | RESOURCES_READ)
}

/// Whether the method is one of the legacy era alone, so that a modern request of this name is none.
pub fn is_legacy_only(method: &str) -> bool {
    matches!(method, INITIALIZE | PING | SET_LEVEL | SUBSCRIBE | UNSUBSCRIBE | TASKS_RESULT | TASKS_LIST)
}

/// What a request from an app needs of the connection's scope; `tools/call` depends on the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it is about the conversation.
    Nothing,
    /// What the tool it names needs.
    AsTheTool,
    /// This much.
    Of(Access),
    /// Nobody here knows the method: everything, where one service can be meant.
    Unknown,
}

/// What this request needs.
pub fn need(method: &str) -> Need {
    match method {
        INITIALIZE | PING | DISCOVER => Need::Nothing,
        TOOLS_CALL => Need::AsTheTool,
        TOOLS_LIST | PROMPTS_LIST | PROMPTS_GET | RESOURCES_LIST | TEMPLATES_LIST | RESOURCES_READ
        | SUBSCRIBE | UNSUBSCRIBE | COMPLETE | SET_LEVEL | LISTEN | TASKS_GET | TASKS_RESULT | TASKS_LIST => {
            Need::Of(Access::Read)
        }
        _ => Need::Unknown,
    }
}
