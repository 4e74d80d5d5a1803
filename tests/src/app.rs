use crate::{Answer, Bellhop, Http, Session, random};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, net::TcpListener};
use url::Url;

/// An app that connects over HTTP and does every step by hand, as the MCP authorization specification has them.
pub struct App {
    /// Its HTTP client.
    pub http: Http,
    /// The authorization server's metadata.
    pub server: Value,
    /// The endpoint it connects to.
    pub endpoint: String,
    /// Its id after registration.
    pub client: String,
    redirect: String,
    /// Bellhop looks who listens where the browser would go: it must be somebody.
    _listener: TcpListener,
}

/// The tokens of a connection.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// For calls.
    pub access: String,
    /// For new ones.
    pub refresh: String,
    /// What they allow.
    pub scope: String,
    /// How long the access token lives, in seconds.
    pub life: u64,
}

/// A browser on the page that says "answer in Bellhop".
pub struct Asking {
    /// The code on that page.
    pub code: String,
    /// The address of that page.
    pub wait: String,
    verifier: String,
    state: String,
    http: Http,
}

impl App {
    /// An app of this name that found its way from a 401 at `path` to the authorization server, and registered.
    ///
    /// # Panics
    /// When a step fails, or a document doesn't say what it must.
    pub async fn register(bellhop: &Bellhop, path: &str, name: &str) -> Self {
        let http = Http::default();
        let endpoint = bellhop.url(path);
        let origin = bellhop.url("");

        let answer = http.json(&endpoint, &Session::initialize(0)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let metadata = resource_metadata(&answer).expect("the 401 names the metadata");
        assert_eq!(metadata, format!("{origin}/.well-known/oauth-protected-resource{path}"));
        let resource = http.get(&metadata).await.value().await;
        assert_eq!(resource["resource"], endpoint);
        assert_eq!(resource["authorization_servers"], json!([origin]));
        let document = format!("{origin}/.well-known/oauth-authorization-server");
        let server = http.get(&document).await.value().await;
        assert_eq!(server["issuer"], origin);
        assert_eq!(server["code_challenge_methods_supported"], json!(["S256"]));

        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let redirect = format!("http://127.0.0.1:{}/callback", listener.local_addr().unwrap().port());
        let wanted = json!({
            "client_name": name,
            "redirect_uris": [redirect],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        });
        let answer = http.json(server["registration_endpoint"].as_str().unwrap(), &wanted).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let client = answer.value().await["client_id"].as_str().unwrap().to_owned();
        Self { http, server, endpoint, client, redirect, _listener: listener }
    }

    /// An app that was let in with this scope.
    pub async fn let_in(bellhop: &Bellhop, name: &str, scope: &[&str]) -> (Self, Tokens) {
        Self::let_in_at(bellhop, "/mcp", name, scope).await
    }

    /// The same at any endpoint.
    pub async fn let_in_at(bellhop: &Bellhop, path: &str, name: &str, scope: &[&str]) -> (Self, Tokens) {
        let app = Self::register(bellhop, path, name).await;
        let asking = app.ask(None).await;
        bellhop.approve(&asking.code, scope).await;
        let tokens = app.tokens(&asking).await;
        (app, tokens)
    }

    /// Send the person's browser to Bellhop, asking for this scope.
    ///
    /// # Panics
    /// When no page comes that says to wait.
    pub async fn ask(&self, scope: Option<&str>) -> Asking {
        let (verifier, state) = (random(), random());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let mut address = Url::parse(self.server["authorization_endpoint"].as_str().unwrap()).unwrap();
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("state", &state)
            .append_pair("resource", &self.endpoint)
            .extend_pairs(scope.map(|scope| ("scope", scope)));
        let answer = self.http.get(address.as_str()).await;
        assert_eq!(answer.status, StatusCode::OK);
        let page = answer.text().await;
        let wait = between(&page, ";url=", "\"").expect("the page looks again by itself");
        let code = between(&page, "<p class=\"code\">", "</p>").expect("the page shows a code");
        let code = code.replace(" · ", " ");
        Asking { code, wait: address.join(wait).unwrap().into(), verifier, state, http: self.http.clone() }
    }

    /// Fetch the tokens once the person has allowed it.
    ///
    /// # Panics
    /// When they don't come.
    pub async fn tokens(&self, asking: &Asking) -> Tokens {
        let answer = asking.answer().await;
        let code = answer.get("code").unwrap_or_else(|| panic!("no code: {answer:?}"));
        assert_eq!(answer["state"], asking.state);
        assert_eq!(answer["iss"], self.server["issuer"].as_str().unwrap());
        let answer = self.redeem(code, &asking.verifier).await;
        assert_eq!(answer.status, StatusCode::OK);
        Tokens::read(&answer.value().await)
    }

    /// Send a code to the token endpoint.
    pub async fn redeem(&self, code: &str, verifier: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
            ("redirect_uri", &self.redirect),
            ("resource", &self.endpoint),
        ])
        .await
    }

    /// Ask for new tokens.
    pub async fn refresh(&self, tokens: &Tokens) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh)]).await
    }

    async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        fields.push(("client_id", &self.client));
        self.http.form(self.server["token_endpoint"].as_str().unwrap(), &fields).await
    }
}

impl Tokens {
    /// Read them from the token endpoint's answer.
    ///
    /// # Panics
    /// When something is missing.
    pub fn read(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
        assert_eq!(text("token_type"), "Bearer");
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
            scope: text("scope"),
            life: answer["expires_in"].as_u64().unwrap(),
        }
    }
}

impl Asking {
    /// Keep the page open until it leads somewhere, and say what came to the app.
    ///
    /// # Panics
    /// When it ends on a page.
    pub async fn answer(&self) -> HashMap<String, String> {
        let to = crate::until("the browser goes back to the app", || async {
            let answer = self.http.send(Method::GET, &self.wait, &[], String::new()).await;
            match answer.status {
                StatusCode::SEE_OTHER => Some(answer.header("location").to_owned()),
                StatusCode::OK => None,
                status => panic!("{status}: {}", answer.text().await),
            }
        })
        .await;
        Url::parse(&to).unwrap().query_pairs().into_owned().collect()
    }
}

/// Where a 401 says that the metadata is (RFC 9728 §5.1).
pub(crate) fn resource_metadata(answer: &Answer) -> Option<String> {
    between(answer.header("www-authenticate"), "resource_metadata=\"", "\"").map(str::to_owned)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(found, _)| found)
}
