//! Secrets that nothing renews: API tokens and application passwords.

use crate::{CredentialState, SignInError, owner::problems};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, header};
use model::{Clock, CredentialId, Problem, Secret, Timestamp};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// A secret that was refused is tried once more; refused again within this time, it counts as dead.
const DOUBT: Duration = Duration::from_secs(60);

/// An API token, made by the person at the provider.
#[derive(Debug, Clone)]
pub struct ApiToken {
    /// The token.
    pub token: Secret,
    /// The header that carries it as it is; `None` for `Authorization` with the scheme `Bearer` (RFC 6750).
    pub header: Option<HeaderName>,
    /// When the person said that it ends. A reminder: nothing else depends on it.
    pub ends: Option<Timestamp>,
}

/// A WordPress application password.
#[derive(Debug, Clone)]
pub struct ApplicationPassword {
    /// Whose: the login name.
    pub user: String,
    /// The password, as the site gave it.
    pub password: Secret,
    /// The REST address at which it deletes itself (`…/users/me/application-passwords/UUID`).
    pub removal: Option<String>,
}

/// What a fixed secret is.
#[derive(Debug, Clone)]
pub enum FixedSecret {
    /// An API token.
    Token(ApiToken),
    /// An application password.
    Password(ApplicationPassword),
}

impl FixedSecret {
    /// The header that proves us, and its whole value.
    pub fn proof(&self) -> (HeaderName, Secret) {
        match self {
            Self::Token(ApiToken { token, header: Some(name), .. }) => (name.clone(), token.clone()),
            Self::Token(ApiToken { token, header: None, .. }) => (header::AUTHORIZATION, bearer(token)),
            Self::Password(ApplicationPassword { user, password, .. }) => {
                // RFC 7617: no encoding of the halves; a user's name holds no colon.
                let pair = Secret::new(format!("{user}:{}", password.expose()));
                (header::AUTHORIZATION, Secret::new(format!("Basic {}", STANDARD.encode(pair.expose()))))
            }
        }
    }

    /// When it ends, as far as anybody said.
    pub fn ends(&self) -> Option<Timestamp> {
        match self {
            Self::Token(token) => token.ends,
            Self::Password(_) => None,
        }
    }
}

/// The header that a person named for their token.
///
/// # Errors
/// [`SignInError::TokenHeader`] when it is no header, or one that means something else on a request of Bellhop's.
pub fn token_header(name: &str) -> Result<HeaderName, SignInError> {
    const TAKEN: [&str; 13] = [
        "host",
        "connection",
        "content-length",
        "content-type",
        "content-encoding",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "accept",
        "user-agent",
        "cookie",
        "last-event-id",
    ];
    let parsed = HeaderName::try_from(name.trim()).ok();
    parsed
        .filter(|h| !TAKEN.contains(&h.as_str()) && !h.as_str().starts_with("mcp-"))
        .ok_or_else(|| SignInError::TokenHeader { name: crate::account::label(name).unwrap_or_default() })
}

/// The value of `Authorization` for an access token (RFC 6750 §2.1).
pub fn bearer(token: &Secret) -> Secret {
    Secret::new(format!("Bearer {}", token.expose()))
}

/// A fixed secret as it is kept.
#[derive(Debug, Clone)]
pub struct FixedCredential {
    /// Its id.
    pub id: CredentialId,
    /// Which one it is.
    pub generation: u64,
    /// The secret.
    pub secret: FixedSecret,
    /// The provider's page where the person can delete it.
    pub page: Option<String>,
    /// Why the person has to give another, when that is known already.
    pub needs_sign_in: Option<String>,
}

/// A handle on a fixed secret. Cheap to clone.
#[derive(Clone)]
pub struct FixedHandle(Arc<Shared>);

struct Shared {
    credential: FixedCredential,
    host: String,
    clock: Arc<dyn Clock>,
    state: watch::Sender<CredentialState>,
    /// Since boot, when it was last refused.
    doubted: Mutex<Option<Duration>>,
}

impl std::fmt::Debug for FixedHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FixedHandle").field(&self.0.credential.id).finish()
    }
}

impl FixedHandle {
    /// Hold the secret of a service at `host`.
    pub fn new(credential: FixedCredential, host: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        let host = host.into();
        let state = match &credential.needs_sign_in {
            Some(code) => CredentialState::NeedsSignIn { problem: problems::needs_sign_in(code, &host) },
            None => CredentialState::Ready { until: credential.secret.ends() },
        };
        let state = watch::channel(state).0;
        Self(Arc::new(Shared { credential, host, clock, state, doubted: Mutex::default() }))
    }

    /// The secret, as it is kept.
    pub fn credential(&self) -> &FixedCredential {
        &self.0.credential
    }

    /// How it is, as it changes.
    pub fn states(&self) -> watch::Receiver<CredentialState> {
        self.0.state.subscribe()
    }

    /// Whether it is to be tried; else what the person reads.
    ///
    /// # Errors
    /// Why it is not.
    pub fn usable(&self) -> Result<(), Problem> {
        match &*self.0.state.borrow() {
            CredentialState::NeedsSignIn { problem } => Err(problem.clone()),
            _ => Ok(()),
        }
    }

    /// The service refused it. It is tried once more, since a service may stumble; then only the person can help.
    ///
    /// # Errors
    /// That the person has to give another.
    pub fn refused(&self) -> Result<(), Problem> {
        self.usable()?;
        let now = self.0.clock.since_boot();
        let again = {
            let mut doubted = self.0.doubted.lock().unwrap_or_else(PoisonError::into_inner);
            let again = doubted.is_some_and(|at| now.saturating_sub(at) < DOUBT);
            *doubted = Some(now);
            again
        };
        if !again {
            return Ok(());
        }
        // Whoever holds the handle sees it in the states, and writes it down.
        let problem = problems::needs_sign_in(problems::REFUSED, &self.0.host);
        self.0.state.send_replace(CredentialState::NeedsSignIn { problem: problem.clone() });
        Err(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ManualClock;

    fn token(header: Option<HeaderName>) -> FixedSecret {
        FixedSecret::Token(ApiToken { token: Secret::new("t0ken"), header, ends: None })
    }

    #[test]
    fn each_kind_of_secret_proves_us_by_its_own_header() {
        let password = FixedSecret::Password(ApplicationPassword {
            user: "anna".to_owned(),
            password: Secret::new("ab cd"),
            removal: None,
        });
        let cases = [
            (token(None), "authorization", "Bearer t0ken"),
            (token(Some(HeaderName::from_static("x-api-key"))), "x-api-key", "t0ken"),
            (password, "authorization", "Basic YW5uYTphYiBjZA=="),
        ];
        for (secret, name, value) in cases {
            let (header, proof) = secret.proof();
            assert_eq!((header.as_str(), proof.expose()), (name, value));
            assert!(!format!("{secret:?}").contains("t0ken"));
        }
    }

    #[test]
    fn a_token_travels_in_no_header_that_means_something_else() {
        assert_eq!(token_header(" X-Api-Key ").unwrap(), "x-api-key");
        for bad in ["", "Host", "content-length", "Mcp-Session-Id", "a b", "x\r\ny", "Cookie"] {
            assert!(token_header(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_that_is_refused_twice_in_a_minute_needs_the_person_and_one_hiccup_does_not() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let credential = FixedCredential {
            id: "f".into(),
            generation: 1,
            secret: token(None),
            page: None,
            needs_sign_in: None,
        };
        let handle = FixedHandle::new(credential, "api.example", clock.clone());
        handle.refused().unwrap();
        clock.advance(DOUBT);
        handle.refused().unwrap();
        assert_eq!(handle.refused().unwrap_err().code, problems::REFUSED);
        assert!(handle.usable().is_err());
        assert!(matches!(*handle.states().borrow(), CredentialState::NeedsSignIn { .. }));
    }
}
