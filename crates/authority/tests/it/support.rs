//! A Bellhop's worth of surroundings for one authority: rows in memory that refuse what the real ones refuse, a
//! clock that stands still, and an app that knows how to ask.

use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request as HttpRequest, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bellhop_authority::*;
use hmac::{Hmac, Mac};
use model::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tower::ServiceExt;

pub(crate) const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) clients: Mutex<HashMap<ClientId, (Client, bool)>>,
    pub(crate) grants: Mutex<HashMap<ConnectionId, (Grant, Bearer)>>,
    pub(crate) revoked: Mutex<Vec<(ConnectionId, RevokedBy)>>,
    pub(crate) turned_away: Mutex<Vec<String>>,
    pub(crate) full: std::sync::atomic::AtomicBool,
}

impl Rows {
    fn disk(&self) -> Result<(), RowsError> {
        match self.full.load(std::sync::atomic::Ordering::SeqCst) {
            true => Err(RowsError("disk full".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl GrantRows for Rows {
    async fn register(&self, client: &Client) -> Result<(), RowsError> {
        self.disk()?;
        self.clients.lock().unwrap().insert(client.id.clone(), (client.clone(), false));
        Ok(())
    }

    async fn client(&self, id: &ClientId) -> Result<Option<Client>, RowsError> {
        Ok(self.clients.lock().unwrap().get(id).map(|(c, _)| c.clone()))
    }

    async fn unused_clients(&self) -> Result<u32, RowsError> {
        Ok(self.clients.lock().unwrap().values().filter(|(_, used)| !used).count() as u32)
    }

    async fn purge_clients(&self, before: Timestamp) -> Result<u32, RowsError> {
        let mut clients = self.clients.lock().unwrap();
        let all = clients.len();
        clients.retain(|_, (c, used)| *used || c.registered_on >= before);
        Ok((all - clients.len()) as u32)
    }

    async fn allow(&self, grant: &Grant, bearer: &Bearer) -> Result<(), RowsError> {
        self.disk()?;
        if let Some(id) = &grant.client {
            self.clients.lock().unwrap().get_mut(id).ok_or(RowsError("no client".into()))?.1 = true;
        }
        self.grants.lock().unwrap().insert(grant.connection.clone(), (grant.clone(), bearer.clone()));
        Ok(())
    }

    fn turned_away(&self, request: &Request) -> bool {
        self.turned_away.lock().unwrap().iter().any(|app| app == &request.app)
    }

    async fn rotate(&self, connection: &ConnectionId, family: &Family) -> Result<(), RowsError> {
        self.disk()?;
        // As slow as a disk, so that others get their turn in between.
        tokio::task::yield_now().await;
        match self.grants.lock().unwrap().get_mut(connection) {
            Some((_, Bearer::Family(kept))) if kept.number + 1 == family.number => *kept = family.clone(),
            _ => return Err(RowsError("stale number".into())),
        }
        Ok(())
    }

    async fn widen(&self, connection: &ConnectionId, permit: &Permit) -> Result<(), RowsError> {
        self.disk()?;
        let more = Scope::new([permit.clone()]);
        let mut grants = self.grants.lock().unwrap();
        let (grant, bearer) = grants.get_mut(connection).ok_or(RowsError("no connection".into()))?;
        if let Bearer::Family(family) = bearer
            && family.scope.covers(&grant.scope)
        {
            family.scope = family.scope.union(&more);
        }
        grant.scope = grant.scope.union(&more);
        Ok(())
    }

    async fn revoke(&self, connection: &ConnectionId, why: RevokedBy) -> Result<(), RowsError> {
        self.disk()?;
        self.grants.lock().unwrap().remove(connection);
        self.revoked.lock().unwrap().push((connection.clone(), why));
        Ok(())
    }
}

#[derive(Default)]
pub(crate) struct Around {
    pub(crate) services: Mutex<Vec<Offered>>,
    pub(crate) listening: Mutex<HashMap<u16, Program>>,
}

#[async_trait]
impl Surroundings for Around {
    fn offered(&self) -> Vec<Offered> {
        self.services.lock().unwrap().clone()
    }

    async fn listens_on(&self, port: u16) -> Option<Program> {
        self.listening.lock().unwrap().get(&port).cloned()
    }

    async fn calls_from(&self, site: CallSite) -> Option<Program> {
        match site {
            CallSite::Process(7) => Some(program("report.sh")),
            _ => None,
        }
    }
}

struct Key;

impl TokenKey for Key {
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"a key of this test").unwrap();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

pub(crate) struct House {
    pub(crate) authority: Arc<Authority>,
    pub(crate) rows: Arc<Rows>,
    pub(crate) around: Arc<Around>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) host: &'static str,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} {}", self.status, self.text))
    }

    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    /// The parameters behind the address it leads to.
    pub(crate) fn goes(&self) -> HashMap<String, String> {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        let to = url::Url::parse(self.headers[header::LOCATION].to_str().unwrap()).unwrap();
        to.query_pairs().into_owned().collect()
    }
}

impl House {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let rows = Arc::new(Rows::default());
        let around = Arc::new(Around::default());
        for name in ["mittwald", "blog"] {
            let offered = Offered { name: name.parse().unwrap(), title: name.to_uppercase() };
            around.services.lock().unwrap().push(offered);
        }
        let authority = Authority::new(
            rows.clone(),
            around.clone(),
            Arc::new(Key),
            clock.clone(),
            Arc::new(SystemRandom),
        );
        Self { authority, rows, around, clock, host: "127.0.0.1:27440" }
    }

    /// The same rows and clock after a restart.
    pub(crate) fn restarted(&self) -> Self {
        let authority = Authority::new(
            self.rows.clone(),
            self.around.clone(),
            Arc::new(Key),
            self.clock.clone(),
            Arc::new(SystemRandom),
        );
        let grants = self.rows.grants.lock().unwrap();
        authority.load(grants.values().cloned().collect());
        drop(grants);
        Self {
            authority,
            rows: self.rows.clone(),
            around: self.around.clone(),
            clock: self.clock.clone(),
            host: self.host,
        }
    }

    pub(crate) async fn send(&self, mut request: HttpRequest<Body>) -> Answer {
        request.extensions_mut().insert(Origin::from_host(self.host).unwrap());
        let response = self.authority.routes().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(HttpRequest::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
        let request = HttpRequest::post(path).header(header::CONTENT_TYPE, kind).body(body.into()).unwrap();
        self.send(request).await
    }

    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post(path, "application/x-www-form-urlencoded", encode(fields)).await
    }

    pub(crate) async fn register(&self, name: &str, redirects: &[&str]) -> Answer {
        let body = json!({ "client_name": name, "redirect_uris": redirects });
        self.post("/register", "application/json", body.to_string()).await
    }

    /// A registered app, with its redirect.
    pub(crate) async fn app(&self, name: &str, redirect: &str) -> App {
        let answer = self.register(name, &[redirect]).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let id = answer.json()["client_id"].as_str().unwrap().to_owned();
        App { id, redirect: redirect.to_owned() }
    }

    /// Send the person's browser; `more` overrides or adds parameters, an empty value leaves one out.
    pub(crate) async fn authorize(&self, app: &App, more: &[(&str, &str)]) -> Answer {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", app.id.as_str()),
            ("redirect_uri", app.redirect.as_str()),
            ("state", "the state"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in more {
            fields.retain(|(n, _)| n != name);
            fields.push((name, value));
        }
        self.get(&format!("/authorize?{}", encode(&fields))).await
    }

    pub(crate) fn waiting(&self) -> Arc<Vec<Request>> {
        self.authority.requests().borrow().clone()
    }

    pub(crate) async fn approve(&self, request: &Request, scope: &str) -> Result<(), DecideError> {
        self.authority.approve(&request.id, &request.snapshot, scope.parse().unwrap()).await
    }

    /// From the browser's first page to a code, with the person allowing `scope`.
    pub(crate) async fn code(&self, app: &App, scope: &str) -> String {
        let page = self.authorize(app, &[]).await;
        let request = self.waiting().last().unwrap().clone();
        self.approve(&request, scope).await.unwrap();
        self.get(&waits_at(&page)).await.goes()["code"].clone()
    }

    pub(crate) async fn redeem(&self, app: &App, code: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", app.id.as_str()),
            ("redirect_uri", app.redirect.as_str()),
            ("code", code),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in more {
            fields.retain(|(n, _)| n != name);
            fields.push((name, value));
        }
        self.form("/token", &fields).await
    }

    pub(crate) async fn refresh(&self, app: &App, token: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields =
            vec![("grant_type", "refresh_token"), ("client_id", app.id.as_str()), ("refresh_token", token)];
        fields.extend(more);
        self.form("/token", &fields).await
    }

    /// A connected app, with its tokens.
    pub(crate) async fn connected(&self, scope: &str) -> (App, Pair) {
        let app = self.app("Codex", "http://127.0.0.1:45391/callback").await;
        let code = self.code(&app, scope).await;
        let answer = self.redeem(&app, &code, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        (app, Pair::of(&answer))
    }

    pub(crate) fn allowed(&self, pair: &Pair) -> Result<String, TokenProblem> {
        self.authority.authenticate(&pair.access).map(|a| {
            let granted = || self.rows.grants.lock().unwrap()[&a.connection].0.scope.clone();
            a.limit.map_or_else(granted, |l| Scope::clone(&l)).to_string()
        })
    }

    pub(crate) fn seconds_pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) redirect: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Pair {
    pub(crate) fn of(answer: &Answer) -> Self {
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

/// Where the page that waits refreshes itself to.
pub(crate) fn waits_at(page: &Answer) -> String {
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let start = page.text.find("/authorize/wait/").expect("the page refreshes itself");
    page.text[start..].split('"').next().unwrap().to_owned()
}

pub(crate) fn program(name: &str) -> Program {
    Program { pid: 7, identity: format!("/usr/bin/{name}"), name: name.to_owned() }
}

fn encode(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
