use crate::{AppMethod, Exception, PermissionsView, SignInMethod, SignInPhase, Stays};
use model::{
    AppId, AttemptId, ConnectionId, Listing, Problem, Program, RequestId, Scope, ServiceId, ShortName,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Everything a person sees, as the faces of Bellhop keep it: the newest of each section.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct View {
    /// The newest of each section that arrived.
    pub sections: std::collections::BTreeMap<SectionName, Section>,
}

impl View {
    /// Take in a section that arrived.
    pub fn put(&mut self, section: Section) {
        self.sections.insert(section.name(), section);
    }
}

/// A section's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
#[allow(missing_docs, reason = "the sections themselves are documented")]
pub enum SectionName {
    Status,
    Services,
    Catalogue,
    SignIns,
    Connections,
    Requests,
    Apps,
    Activity,
    Settings,
}

impl SectionName {
    /// All sections.
    pub const ALL: [Self; 9] = [
        Self::Status,
        Self::Services,
        Self::Catalogue,
        Self::SignIns,
        Self::Connections,
        Self::Requests,
        Self::Apps,
        Self::Activity,
        Self::Settings,
    ];
}

/// One section of the view, whole. Sent when it changed, at most four times a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "section", content = "body", rename_all = "snake_case")]
#[ts(export)]
#[allow(
    clippy::large_enum_variant,
    reason = "a handful live at a time, and boxes would show on the wire types"
)]
pub enum Section {
    /// How Bellhop itself is.
    Status(StatusView),
    /// The services, by short name.
    Services(Vec<ServiceView>),
    /// The tiles.
    Catalogue(Vec<CatalogueView>),
    /// The sign-ins under way.
    SignIns(Vec<SignInView>),
    /// The connections, newest first; revoked ones behind.
    Connections(Vec<ConnectionView>),
    /// The apps that ask for something, oldest first.
    Requests(Vec<RequestView>),
    /// The AI apps Bellhop knows, those found on this computer first.
    Apps(Vec<AppView>),
    /// The newest activity, newest first, at most 100 entries.
    Activity(Vec<ActivityEntry>),
    /// The switches.
    Settings(SettingsView),
}

impl Section {
    /// Its name.
    pub fn name(&self) -> SectionName {
        match self {
            Self::Status(_) => SectionName::Status,
            Self::Services(_) => SectionName::Services,
            Self::Catalogue(_) => SectionName::Catalogue,
            Self::SignIns(_) => SectionName::SignIns,
            Self::Connections(_) => SectionName::Connections,
            Self::Requests(_) => SectionName::Requests,
            Self::Apps(_) => SectionName::Apps,
            Self::Activity(_) => SectionName::Activity,
            Self::Settings(_) => SectionName::Settings,
        }
    }
}

/// How Bellhop itself is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StatusView {
    /// Bellhop's version.
    pub version: String,
    /// Process id of the engine.
    pub pid: u32,
    /// Whether a desktop holds the engine (`true`) or `bellhop serve` does.
    pub desktop: bool,
    /// The folder that holds all of Bellhop's files.
    pub home: String,
    /// The address apps use, such as `http://127.0.0.1:27440/mcp`; `None` while the port is not held.
    pub endpoint: Option<String>,
    /// Where the vault's key is, and whether it is open.
    pub keys: KeysState,
    /// Whether calls pass.
    pub pause: PauseView,
    /// What needs the person, most urgent first; empty when all is well.
    pub problems: Vec<Problem>,
    /// This computer's name.
    pub computer: String,
}

/// Whether calls pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum PauseView {
    /// They do.
    Running,
    /// They don't.
    Paused {
        /// Until when; `None` until the person resumes.
        until: Option<Timestamp>,
    },
}

/// Where the vault's key is, and whether it is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum KeysState {
    /// Nothing was chosen yet. `notice` is the sentence that says what the system will ask.
    Unchosen {
        /// What the system will ask when the keychain is chosen.
        notice: String,
        /// Why the keychain can't be chosen, when it can't.
        keychain: Option<Problem>,
    },
    /// The key is there.
    Open {
        /// `keychain`, `passphrase`, `file` or `session`.
        kept: String,
    },
    /// The key is there but can't be had without the person.
    Locked {
        /// `keychain` or `passphrase`.
        kept: String,
        /// Why.
        problem: Problem,
    },
}

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ServiceView {
    /// Its id.
    pub id: ServiceId,
    /// The person's short name for it.
    pub name: ShortName,
    /// Its title, such as "Playground".
    pub title: String,
    /// Its address.
    pub url: String,
    /// The catalogue entry it came from.
    pub catalogue: Option<String>,
    /// Whose account it is, when the provider says.
    pub account: Option<String>,
    /// How it is signed in; never `auto`.
    pub method: SignInMethod,
    /// What was asked for at the provider, and what it granted.
    pub permissions: PermissionsView,
    /// What the provider may do against the rules, because the person said so.
    pub exceptions: Vec<Exception>,
    /// How long it stays signed in.
    pub stays: Stays,
    /// Whether it can be used.
    pub state: ServiceState,
    /// What it offers, as last seen.
    pub tools: Vec<ToolView>,
    /// The connections, by name, whose calls wait until the person has signed in again.
    pub awaited_by: Vec<String>,
    /// Why it could not be asked what it offers the last time; `None` while all is well. What is in `tools` may be
    /// old then.
    pub trouble: Option<Problem>,
}

/// Whether a service can be used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum ServiceState {
    /// It can.
    Connected {
        /// When the sign-in ends if nothing renews it; `None` when it does not end or nobody knows.
        until: Option<Timestamp>,
    },
    /// The sign-in is there, but something is wrong for now; it is tried again by itself.
    Degraded {
        /// What is wrong.
        problem: Problem,
        /// When it is tried again.
        next_try: Timestamp,
    },
    /// The person has to sign in again.
    NeedsSignIn {
        /// Why.
        problem: Problem,
    },
    /// Nobody is signed in.
    SignedOut,
}

/// A tool of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ToolView {
    /// Its name at the service.
    pub name: String,
    /// Its title or description, shortened to a line.
    pub title: String,
    /// Whether the service says it only reads.
    pub reads: bool,
}

/// A tile: how a known provider is connected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CatalogueView {
    /// The entry's id, such as `playground`.
    pub id: String,
    /// The title.
    pub title: String,
    /// One sentence about it.
    pub about: String,
    /// Its address, when it is a fixed one.
    pub url: Option<String>,
    /// What the address looks like that the person has to type, when it is a site of theirs.
    pub site: Option<String>,
    /// Its name in the form of the official registry, such as `de.mittwald/mcp`.
    pub full_name: String,
    /// The one or two letters on its tile.
    pub mark: String,
    /// The tile's colour, `#rrggbb`.
    pub colour: Option<String>,
    /// Words by which it is found too.
    pub keywords: Vec<String>,
    /// Where one reads more about it.
    pub website: Option<String>,
    /// What a person should know before they sign in.
    pub note: Option<String>,
    /// Where a person makes an API token for it.
    pub token_page: Option<String>,
    /// Whether the person added it in a file of their own.
    pub own: bool,
    /// The services made from it.
    pub services: Vec<ServiceId>,
}

impl CatalogueView {
    /// Whether a search for these words finds it: each stands in its id, title, sentence or keywords, in any case.
    pub fn answers(&self, search: &str) -> bool {
        let mut text = [&*self.id, &*self.title, &*self.about].join("\n");
        for word in &self.keywords {
            text.push('\n');
            text.push_str(word);
        }
        let text = text.to_lowercase();
        search.split_whitespace().all(|word| text.contains(&word.to_lowercase()))
    }
}

/// A sign-in under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignInView {
    /// Its id.
    pub attempt: AttemptId,
    /// The catalogue entry it is for.
    pub catalogue: Option<String>,
    /// The service it is for, when it is there already.
    pub service: Option<ServiceId>,
    /// What is signed in to, such as "Playground".
    pub title: String,
    /// How far it is.
    pub phase: SignInPhase,
}

/// An app's leave to use services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConnectionView {
    /// Its id.
    pub id: ConnectionId,
    /// Its name, such as "Cursor on anna-laptop", or what the person calls it.
    pub name: String,
    /// Whether that name is the person's own.
    pub named: bool,
    /// The app's name as it said it.
    pub app: String,
    /// The app's entry in the list of known apps, when it is one.
    pub app_id: Option<AppId>,
    /// The computer's name.
    pub computer: String,
    /// How it signed in.
    pub method: Method,
    /// What it may do.
    pub scope: Scope,
    /// The same in words, such as "reads playground, changes mittwald".
    pub scope_words: String,
    /// The program that was seen when it was let in.
    pub program: Option<Program>,
    /// Its access key, when it has one.
    pub key: Option<KeyView>,
    /// How the tools of all services are shown to it.
    pub shown: ShownTools,
    /// Since when.
    pub connected_on: Timestamp,
    /// The last call.
    pub last_active: Option<Timestamp>,
    /// Calls under way now.
    pub calls_now: u32,
    /// Calls so far, since this engine started.
    pub calls: u32,
    /// Whether it may still do anything.
    pub state: ConnectionState,
}

/// An access key, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyView {
    /// From when on it lets nobody in; `None` for one without an end.
    pub ends: Option<Timestamp>,
    /// Whether it is so old that it should be replaced.
    pub old: bool,
}

/// How the tools of all services are shown to a connection's app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ShownTools {
    /// What the person chose.
    pub listing: Listing,
    /// How many there are, of those it may use.
    pub tools: u32,
    /// Whether they are to be searched by an app that comes now, instead of listed.
    pub compact: bool,
}

/// How an app signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Method {
    /// OAuth in the app's browser.
    Oauth,
    /// The bridge.
    Bridge,
    /// A device code (RFC 8628).
    Device,
    /// An access key.
    AccessKey,
}

/// Whether a connection may do anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum ConnectionState {
    /// It may.
    Allowed,
    /// It may not until the person resumes it.
    Paused {
        /// Since when.
        since: Timestamp,
    },
    /// It may not any more.
    Revoked {
        /// Since when.
        on: Timestamp,
        /// Whether its app is turned away without a question until the person asks it back.
        refused: bool,
    },
}

/// An app that asks for something: a snapshot of what a person decides about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RequestView {
    /// Its id.
    pub id: RequestId,
    /// The hash of all that is shown here; an approval names it.
    pub snapshot: String,
    /// What is asked.
    pub about: RequestAbout,
    /// The code that stands in the browser too, such as `TIN OAK 7`; empty where there is no browser.
    pub code: String,
    /// The app's name as it said it. Not verified.
    pub app: String,
    /// The app's entry in the list of known apps, when it is one.
    pub app_id: Option<AppId>,
    /// This computer's name.
    pub computer: String,
    /// How it would sign in.
    pub method: Method,
    /// Where the browser goes afterwards, such as `127.0.0.1` or `cursor:`; empty where there is no browser.
    pub redirect: String,
    /// The program that was seen behind it; `None` when it could not be seen.
    pub program: Option<Program>,
    /// What it asked for. To let a connection do more is to approve exactly this.
    pub asked: Scope,
    /// What a person may choose from, a service at a time.
    pub services: Vec<RequestService>,
    /// Since when it waits.
    pub asked_on: Timestamp,
    /// When it ends unanswered.
    pub until: Timestamp,
}

/// What an app asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "about", rename_all = "snake_case")]
#[ts(export)]
pub enum RequestAbout {
    /// To be let in.
    Connect,
    /// To do more than it may: a call of its connection waits for that.
    More {
        /// The connection that would be allowed more.
        connection: ConnectionId,
        /// The tool it wants to use, as it said it. Not verified.
        tool: Option<String>,
    },
}

/// One service that an app may be allowed to use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RequestService {
    /// Its short name.
    pub name: ShortName,
    /// Its title.
    pub title: String,
    /// Whether reading is preselected.
    pub read: bool,
    /// Whether changing is preselected: never.
    pub write: bool,
    /// What is behind these.
    pub tools: Vec<ToolView>,
}

/// An AI app that Bellhop knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AppView {
    /// Its id, such as `cursor`.
    pub id: AppId,
    /// Its name.
    pub name: String,
    /// Whether it is on this computer.
    pub found: bool,
    /// Its config file, as a person would write it.
    pub file: String,
    /// Whether Bellhop is in its config.
    pub state: AppState,
    /// How it reaches Bellhop unless the person chooses otherwise.
    pub default: AppMethod,
    /// The ways it can.
    pub methods: Vec<AppMethod>,
}

/// Whether Bellhop is in an app's config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum AppState {
    /// It isn't.
    Disconnected,
    /// It is.
    Connected {
        /// How.
        method: AppMethod,
    },
    /// The config has an entry of that name that Bellhop did not write, or wrote differently.
    Other {
        /// What it is.
        problem: Problem,
    },
    /// The config can't be read.
    Unreadable {
        /// Why: file and line.
        problem: Problem,
    },
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActivityEntry {
    /// Its number; later is higher.
    #[ts(type = "number")]
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// What kind of thing.
    pub kind: ActivityKind,
    /// The connection's name, when it is about one.
    pub connection: Option<String>,
    /// The service's short name, when it is about one.
    pub service: Option<String>,
    /// The tool's name or the method, when it is a call.
    pub tool: Option<String>,
    /// How long a call took, in milliseconds.
    pub millis: Option<u32>,
    /// How it ended: `ok`, or a stable code.
    pub outcome: String,
}

/// The kinds of activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
#[allow(missing_docs, reason = "each says itself")]
pub enum ActivityKind {
    ServiceConnected,
    ServiceRemoved,
    SignInFailed,
    NeedsSignIn,
    AppConnected,
    AppDisconnected,
    ConnectionAllowed,
    ConnectionDenied,
    ConnectionWidened,
    WideningDenied,
    ConnectionRevoked,
    ConnectionPaused,
    ConnectionResumed,
    ConnectionRenamed,
    Call,
    Refused,
    Paused,
    Resumed,
    Started,
    Finished,
}

/// The switches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SettingsView {
    /// Whether Bellhop starts when the person logs in to the computer.
    pub autostart: bool,
    /// Why that can't be switched, when it can't, such as in a build from the tree.
    pub autostart_fixed: Option<String>,
    /// The loopback port.
    pub port: u16,
}
