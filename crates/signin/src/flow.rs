use crate::{
    AuthorizationServer, ClientSource, Method, NewCredential, Phase, RedirectChoice, Registration,
    SCHEME_REDIRECT, Said, SignIn, SignInError, SignedIn, SignedInKind, Target, Tokens,
    account::account,
    address::{check_address, typed_address},
    attempt::End,
    discovery::{self, Found, Metadata},
    http::{Guarded, HttpError, Reach},
    moment::Moment,
    outcome::{Granted, Outcome, classify, error_code},
    probe::{self, Challenge, Standing},
    redirect::{Expected, Heard, Listener, Seat, Via, Word},
    registration::{Unregistered, document_registration, given_registration, register, register_device},
    revocation::delete_registration,
    token::prove,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{AttemptId, Explain, Secret};
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, basic::BasicClient,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, watch};
use url::Url;

/// How long a person has to come back from the browser.
pub(crate) const WAIT: Duration = Duration::from_secs(10 * 60);
/// How much of that is left once a reply came that is not from the server that was asked. The good one may still
/// come; but if it was the server's own, the person should not sit there for ten minutes.
const WAIT_AFTER_WRONG_ISSUER: Duration = Duration::from_secs(30);
/// How often the clock is looked at while waiting.
pub(crate) const TICK: Duration = Duration::from_secs(1);
/// The pauses between tries to exchange a code.
const EXCHANGE_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

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

/// Where the browser comes back to.
enum Way {
    Loopback(Listener),
    Scheme,
}

impl Way {
    fn redirect_uri(&self) -> String {
        match self {
            Self::Loopback(listener) => listener.redirect_uri(),
            Self::Scheme => SCHEME_REDIRECT.to_owned(),
        }
    }

    fn via(&self) -> Via {
        match self {
            Self::Loopback(listener) => Via::Port(listener.port()),
            Self::Scheme => Via::Scheme,
        }
    }
}

/// What proves that a code is ours when it comes back.
struct Proof {
    redirect_uri: String,
    verifier: Secret,
}

impl Flow {
    /// Sign in.
    pub(crate) async fn run(&mut self) -> Result<SignedIn, SignInError> {
        let url = typed_address(&self.target.url)?;
        let reach = Reach::of(&url, self.target.typed_by_person);
        let web = self.room.http.within(reach).map_err(|cause| http_error(&url, cause))?;
        let wanted = self.target.method;
        if wanted == Some(Method::Password) {
            return self.application_password(&web, &url).await;
        }
        let seen = match probe::look(&web, url.clone()).await {
            Err(e @ SignInError::NotMcp { .. }) if wanted.is_none() => {
                // A person knows their site, not where MCP is there.
                return match self.application_password(&web, &url).await {
                    Err(SignInError::NotOffered { .. }) => Err(e),
                    end => end,
                };
            }
            seen => seen?,
        };
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
        let options = self.options(&seen.url, challenge.scope.as_deref(), &found);
        let mut why = found.as_ref().err().map(Explain::problem);
        if self.target.ask && wanted.is_none() {
            // The person may still have a token.
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
                (Method::Token, _) => return self.api_token(&web, &seen.url).await,
                (Method::Password, _) => return self.application_password(&web, &seen.url).await,
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
        let account = account(web, &granted, found.server.userinfo_endpoint.as_deref()).await;
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
            tokio::spawn(async move {
                let _ = delete_registration(&http, &address, &token).await;
            });
        }
        result.send_replace(Some(end));
        self.phase.send_replace(phase);
    }

    /// What to ask for: what the person chose, else what the target says, else what the challenge says, else all that the service lists. And,
    /// where the sign-in server lists them, leave to renew the sign-in, and who it is that signs in: without that
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

    /// Choose where the browser comes back to, and introduce Bellhop to the server for that. If the server does
    /// not like the one way, the other is tried.
    async fn introduce(
        &mut self,
        web: &Guarded,
        server: &Metadata,
        scopes: &[String],
    ) -> Result<(Way, Registration), SignInError> {
        let scheme = self.target.scheme_available;
        let first = match self.target.redirect {
            RedirectChoice::Scheme if scheme => Way::Scheme,
            _ => match Listener::bind(&self.room.loopback, &self.room.desk).await {
                Ok(listener) => Way::Loopback(listener),
                Err(e) if scheme => {
                    tracing::info!("no loopback port, so the custom scheme is used: {e}");
                    Way::Scheme
                }
                Err(e) => return Err(SignInError::NoPort(e.to_string())),
            },
        };
        if let Some(registration) = self.registration_at_hand(server) {
            return Ok((first, registration));
        }
        let name = &self.room.client_name;
        let refused = match register(web, server, name, &first.redirect_uri(), scopes).await {
            Ok(registration) => return Ok((first, self.registered(registration))),
            Err(Unregistered::Other(e)) => return Err(e),
            Err(Unregistered::Redirect(e)) => e,
        };
        let second = match first {
            Way::Loopback(_) if scheme => Way::Scheme,
            Way::Loopback(_) => return Err(refused),
            Way::Scheme => match Listener::bind(&self.room.loopback, &self.room.desk).await {
                Ok(listener) => Way::Loopback(listener),
                Err(_) => return Err(refused),
            },
        };
        match register(web, server, name, &second.redirect_uri(), scopes).await {
            Ok(registration) => Ok((second, self.registered(registration))),
            Err(Unregistered::Other(e) | Unregistered::Redirect(e)) => Err(e),
        }
    }

    /// The same for the device grant, which comes back nowhere.
    async fn introduce_device(
        &mut self,
        web: &Guarded,
        server: &Metadata,
        scopes: &[String],
    ) -> Result<Registration, SignInError> {
        if let Some(registration) = self.registration_at_hand(server) {
            return Ok(registration);
        }
        match register_device(web, server, &self.room.client_name, scopes).await {
            Ok(registration) => Ok(self.registered(registration)),
            Err(Unregistered::Other(e) | Unregistered::Redirect(e)) => Err(e),
        }
    }

    /// The registration that needs no asking: the one that the person was given, else our metadata document.
    fn registration_at_hand(&self, server: &Metadata) -> Option<Registration> {
        if let Some(given) = &self.target.client {
            return Some(given_registration(given.clone(), server));
        }
        if let Some((issuer, known)) = &self.target.known
            && *issuer == server.issuer
            && known.source == ClientSource::Given
        {
            return Some(known.clone());
        }
        let document = self.room.client_document.as_deref().filter(|_| server.takes_documents())?;
        Some(document_registration(document))
    }

    fn registered(&mut self, registration: Registration) -> Registration {
        self.registration.insert(registration).clone()
    }

    /// Send the person's browser to the sign-in page, and wait for it to come back with a code.
    async fn visit(
        &self,
        web: &Guarded,
        found: &Found,
        registration: &Registration,
        way: Way,
        scopes: &[String],
    ) -> Result<(Secret, Proof), SignInError> {
        let server = &found.server;
        let (state, verifier) = (self.fresh(), self.fresh());
        let redirect_uri = way.redirect_uri();
        let proof = Proof { redirect_uri, verifier };
        let mut address = authorize_address(found, registration, &proof, &state, scopes)?;
        if server.require_pushed_authorization_requests == Some(true) {
            address = pushed(web, found, registration, &address).await?;
        }
        let expected = Expected {
            via: way.via(),
            issuer: server.issuer.clone(),
            names_itself: server.authorization_response_iss_parameter_supported.unwrap_or(false),
        };
        let mut seat = self.room.desk.sit(self.id.clone(), &state, expected);
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address.clone());
        let end = Moment::after(&*self.room.clock, WAIT);
        self.phase.send_replace(Phase::Browser { address: address.to_string(), until: end.wall });
        if self.target.open_browser {
            // Opening may take its time, and may fail: the address can be copied, so that the wait begins anyway.
            let browser = self.room.browser.clone();
            let address = address.clone();
            tokio::spawn(async move {
                if let Err(e) = browser.open(&address).await {
                    tracing::info!("no browser opened: {e}");
                }
            });
        }
        let word = self.listen(&mut seat, end, &address, &server.issuer).await;
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = None;
        match word? {
            Word::Code(code) => Ok((code, proof)),
            Word::Error(code) if code == "access_denied" => Err(SignInError::Denied { host: server.host() }),
            Word::Error(code) => Err(SignInError::Refused { host: server.host(), code: error_code(&code) }),
        }
    }

    /// Wait for the reply. Whatever else arrives, the wait goes on.
    async fn listen(
        &self,
        seat: &mut Seat,
        mut end: Moment,
        address: &Url,
        issuer: &str,
    ) -> Result<Word, SignInError> {
        let mut wrong_issuer = false;
        loop {
            tokio::select! {
                biased;
                heard = seat.heard.recv() => match heard {
                    Some(Heard::Word(word)) => return Ok(word),
                    Some(Heard::WrongIssuer) if !wrong_issuer => {
                        wrong_issuer = true;
                        end = end.at_most(Moment::after(&*self.room.clock, WAIT_AFTER_WRONG_ISSUER));
                        self.phase.send_replace(Phase::Browser { address: address.to_string(), until: end.wall });
                    }
                    Some(Heard::WrongIssuer) => {}
                    None => return Err(SignInError::Cancelled),
                },
                () = tokio::time::sleep(TICK) => {}
            }
            if end.passed(&*self.room.clock) {
                let issuer = issuer.to_owned();
                return Err(if wrong_issuer {
                    SignInError::WrongIssuer { issuer }
                } else {
                    SignInError::TimedOut
                });
            }
        }
    }

    /// 256 random bits, in the form that `state` and PKCE verifiers have.
    pub(crate) fn fresh(&self) -> Secret {
        let mut bytes = [0; 32];
        self.room.random.fill(&mut bytes);
        Secret::new(URL_SAFE_NO_PAD.encode(bytes))
    }
}

fn http_error(url: &Url, cause: HttpError) -> SignInError {
    SignInError::Http { host: crate::address::host(url), cause }
}

/// The address of the sign-in page.
fn authorize_address(
    found: &Found,
    registration: &Registration,
    proof: &Proof,
    state: &Secret,
    scopes: &[String],
) -> Result<Url, SignInError> {
    let malformed = |e: url::ParseError| SignInError::Address(crate::AddressError::Malformed(e.to_string()));
    let page = AuthUrl::new(found.server.authorization_endpoint.clone()).map_err(malformed)?;
    let redirect = RedirectUrl::new(proof.redirect_uri.clone()).map_err(malformed)?;
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(
        proof.verifier.expose().to_owned(),
    ));
    let client = BasicClient::new(ClientId::new(registration.client_id.clone()))
        .set_auth_uri(page)
        .set_redirect_uri(redirect);
    let mut request = client
        .authorize_url(|| CsrfToken::new(state.expose().to_owned()))
        .set_pkce_challenge(challenge)
        .add_scopes(scopes.iter().cloned().map(Scope::new));
    if let Some(resource) = &found.resource {
        request = request.add_extra_param("resource", resource.clone());
    }
    if scopes.iter().any(|s| s == "offline_access") {
        // Without it an OpenID provider leaves offline_access away (OpenID Connect Core §11).
        request = request.add_extra_param("prompt", "consent");
    }
    let (url, _) = request.url();
    Ok(check_address(url.as_str())?)
}

/// Exchange a code for tokens (RFC 6749 §4.1.3). It is tried again when the code
/// most likely was not used up: nothing was sent, or the answer was neither yes nor no.
async fn exchange(
    web: &Guarded,
    found: &Found,
    registration: &Registration,
    code: &Secret,
    proof: &Proof,
) -> Result<Granted, SignInError> {
    let url = check_address(&found.server.token_endpoint)?;
    let mut pauses = EXCHANGE_AGAIN.into_iter();
    loop {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &proof.redirect_uri),
            ("code_verifier", proof.verifier.expose()),
        ];
        if let Some(resource) = &found.resource {
            fields.push(("resource", resource));
        }
        let error = match web.send(prove(url.clone(), fields, registration)).await {
            Ok(answer) => match classify(answer.status, &answer.headers, &answer.body) {
                Outcome::Granted(granted) => return Ok(*granted),
                Outcome::Refused(refusal) => {
                    return Err(SignInError::NoToken {
                        host: found.server.host(),
                        why: refusal.code().to_owned(),
                    });
                }
                Outcome::Later { why, .. } => SignInError::NoToken { host: found.server.host(), why },
            },
            Err(cause) if cause.nothing_sent() => http_error(&url, cause),
            Err(cause) => return Err(http_error(&url, cause)),
        };
        match pauses.next() {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Err(error),
        }
    }
}

/// What the pushed authorization request endpoint answers (RFC 9126 §2.2).
#[derive(serde::Deserialize)]
struct Pushed {
    request_uri: String,
}

/// Hand in the authorization request by ourselves (RFC 9126). Gives the address for the browser, which then holds
/// nothing but a reference to it.
async fn pushed(
    web: &Guarded,
    found: &Found,
    registration: &Registration,
    address: &Url,
) -> Result<Url, SignInError> {
    let name = found.server.host();
    let refused = |code: &str| SignInError::Refused { host: name.clone(), code: error_code(code) };
    let endpoint = found.server.pushed_authorization_request_endpoint.as_deref();
    let url = check_address(endpoint.ok_or_else(|| refused("no_par_endpoint"))?)?;
    let mut page = check_address(&found.server.authorization_endpoint)?;
    // What the page's own address holds stays there, and the client's id is part of the proof.
    let own: Vec<_> = page.query_pairs().map(|(n, _)| n.into_owned()).collect();
    let pairs: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    let ours = pairs.iter().filter(|(n, _)| n != "client_id" && !own.contains(n));
    let fields = ours.map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let answer = web.send(prove(url.clone(), fields, registration)).await;
    let answer = answer.map_err(|cause| http_error(&url, cause))?;
    if !answer.status.is_success() {
        let said: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
        let code = said.as_ref().and_then(|s| s.get("error")?.as_str());
        return Err(refused(code.unwrap_or(answer.status.as_str())));
    }
    let pushed: Pushed = serde_json::from_slice(&answer.body).map_err(|_| refused("no_request_uri"))?;
    page.query_pairs_mut()
        .append_pair("client_id", &registration.client_id)
        .append_pair("request_uri", &pushed.request_uri);
    Ok(check_address(page.as_str())?)
}
