//! An engine with a desktop that only writes down what it is asked, a service, and an app.

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bellhop_engine::{Desktop, Engine, Home, Keys, Notice, Options};
use control::{
    Answer, Command, ConnectionView, Query, RequestView, Section, SectionName, ServiceView, SignInEnd,
};
use model::{RequestId, ServiceId, SystemClock, SystemRandom};
use playground::Playground;
use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

pub const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-is-needed";
const REDIRECT: &str = "http://127.0.0.1:4711/callback";

/// Whatever takes longer than this will not happen any more.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it happens within a bounded time")
}

/// A desktop that only writes down what it is asked.
#[derive(Default)]
pub struct Desk {
    pub raised: Mutex<Vec<Option<RequestId>>>,
    pub notices: Mutex<Vec<Notice>>,
}

impl Desk {
    /// How often the window of this request was brought up.
    pub fn raises_of(&self, request: &RequestId) -> usize {
        self.raised.lock().unwrap().iter().filter(|r| r.as_ref() == Some(request)).count()
    }
}

#[async_trait]
impl Desktop for Desk {
    fn raise(&self, request: Option<RequestId>) {
        self.raised.lock().unwrap().push(request);
    }

    fn notify(&self, notice: Notice) {
        self.notices.lock().unwrap().push(notice);
    }

    async fn open(&self, _address: &url::Url) -> Result<(), String> {
        Ok(())
    }

    fn set_autostart(&self, _on: bool) -> Result<(), String> {
        Err("not in a test".to_owned())
    }

    fn autostart(&self) -> Result<bool, String> {
        Err("not in a test".to_owned())
    }
}

/// An engine in a home of its own.
pub struct House {
    pub engine: Engine,
    pub desk: Arc<Desk>,
    pub http: Client,
    /// Goes when the house does.
    _folder: Option<tempfile::TempDir>,
}

pub fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::find(Some(folder.path().join("home"))).unwrap();
    (folder, home)
}

impl House {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// An engine, with other options than usual.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let (folder, home) = home();
        Self { _folder: Some(folder), ..Self::at_home(home, change).await }
    }

    /// An engine in this home.
    pub async fn at_home(home: Home, change: impl FnOnce(&mut Options)) -> Self {
        let desk = Arc::new(Desk::default());
        let mut options = Options {
            port: Some(0),
            keys: Some(Keys::Session),
            desktop: Some(Arc::clone(&desk) as Arc<dyn Desktop>),
            may_prompt: false,
            from_tree: true,
            ..Options::headless(home)
        };
        change(&mut options);
        let engine = Engine::start(options).await.unwrap();
        // It chooses the TLS library of this process; an engine that is locked hasn't done so yet.
        signin::Http::new(Arc::new(model::NoProxies)).unwrap();
        let http = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { engine, desk, http, _folder: None }
    }

    pub async fn section(&self, section: SectionName) -> Section {
        match self.engine.face().query(Query::Section { section }).await.unwrap() {
            Answer::Section(section) => section,
            other => panic!("{other:?}"),
        }
    }

    pub async fn requests(&self) -> Vec<RequestView> {
        match self.section(SectionName::Requests).await {
            Section::Requests(all) => all,
            other => panic!("{other:?}"),
        }
    }

    pub async fn connections(&self) -> Vec<ConnectionView> {
        match self.section(SectionName::Connections).await {
            Section::Connections(all) => all,
            other => panic!("{other:?}"),
        }
    }

    pub async fn services(&self) -> Vec<ServiceView> {
        match self.section(SectionName::Services).await {
            Section::Services(all) => all,
            other => panic!("{other:?}"),
        }
    }

    pub async fn endpoint(&self) -> String {
        match self.section(SectionName::Status).await {
            Section::Status(status) => status.endpoint.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub async fn at(&self, path: &str) -> String {
        self.endpoint().await.replace("/mcp", path)
    }

    /// A playground of its own on some port. Its address.
    pub async fn playground(&self) -> String {
        let playground = Playground::open(playground::Options {
            port: 0,
            state: None,
            access_life: Duration::from_secs(600),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        })
        .await
        .unwrap();
        let url = playground.url().to_owned();
        // It ends with the test's runtime.
        tokio::spawn(playground.serve(CancellationToken::new()));
        url
    }

    /// Begin to sign in to a new service. The attempt and the page's address.
    pub async fn begin(&self, url: &str, name: Option<&str>) -> (model::AttemptId, String) {
        let command =
            Command::add_service(None, Some(url.to_owned()), name.map(|n| n.parse().unwrap()), false);
        match soon(self.engine.face().command(command)).await.unwrap() {
            Answer::SignIn { attempt, address } => (attempt, address.unwrap()),
            other => panic!("{other:?}"),
        }
    }

    /// Be the browser: allow on the page, and follow it back.
    pub async fn allow_in_browser(&self, address: &str) {
        let page = self.http.get(address).send().await.unwrap().text().await.unwrap();
        let handle = page.split("name=request value=\"").nth(1).unwrap().split('"').next().unwrap();
        let to = url::Url::parse(address).unwrap().join("/authorize").unwrap();
        let pressed = self.http.post(to).form(&[("request", handle), ("answer", "allow")]);
        let led = pressed.send().await.unwrap().headers()["location"].to_str().unwrap().to_owned();
        self.http.get(led).send().await.unwrap();
    }

    pub async fn end_of(&self, attempt: &model::AttemptId) -> SignInEnd {
        let query = Query::SignInEnd { attempt: attempt.clone() };
        match soon(self.engine.face().query(query)).await.unwrap() {
            Answer::SignInEnd(end) => end,
            other => panic!("{other:?}"),
        }
    }

    /// Sign in to a service, all the way.
    pub async fn connect(&self, url: &str, name: Option<&str>) -> (ServiceId, String) {
        let (attempt, address) = self.begin(url, name).await;
        self.allow_in_browser(&address).await;
        match self.end_of(&attempt).await {
            SignInEnd::Connected { service, name, .. } => (service, name),
            other => panic!("{other:?}"),
        }
    }

    /// Register an app and let it ask. Its id and the page where its browser waits.
    pub async fn app_asks(&self, name: &str) -> Asking {
        let body = json!({
            "redirect_uris": ["http://127.0.0.1/callback"],
            "client_name": name,
            "application_type": "native",
            "token_endpoint_auth_method": "none",
        });
        let registered = self.http.post(self.at("/register").await).json(&body).send().await.unwrap();
        let client = registered.json::<Value>().await.unwrap()["client_id"].as_str().unwrap().to_owned();
        self.asks_again(&client).await
    }

    pub async fn asks_again(&self, client: &str) -> Asking {
        let endpoint = self.endpoint().await;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let query = [
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", REDIRECT),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("state", "s"),
            ("resource", &endpoint),
        ];
        let address = url::Url::parse_with_params(&self.at("/authorize").await, query).unwrap();
        let page = self.http.get(address).send().await.unwrap().text().await.unwrap();
        let wait = page.split(";url=").nth(1).unwrap_or_else(|| panic!("{page}"));
        Asking { client: client.to_owned(), wait: self.at(wait.split('"').next().unwrap()).await }
    }

    /// The request that waits, once it is there.
    pub async fn request(&self) -> RequestView {
        let looking = async {
            loop {
                if let Some(request) = self.requests().await.pop() {
                    return request;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon(looking).await
    }

    pub async fn approve(&self, request: &RequestView, scope: &str) -> control::Outcome {
        let command = Command::Approve {
            request: request.id.clone(),
            snapshot: request.snapshot.clone(),
            scope: scope.parse().unwrap(),
        };
        self.engine.face().command(command).await
    }

    /// Turn an approval into a token.
    pub async fn redeem(&self, asking: &Asking) -> Response {
        let answered = self.http.get(&asking.wait).send().await.unwrap();
        let led = url::Url::parse(answered.headers()["location"].to_str().unwrap()).unwrap();
        let code = led.query_pairs().find(|(n, _)| n == "code").unwrap().1.into_owned();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("client_id", &asking.client),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.http.post(self.at("/token").await).form(&form).send().await.unwrap()
    }

    /// Let an app in, all the way. Its access token.
    pub async fn let_in(&self, name: &str, scope: &str) -> String {
        let asking = self.app_asks(name).await;
        let request = self.request().await;
        self.approve(&request, scope).await.unwrap();
        let tokens: Value = self.redeem(&asking).await.json().await.unwrap();
        tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
    }

    /// Send one MCP message as the app that holds `token`.
    pub async fn send(&self, token: &str, session: Option<&str>, message: Value) -> Response {
        let mut post = self.http.post(self.endpoint().await).bearer_auth(token).json(&message);
        post = post.header("accept", "application/json, text/event-stream");
        if let Some(session) = session {
            post = post.header("mcp-session-id", session);
        }
        post.send().await.unwrap()
    }

    /// Open an MCP session.
    pub async fn session(&self, token: &str) -> String {
        let hello = json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": { "name": "tester", "version": "1" },
            },
        });
        let answer = self.send(token, None, hello).await;
        assert_eq!(answer.status(), 200);
        let session = answer.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        self.send(token, Some(&session), json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
            .await;
        session
    }
}

/// An app whose browser waits for the person.
pub struct Asking {
    pub client: String,
    pub wait: String,
}
