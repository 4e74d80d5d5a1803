use super::{state::CredentialState, task::Ask};
use crate::{AuthorizationServer, Http, Leaving, OauthCredential, Registration, Tokens, moment::Moment};
use arc_swap::{ArcSwap, ArcSwapOption};
use model::{Clock, CredentialId, Problem, Secret, Timestamp};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// The token to use now.
#[derive(Debug)]
pub struct Current {
    /// The access token.
    pub token: Secret,
    /// Which one it is; a later token has a higher number. To be named in [`CredentialHandle::refused`].
    pub generation: u64,
    pub(super) ends: Option<Moment>,
}

impl Current {
    /// Whether it has not ended yet.
    pub(super) fn usable(&self, clock: &dyn Clock) -> bool {
        self.ends.is_none_or(|ends| !ends.passed(clock))
    }
}

/// What the task and its handles share.
pub(super) struct Shared {
    pub(super) id: CredentialId,
    pub(super) server: AuthorizationServer,
    pub(super) registration: Registration,
    pub(super) resource: Option<String>,
    pub(super) http: Http,
    pub(super) clock: Arc<dyn Clock>,
    /// The token to hand out; empty while there is none that should be tried.
    pub(super) current: ArcSwapOption<Current>,
    /// The newest tokens, whether good or not: they are what is given back in the end.
    pub(super) newest: ArcSwap<Tokens>,
    pub(super) state: watch::Sender<CredentialState>,
}

/// A handle on a credential's task. Cheap to clone; when the last one is dropped the task finishes what it is
/// doing and ends.
#[derive(Clone)]
pub struct CredentialHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) asks: mpsc::UnboundedSender<Ask>,
}

impl std::fmt::Debug for CredentialHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CredentialHandle").field(&self.shared.id).finish()
    }
}

impl CredentialHandle {
    /// The token to use, if there is a good one right now. Takes no lock and waits for nothing.
    pub fn ready(&self) -> Option<Arc<Current>> {
        self.shared.current.load_full().filter(|c| c.usable(&*self.shared.clock))
    }

    /// The token to use, waiting for a renewal if there has to be one. However many wait, one renewal runs, and it
    /// goes on when they hang up.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn wait(&self) -> Result<Arc<Current>, Problem> {
        if let Some(current) = self.ready() {
            return Ok(current);
        }
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Wait { reply }, answer).await
    }

    /// The service refused the token of this generation: get another, or learn why there is none.
    ///
    /// # Errors
    /// Why there is no other. That includes a service that refuses each new token: it is given one a minute.
    pub async fn refused(&self, generation: u64) -> Result<Arc<Current>, Problem> {
        if let Some(current) = self.ready().filter(|c| c.generation > generation) {
            return Ok(current);
        }
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Refused { generation, reply }, answer).await
    }

    /// The scopes that were granted, when the provider said.
    pub fn granted(&self) -> Option<Vec<String>> {
        let newest = self.shared.newest.load();
        newest.scope.as_ref().map(|s| s.split_ascii_whitespace().map(str::to_owned).collect())
    }

    /// Our registration, to sign in with again where the person gave it.
    pub fn registration(&self) -> (&AuthorizationServer, &Registration) {
        (&self.shared.server, &self.shared.registration)
    }

    async fn ask(
        &self,
        ask: Ask,
        answer: oneshot::Receiver<Result<Arc<Current>, Problem>>,
    ) -> Result<Arc<Current>, Problem> {
        let _ = self.asks.send(ask);
        // Either the send or the answer fails once the task has ended.
        answer.await.unwrap_or_else(|_| Err(super::problems::stopped()))
    }

    /// How the credential is, as it changes.
    pub fn states(&self) -> watch::Receiver<CredentialState> {
        self.shared.state.subscribe()
    }

    /// End the task. A renewal under way gets up to 5 s to arrive and be stored. What was removed or replaced
    /// meanwhile stays so.
    pub async fn stop(&self) {
        let (reply, done) = oneshot::channel();
        if self.asks.send(Ask::Stop { reply }).is_ok() {
            let _ = done.await;
        }
    }

    /// What is needed to give the sign-in of this service back. Complete once the task has ended ([`Self::stop`]): a
    /// renewal under way may still bring new tokens.
    pub fn leaving(&self, service: &str) -> Leaving {
        let s = &self.shared;
        Leaving::oauth(
            service,
            &OauthCredential {
                id: s.id.clone(),
                generation: 0,
                server: s.server.clone(),
                registration: s.registration.clone(),
                resource: s.resource.clone(),
                tokens: (*s.newest.load_full()).clone(),
                interrupted: None,
                needs_sign_in: None,
            },
        )
    }

    /// Until when the sign-in stays though nobody uses it, as far as the server said.
    pub fn stays_until(&self) -> Option<Timestamp> {
        let newest = self.shared.newest.load();
        let life = std::time::Duration::from_secs(newest.refresh_lifetime?);
        newest.issued_at.map(|issued| issued + life)
    }

    /// When the newest tokens were asked for.
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.shared.newest.load().issued_at
    }
}
