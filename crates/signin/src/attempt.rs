use crate::{
    ApiToken, AuthorizationServer, Browser, FixedSecret, Http, Registration, SignInError, Tokens,
    flow::Flow,
    redirect::{Desk, Intake, Reply, Via},
};
use model::{AttemptId, Clock, Problem, Random, Secret, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Starts sign-ins. Cheap to clone.
#[derive(Clone)]
pub struct SignIn {
    pub(crate) http: Http,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) browser: Arc<dyn Browser>,
    /// What Bellhop calls itself at a provider.
    pub(crate) client_name: String,
    /// The address of Bellhop's Client ID Metadata Document, where this build has one.
    pub(crate) client_document: Option<String>,
    /// The sign-ins that wait for a redirect to the custom scheme.
    pub(crate) desk: Desk,
    /// The addresses a browser may come back to.
    pub(crate) loopback: Arc<[std::net::IpAddr]>,
}

/// What to sign in to, and how.
#[derive(Debug, Clone)]
pub struct Target {
    /// The MCP endpoint as it was typed; `https://` may be missing.
    pub url: String,
    /// Where the browser comes back to, when there is a choice.
    pub redirect: RedirectChoice,
    /// How; `None` for the best there is.
    pub method: Option<Method>,
    /// What to ask for at first; `None` leaves it to what the service says.
    pub preset: Option<Vec<String>>,
    /// What the person wants to ask for; `None` for what is preset.
    pub scopes: Option<Vec<String>>,
    /// What the sign-in that is there was granted.
    pub granted: Vec<String>,
    /// The registration that the provider gave the person.
    pub client: Option<GivenClient>,
    /// The registration of the sign-in that is there, and the issuer it is good for.
    pub known: Option<(String, Registration)>,
    /// What the provider may do against the rules.
    pub exceptions: Exceptions,
    /// The provider's page where an API token is made.
    pub token_page: Option<String>,
    /// The tool that says whose account it is, where the service has one.
    pub account_tool: Option<String>,
    /// Whether to stop at [`Phase::Asking`] before anything is opened.
    pub ask: bool,
    /// Whether the person vouches for the address: they typed it, or it is Bellhop's own playground. Only such a
    /// sign-in may lead into a private network or to this computer.
    pub typed_by_person: bool,
    /// Whether the desktop passes redirects to the custom scheme on to [`SignIn::deliver`].
    pub scheme_available: bool,
    /// Whether to open the browser. Otherwise the address waits in [`Phase::Browser`] to be copied.
    pub open_browser: bool,
}

impl Target {
    /// A sign-in to an address the person typed, by the loopback redirect and in their browser.
    pub fn typed(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            redirect: RedirectChoice::default(),
            method: None,
            preset: None,
            scopes: None,
            granted: Vec::new(),
            client: None,
            known: None,
            exceptions: Exceptions::default(),
            token_page: None,
            account_tool: None,
            ask: false,
            typed_by_person: true,
            scheme_available: false,
            open_browser: true,
        }
    }
}

/// What a provider may do against the rules, because the person says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// Its metadata need not declare PKCE with S256. It is used all the same.
    pub pkce_undeclared: bool,
    /// It is not told the resource (RFC 8707).
    pub no_resource: bool,
}

/// Where the browser comes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RedirectChoice {
    /// A port of this computer.
    #[default]
    Loopback,
    /// [`SCHEME_REDIRECT`](crate::SCHEME_REDIRECT), if the target says it is available.
    Scheme,
}

/// How a person signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// OAuth 2.1 in the browser.
    Oauth,
    /// The device authorization grant (RFC 8628).
    Device,
    /// An API token.
    Token,
    /// A WordPress application password.
    Password,
    /// Not at all.
    None,
}

/// A method that a service has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Which.
    pub method: Method,
    /// Where the person signs in or makes the secret, when known.
    pub host: Option<String>,
    /// What the person has to know or bring first.
    pub needs: Option<Problem>,
}

/// A permission that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The scope, as the provider writes it.
    pub name: String,
    /// Whether it is asked for unless the person takes it out.
    pub preset: bool,
    /// Whether the sign-in that is there has it.
    pub granted: bool,
}

/// What the person chose at [`Phase::Asking`].
#[derive(Debug, Clone)]
pub struct Choice {
    /// How; `None` for the best there is.
    pub method: Option<Method>,
    /// What to ask for; `None` for what is preset.
    pub permissions: Option<Vec<String>>,
    /// The registration that the provider gave them.
    pub client: Option<GivenClient>,
}

/// A registration that the provider gave the person.
#[derive(Debug, Clone)]
pub struct GivenClient {
    /// The client id.
    pub client_id: String,
    /// The client secret, where there is one.
    pub client_secret: Option<Secret>,
}

/// What the person says in the middle of a sign-in.
#[derive(Debug, Clone)]
pub enum Said {
    /// How to go on ([`Phase::Asking`]).
    Choice(Choice),
    /// An API token ([`Phase::Token`]).
    Token(ApiToken),
    /// An application password ([`Phase::Password`]).
    Password {
        /// The login name.
        user: String,
        /// The password.
        password: Secret,
    },
}

/// How far a sign-in is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Finding out how to sign in.
    Looking,
    /// Waiting for the person to choose.
    Asking {
        /// The methods that the service has, best first.
        methods: Vec<Offer>,
        /// What can be asked for.
        permissions: Vec<Permission>,
        /// What went before.
        why: Option<Problem>,
    },
    /// The person opens an address on any device, and types a code there.
    Device {
        /// The code.
        user_code: String,
        /// The address.
        address: String,
        /// The address with the code in it.
        complete: Option<String>,
        /// When the code ends.
        until: Timestamp,
    },
    /// Waiting for an API token.
    Token {
        /// The provider's page where one is made.
        page: Option<String>,
        /// Why the last one was not taken.
        why: Option<Problem>,
        /// When the wait ends.
        until: Timestamp,
    },
    /// Waiting for an application password: for the site's page to send it, or for the person to paste it.
    Password {
        /// The site's page that sends it back by itself once the person has approved, where it can. Holds no secret
        /// that would outlive the sign-in.
        address: Option<String>,
        /// The site's page that shows it, to be pasted.
        page: Option<String>,
        /// The user, when known.
        user: Option<String>,
        /// Why the last one was not taken, or why it has to be pasted.
        why: Option<Problem>,
        /// When the wait ends.
        until: Timestamp,
    },
    /// Waiting for the person to come back from the browser.
    Browser {
        /// The address to open. Holds no secret that would outlive the sign-in.
        address: String,
        /// When the wait ends.
        until: Timestamp,
    },
    /// The browser came back; the sign-in is being completed.
    Finishing,
    /// It succeeded: [`Attempt::end`] has it.
    Done,
    /// It failed.
    Failed(Problem),
}

/// A completed sign-in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The MCP endpoint, behind any redirect.
    pub url: String,
    /// What the service calls itself (`serverInfo`'s title, else its name).
    pub title: Option<String>,
    /// How the person signed in.
    pub method: Method,
    /// The permissions that were asked for; `None` where there is no such thing.
    pub asked: Option<Vec<String>>,
    /// What came of it.
    pub kind: SignedInKind,
    /// Whose account it is, when the provider says. A label from outside: to be shown, never to be decided by.
    pub account: Option<String>,
}

/// What a sign-in gave.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "there is one a sign-in, and it is taken apart at once")]
pub enum SignedInKind {
    /// Nothing: the service lets everybody in.
    Open,
    /// OAuth tokens.
    Oauth(NewCredential),
    /// A secret that nothing renews.
    Fixed {
        /// The secret.
        secret: FixedSecret,
        /// The provider's page where the person can delete it.
        page: Option<String>,
    },
}

/// The credential of a new sign-in, not stored yet.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// Who issued it.
    pub server: AuthorizationServer,
    /// Our registration there.
    pub registration: Registration,
    /// The resource it is for.
    pub resource: Option<String>,
    /// The tokens.
    pub tokens: Tokens,
}

/// What became of a redirect to the custom scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// A waiting sign-in took it.
    Taken(AttemptId),
    /// It has the state of a waiting sign-in but is not from the server that was asked. The sign-in waits on.
    WrongIssuer(AttemptId),
    /// No sign-in waits for it: it is old, used already, or somebody else's. Nothing was done.
    Unknown,
    /// It is none of our redirects, or malformed. Nothing was done.
    Malformed,
}

impl SignIn {
    /// Ready for sign-ins. `client_name` is how a provider lists Bellhop, such as "Bellhop on anna-laptop".
    pub fn new(
        http: Http,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        browser: Arc<dyn Browser>,
        client_name: impl Into<String>,
    ) -> Self {
        use std::net::{Ipv4Addr, Ipv6Addr};
        let loopback = Arc::new([Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        Self {
            http,
            clock,
            random,
            browser,
            client_name: client_name.into(),
            client_document: option_env!("BELLHOP_CLIENT_METADATA_URL").map(str::to_owned),
            desk: Desk::default(),
            loopback,
        }
    }

    /// Introduce itself with the Client ID Metadata Document at this address instead of the build's own.
    /// What can't be one is left out, with a warning in the log.
    #[must_use]
    pub fn with_document(mut self, address: Option<String>) -> Self {
        let Some(address) = address else { return self };
        if crate::introduce::may_be_document(&address) {
            self.client_document = Some(address);
        } else {
            tracing::warn!("BELLHOP_CLIENT_METADATA_URL is no address of a metadata document");
        }
        self
    }

    /// Start to sign in, on a task of its own. Returns at once; needs a Tokio runtime.
    pub fn begin(&self, target: Target) -> Attempt {
        let (phase, phases) = watch::channel(Phase::Looking);
        let (result, results) = watch::channel(None);
        let stop = CancellationToken::new();
        let address = Arc::new(Mutex::new(None));
        let (say, said) = mpsc::channel(4);
        let id = AttemptId::new(&*self.random);
        let attempt = Attempt {
            id: id.clone(),
            phases,
            results,
            say,
            stop: stop.clone(),
            address: address.clone(),
            browser: self.browser.clone(),
        };
        let mut flow = Flow { room: self.clone(), id, target, phase, said, address, registration: None };
        tokio::spawn(async move {
            let end = tokio::select! {
                biased;
                () = stop.cancelled() => Err(SignInError::Cancelled),
                end = flow.run() => end,
            };
            flow.close(end, &result);
        });
        attempt
    }

    /// Hand in a redirect to the custom scheme that reached the desktop. It finds its sign-in by `state`.
    pub fn deliver(&self, url: &str) -> Delivered {
        match Reply::from_scheme(url) {
            Some(reply) => match self.desk.take_in(reply, Via::Scheme) {
                Intake::Taken(attempt) => Delivered::Taken(attempt),
                Intake::WrongIssuer(attempt) => Delivered::WrongIssuer(attempt),
                Intake::Unknown => Delivered::Unknown,
            },
            None => Delivered::Malformed,
        }
    }
}

/// The way a sign-in ended, once it has.
pub(crate) type End = Option<Result<SignedIn, SignInError>>;

/// A handle on a sign-in under way. Dropping it does not end the sign-in.
#[derive(Clone)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// How far it is, as it changes.
    pub phases: watch::Receiver<Phase>,
    results: watch::Receiver<End>,
    say: mpsc::Sender<Said>,
    stop: CancellationToken,
    address: Arc<Mutex<Option<Url>>>,
    browser: Arc<dyn Browser>,
}

impl Attempt {
    /// End it. Its port is closed, and what the browser still does is of no consequence.
    pub fn cancel(&self) {
        self.stop.cancel();
    }

    /// Say what the sign-in waits for. `false` when it waits for no such thing (any more).
    pub fn say(&self, said: Said) -> bool {
        let waits = matches!(
            (&said, &*self.phases.borrow()),
            (Said::Choice(_), Phase::Asking { .. })
                | (Said::Token(_), Phase::Token { .. })
                | (Said::Password { .. }, Phase::Password { .. })
        );
        waits && self.say.try_send(said).is_ok()
    }

    /// Open the same address in the browser once more. Does nothing unless the sign-in waits for the browser.
    ///
    /// # Errors
    /// A sentence about why no browser opened; the sign-in waits on.
    pub async fn open_again(&self) -> Result<(), String> {
        let address = self.address.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match address {
            Some(address) => self.browser.open(&address).await,
            None => Ok(()),
        }
    }

    /// Wait for the end.
    ///
    /// # Errors
    /// Why it did not succeed.
    pub async fn end(&self) -> Result<SignedIn, SignInError> {
        let mut results = self.results.clone();
        match results.wait_for(Option::is_some).await {
            Ok(end) => end.clone().unwrap_or(Err(SignInError::Cancelled)),
            // The task is gone without an end: the program is quitting.
            Err(_) => Err(SignInError::Cancelled),
        }
    }
}
