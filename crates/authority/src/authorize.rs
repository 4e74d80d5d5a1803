//! `GET /authorize`: a person's browser, sent by an app.
//!
//! Errors that would be sent to an address nobody vouched for are shown as a page; all others go back to the app
//! (RFC 6749 §4.1.2.1), with `iss` (RFC 9207).

use crate::{
    AskError, Authority, Method, Origin, Request,
    authority::draft,
    codes::Approved,
    generic,
    page::{self, Language, Page},
    params::Params,
    queue::{Answer, Poll, Ticket},
    redirect::Redirect,
    wanted,
};
use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use model::{ClientId, Program, Resource};
use std::sync::Arc;

/// The longest query, in bytes.
const LONGEST: usize = 8 * 1024;
/// What an app is told that the person cut off.
pub(crate) const TURNED_AWAY: &str = "cut off in Bellhop; choose Connect for it there first";
/// SHA-256 in base64url without padding has this many characters.
const CHALLENGE: usize = 43;

/// Why a request can't wait for the person.
enum Refusal {
    /// The person is told.
    Page(Page),
    /// The app is told: the address to go to.
    Redirect(String),
}

/// `GET /authorize`.
pub(crate) async fn authorize(
    State(authority): State<Arc<Authority>>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let language = Language::of(&headers);
    match ask(&authority, origin, &query.unwrap_or_default()).await {
        Ok((handle, request, ticket)) => {
            authority.watch(request.id.clone());
            page::waiting(language, &request.code, &handle, ticket.redirect.is_private())
        }
        Err(Refusal::Page(page)) => page::sorry(language, page),
        Err(Refusal::Redirect(to)) => page::go(&to),
    }
}

async fn ask(
    authority: &Authority,
    origin: Origin,
    query: &str,
) -> Result<(String, Arc<Request>, Ticket), Refusal> {
    if query.len() > LONGEST {
        return Err(Refusal::Page(Page::BadRequest));
    }
    let params = Params::read(query.as_bytes());
    let (client, name, redirect) = vouched(authority, &params).await?;
    let ticket = Ticket {
        client: client.clone(),
        redirect,
        state: params.get("state").map(str::to_owned),
        challenge: params.get("code_challenge").unwrap_or_default().to_owned(),
        issuer: origin,
    };
    let refuse = |error, description: &str| Refusal::Redirect(failed(&ticket, error, description));
    well_formed(&params).map_err(|(error, why)| refuse(error, why))?;

    let unknown = || refuse("invalid_target", "there is no such resource here");
    let resource = wanted::resource(params.all("resource"))
        .map_err(|wanted::UnknownResource| unknown())?
        .unwrap_or(Resource::All);
    let offered = authority.offered(&resource).ok_or_else(unknown)?;
    if offered.is_empty() {
        return Err(refuse("temporarily_unavailable", "connect a service in Bellhop first"));
    }
    let asked = wanted::asked(params.get("scope"), &offered)
        .ok_or_else(|| refuse("invalid_scope", "none of these services is here"))?;

    let program = observe(authority, &ticket.redirect).await;
    let request = Request {
        app: if generic::is(&client) { generic::name(program.as_ref()) } else { name },
        client: Some(client),
        redirect: ticket.redirect.shown(),
        program,
        resource,
        ..draft(Method::Oauth, asked, offered)
    };
    if authority.rows.turned_away(&request) {
        return Err(refuse("access_denied", TURNED_AWAY));
    }
    match authority.queue.ask_browser(request, ticket.clone()) {
        Ok((handle, request)) => Ok((handle, request, ticket)),
        Err(AskError::Denied { seconds }) => {
            let why = format!("denied a moment ago; ask again in {seconds} seconds");
            Err(refuse("access_denied", &why))
        }
        Err(AskError::TurnedAway) => Err(refuse("access_denied", TURNED_AWAY)),
        Err(AskError::Full | AskError::Waiting(_)) => {
            Err(refuse("temporarily_unavailable", "too many apps wait for an answer in Bellhop"))
        }
        Err(AskError::NothingOffered) => {
            Err(refuse("temporarily_unavailable", "connect a service in Bellhop first"))
        }
    }
}

/// The client, its name, and an address that the client registered. Without these nothing is sent anywhere.
async fn vouched(authority: &Authority, params: &Params) -> Result<(ClientId, String, Redirect), Refusal> {
    let page = |page| Refusal::Page(page);
    if params.repeats("client_id") || params.repeats("redirect_uri") {
        return Err(page(Page::BadRequest));
    }
    let id = ClientId::from(params.get("client_id").ok_or(page(Page::UnknownApp))?);
    let client = match authority.rows.client(&id).await {
        Ok(client) => client.ok_or(page(Page::UnknownApp))?,
        Err(error) => {
            tracing::error!(%error, "the authority could not look up a client");
            return Err(page(Page::Trouble));
        }
    };
    if generic::is(&id) {
        let sent = params.get("redirect_uri").and_then(|uri| Redirect::read(uri).ok());
        let redirect = sent.filter(generic::may_go).ok_or(page(Page::BadReturn))?;
        return Ok((id, client.name, redirect));
    }
    let registered: Vec<Redirect> =
        client.redirect_uris.iter().filter_map(|uri| Redirect::read(uri).ok()).collect();
    let redirect = match (params.get("redirect_uri"), registered.as_slice()) {
        (Some(sent), _) => {
            let sent = Redirect::read(sent).map_err(|_| page(Page::BadReturn))?;
            if !registered.iter().any(|r| sent.matches(r)) {
                return Err(page(Page::BadReturn));
            }
            sent
        }
        // RFC 6749 §3.1.2.3: it may be left out when there is only one.
        (None, [only]) if client.redirect_uris.len() == 1 => only.clone(),
        (None, _) => return Err(page(Page::BadReturn)),
    };
    Ok((id, client.name, redirect))
}

/// Check the rest of the request's form; the error and its description if it is wrong.
fn well_formed(params: &Params) -> Result<(), (&'static str, &'static str)> {
    if params.any_repeats() {
        return Err(("invalid_request", "a parameter stands more than once"));
    }
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(("unsupported_response_type", "response_type is code")),
        None => return Err(("invalid_request", "response_type is missing")),
    }
    if params.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(("invalid_request", "response_mode is query"));
    }
    if params.get("code_challenge_method") != Some("S256") {
        return Err(("invalid_request", "code_challenge_method is S256"));
    }
    let base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    match params.get("code_challenge") {
        Some(challenge) if challenge.len() == CHALLENGE && challenge.bytes().all(base64url) => Ok(()),
        Some(_) => Err(("invalid_request", "code_challenge is a SHA-256 in base64url")),
        None => Err(("invalid_request", "code_challenge is missing")),
    }
}

/// The program that listens where the browser would go.
async fn observe(authority: &Authority, redirect: &Redirect) -> Option<Program> {
    authority.surroundings.listens_on(redirect.loopback_port()?).await
}

/// `GET /authorize/wait/{handle}`: the page asks whether the person has answered.
pub(crate) async fn wait(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    Path(handle): Path<String>,
) -> Response {
    let language = Language::of(&headers);
    match authority.queue.poll(&handle) {
        Poll::Waiting(request, ticket) => {
            page::waiting(language, &request.code, &handle, ticket.redirect.is_private())
        }
        Poll::Answered(Answer::Allowed { request, scope, ticket }) => {
            // Who listens there may have changed since the person was asked. Only who was shown gets the code; if
            // nobody could be seen then, the person knew that.
            let now = observe(&authority, &ticket.redirect).await;
            let same = match (&request.program, &now) {
                (Some(then), Some(now)) => then.same(now),
                (Some(_), None) => false,
                (None, _) => true,
            };
            let settled = authority.queue.settle(&handle, || {
                if !same {
                    return Answer::OtherProgram;
                }
                let approved = Approved { request, scope, ticket: ticket.clone() };
                let code = authority.codes.issue(approved, &*authority.clock, &*authority.random);
                Answer::Go(answered(&ticket, &[("code", code.expose())]))
            });
            match settled {
                Some(answer) => told(language, answer),
                None => page::sorry(language, Page::Gone),
            }
        }
        Poll::Answered(answer) => told(language, answer),
        Poll::Gone => page::sorry(language, Page::Gone),
    }
}

fn told(language: Language, answer: Answer) -> Response {
    match answer {
        Answer::Go(to) => page::go(&to),
        Answer::Denied(ticket) => page::go(&failed(&ticket, "access_denied", "denied in Bellhop")),
        Answer::Expired(ticket) => {
            page::go(&failed(&ticket, "access_denied", "nobody answered in Bellhop within ten minutes"))
        }
        Answer::Replaced => page::sorry(language, Page::Replaced),
        Answer::OtherProgram => page::sorry(language, Page::OtherProgram),
        // Settled by the caller before it comes here.
        Answer::Allowed { .. } => page::sorry(language, Page::Trouble),
    }
}

/// Where the browser goes with an answer: the redirect with the app's state and our name behind it.
fn answered(ticket: &Ticket, answer: &[(&str, &str)]) -> String {
    let mut parameters = answer.to_vec();
    if let Some(state) = &ticket.state {
        parameters.push(("state", state));
    }
    parameters.push(("iss", ticket.issuer.as_str()));
    ticket.redirect.with(&parameters)
}

fn failed(ticket: &Ticket, error: &str, description: &str) -> String {
    answered(ticket, &[("error", error), ("error_description", description)])
}
