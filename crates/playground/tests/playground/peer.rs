//! What stands opposite: a playground that is served, and a client that signs in to it by its pages.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{ManualClock, SystemRandom, Timestamp};
use playground::{Options, Playground};
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

pub const REDIRECT: &str = "http://127.0.0.1:4711/callback";
pub const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-is-needed";

pub fn http() -> Client {
    // The second caller finds it installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).no_proxy().build().unwrap()
}

pub fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, VERIFIER.as_bytes()))
}

/// A playground on a port of its own.
pub struct Served {
    pub origin: String,
    pub clock: Arc<ManualClock>,
    pub stop: CancellationToken,
    pub serving: JoinHandle<std::io::Result<()>>,
    pub http: Client,
}

impl Served {
    pub async fn new() -> Self {
        Self::with(None).await
    }

    pub async fn with(state: Option<PathBuf>) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        let playground = Playground::open(Options {
            port: 0,
            state,
            access_life: Duration::from_secs(600),
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SystemRandom),
        })
        .await
        .unwrap();
        let origin = playground.url().strip_suffix("/mcp").unwrap().to_owned();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(playground.serve(stop.clone()));
        Self { origin, clock, stop, serving, http: http() }
    }

    pub async fn end(self) {
        drop(self.http);
        self.stop.cancel();
        self.serving.await.unwrap().unwrap();
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub async fn register(&self, redirect: &str) -> Response {
        let body =
            json!({ "redirect_uris": [redirect], "client_name": "Tester", "application_type": "native" });
        self.http.post(self.at("/register")).json(&body).send().await.unwrap()
    }

    pub async fn client(&self) -> String {
        let response = self.register("http://127.0.0.1/callback").await;
        assert_eq!(response.status(), StatusCode::CREATED);
        response.json::<Value>().await.unwrap()["client_id"].as_str().unwrap().to_owned()
    }

    /// The query of an authorize request as it should be.
    pub fn query(&self, client: &str) -> HashMap<&'static str, String> {
        HashMap::from([
            ("response_type", "code".to_owned()),
            ("client_id", client.to_owned()),
            ("redirect_uri", REDIRECT.to_owned()),
            ("code_challenge", challenge()),
            ("code_challenge_method", "S256".to_owned()),
            ("state", "a state".to_owned()),
            ("resource", self.at("/mcp")),
        ])
    }

    /// The address of the sign-in page.
    pub fn question(&self, query: &HashMap<&'static str, String>) -> Url {
        Url::parse_with_params(&self.at("/authorize"), query).unwrap()
    }

    pub async fn authorize(&self, query: &HashMap<&'static str, String>) -> Response {
        self.http.get(self.question(query)).send().await.unwrap()
    }

    /// Press a button of the page, and read where it leads.
    pub async fn press(&self, page: &str, answer: &str) -> HashMap<String, String> {
        let handle = page.split("name=request value=\"").nth(1).unwrap().split('"').next().unwrap();
        let form = [("request", handle), ("answer", answer)];
        let response = self.http.post(self.at("/authorize")).form(&form).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        led_to(&response)
    }

    pub async fn code(&self, client: &str) -> String {
        let page = self.authorize(&self.query(client)).await.text().await.unwrap();
        self.press(&page, "allow").await.remove("code").unwrap()
    }

    pub async fn token(&self, form: &[(&str, &str)]) -> Response {
        self.http.post(self.at("/token")).form(form).send().await.unwrap()
    }

    pub async fn redeem(&self, client: &str, code: &str) -> Response {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", client),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("resource", &self.at("/mcp")),
        ])
        .await
    }

    pub async fn renew(&self, client: &str, refresh: &str) -> Response {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", client)])
            .await
    }

    /// Sign in, all the way.
    pub async fn sign_in(&self) -> SignedIn {
        let client = self.client().await;
        let code = self.code(&client).await;
        let response = self.redeem(&client, &code).await;
        assert_eq!(response.status(), StatusCode::OK);
        SignedIn { client, tokens: response.json().await.unwrap() }
    }

    /// Whether the access token opens the door.
    pub async fn admits(&self, access: &str) -> bool {
        let response = self.userinfo(access).await;
        response.status() == StatusCode::OK
    }

    pub async fn userinfo(&self, access: &str) -> Response {
        self.http.get(self.at("/userinfo")).bearer_auth(access).send().await.unwrap()
    }
}

pub struct SignedIn {
    pub client: String,
    pub tokens: Value,
}

impl SignedIn {
    pub fn access(&self) -> &str {
        self.tokens["access_token"].as_str().unwrap()
    }

    pub fn refresh(&self) -> &str {
        self.tokens["refresh_token"].as_str().unwrap()
    }
}

/// The parameters with which the browser is sent back.
pub fn led_to(response: &Response) -> HashMap<String, String> {
    let location = Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
    assert!(location.as_str().starts_with(REDIRECT), "{location}");
    location.query_pairs().into_owned().collect()
}

/// The claims of a token, unchecked.
pub fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
