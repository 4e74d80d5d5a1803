use crate::{Exception, GivenClient, Hidden, SignInMethod};
use model::{AppId, AttemptId, ConnectionId, Listing, RequestId, Scope, ServiceId, ShortName, Timestamp};
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
        /// How; the best there is when missing.
        #[serde(default)]
        #[ts(as = "Option<_>", optional)]
        method: SignInMethod,
        /// What to ask for at the provider; what is preset when missing.
        #[serde(default)]
        #[ts(optional)]
        permissions: Option<Vec<String>>,
        /// The registration that the person was given by the provider.
        #[serde(default)]
        #[ts(optional)]
        client: Option<GivenClient>,
        /// What the person lets the provider do against the rules.
        #[serde(default)]
        #[ts(as = "Option<_>", optional)]
        exceptions: Vec<Exception>,
        /// Whether to stop at [`crate::SignInPhase::Asking`] before anything is opened.
        #[serde(default)]
        #[ts(as = "Option<_>", optional)]
        ask: bool,
    },
    /// Sign in again to a service that is there, or with other permissions. The old credential stays until this
    /// succeeds.
    SignIn {
        /// Which.
        service: ServiceId,
        /// Whether to open the system's browser, or only say the address.
        open_browser: bool,
        /// How; as before when missing.
        #[serde(default)]
        #[ts(optional)]
        method: Option<SignInMethod>,
        /// What to ask for at the provider; what was asked before when missing.
        #[serde(default)]
        #[ts(optional)]
        permissions: Option<Vec<String>>,
        /// What the person lets the provider do against the rules; as before when missing.
        #[serde(default)]
        #[ts(optional)]
        exceptions: Option<Vec<Exception>>,
        /// Whether to stop at [`crate::SignInPhase::Asking`] before anything is opened.
        #[serde(default)]
        #[ts(as = "Option<_>", optional)]
        ask: bool,
    },
    /// Go on with a sign-in that stands at [`crate::SignInPhase::Asking`].
    ContinueSignIn {
        /// Which sign-in.
        attempt: AttemptId,
        /// How.
        method: SignInMethod,
        /// What to ask for; what is preset when missing.
        #[serde(default)]
        #[ts(optional)]
        permissions: Option<Vec<String>>,
        /// The registration that the person was given by the provider.
        #[serde(default)]
        #[ts(optional)]
        client: Option<GivenClient>,
    },
    /// Give the API token that a sign-in waits for ([`crate::SignInPhase::Token`]).
    GiveToken {
        /// Which sign-in.
        attempt: AttemptId,
        /// The token. It goes to the service alone.
        #[ts(as = "String")]
        token: Hidden,
        /// The header that carries it as it is; when missing, `Authorization` with the scheme `Bearer`.
        #[serde(default)]
        #[ts(optional)]
        header: Option<String>,
        /// When it ends, for a reminder.
        #[serde(default)]
        #[ts(optional)]
        ends: Option<Timestamp>,
    },
    /// Give the application password that a sign-in waits for ([`crate::SignInPhase::Password`]).
    GivePassword {
        /// Which sign-in.
        attempt: AttemptId,
        /// The name of the user at the site.
        user: String,
        /// The password. It goes to the site alone.
        #[ts(as = "String")]
        password: Hidden,
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
    /// Cut several connections off at once, in-flight calls included.
    RevokeSeveral {
        /// Which; those that are revoked already stay that.
        connections: Vec<ConnectionId>,
    },
    /// Cut every connection off, in-flight calls included.
    RevokeAll,
    /// Let none of a connection's calls pass until the person resumes it. Calls under way go on.
    PauseConnection {
        /// Which.
        connection: ConnectionId,
    },
    /// Let a connection's calls pass again.
    ResumeConnection {
        /// Which.
        connection: ConnectionId,
    },
    /// Give a connection a name of the person's own.
    Rename {
        /// Which.
        connection: ConnectionId,
        /// The name; the app's and the computer's again when missing.
        name: Option<String>,
    },
    /// Let an app that was cut off ask again. Until then it is turned away without a question.
    Readmit {
        /// The connection that was cut off.
        connection: ConnectionId,
    },
    /// Make an access key for a client that can't sign in. Answered by [`crate::Answer::AccessKey`], which alone ever
    /// holds the key.
    AddAccessKey {
        /// What it is for, such as "Backup script".
        name: String,
        /// What it may do: at most what the services that are there offer.
        scope: Scope,
        /// From when on it lets nobody in; never when missing.
        #[serde(default)]
        #[ts(optional)]
        ends: Option<Timestamp>,
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
    /// Sign in to a new service in the best way there is, with what is preset.
    pub fn add_service(
        catalogue: Option<String>,
        url: Option<String>,
        name: Option<ShortName>,
        open_browser: bool,
    ) -> Self {
        Self::AddService {
            catalogue,
            url,
            name,
            open_browser,
            method: SignInMethod::Auto,
            permissions: None,
            client: None,
            exceptions: Vec::new(),
            ask: false,
        }
    }

    /// Sign in again to a service as it was signed in to before.
    pub fn sign_in(service: ServiceId, open_browser: bool) -> Self {
        Self::SignIn { service, open_browser, method: None, permissions: None, exceptions: None, ask: false }
    }

    /// Whether it lets somebody do more than before. Such a command needs a person: a [`Proof`].
    ///
    /// [`Command::Unlock`] isn't named here because it depends on what the vault is: a locked one opens to its own
    /// passphrase, which is proof enough; choosing where the keys are kept takes a person. The engine knows.
    pub fn widens(&self) -> bool {
        matches!(
            self,
            Self::Approve { .. }
                | Self::Resume
                | Self::ResumeConnection { .. }
                | Self::Readmit { .. }
                | Self::AddAccessKey { .. }
        )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_commands_debug_form_shows_a_secret() {
        let client = GivenClient { client_id: "id".to_owned(), client_secret: Some("s3cret".to_owned()) };
        let commands = [
            Command::GiveToken {
                attempt: "a".into(),
                token: Hidden("s3cret".to_owned()),
                header: Some("X-Api-Key".to_owned()),
                ends: None,
            },
            Command::GivePassword {
                attempt: "a".into(),
                user: "anna".to_owned(),
                password: Hidden("s3cret".to_owned()),
            },
            Command::ContinueSignIn {
                attempt: "a".into(),
                method: SignInMethod::Oauth,
                permissions: None,
                client: Some(client.clone()),
            },
            Command::Unlock { keys: KeysChoice::Passphrase { passphrase: "s3cret".to_owned() } },
        ];
        for command in commands {
            let shown = format!("{command:?}");
            assert!(!shown.contains("s3cret") && shown.contains('…'), "{shown}");
        }
        assert!(!format!("{client:?}").contains("s3cret"));
    }
}
