//! The device grant (RFC 8628), for scripts and programs without a browser on this computer.
//!
//! A program shows the person a code; Bellhop's window shows the same one, and is where it is answered: nobody types
//! the code anywhere, so it can't be guessed anywhere. The program meanwhile asks for its tokens with the device code,
//! which only it has: random, in memory alone, and kept as a hash.

use crate::{
    AskError, Authority, CallSite, Method, Origin, Request, RevokedBy, Verdict,
    authority::draft,
    deadline::Deadline,
    exchange::{self, invalid_grant, missing},
    generic,
    page::{self, Language},
    params::Params,
    queue::WAIT,
    rate::Rate,
    wanted,
    wire::{self, OauthError},
};
use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{ClientId, Clock, ConnectionId, Resource};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot::{self, error::TryRecvError};

/// The grant's name at the token endpoint.
pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How long a program waits between two asks, at first.
const INTERVAL: Duration = Duration::from_secs(2);
/// How much longer it has to wait each time that it was too quick (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// How long after the request's end an answer of its last moment can still be fetched.
const PICK_UP: Duration = Duration::from_secs(60);
/// How long a device code that was used is remembered, to notice when it is used again.
const MEMORY: Duration = Duration::from_secs(10 * 60);

/// The device codes that were given out.
pub(crate) struct Devices {
    rate: Rate,
    known: Mutex<HashMap<[u8; 32], Device>>,
    /// Held while one is redeemed, so that its second use finds what the first made.
    turn: tokio::sync::Mutex<()>,
}

struct Device {
    client: ClientId,
    request: Arc<Request>,
    state: Standing,
    /// From then on it is forgotten.
    until: Deadline,
    /// Before that the program may not ask again.
    next: Option<Deadline>,
    interval: Duration,
}

impl Device {
    /// Take in the person's answer, if it is there.
    fn hear(&mut self) {
        let Standing::Waiting(verdict) = &mut self.state else { return };
        match verdict.try_recv() {
            Ok(verdict) => self.state = Standing::Answered(verdict),
            Err(TryRecvError::Closed) => self.state = Standing::Answered(Verdict::Expired),
            Err(TryRecvError::Empty) => {}
        }
    }
}

/// What became of a device code.
enum Standing {
    /// The person has not answered.
    Waiting(oneshot::Receiver<Verdict>),
    /// They have, and nobody fetched that yet.
    Answered(Verdict),
    /// It was fetched, and this connection made.
    Spent(Option<ConnectionId>),
}

/// What a program that asks is told.
enum Asked {
    Unknown,
    OtherClient,
    TooQuick,
    Pending,
    Answered(Verdict, Arc<Request>),
    Again(Option<ConnectionId>),
}

impl Devices {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { rate: Rate::new(clock), known: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Device>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A program asks with its device code.
    fn ask(&self, hash: &[u8; 32], client: &ClientId, clock: &dyn Clock) -> Asked {
        let mut known = self.lock();
        known.retain(|_, device| !device.until.passed(clock));
        let Some(device) = known.get_mut(hash) else { return Asked::Unknown };
        if &device.client != client {
            return Asked::OtherClient;
        }
        let quick = device.next.is_some_and(|next| !next.passed(clock));
        if quick {
            device.interval = device.interval.saturating_add(SLOWER);
        }
        device.next = Some(Deadline::after(clock, device.interval));
        device.hear();
        match &device.state {
            Standing::Spent(made) => Asked::Again(made.clone()),
            _ if quick => Asked::TooQuick,
            Standing::Waiting(_) => Asked::Pending,
            Standing::Answered(verdict) => Asked::Answered(verdict.clone(), device.request.clone()),
        }
    }

    /// What was allowed and no program has fetched yet is denied after all.
    pub(crate) fn take_back(&self, of: impl Fn(&Request) -> bool) {
        for device in self.lock().values_mut().filter(|device| of(&device.request)) {
            device.hear();
            if let Standing::Answered(verdict @ Verdict::Allowed { .. }) = &mut device.state {
                *verdict = Verdict::Denied;
            }
        }
    }

    fn spent(&self, hash: &[u8; 32], made: Option<ConnectionId>, clock: &dyn Clock) {
        if let Some(device) = self.lock().get_mut(hash) {
            device.state = Standing::Spent(made);
            device.until = Deadline::after(clock, MEMORY);
        }
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// `GET /device`: where the person is sent. It says where to answer.
pub(crate) async fn page(headers: HeaderMap) -> Response {
    page::device(Language::of(&headers))
}

/// `POST /device_authorization` (RFC 8628 §3.1).
pub(crate) async fn authorize(
    State(authority): State<Arc<Authority>>,
    Extension(origin): Extension<Origin>,
    site: Option<Extension<CallSite>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match begin(&authority, &origin, site.map(|Extension(site)| site), &headers, body).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn begin(
    authority: &Arc<Authority>,
    origin: &Origin,
    site: Option<CallSite>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, OauthError> {
    let form = wire::form(headers, body).await?;
    let id = exchange::client(headers, &form)?;
    let client =
        authority.rows.client(&id).await?.ok_or_else(|| {
            OauthError::bad("invalid_client", "this client is not registered; register again")
        })?;
    let unknown = || OauthError::bad("invalid_target", "there is no such resource here");
    let resource = wanted::resource(form.all("resource"))
        .map_err(|wanted::UnknownResource| unknown())?
        .unwrap_or(Resource::All);
    let offered = authority.offered(&resource).ok_or_else(unknown)?;
    if offered.is_empty() {
        return Err(later("connect a service in Bellhop first", 60));
    }
    let asked = wanted::asked(form.get("scope"), &offered)
        .ok_or_else(|| OauthError::bad("invalid_scope", "none of these services is here"))?;
    authority
        .devices
        .rate
        .check()
        .map_err(|seconds| later("too many device codes; try again later", seconds))?;
    let program = match site {
        Some(site) => authority.surroundings.calls_from(site).await,
        None => None,
    };
    let request = Request {
        client: Some(id.clone()),
        app: if generic::is(&id) { generic::name(program.as_ref()) } else { client.name },
        program,
        resource,
        ..draft(Method::Device, asked, offered)
    };
    if authority.rows.turned_away(&request) {
        return Err(OauthError::bad("access_denied", crate::authorize::TURNED_AWAY));
    }
    // A client has one device code at a time: the earlier one's request is withdrawn.
    authority
        .devices
        .lock()
        .retain(|_, d| !generic::same(&d.request, &request) || matches!(d.state, Standing::Spent(_)));
    let (request, verdict) = authority.queue.ask_device(request).map_err(refused)?;
    authority.watch(request.id.clone());

    let mut bytes = [0u8; 32];
    authority.random.fill(&mut bytes);
    let code = model::Secret::new(format!("bhd_{}", URL_SAFE_NO_PAD.encode(bytes)));
    let device = Device {
        client: id,
        request: request.clone(),
        state: Standing::Waiting(verdict),
        until: Deadline::after(&*authority.clock, WAIT + PICK_UP),
        next: None,
        interval: INTERVAL,
    };
    authority.devices.lock().insert(hash(code.expose()), device);
    let body = json!({
        "device_code": code.expose(),
        "user_code": request.code,
        "verification_uri": format!("{origin}/device"),
        // The code is not looked at there: it is for a person who reads the address.
        "verification_uri_complete": format!("{origin}/device?user_code={}", request.code),
        "expires_in": WAIT.as_secs(),
        "interval": INTERVAL.as_secs(),
    });
    Ok(wire::json(StatusCode::OK, &body))
}

fn later(why: &'static str, seconds: u64) -> OauthError {
    OauthError::bad("temporarily_unavailable", why)
        .status(StatusCode::SERVICE_UNAVAILABLE)
        .retry_after(seconds)
}

fn refused(error: AskError) -> OauthError {
    match error {
        AskError::Denied { seconds } => {
            OauthError::bad("access_denied", "denied a moment ago").retry_after(seconds)
        }
        AskError::TurnedAway => OauthError::bad("access_denied", crate::authorize::TURNED_AWAY),
        AskError::Full | AskError::Waiting(_) => later("too many apps wait for an answer in Bellhop", 30),
        AskError::NothingOffered => later("connect a service in Bellhop first", 60),
    }
}

/// `POST /token` with a device code (RFC 8628 §3.4).
pub(crate) async fn redeem(
    authority: &Authority,
    form: &Params,
    client: ClientId,
) -> Result<Response, OauthError> {
    let hash = hash(form.get("device_code").ok_or_else(|| missing("device_code"))?);
    let _turn = authority.devices.turn.lock().await;
    // What waited too long ends now, not within the second.
    authority.queue.sweep();
    let (verdict, request) = match authority.devices.ask(&hash, &client, &*authority.clock) {
        Asked::Unknown => {
            return Err(OauthError::bad("expired_token", "the device code is unknown or has ended"));
        }
        Asked::OtherClient => return Err(invalid_grant("the device code was given to another client")),
        Asked::TooQuick => {
            return Err(OauthError::bad("slow_down", "wait five seconds longer between two asks"));
        }
        Asked::Pending => return Err(OauthError::bad("authorization_pending", "answer in Bellhop")),
        Asked::Answered(verdict, request) => (verdict, request),
        Asked::Again(made) => {
            // As with a code: two had it, nobody can tell which of them stole it, so both lose.
            if let Some(connection) = made {
                tracing::warn!(%connection, "a device code was used twice; its connection is cut off");
                authority.cut_off(&connection, RevokedBy::Replay).await?;
            }
            return Err(invalid_grant("the device code was used before"));
        }
    };
    match verdict {
        Verdict::Allowed { scope, .. } => {
            exchange::check_resource(form, &request.resource)?;
            // What can't be kept leaves the answer where it is: the program asks again.
            let line = exchange::connect(authority, client, &request, scope).await?;
            let made = Some(line.grant.connection.clone());
            authority.devices.spent(&hash, made, &*authority.clock);
            Ok(exchange::issued(authority, &line, &line.pairs().newest))
        }
        Verdict::Denied => Err(OauthError::bad("access_denied", "denied in Bellhop")),
        Verdict::Expired => Err(OauthError::bad("expired_token", "nobody answered in Bellhop in time")),
    }
}
