use crate::{
    AuthorizationServer, Browser, Http, Registration, SignInError, Tokens,
    flow::Flow,
    redirect::{Desk, Intake, Reply, Via},
};
use model::{AttemptId, Clock, Problem, Random, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
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
    /// What to ask for; `None` leaves it to what the service says.
    pub scopes: Option<Vec<String>>,
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
            scopes: None,
            typed_by_person: true,
            scheme_available: false,
            open_browser: true,
        }
    }
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

/// How far a sign-in is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Finding out how to sign in.
    Looking,
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
    /// How it signs people in.
    pub kind: SignedInKind,
    /// Whose account it is, when the provider says. A label from outside: to be shown, never to be decided by.
    pub account: Option<String>,
}

/// How a service signs people in.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "there is one a sign-in, and it is taken apart at once")]
pub enum SignedInKind {
    /// Not at all.
    Open,
    /// In the browser.
    OAuth(NewCredential),
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
            desk: Desk::default(),
            loopback,
        }
    }

    /// Start to sign in, on a task of its own. Returns at once; needs a Tokio runtime.
    pub fn begin(&self, target: Target) -> Attempt {
        let (phase, phases) = watch::channel(Phase::Looking);
        let (result, results) = watch::channel(None);
        let stop = CancellationToken::new();
        let address = Arc::new(Mutex::new(None));
        let id = AttemptId::new(&*self.random);
        let attempt = Attempt {
            id: id.clone(),
            phases,
            results,
            stop: stop.clone(),
            address: address.clone(),
            browser: self.browser.clone(),
        };
        let mut flow = Flow { room: self.clone(), id, target, phase, address, registration: None };
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
    stop: CancellationToken,
    address: Arc<Mutex<Option<Url>>>,
    browser: Arc<dyn Browser>,
}

impl Attempt {
    /// End it. Its port is closed, and what the browser still does is of no consequence.
    pub fn cancel(&self) {
        self.stop.cancel();
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
