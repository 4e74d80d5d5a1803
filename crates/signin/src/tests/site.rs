//! A WordPress site with an MCP server, as a real server on loopback: its REST API, the page where a person approves
//! an app, and the troubles that such sites have.

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::net::TcpListener;
use url::Url;

const SERVER: &str = "/mcp/mcp-adapter-default-server";
const PASSWORDS: &str = "/wp/v2/users/me/application-passwords";

/// What the site does and does not.
pub(super) struct Ways {
    /// Whether routes have addresses of their own (`/wp-json/…`).
    pub(super) permalinks: bool,
    /// Where WordPress lies, without a slash at the end.
    pub(super) folder: &'static str,
    pub(super) version: &'static str,
    /// Whether its environment type is `local`.
    pub(super) local: bool,
    /// Whether application passwords are switched off.
    pub(super) forbidden: bool,
    /// Whether the web server keeps the `Authorization` header to itself.
    pub(super) header_lost: bool,
    pub(super) mcp: bool,
    /// Where its MCP server sends everybody who asks it.
    pub(super) mcp_moved: Option<String>,
    /// Whether its MCP server has a sign-in of its own too, with registration and device authorization, as AI Connector.
    pub(super) oauth: bool,
    /// Whether it says what is wrong with a login, which depends on what else of WordPress has looked at it before.
    pub(super) tells: bool,
    /// Whether it answers XML-RPC, which needs no header.
    pub(super) xml_rpc: bool,
    /// What it says its address is.
    pub(super) home: Option<&'static str>,
    /// Whose site it pretends to be, and to have the page of, without a word of its home.
    pub(super) poses_as: Option<&'static str>,
    /// Whether it can't delete the password with this number.
    pub(super) keeps: Option<usize>,
    /// How many of the next questions who a user is end in a server error.
    pub(super) stumbles: u32,
}

/// A password as the profile lists it.
#[derive(Debug, Clone)]
pub(super) struct Password {
    pub(super) name: String,
    pub(super) app_id: String,
    pub(super) text: String,
    pub(super) gone: bool,
}

pub(super) struct Site {
    pub(super) origin: String,
    ways: Mutex<Ways>,
    passwords: Mutex<Vec<Password>>,
}

impl Site {
    pub(super) async fn start() -> Arc<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let ways = Ways {
            permalinks: true,
            folder: "",
            version: "6.1.9",
            local: true,
            forbidden: false,
            header_lost: false,
            mcp: true,
            mcp_moved: None,
            oauth: false,
            tells: true,
            xml_rpc: true,
            home: None,
            poses_as: None,
            keeps: None,
            stumbles: 0,
        };
        let site = Arc::new(Self {
            origin: format!("http://{}", socket.local_addr().unwrap()),
            ways: Mutex::new(ways),
            passwords: Mutex::default(),
        });
        let app = Router::new().fallback(answer).with_state(site.clone());
        tokio::spawn(async move { axum::serve(socket, app).await });
        site
    }

    pub(super) fn ways(&self) -> MutexGuard<'_, Ways> {
        self.ways.lock().unwrap()
    }

    /// The passwords that were made, in their order.
    pub(super) fn passwords(&self) -> Vec<Password> {
        self.passwords.lock().unwrap().clone()
    }

    /// Where WordPress lies.
    pub(super) fn url(&self) -> String {
        format!("{}{}", self.origin, self.ways().folder)
    }

    pub(super) fn endpoint(&self) -> String {
        let permalinks = self.ways().permalinks;
        match permalinks {
            true => format!("{}/wp-json{SERVER}", self.url()),
            false => format!("{}/index.php?rest_route={SERVER}", self.url()),
        }
    }

    /// Make a password by hand, in the profile.
    pub(super) fn make(&self, name: &str, app_id: &str) -> String {
        let mut all = self.passwords.lock().unwrap();
        let text = format!("abcd EFGH {:04}", all.len());
        all.push(Password { name: name.into(), app_id: app_id.into(), text: text.clone(), gone: false });
        text
    }

    /// What the person's browser shows after they approved on the page at this address: the address it is sent to,
    /// or the password to be pasted. As `wp-admin/authorize-application.php` does it.
    pub(super) fn approve(&self, address: &str, yes: bool) -> Result<String, String> {
        let url = Url::parse(address).unwrap();
        assert!(url.path().ends_with("/wp-admin/authorize-application.php"), "{address}");
        let get = |name: &str| super::parameter(address, name);
        for redirect in ["success_url", "reject_url"].iter().filter_map(|n| get(n)) {
            assert!(self.takes(&redirect), "The Authorize Application request is not allowed.");
        }
        if !yes {
            return Ok(get("reject_url").unwrap());
        }
        let text = self.make(&get("app_name").unwrap(), &get("app_id").unwrap());
        match get("success_url") {
            Some(success) => {
                let pairs = [("site_url", &*self.url()), ("user_login", "anna"), ("password", &*text)];
                let query: String =
                    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                Ok(format!("{success}?{query}"))
            }
            None => Err(text),
        }
    }

    /// Whether the page sends an answer there: `wp_is_authorize_application_redirect_url_valid()`, and what 7.0 adds.
    pub(super) fn takes(&self, redirect: &str) -> bool {
        let Ok(url) = Url::parse(redirect) else { return false };
        let ways = self.ways();
        let literal = matches!(url.host(), Some(url::Host::Ipv4(ip)) if ip.is_loopback());
        let since_7 = ways.version.starts_with('7') && literal;
        url.host_str().is_some_and(|h| !h.is_empty()) && (url.scheme() != "http" || ways.local || since_7)
    }

    fn index(&self) -> Value {
        let ways = self.ways();
        let url = format!("{}{}", ways.poses_as.unwrap_or(&self.origin), ways.folder);
        let page = format!("{url}/wp-admin/authorize-application.php");
        let passwords = json!({ "application-passwords": { "endpoints": { "authorization": page } } });
        json!({
            "name": "Anna&#8217;s blog",
            "url": url,
            "home": ways.poses_as.is_none().then(|| ways.home.unwrap_or(&url)),
            "namespaces": if ways.mcp { json!(["oembed/1.0", "mcp", "wp/v2"]) } else { json!(["wp/v2"]) },
            "authentication": if ways.forbidden { json!([]) } else { passwords },
        })
    }
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({ "code": code, "message": "…", "data": { "status": status.as_u16() } })))
        .into_response()
}

async fn answer(
    State(site): State<Arc<Site>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (folder, permalinks, version) = {
        let ways = site.ways();
        (ways.folder, ways.permalinks, ways.version)
    };
    let oauth = site.ways().oauth;
    match uri.path() {
        "/.well-known/oauth-protected-resource" if oauth => {
            return Json(json!({ "resource": site.endpoint(), "authorization_servers": [site.origin] }))
                .into_response();
        }
        "/.well-known/oauth-authorization-server" if oauth => {
            let at = |path: &str| format!("{}{path}", site.origin);
            return Json(json!({
                "issuer": site.origin,
                "authorization_endpoint": at("/oauth/authorize"),
                "token_endpoint": at("/oauth/token"),
                "registration_endpoint": at("/oauth/register"),
                "device_authorization_endpoint": at("/oauth/device"),
                "code_challenge_methods_supported": ["S256"],
            }))
            .into_response();
        }
        _ => {}
    }
    let Some(path) = uri.path().strip_prefix(folder) else { return StatusCode::NOT_FOUND.into_response() };
    let url = Url::parse(&format!("http://x{uri}")).unwrap();
    let routed = url.query_pairs().find(|(n, _)| n == "rest_route").map(|(_, v)| v.into_owned());
    let route = match (path.strip_prefix("/wp-json"), routed) {
        (Some(route), _) if permalinks => route.to_owned(),
        (_, Some(route)) => route,
        _ if path.ends_with("/wp-admin/authorize-application.php") => {
            let sheet = format!("<link href='/wp-admin/css/login.min.css?ver={version}'>");
            return Html(format!("<html><head>{sheet}</head><body>Log in</body></html>")).into_response();
        }
        _ if path == "/xmlrpc.php" && site.ways().xml_rpc => {
            let asked = String::from_utf8_lossy(&body).into_owned();
            let known = |p: &Password| !p.gone && asked.contains(&p.text.replace(' ', ""));
            let good = asked.contains(">anna<") && site.passwords().iter().any(known);
            let said = if good { "<params></params>" } else { "<fault><int>403</int></fault>" };
            return format!("<methodResponse>{said}</methodResponse>").into_response();
        }
        _ if matches!(path, "" | "/") => {
            let root = if permalinks { "/wp-json/" } else { "/index.php?rest_route=/" };
            let link = format!("<{}{folder}{root}>; rel=\"https://api.w.org/\"", site.origin);
            // Larger than what is read of an address that may be MCP.
            let page = format!("<html>{}</html>", "Hello world. ".repeat(10_000));
            return ([(header::LINK, link)], Html(page)).into_response();
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    rest(&site, &method, &route, &headers, &body)
}

/// Who a request proves to be: the number of the password, or the code of the error.
fn user(site: &Site, headers: &HeaderMap) -> Result<Option<usize>, &'static str> {
    let ways = site.ways();
    let Some(value) = headers.get(header::AUTHORIZATION).filter(|_| !ways.header_lost) else {
        return Ok(None);
    };
    let value = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
    let pair = String::from_utf8(STANDARD.decode(value).unwrap()).unwrap();
    let (user, password) = pair.split_once(':').unwrap();
    let wrong = |code| if ways.tells { Err(code) } else { Ok(None) };
    if user != "anna" {
        return wrong("invalid_username");
    }
    let all = site.passwords.lock().unwrap();
    let found = all.iter().position(|p| !p.gone && p.text.replace(' ', "") == password.replace(' ', ""));
    found.map_or_else(|| wrong("incorrect_password"), |number| Ok(Some(number)))
}

fn rest(site: &Site, method: &Method, route: &str, headers: &HeaderMap, body: &Bytes) -> Response {
    let user = match user(site, headers) {
        Ok(user) => user,
        Err(code) => return error(StatusCode::UNAUTHORIZED, code),
    };
    match (route, user) {
        ("" | "/", _) => Json(site.index()).into_response(),
        ("/mcp", _) => {
            let routes =
                json!({ "/mcp": { "methods": ["GET"] }, SERVER: { "methods": ["POST", "GET", "DELETE"] } });
            Json(json!({ "routes": routes })).into_response()
        }
        (SERVER, _) if site.ways().mcp_moved.is_some() => {
            let to = site.ways().mcp_moved.clone().unwrap();
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response()
        }
        (SERVER, None) if site.ways().oauth => {
            let metadata = format!("{}/.well-known/oauth-protected-resource", site.origin);
            let value = format!("Bearer resource_metadata=\"{metadata}\"");
            let mut answer = error(StatusCode::UNAUTHORIZED, "rest_forbidden");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, value.parse().unwrap());
            answer
        }
        (SERVER, None) => error(StatusCode::UNAUTHORIZED, "rest_forbidden"),
        (SERVER, Some(_)) => mcp(body),
        (_, None) => error(StatusCode::UNAUTHORIZED, "rest_not_logged_in"),
        ("/wp/v2/users/me", Some(_)) => {
            let mut ways = site.ways();
            if ways.stumbles > 0 {
                ways.stumbles -= 1;
                return StatusCode::BAD_GATEWAY.into_response();
            }
            Json(json!({ "name": "Anna A.", "username": "anna" })).into_response()
        }
        (PASSWORDS, Some(_)) if method == Method::POST => {
            let asked: Value = serde_json::from_slice(body).unwrap();
            let text = |name: &str| asked[name].as_str().unwrap().to_owned();
            let password = site.make(&text("name"), &text("app_id"));
            let uuid = format!("uuid-{}", site.passwords().len() - 1);
            (StatusCode::CREATED, Json(json!({ "uuid": uuid, "password": password }))).into_response()
        }
        (route, Some(number)) => {
            let Some(which) = route.strip_prefix(PASSWORDS).map(|r| r.trim_start_matches('/')) else {
                return error(StatusCode::NOT_FOUND, "rest_no_route");
            };
            let mut all = site.passwords.lock().unwrap();
            if which == "introspect" {
                let p = &all[number];
                let about = json!({ "uuid": format!("uuid-{number}"), "name": p.name, "app_id": p.app_id });
                return Json(about).into_response();
            }
            let which: usize = which.strip_prefix("uuid-").unwrap().parse().unwrap();
            assert_eq!(method, Method::DELETE);
            if site.ways().keeps == Some(which) {
                return error(StatusCode::FORBIDDEN, "rest_cannot_delete_application_password");
            }
            all[which].gone = true;
            Json(json!({ "deleted": true })).into_response()
        }
    }
}

fn mcp(body: &Bytes) -> Response {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    if asked["method"] != "initialize" {
        return StatusCode::ACCEPTED.into_response();
    }
    let about = json!({ "name": "mcp-adapter-default-server", "version": "1" });
    let result = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": about });
    Json(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result })).into_response()
}
