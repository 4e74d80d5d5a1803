//! What is asked of the provider, and who answers it.

use super::{
    Page, Shared,
    grants::{Client, Code},
    lock,
    oracle::{Endpoint, Kind, Part},
    token::DEVICE,
    wire::{Reply, empty, json, long, no, slow, whole},
};
use crate::random;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hyper::{HeaderMap, Method, header, http::request};
use serde_json::{Value, json};
use std::collections::HashMap;
use url::{Url, form_urlencoded};

const REGISTRATION: &str = "/register/";

fn endpoint(path: &str) -> Endpoint {
    match path {
        "/register" => Endpoint::Register,
        "/authorize" => Endpoint::Authorize,
        "/token" => Endpoint::Token,
        "/revoke" => Endpoint::Revoke,
        "/device" => Endpoint::Device,
        "/userinfo" => Endpoint::Userinfo,
        "/mcp" => Endpoint::Mcp,
        _ if path.starts_with(REGISTRATION) => Endpoint::Registration,
        _ if path.starts_with("/.well-known/") => Endpoint::Metadata,
        _ => Endpoint::Other,
    }
}

impl Shared {
    pub(super) async fn answer(&self, head: request::Parts, body: Bytes) -> Reply {
        let path = head.uri.path().to_owned();
        let query = head.uri.query().unwrap_or_default();
        let endpoint = endpoint(&path);
        let asked: HashMap<String, String> = pairs(query.as_bytes());
        if endpoint == Endpoint::Authorize
            && let Some(state) = asked.get("state")
        {
            self.oracle.know(Kind::State, &self.origin, state);
        }
        self.oracle.saw(&self.origin, endpoint, &parts(&head, &body));
        self.seen.send_modify(|s| s.paths.push(format!("{} {path}", head.method)));
        let page = lock(&self.ways).pages.get(&path).cloned();
        if let Some(page) = page {
            return match page {
                Page::Answer(status, headers, body) => whole(status, &headers, body),
                Page::Long(bytes, headers) => long(bytes, &headers),
                Page::Slow => slow(),
                Page::Silent => std::future::pending().await,
            };
        }
        let form = pairs(&body);
        match endpoint {
            Endpoint::Metadata => self.metadata(&path),
            Endpoint::Register => self.register(&body),
            Endpoint::Registration => self.registration(&head, &path[REGISTRATION.len()..]),
            Endpoint::Authorize => self.authorize(&asked),
            Endpoint::Token => {
                let client = self.client(&head.headers, &form);
                self.token(client, &form).await
            }
            Endpoint::Revoke => self.revoke(self.client(&head.headers, &form), &form),
            Endpoint::Device => self.device(self.client(&head.headers, &form), &form),
            Endpoint::Userinfo => json(200, &json!({ "sub": "1", "email": "anna@faults.example" })),
            Endpoint::Mcp if head.method == Method::POST => self.mcp(&head.headers, &body),
            Endpoint::Mcp => empty(405),
            Endpoint::Other => empty(404),
        }
    }

    fn metadata(&self, path: &str) -> Reply {
        let at = &self.origin;
        let ways = lock(&self.ways);
        let (mut document, over) = match path {
            "/.well-known/oauth-protected-resource/mcp" => {
                let document = json!({
                    "resource": format!("{at}/mcp"),
                    "authorization_servers": [at],
                    "scopes_supported": ["notes:read"],
                });
                (document, &ways.resource)
            }
            "/.well-known/oauth-authorization-server" => {
                let methods = if ways.secrets { "client_secret_basic" } else { "none" };
                let mut document = json!({
                    "issuer": at,
                    "authorization_endpoint": format!("{at}/authorize"),
                    "token_endpoint": format!("{at}/token"),
                    "registration_endpoint": format!("{at}/register"),
                    "revocation_endpoint": format!("{at}/revoke"),
                    "userinfo_endpoint": format!("{at}/userinfo"),
                    "scopes_supported": ["notes:read", "offline_access"],
                    "response_types_supported": ["code"],
                    "grant_types_supported": ["authorization_code", "refresh_token", DEVICE],
                    "code_challenge_methods_supported": ["S256"],
                    "token_endpoint_auth_methods_supported": [methods],
                    "authorization_response_iss_parameter_supported": true,
                });
                if ways.device {
                    document["device_authorization_endpoint"] = format!("{at}/device").into();
                }
                (document, &ways.metadata)
            }
            _ => return empty(404),
        };
        for (name, value) in over.as_object().into_iter().flatten() {
            document[name] = value.clone();
        }
        json(200, &document)
    }

    fn register(&self, body: &[u8]) -> Reply {
        self.seen.send_modify(|s| s.registrations += 1);
        let Ok(about) = serde_json::from_slice::<Value>(body) else {
            return no(400, "invalid_client_metadata");
        };
        let secret = lock(&self.ways).secrets.then(|| format!("secret-{}", random()));
        let (id, token) = (format!("client-{}", random()), format!("registration-{}", random()));
        self.oracle.know(Kind::RegistrationToken, &self.origin, &token);
        if let Some(secret) = &secret {
            self.oracle.know(Kind::ClientSecret, &self.origin, secret);
        }
        let client = Client { secret, token, about };
        let answer = self.client_information(&id, &client);
        lock(&self.grants).clients.insert(id, client);
        json(201, &answer)
    }

    /// What a client is told about itself (RFC 7591 §3.2.1, RFC 7592 §3).
    fn client_information(&self, id: &str, client: &Client) -> Value {
        let mut answer = client.about.clone();
        answer["client_id"] = id.into();
        answer["registration_client_uri"] = format!("{}{REGISTRATION}{id}", self.origin).into();
        answer["registration_access_token"] = client.token.clone().into();
        if let Some(secret) = &client.secret {
            answer["client_secret"] = secret.clone().into();
            answer["client_secret_expires_at"] = lock(&self.ways).secret_ends.into();
        }
        answer
    }

    fn registration(&self, head: &request::Parts, id: &str) -> Reply {
        let proof = head.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        let mut grants = lock(&self.grants);
        let Some(client) =
            grants.clients.get_mut(id).filter(|c| proof == Some(&format!("Bearer {}", c.token)))
        else {
            return empty(401);
        };
        if head.method == Method::DELETE {
            grants.forget(id);
            self.seen.send_modify(|s| s.deleted += 1);
            return empty(204);
        }
        self.seen.send_modify(|s| s.updates += 1);
        if lock(&self.ways).new_secrets && client.secret.is_some() {
            let secret = format!("secret-{}", random());
            self.oracle.know(Kind::ClientSecret, &self.origin, &secret);
            client.secret = Some(secret);
        }
        json(200, &self.client_information(id, client))
    }

    /// The sign-in page, whose person says yes at once, unless they deny.
    fn authorize(&self, asked: &HashMap<String, String>) -> Reply {
        self.seen.send_modify(|s| s.visits += 1);
        let text = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let Ok(mut back) = Url::parse(&text("redirect_uri")) else { return empty(400) };
        let denies = lock(&self.ways).denies;
        back.query_pairs_mut().append_pair("state", &text("state")).append_pair("iss", &self.origin);
        if denies {
            back.query_pairs_mut()
                .append_pair("error", "access_denied")
                .append_pair("error_description", "<script>alert(1)</script>");
        } else {
            let code = format!("code-{}", random());
            self.oracle.know(Kind::Code, &self.origin, &code);
            back.query_pairs_mut().append_pair("code", &code);
            let code_is = Code {
                client: text("client_id"),
                challenge: text("code_challenge"),
                redirect: text("redirect_uri"),
                resource: asked.get("resource").cloned(),
                scope: text("scope"),
            };
            lock(&self.grants).codes.insert(code, code_is);
        }
        whole(302, &[("location", back.to_string())], "")
    }

    fn revoke(&self, client: Option<String>, form: &HashMap<String, String>) -> Reply {
        if client.is_none() {
            return no(401, "invalid_client");
        }
        let hint = form.get("token_type_hint").cloned().unwrap_or_default();
        if lock(&self.ways).revokes {
            lock(&self.grants).revoke(form.get("token").map(String::as_str).unwrap_or_default());
        }
        self.seen.send_modify(|s| s.revoked.push(hint));
        empty(200)
    }

    fn device(&self, client: Option<String>, form: &HashMap<String, String>) -> Reply {
        let Some(client) = client else { return no(401, "invalid_client") };
        let code = format!("device-{}", random());
        self.oracle.know(Kind::DeviceCode, &self.origin, &code);
        let scope = form.get("scope").cloned().unwrap_or_default();
        lock(&self.grants).devices.insert(code.clone(), (client, scope));
        let answer = json!({
            "device_code": code,
            "user_code": "WDJB-MJHT",
            "verification_uri": format!("{}/activate", self.origin),
            "expires_in": 600,
            "interval": 1,
        });
        json(200, &answer)
    }

    /// Which client this is, if it proves that.
    fn client(&self, headers: &HeaderMap, form: &HashMap<String, String>) -> Option<String> {
        let basic = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(decoded_basic);
        let (id, secret) = match basic {
            Some((id, secret)) => (id, Some(secret)),
            None => (form.get("client_id")?.clone(), form.get("client_secret").cloned()),
        };
        let grants = lock(&self.grants);
        let client = grants.clients.get(&id)?;
        (client.secret == secret).then_some(id)
    }
}

fn pairs(query: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(query).into_owned().collect()
}

fn decoded_basic(value: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(value.strip_prefix("Basic ")?).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain =
        |half: &str| form_urlencoded::parse(half.as_bytes()).next().map(|(name, _)| name.into_owned());
    Some((plain(id)?, plain(secret).unwrap_or_default()))
}

/// All that a request says: as it is, and decoded.
fn parts(head: &request::Parts, body: &[u8]) -> Vec<(Part, String)> {
    let plain = |bytes: &[u8]| -> String {
        form_urlencoded::parse(bytes).map(|(name, value)| format!("{name}={value}\n")).collect()
    };
    let address = head.uri.to_string();
    let query = head.uri.query().unwrap_or_default();
    let mut parts = vec![
        (Part::Address, plain(query.as_bytes())),
        (Part::Address, address),
        (Part::Body, plain(body)),
        (Part::Body, String::from_utf8_lossy(body).into_owned()),
    ];
    for value in head.headers.values() {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if let Some((id, secret)) = decoded_basic(&text) {
            parts.push((Part::Headers, format!("{id} {secret}")));
        }
        parts.push((Part::Headers, text));
    }
    parts
}
