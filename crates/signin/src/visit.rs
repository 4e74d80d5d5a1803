//! The way through the browser: out to the sign-in page, back with a code, and on to the tokens.

use crate::{
    Phase, Registration, SCHEME_REDIRECT, SignInError,
    address::check_address,
    discovery::Found,
    flow::{Flow, TICK, WAIT, http_error},
    http::Guarded,
    moment::Moment,
    outcome::{Granted, Outcome, classify, error_code},
    redirect::{Expected, Heard, Listener, Seat, Via, Word},
    token::prove,
};
use model::Secret;
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, basic::BasicClient,
};
use std::{sync::PoisonError, time::Duration};
use url::Url;

/// How much of the wait is left once a reply came that is not from the server that was asked. The good one may still
/// come; but if it was the server's own, the person should not sit there for ten minutes.
const WAIT_AFTER_WRONG_ISSUER: Duration = Duration::from_secs(30);
/// The pauses between tries to exchange a code.
const EXCHANGE_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Where the browser comes back to.
pub(crate) enum Way {
    Loopback(Listener),
    Scheme,
}

impl Way {
    pub(crate) fn redirect_uri(&self) -> String {
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
pub(crate) struct Proof {
    redirect_uri: String,
    verifier: Secret,
}

impl Flow {
    /// Send the person's browser to the sign-in page, and wait for it to come back with a code.
    pub(crate) async fn visit(
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
            // The desk's key is a state of this sign-in, which no page of WordPress was told.
            Word::Password(_) => Err(SignInError::Refused { host: server.host(), code: String::new() }),
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
pub(crate) async fn exchange(
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
