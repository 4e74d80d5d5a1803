//! A service with its own sign-in, as a real server on loopback, whose faults can be switched on.

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Form, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, VecDeque},
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};

type Fields = HashMap<String, String>;

/// How the server names itself in its reply.
#[derive(Clone, PartialEq)]
pub(super) enum Iss {
    Right,
    Wrong,
    Missing,
}

/// One answer of the token endpoint.
pub(super) enum Trouble {
    /// A page of HTML with 503, as a proxy in front of it would say.
    Html503,
    /// 429 with this `Retry-After`.
    Busy(&'static str),
    /// An error code with 400.
    Says(&'static str),
    /// It acts, and the connection breaks before the answer is there.
    Lost,
}

/// What the server does and does not.
pub(super) struct Ways {
    pub(super) open: bool,
    pub(super) pkce: bool,
    pub(super) registration: bool,
    pub(super) loopback: bool,
    pub(super) deny: bool,
    pub(super) openid_only: bool,
    /// Whether the 401 names the resource metadata.
    pub(super) challenge: bool,
    /// Whether there is resource metadata at its well-known address.
    pub(super) well_known: bool,
    pub(super) resource: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) iss: Iss,
    pub(super) methods: Vec<&'static str>,
    pub(super) lifetime: Value,
    pub(super) revocation: bool,
    /// Whether MCP refuses even tokens it should accept.
    pub(super) refuse_tokens: bool,
    pub(super) trouble: VecDeque<Trouble>,
    /// What the metadata says besides.
    pub(super) metadata: Value,
    /// A header and its value that MCP takes instead of a token of the sign-in.
    pub(super) key: Option<(&'static str, &'static str)>,
}

#[derive(Default)]
pub(super) struct Seen {
    registrations: Vec<Value>,
    deleted: u32,
    pub(super) revoked: Vec<String>,
    tokens: Vec<(Fields, Option<String>)>,
    /// What is known of each code: the fields of its authorize request.
    codes: HashMap<String, Fields>,
    access: u32,
    refresh: Option<String>,
    /// The fields of the requests at the device and the pushed request endpoints.
    asked: Vec<Fields>,
    /// How often userinfo was asked.
    pub(super) userinfo: u32,
}

pub(super) struct Server {
    pub(super) origin: String,
    ways: Mutex<Ways>,
    seen: Mutex<Seen>,
    /// The token endpoint answers one request for each permit.
    pub(super) gate: Semaphore,
    task: Mutex<Option<JoinHandle<()>>>,
}

type App = State<Arc<Server>>;

impl Server {
    pub(super) async fn start() -> Arc<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let ways = Ways {
            open: false,
            pkce: true,
            registration: true,
            loopback: true,
            deny: false,
            openid_only: false,
            challenge: true,
            well_known: true,
            resource: None,
            issuer: None,
            iss: Iss::Right,
            methods: vec!["none"],
            lifetime: json!(3600),
            revocation: true,
            refuse_tokens: false,
            trouble: VecDeque::new(),
            metadata: json!({}),
            key: None,
        };
        let server = Arc::new(Self {
            origin: format!("http://{}", socket.local_addr().unwrap()),
            ways: Mutex::new(ways),
            seen: Mutex::default(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            task: Mutex::new(None),
        });
        let app = Router::new()
            .route("/mcp", post(mcp))
            .route("/old", post(|| async { (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "/mcp")]) }))
            .route("/modern", post(modern))
            .route("/events", get(|| events("endpoint")))
            .route("/other-events", get(|| events("message")))
            .route("/page", post(|| async { "<html>Hello</html>" }))
            .route("/broken", post(|| async { StatusCode::BAD_GATEWAY }))
            .route("/.well-known/oauth-protected-resource/mcp", get(resource))
            .route("/named-resource", get(resource))
            .route("/.well-known/oauth-authorization-server", get(oauth))
            .route("/.well-known/openid-configuration", get(openid))
            .route("/register", post(register))
            .route("/register/1", delete(unregister))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .route("/device", post(device))
            .route("/par", post(push))
            .route("/userinfo", get(userinfo))
            .with_state(server.clone());
        let task = tokio::spawn(async move { axum::serve(socket, app).await.unwrap() });
        *server.task.lock().unwrap() = Some(task);
        server
    }

    pub(super) fn url(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    pub(super) fn ways(&self) -> MutexGuard<'_, Ways> {
        self.ways.lock().unwrap()
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    pub(super) fn registrations(&self) -> Vec<Value> {
        self.seen().registrations.clone()
    }

    pub(super) fn unregistered(&self) -> u32 {
        self.seen().deleted
    }

    pub(super) fn revoked(&self) -> Vec<String> {
        self.seen().revoked.clone()
    }

    /// The requests to the token endpoint: their fields and their `Authorization`.
    pub(super) fn tokens(&self) -> Vec<(Fields, Option<String>)> {
        self.seen().tokens.clone()
    }

    /// The requests to the device authorization endpoint and the one for pushed requests.
    pub(super) fn asked(&self) -> Vec<Fields> {
        self.seen().asked.clone()
    }

    /// Let the server know a refresh token, as of a sign-in in the past.
    pub(super) fn knows(&self, refresh: &str) {
        self.seen().refresh = Some(refresh.to_owned());
    }

    /// Stop answering.
    pub(super) fn go_away(&self) {
        if let Some(task) = self.task.lock().unwrap().take() {
            task.abort();
        }
    }

    /// New tokens, under the names `access-N` and `refresh-N`.
    fn issue(&self) -> Value {
        let mut seen = self.seen();
        seen.access += 1;
        let n = seen.access;
        seen.refresh = Some(format!("refresh-{n}"));
        json!({
            "access_token": format!("access-{n}"),
            "token_type": "bearer",
            "refresh_token": format!("refresh-{n}"),
            "expires_in": self.ways().lifetime,
            "scope": "notes:read",
        })
    }

    fn metadata(&self) -> Value {
        let (at, ways) = (&self.origin, self.ways());
        let mut m = json!({
            "issuer": ways.issuer.as_ref().unwrap_or(at),
            "authorization_endpoint": format!("{at}/authorize?ui=1"),
            "token_endpoint": format!("{at}/token"),
            "userinfo_endpoint": format!("{at}/userinfo"),
            "scopes_supported": ["notes:read", "offline_access"],
            "token_endpoint_auth_methods_supported": ways.methods,
            "authorization_response_iss_parameter_supported": true,
        });
        if ways.pkce {
            m["code_challenge_methods_supported"] = json!(["S256"]);
        }
        if ways.registration {
            m["registration_endpoint"] = format!("{at}/register").into();
        }
        if ways.revocation {
            m["revocation_endpoint"] = format!("{at}/revoke").into();
        }
        for (name, value) in ways.metadata.as_object().into_iter().flatten() {
            m[name] = value.clone();
        }
        m
    }
}

async fn mcp(State(s): App, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let open = s.ways().open;
    let challenge = s.ways().challenge;
    let key = s.ways().key;
    let good = key.is_some_and(|(name, value)| headers.get(name).is_some_and(|v| v == value))
        || headers.get(header::AUTHORIZATION).is_some_and(|v| {
            v.to_str().unwrap() == format!("Bearer access-{}", s.seen().access) && !s.ways().refuse_tokens
        });
    if !open && !good {
        let named = format!("Bearer scope=\"notes:read\", resource_metadata=\"{}/named-resource\"", s.origin);
        let value = if challenge { named } else { "Bearer".to_owned() };
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, value)]).into_response();
    }
    if body["method"] == "tools/call" && body["params"]["name"] == "whoami" {
        let said = json!({ "data": { "login": "anna-by-tool" } }).to_string();
        let result = json!({ "content": [{ "type": "text", "text": said }] });
        return Json(json!({ "jsonrpc": "2.0", "id": body["id"], "result": result })).into_response();
    }
    if body["method"] != "initialize" {
        return StatusCode::ACCEPTED.into_response();
    }
    Json(json!({
        "jsonrpc": "2.0",
        "id": body["id"],
        "result": {
            "protocolVersion": body["params"]["protocolVersion"],
            "capabilities": {},
            "serverInfo": { "name": "notes", "title": "Notes", "version": "1" },
        },
    }))
    .into_response()
}

/// A server of the era that has no `initialize`.
async fn modern(headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let says = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if body["method"] != "server/discover"
        || (says("mcp-method"), says("mcp-protocol-version")) != (Some("server/discover"), Some("2026-07-28"))
    {
        let error = json!({ "code": -32022, "message": "?", "data": { "supported": ["2026-07-28"] } });
        let body = json!({ "jsonrpc": "2.0", "id": body["id"], "error": error });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let about = json!({ "io.modelcontextprotocol/serverInfo": { "name": "new", "title": "New Notes" } });
    let result = json!({ "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {},
        "_meta": about });
    Json(json!({ "jsonrpc": "2.0", "id": body["id"], "result": result })).into_response()
}

/// An event stream that begins with this event and has no end.
async fn events(first: &'static str) -> Response {
    let begin = Ok::<_, std::convert::Infallible>(format!("event: {first}\ndata: /messages\n\n"));
    let stream =
        futures_util::StreamExt::chain(futures_util::stream::iter([begin]), futures_util::stream::pending());
    ([(header::CONTENT_TYPE, "text/event-stream")], axum::body::Body::from_stream(stream)).into_response()
}

async fn resource(State(s): App, uri: axum::http::Uri) -> Response {
    if uri.path() != "/named-resource" && !s.ways().well_known {
        return StatusCode::NOT_FOUND.into_response();
    }
    let resource = s.ways().resource.clone().unwrap_or_else(|| s.url());
    Json(json!({ "resource": resource, "authorization_servers": [s.origin], "scopes_supported": ["notes:write"] }))
        .into_response()
}

async fn oauth(State(s): App) -> Response {
    if s.ways().openid_only {
        return (StatusCode::OK, "<html>Not here</html>").into_response();
    }
    Json(s.metadata()).into_response()
}

async fn openid(State(s): App) -> Response {
    if s.ways().openid_only {
        Json(s.metadata()).into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

async fn register(State(s): App, Json(asked): Json<Value>) -> Response {
    let redirect = asked["redirect_uris"][0].as_str().unwrap_or_default().to_owned();
    s.seen().registrations.push(asked.clone());
    if redirect.starts_with("http:") && !s.ways().loopback {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_redirect_uri" }))).into_response();
    }
    let mut answer = json!({
        "client_id": "client 1",
        "token_endpoint_auth_method": asked["token_endpoint_auth_method"],
        "registration_client_uri": format!("{}/register/1", s.origin),
        "registration_access_token": "manage",
    });
    if asked["token_endpoint_auth_method"] != "none" {
        answer["client_secret"] = "s:e/c".into();
    }
    (StatusCode::CREATED, Json(answer)).into_response()
}

async fn unregister(State(s): App) -> StatusCode {
    s.seen().deleted += 1;
    StatusCode::NO_CONTENT
}

/// The sign-in page, whose person always says yes, unless `deny`.
async fn authorize(State(s): App, Query(mut asked): Query<Fields>) -> Response {
    if asked.contains_key("request_uri") {
        assert_eq!(asked.len(), 3, "the browser carries a reference and nothing else");
        let pushed = s.seen().asked.pop().unwrap();
        asked.extend(pushed);
    }
    assert_eq!((&*asked["response_type"], &*asked["ui"]), ("code", "1"));
    assert_eq!(asked["code_challenge_method"], "S256");
    let mut back = url::Url::parse(&asked["redirect_uri"]).unwrap();
    let code = format!("code-{}", s.seen().codes.len());
    back.query_pairs_mut().append_pair("state", &asked["state"]);
    match s.ways().iss {
        Iss::Right => back.query_pairs_mut().append_pair("iss", &s.origin),
        Iss::Wrong => back.query_pairs_mut().append_pair("iss", "https://evil.example"),
        Iss::Missing => &mut back.query_pairs_mut(),
    };
    if s.ways().deny {
        back.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("error_description", "<script>alert(1)</script>");
    } else {
        back.query_pairs_mut().append_pair("code", &code);
        s.seen().codes.insert(code, asked);
    }
    (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response()
}

async fn token(State(s): App, headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    let proof = headers.get(header::AUTHORIZATION).map(|v| v.to_str().unwrap().to_owned());
    s.seen().tokens.push((form.clone(), proof));
    s.gate.acquire().await.unwrap().forget();
    let trouble = s.ways().trouble.pop_front();
    match trouble {
        Some(Trouble::Html503) => {
            return (StatusCode::SERVICE_UNAVAILABLE, [(header::CONTENT_TYPE, "text/html")], "<h1>Soon</h1>")
                .into_response();
        }
        Some(Trouble::Busy(wait)) => {
            return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait)]).into_response();
        }
        Some(Trouble::Says(code)) => return no(code),
        Some(Trouble::Lost) => {
            s.issue();
            let broken = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("gone")) });
            return Body::from_stream(broken).into_response();
        }
        None => {}
    }
    let good = match &*form["grant_type"] {
        "authorization_code" => s.seen().codes.remove(&form["code"]).is_some_and(|asked| {
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
            hash == asked["code_challenge"]
                && form["redirect_uri"] == asked["redirect_uri"]
                && form.get("resource") == asked.get("resource")
        }),
        crate::device::GRANT => form["device_code"] == "device-1",
        "refresh_token" => s.seen().refresh.as_ref() == Some(&form["refresh_token"]),
        _ => false,
    };
    if good { Json(s.issue()).into_response() } else { no("invalid_grant") }
}

fn no(code: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": code }))).into_response()
}

async fn revoke(State(s): App, Form(form): Form<Fields>) -> StatusCode {
    s.seen().revoked.push(form["token"].clone());
    StatusCode::OK
}

async fn userinfo(State(s): App) -> Json<Value> {
    s.seen().userinfo += 1;
    Json(json!({ "sub": "1", "email": "anna@notes.example" }))
}

async fn device(State(s): App, Form(form): Form<Fields>) -> Json<Value> {
    s.seen().asked.push(form);
    Json(json!({
        "device_code": "device-1",
        "user_code": "WDJB-MJHT",
        "verification_uri": format!("{}/activate", s.origin),
        "verification_uri_complete": format!("{}/activate?user_code=WDJB-MJHT", s.origin),
        "expires_in": 600,
        "interval": 5,
    }))
}

async fn push(State(s): App, Form(form): Form<Fields>) -> (StatusCode, Json<Value>) {
    assert!(!form.contains_key("ui"), "the page's own parameters stay with it");
    s.seen().asked.push(form);
    (StatusCode::CREATED, Json(json!({ "request_uri": "urn:x:1", "expires_in": 60 })))
}
