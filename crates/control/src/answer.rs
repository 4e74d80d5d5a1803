use crate::{ActivityEntry, AppMethod, Hidden, ReceiptView, Section};
use model::{AppId, AttemptId, ConnectionId, Problem, ServiceId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the engine says to a [`crate::Command`] or a [`crate::Query`] that succeeded.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "answer", rename_all = "snake_case")]
#[ts(export)]
pub enum Answer {
    /// Done; nothing more to say.
    Done,
    /// A sign-in is under way.
    SignIn {
        /// Which.
        attempt: AttemptId,
        /// The address of the sign-in page; `None` for a service that needs no sign-in.
        address: Option<String>,
    },
    /// How a sign-in ended.
    SignInEnd(SignInEnd),
    /// How a request ended: `true` when the app was let in.
    RequestEnd {
        /// Whether the app was let in.
        allowed: bool,
    },
    /// An access key was made. It is here and nowhere else: whoever loses it makes another.
    AccessKey {
        /// The connection that it opens.
        connection: ConnectionId,
        /// The key.
        #[ts(as = "String")]
        key: Hidden,
    },
    /// A service was removed: what was done about its sign-in.
    Receipt(ReceiptView),
    /// What was done about the sign-ins of services that were removed, newest first.
    Receipts {
        /// One for each.
        receipts: Vec<ReceiptView>,
    },
    /// A section of the view.
    Section(Section),
    /// What Connect would write.
    AppPreview(AppPreview),
    /// What was written into an app's config, or taken out of it.
    AppWritten {
        /// Which app.
        app: AppId,
        /// Each file that was changed.
        changes: Vec<ConfigChange>,
        /// What the person does next, such as restarting the app.
        next: String,
    },
    /// Past activity, newest first.
    Activity {
        /// The entries.
        entries: Vec<ActivityEntry>,
    },
    /// What a person types into a program that Bellhop doesn't know.
    GenericClient(GenericClient),
    /// What the doctor found.
    Doctor(Doctor),
    /// The window was raised, and the person answers there.
    Shown,
}

/// An answer, or the problem that stood in its way.
pub type Outcome = Result<Answer, Problem>;

/// How a sign-in ended.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "end", rename_all = "snake_case")]
#[ts(export)]
pub enum SignInEnd {
    /// The service is connected.
    Connected {
        /// Which service.
        service: ServiceId,
        /// Its short name.
        name: String,
        /// Whose account it is, when the provider says.
        account: Option<String>,
    },
    /// It failed, was denied, cancelled or timed out; what was there before stays.
    Failed {
        /// Why, and what to do.
        problem: Problem,
    },
}

/// What Connect would write into an app's config, shown before it is written.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AppPreview {
    /// Which app.
    pub app: AppId,
    /// How it would reach Bellhop.
    pub method: AppMethod,
    /// Each file that would change.
    pub changes: Vec<ConfigChange>,
    /// What the person does afterwards.
    pub next: String,
}

/// A change of one config file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConfigChange {
    /// The file.
    pub file: String,
    /// Whether the file is made new.
    pub created: bool,
    /// The change as a unified diff; empty when nothing changes.
    pub diff: String,
}

/// What a person types into a program that Bellhop doesn't know: none of it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct GenericClient {
    /// The address of all services.
    pub endpoint: String,
    /// Where the person's browser is sent (RFC 6749 §3.1).
    pub authorization_url: String,
    /// Where tokens are fetched (RFC 6749 §3.2).
    pub token_url: String,
    /// The client id. There is no secret; PKCE is required.
    pub client_id: String,
    /// All that can be asked for.
    pub scopes: Vec<String>,
    /// The same as JSON, in the form of most apps' configs.
    pub json: String,
    /// The same as TOML.
    pub toml: String,
    /// The command line for an app that starts a program instead.
    pub command: String,
    /// The command line with which a script gets tokens.
    pub script: String,
}

/// What the doctor found.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Doctor {
    /// Each thing that was checked.
    pub checks: Vec<Check>,
}

/// One thing the doctor checked.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Check {
    /// What was checked, in a few words.
    pub what: String,
    /// What was seen.
    pub seen: String,
    /// What is wrong and what to do; `None` when all is well.
    pub problem: Option<Problem>,
}
