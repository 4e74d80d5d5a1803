use model::{Problem, ServiceId, ShortName, Timestamp};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How a person signs in to a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum SignInMethod {
    /// The best that the service offers.
    #[default]
    Auto,
    /// OAuth 2.1 in the browser.
    Oauth,
    /// The device authorization grant (RFC 8628): a code that is typed on another device.
    Device,
    /// An API token, made at the provider and pasted.
    Token,
    /// A WordPress application password.
    Password,
    /// Not at all: the service is open.
    None,
}

/// What a provider may do against the rules, because the person says so for this service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Exception {
    /// Its metadata need not say that it supports PKCE (RFC 7636). PKCE is used all the same.
    PkceUndeclared,
    /// It is not told which resource the tokens are for (RFC 8707): it chokes on the parameter.
    NoResource,
}

/// A secret on its way to the engine or, once, from it. Its debug form does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// A registration that the provider gave the person (a pre-registered client).
#[derive(Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct GivenClient {
    /// The client id.
    pub client_id: String,
    /// The client secret, where there is one.
    pub client_secret: Option<String>,
}

impl std::fmt::Debug for GivenClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secret = self.client_secret.as_ref().map(|_| "…");
        f.debug_struct("GivenClient").field("client_id", &self.client_id).field("secret", &secret).finish()
    }
}

/// How far a sign-in is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "phase", rename_all = "snake_case")]
#[ts(export)]
pub enum SignInPhase {
    /// Finding out how to sign in.
    Looking,
    /// Waiting for the person to choose ([`crate::Command::ContinueSignIn`]).
    Asking {
        /// The methods that the service has, best first.
        methods: Vec<MethodView>,
        /// What can be asked for by OAuth or device, what is preset first.
        permissions: Vec<PermissionView>,
        /// What went before, such as a registration that is missing.
        why: Option<Problem>,
    },
    /// The browser shows the sign-in page.
    Browser {
        /// Its address, for Copy.
        address: String,
        /// When Bellhop stops waiting.
        until: Timestamp,
    },
    /// The person opens an address on any device, and types a code there.
    Device {
        /// The code.
        user_code: String,
        /// The address.
        address: String,
        /// The address with the code in it, for a QR code.
        complete: Option<String>,
        /// When the code ends.
        until: Timestamp,
    },
    /// Waiting for an API token ([`crate::Command::GiveToken`]).
    Token {
        /// The provider's page where one is made.
        page: Option<String>,
        /// Why the last one was not taken.
        why: Option<Problem>,
        /// When Bellhop stops waiting.
        until: Timestamp,
    },
    /// Waiting for an application password ([`crate::Command::GivePassword`]), or for the site's page to send one.
    Password {
        /// The site's page that sends it back by itself once the person has approved, where it can: the browser
        /// shows it.
        address: Option<String>,
        /// The site's page that shows the password, to be pasted.
        page: Option<String>,
        /// The user, when known.
        user: Option<String>,
        /// Why the last one was not taken, or why the person has to paste it.
        why: Option<Problem>,
        /// When Bellhop stops waiting.
        until: Timestamp,
    },
    /// The person has done their part; the sign-in is being stored.
    Finishing,
    /// It failed. Shown until it is tried again or cancelled.
    Failed {
        /// Why, and what to do.
        problem: Problem,
    },
}

/// A method that a service has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MethodView {
    /// Which; never `auto`.
    pub method: SignInMethod,
    /// The host where the person signs in or makes the secret, when known.
    pub host: Option<String>,
    /// What the person has to know or to bring first, such as a registration.
    pub needs: Option<Problem>,
}

/// A permission at the provider (an OAuth scope).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PermissionView {
    /// The scope, as the provider writes it.
    pub name: String,
    /// The same in words; the scope itself when Bellhop does not know it.
    pub words: String,
    /// Whether it only reads, as far as its name says.
    pub reads: bool,
    /// Whether it is asked for unless the person takes it out.
    pub preset: bool,
    /// Whether the sign-in that is there has it.
    pub granted: bool,
}

/// What was asked for at the provider, and what it granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PermissionsView {
    /// The scopes that were asked for.
    pub asked: Vec<String>,
    /// The scopes that were granted.
    pub granted: Vec<String>,
    /// Those that the service said it wants for what an app asked of it, and that are not granted. They stay here
    /// until the person has signed in with them, or declined.
    pub wanted: Vec<String>,
}

/// How long a service stays signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "stays", rename_all = "snake_case")]
#[ts(export)]
pub enum Stays {
    /// Until then at least, and longer while Bellhop can renew it.
    Until {
        /// When.
        at: Timestamp,
    },
    /// It ends then, and only the person can do something about that.
    NeedsYouOn {
        /// When.
        at: Timestamp,
    },
    /// It has no end that anybody knows of.
    OpenEnded,
    /// Nobody can say.
    Unknown,
}

/// Why a sign-in was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ReceiptCause {
    /// Its service was removed.
    Removed,
    /// A new sign-in took its place.
    Replaced,
}

/// What was done when a service was removed, or its sign-in replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReceiptView {
    /// Its own id.
    pub id: String,
    /// Why the sign-in was given up.
    pub cause: ReceiptCause,
    /// Which service it was.
    pub service: ServiceId,
    /// Its short name.
    pub name: ShortName,
    /// Its title.
    pub title: String,
    /// Whose account it was.
    pub account: Option<String>,
    /// How it was signed in.
    pub method: SignInMethod,
    /// When it was removed or replaced.
    pub removed_on: Timestamp,
    /// What was tried, in order.
    pub steps: Vec<ReceiptStep>,
    /// Whether the credential is dead.
    pub dead: Dead,
}

/// One thing that was tried to give a sign-in back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReceiptStep {
    /// What: `local`, `refresh_token`, `access_token`, `registration`, `password`, `page`.
    pub what: String,
    /// How it went.
    pub outcome: StepOutcome,
    /// What the provider said.
    pub said: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// How one step of a removal went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[ts(export)]
pub enum StepOutcome {
    /// It was done.
    Done,
    /// The provider refused.
    Refused,
    /// The provider has no such thing.
    NotOffered,
    /// It could not be reached; it is tried again.
    Waiting {
        /// When.
        next_try: Timestamp,
    },
    /// The person can do it.
    ByHand {
        /// The provider's page for it.
        page: Option<String>,
    },
}

/// Whether a removed service's credential is dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "dead", rename_all = "snake_case")]
#[ts(export)]
pub enum Dead {
    /// The service refused it.
    SeenDead {
        /// When.
        at: Timestamp,
    },
    /// The service still takes it.
    StillAlive,
    /// It was not tried, or the service did not answer.
    Unknown,
}
