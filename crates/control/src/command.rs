use model::{AppId, AttemptId, ConnectionId, Listing, RequestId, Scope, ServiceId, ShortName};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Something a person does. [`Command::widens`] tells which ones need that person to be there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "do", rename_all = "snake_case")]
#[ts(export)]
pub enum Command {
    /// Sign in to a new service. Answered by [`crate::Answer::SignIn`] as soon as the browser can open.
    AddService {
        /// A catalogue entry's id, or `None` with a `url`.
        catalogue: Option<String>,
        /// The address of an MCP server, as the person typed it.
        url: Option<String>,
        /// The person's short name for it; chosen from the address when missing.
        name: Option<ShortName>,
        /// Whether to open the system's browser, or only say the address.
        open_browser: bool,
    },
    /// Sign in again to a service that is there. The old credential stays until this succeeds.
    SignIn {
        /// Which.
        service: ServiceId,
        /// Whether to open the system's browser, or only say the address.
        open_browser: bool,
    },
    /// Open the sign-in page again.
    OpenAgain {
        /// Which sign-in.
        attempt: AttemptId,
    },
    /// Stop waiting for a sign-in. What was there before stays.
    CancelSignIn {
        /// Which sign-in.
        attempt: AttemptId,
    },
    /// Delete a service and its credential, here and (as far as it can be told) at the provider.
    RemoveService {
        /// Which.
        service: ServiceId,
    },
    /// Let an app in, or let a connection do more.
    Approve {
        /// Which request.
        request: RequestId,
        /// The hash of the snapshot that the person saw ([`crate::RequestView::snapshot`]); an approval of
        /// anything else is refused.
        snapshot: String,
        /// What it may do: at most what is offered, and exactly what was asked where it is more for a connection.
        scope: Scope,
    },
    /// Refuse what an app asks.
    Deny {
        /// Which request.
        request: RequestId,
    },
    /// Cut a connection off, in-flight calls included.
    Revoke {
        /// Which.
        connection: ConnectionId,
    },
    /// Choose how the tools of all services are shown to an app.
    ShowTools {
        /// Whose.
        connection: ConnectionId,
        /// How.
        listing: Listing,
    },
    /// Write Bellhop into an app's config.
    ConnectApp {
        /// Which app.
        app: AppId,
        /// How it shall reach Bellhop; the app's default when missing.
        method: Option<AppMethod>,
    },
    /// Take Bellhop out of an app's config.
    DisconnectApp {
        /// Which app.
        app: AppId,
    },
    /// Let no call pass for a while.
    Pause {
        /// How long.
        length: PauseFor,
    },
    /// Let calls pass again.
    Resume,
    /// Start Bellhop when the person logs in to the computer, or don't.
    SetAutostart {
        /// Whether.
        on: bool,
    },
    /// Open the vault: a locked keychain, or a passphrase.
    Unlock {
        /// Where the key is kept, and what opens it.
        keys: KeysChoice,
    },
    /// Raise Bellhop's window.
    Show {
        /// The request to show, when it is about one.
        request: Option<RequestId>,
    },
    /// Finish now and let another process take over; answered when all is stored, within 5 s.
    Finish,
}

impl Command {
    /// Whether it lets somebody do more than before. Such a command needs a person: a [`Proof`].
    ///
    /// [`Command::Unlock`] isn't named here because it depends on what the vault is: a locked one opens to its own
    /// passphrase, which is proof enough; choosing where the keys are kept takes a person. The engine knows.
    pub fn widens(&self) -> bool {
        matches!(self, Self::Approve { .. } | Self::Resume)
    }
}

/// How an app reaches Bellhop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum AppMethod {
    /// The loopback endpoint, over HTTP.
    Http,
    /// The bridge, over stdio.
    Bridge,
}

/// How long a pause lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum PauseFor {
    /// A quarter of an hour.
    Minutes15,
    /// Until 6:00 of the next day, local time.
    UntilTomorrow,
    /// Until the person resumes.
    UntilResume,
}

/// Where the vault's key is kept, chosen by a person in the window.
#[derive(Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "keys", rename_all = "snake_case")]
#[ts(export)]
pub enum KeysChoice {
    /// In the system's keychain; the system may ask for its password.
    Keychain,
    /// Under a passphrase.
    Passphrase {
        /// The passphrase. It goes no further than the vault.
        passphrase: String,
    },
    /// Nowhere: everything is forgotten when Bellhop ends.
    Session,
}

impl std::fmt::Debug for KeysChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keychain => "Keychain",
            Self::Passphrase { .. } => "Passphrase(…)",
            Self::Session => "Session",
        })
    }
}

/// What shows that a person is there.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(tag = "proof", rename_all = "snake_case")]
#[ts(export)]
pub enum Proof {
    /// The one-time secret that the engine handed to a window process over an inherited descriptor. It is
    /// redeemed once; the socket connection that redeemed it then speaks for the person until it closes.
    Window {
        /// The secret, in hexadecimal.
        secret: String,
    },
    /// The PIN set when `bellhop serve` first ran. Counts for the next command of this connection only.
    Pin {
        /// The PIN.
        pin: String,
    },
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Window { .. } => "Window(…)",
            Self::Pin { .. } => "Pin(…)",
        })
    }
}
