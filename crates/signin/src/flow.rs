use crate::{
    AuthorizationServer, Method, NewCredential, Phase, Registration, Said, SignIn, SignInError, SignedIn,
    SignedInKind, Target, Tokens,
    account::account,
    address::typed_address,
    attempt::End,
    discovery::{self, Found},
    http::{Guarded, HttpError, Reach},
    leaving::unregister,
    probe::{self, Challenge, Seen, Standing},
    visit::exchange,
    wordpress::{self, Site, WordPressError},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{AttemptId, Explain, Secret};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, watch};
use url::Url;

/// How long a person has to come back from the browser.
pub(crate) const WAIT: Duration = Duration::from_secs(10 * 60);
/// How often the clock is looked at while waiting.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// A sign-in, from first to last.
pub(crate) struct Flow {
    pub(crate) room: SignIn,
    pub(crate) id: AttemptId,
    pub(crate) target: Target,
    pub(crate) phase: watch::Sender<Phase>,
    /// What the person says in the middle.
    pub(crate) said: mpsc::Receiver<Said>,
    /// The address in the browser, while it waits for that.
    pub(crate) address: Arc<Mutex<Option<Url>>>,
    /// What Bellhop was registered as; of no use to anybody when the sign-in fails.
    pub(crate) registration: Option<Registration>,
}

impl Flow {
    /// Sign in.
    pub(crate) async fn run(&mut self) -> Result<SignedIn, SignInError> {
        let url = typed_address(&self.target.url)?;
        let reach = Reach::of(&url, self.target.typed_by_person);
        let web = self.room.http.within(reach).map_err(|cause| http_error(&url, cause))?;
        let wanted = self.target.method;
        if wanted == Some(Method::Password) {
            let site = wordpress::find(&web, &url).await?;
            return self.application_password(&web, &site).await;
        }
        let (seen, site) = look(&web, &url).await?;
        let challenge = match seen.standing {
            Standing::Open { title } if matches!(wanted, None | Some(Method::None)) => {
                return Ok(SignedIn {
                    url: seen.url.into(),
                    title,
                    method: Method::None,
                    asked: None,
                    kind: SignedInKind::Open,
                    account: None,
                });
            }
            Standing::Open { .. } => Challenge::default(),
            Standing::Asks(challenge) => challenge,
        };
        let exceptions = self.target.exceptions;
        let mut found = discovery::find(&web, &seen.url, &challenge, exceptions.pkce_undeclared).await;
        if let (Ok(found), true) = (&mut found, exceptions.no_resource) {
            found.resource = None;
        }
        let options = self.options(&seen.url, challenge.scope.as_deref(), &found, site.as_ref());
        let mut why = found.as_ref().err().filter(|_| site.is_none()).map(Explain::problem);
        if wanted.is_none() && (self.target.ask || site.is_some()) {
            // The person may still have a token, and their site makes a password.
        } else if let (Err(e), None | Some(Method::Oauth | Method::Device)) = (&found, wanted) {
            return Err(e.clone());
        }
        loop {
            let choice = self.choose(&options, why.take()).await?;
            if choice.client.is_some() {
                self.target.client = choice.client;
            }
            let method = choice.method.unwrap_or(Method::Oauth);
            match (method, &found) {
                (Method::Token, found) => {
                    let userinfo = found.as_ref().ok().and_then(|f| f.server.userinfo_endpoint.as_deref());
                    return self.api_token(&web, &seen.url, userinfo).await;
                }
                (Method::Password, _) => {
                    let site = match site {
                        Some(site) => site,
                        None => wordpress::find(&web, &seen.url).await?,
                    };
                    return self.application_password(&web, &site).await;
                }
                (Method::None, _) => {
                    return Err(SignInError::NotOffered { host: crate::address::host(&seen.url) });
                }
                (Method::Oauth | Method::Device, Err(e)) => return Err(e.clone()),
                (Method::Oauth | Method::Device, Ok(found)) => {
                    let scopes = self.scopes(choice.permissions, challenge.scope.as_deref(), found);
                    match self.oauth(&web, &seen.url, found, method, scopes).await {
                        // Who can be asked may have a registration.
                        Err(
                            e
                            @ (SignInError::NoRegistration { .. } | SignInError::RegistrationRefused { .. }),
                        ) if self.target.ask => {
                            why = Some(e.problem());
                        }
                        end => return end,
                    }
                }
            }
        }
    }

    /// Sign in by OAuth, in the browser or by a code on another device.
    async fn oauth(
        &mut self,
        web: &Guarded,
        url: &Url,
        found: &Found,
        method: Method,
        scopes: Vec<String>,
    ) -> Result<SignedIn, SignInError> {
        let (granted, sent_at, registration) = if method == Method::Device {
            let registration = self.introduce_device(web, &found.server, &scopes).await?;
            let (granted, sent_at) = self.device(web, found, &registration, &scopes).await?;
            self.phase.send_replace(Phase::Finishing);
            (granted, sent_at, registration)
        } else {
            let (way, registration) = self.introduce(web, &found.server, &scopes).await?;
            let (code, proof) = self.visit(web, found, &registration, way, &scopes).await?;
            self.phase.send_replace(Phase::Finishing);
            let sent_at = self.room.clock.now();
            (exchange(web, found, &registration, &code, &proof).await?, sent_at, registration)
        };
        let title = probe::verify(web, url, &granted.access).await?;
        let (userinfo, tool) = (&found.server.userinfo_endpoint, &self.target.account_tool);
        let account = account(web, url, &granted, userinfo.as_deref(), tool.as_deref()).await;
        let credential = NewCredential {
            server: AuthorizationServer {
                issuer: found.server.issuer.clone(),
                token_endpoint: found.server.token_endpoint.clone(),
                revocation_endpoint: found.server.revocation_endpoint.clone(),
            },
            registration,
            resource: found.resource.clone(),
            tokens: Tokens::from_granted(granted, sent_at, None),
        };
        let kind = SignedInKind::Oauth(credential);
        Ok(SignedIn { url: url.to_string(), title, method, asked: Some(scopes), kind, account })
    }

    /// Say how it ended, and clear up.
    pub(crate) fn close(self, end: Result<SignedIn, SignInError>, result: &watch::Sender<End>) {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let phase = match &end {
            Ok(_) => Phase::Done,
            Err(e) => {
                tracing::info!(attempt = %self.id, "sign-in failed: {e}");
                Phase::Failed(e.problem())
            }
        };
        if end.is_err()
            && let Some((address, token)) = self.registration.and_then(|r| r.management)
        {
            let http = self.room.http;
            tokio::spawn(async move { unregister(&http, address, &token).await });
        }
        result.send_replace(Some(end));
        self.phase.send_replace(phase);
    }

    /// What to ask for: what the person chose, else what the target says, else what the challenge says, else all
    /// that the service lists. And, where the sign-in server lists them, leave to renew the sign-in, and who it is that signs in: without that
    /// two accounts at one provider could not be told apart.
    pub(crate) fn scopes(
        &self,
        chosen: Option<Vec<String>>,
        challenge: Option<&str>,
        found: &Found,
    ) -> Vec<String> {
        if let Some(scopes) = chosen.as_ref().or(self.target.scopes.as_ref()).or(self.target.preset.as_ref())
        {
            return scopes.clone();
        }
        let mut scopes: Vec<String> = match challenge {
            Some(scope) => scope.split_ascii_whitespace().map(str::to_owned).collect(),
            None => found.scopes.clone(),
        };
        for extra in ["offline_access", "openid", "email"] {
            if found.server.lists(extra) && !scopes.iter().any(|s| s == extra) {
                scopes.push(extra.to_owned());
            }
        }
        scopes
    }

    /// 256 random bits, in the form that `state` and PKCE verifiers have.
    pub(crate) fn fresh(&self) -> Secret {
        let mut bytes = [0; 32];
        self.room.random.fill(&mut bytes);
        Secret::new(URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// What answers MCP at an address, and the WordPress site that it belongs to, if it does. A person knows the address
/// of their site, not where MCP is there: if the address itself is no MCP server, the site is asked.
async fn look(web: &Guarded, url: &Url) -> Result<(Seen, Option<Site>), SignInError> {
    match probe::look(web, url.clone()).await {
        Ok(seen) if wordpress::is_route(&seen.url) => {
            let site = wordpress::find(web, &seen.url).await.ok();
            Ok((seen, site))
        }
        Ok(seen) => Ok((seen, None)),
        // Nothing there could be asked anything.
        Err(SignInError::Http { host, cause }) if cause.nothing_sent() => {
            Err(SignInError::Http { host, cause })
        }
        Err(e) => match wordpress::find(web, url).await {
            Ok(site) => Ok((site.server.clone(), Some(site))),
            Err(SignInError::WordPress(trouble))
                if !matches!(trouble, WordPressError::NotWordPress { .. }) =>
            {
                Err(trouble.into())
            }
            Err(_) => Err(e),
        },
    }
}

pub(crate) fn http_error(url: &Url, cause: HttpError) -> SignInError {
    SignInError::Http { host: crate::address::host(url), cause }
}
