use crate::{
    SignInError,
    account::label,
    address::host,
    events,
    http::{Answer, Ask, Guarded, HttpError, is_event_stream},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use model::Secret;
use serde_json::{Value, json};
use url::Url;

/// The newest revision of MCP that services of the legacy era are asked for.
const REVISION: &str = "2025-11-25";
/// The revision of the modern era.
const MODERN: &str = "2026-07-28";
/// The JSON-RPC error code for a revision that a server doesn't have, since 2026-07-28.
const UNSUPPORTED_VERSION: i64 = -32022;
const SESSION: &str = "mcp-session-id";

/// What was found at an address.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The MCP endpoint, behind all redirects.
    pub(crate) url: Url,
    pub(crate) standing: Standing,
}

/// How a service stands towards a stranger.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    /// It lets everybody in.
    Open { title: Option<String> },
    /// It wants a sign-in.
    Asks(Challenge),
}

/// What a 401 says about the sign-in (RFC 6750 §3, RFC 9728 §5.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) resource_metadata: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) error: Option<String>,
}

/// The scopes that a service which answered 403 wants for what it was asked, when that is why
/// (`insufficient_scope`, RFC 6750 §3.1). Empty when it doesn't say which.
pub fn wanted_scopes(headers: &HeaderMap) -> Option<Vec<String>> {
    let challenge = bearer_challenge(headers).filter(|c| c.error.as_deref() == Some("insufficient_scope"))?;
    let scope = challenge.scope.unwrap_or_default();
    // Hardly a service has more; what has would fill the window and the address of the sign-in page.
    Some(scope.split_ascii_whitespace().filter(|s| is_scope(s)).take(MAX_WANTED).map(str::to_owned).collect())
}

/// How many scopes of a challenge are looked at.
const MAX_WANTED: usize = 50;

/// The form of a scope (RFC 6749 §3.3), and no longer than any that was seen.
fn is_scope(text: &str) -> bool {
    text.len() <= 200 && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Ask an address whether it is an MCP server, as a stranger.
pub(crate) async fn look(web: &Guarded, url: Url) -> Result<Seen, SignInError> {
    let name = host(&url);
    let unreachable = |cause| SignInError::Http { host: name.clone(), cause };
    // The newest era first: one that has it may refuse what comes without what its messages say of themselves.
    let url = match web.follow(discovery(url.clone())).await {
        Ok(mut answer) => {
            if takes_our_revision(&answer) {
                // It did not take it, and says that it does: once more, not for ever.
                answer = web.follow(discovery(answer.url)).await.map_err(unreachable)?;
            }
            if let Some(standing) = newest(web, &answer).await {
                return Ok(Seen { url: answer.url, standing });
            }
            answer.url
        }
        // Not every server answers what it doesn't know.
        Err(HttpError::NoAnswer(_) | HttpError::TooLong) => url,
        Err(cause) => return Err(unreachable(cause)),
    };
    let answer = web.follow(hello(url)).await.map_err(unreachable)?;
    let name = host(&answer.url);
    if let Some(challenge) = challenge(&answer) {
        return Ok(Seen { url: answer.url, standing: Standing::Asks(challenge) });
    }
    let Some(title) = welcome(&answer) else {
        // It may be of the transport before the one that has `initialize` here.
        if matches!(answer.status.as_u16(), 400 | 404 | 405) && web.streams_events(&answer.url).await {
            return Ok(Seen { url: answer.url, standing: Standing::Open { title: None } });
        }
        return Err(no_welcome(name, &answer));
    };
    // Some servers greet everybody and want a sign-in for all that follows.
    let asks = enter(web, &answer, None).await.and_then(|listed| challenge(&listed));
    leave(web, &answer, None).await;
    let standing = asks.map_or(Standing::Open { title }, Standing::Asks);
    Ok(Seen { url: answer.url, standing })
}

/// Use a new token for the first time, and learn what the service calls itself. Only a clear no is an error: a
/// service that stumbles just now is signed in to all the same.
pub(crate) async fn verify(web: &Guarded, url: &Url, token: &Secret) -> Result<Option<String>, SignInError> {
    let Ok(answer) = web.send(hello(url.clone()).bearer(token)).await else {
        return Ok(None);
    };
    if answer.status == StatusCode::UNAUTHORIZED {
        return Err(SignInError::NewTokenRefused { host: host(url) });
    }
    let Some(title) = welcome(&answer) else {
        let discovered = web.send(discovery(url.clone()).bearer(token)).await;
        return Ok(discovered.ok().and_then(|a| discovered_title(&a)).flatten());
    };
    let proof = (header::AUTHORIZATION, crate::bearer(token));
    leave(web, &answer, Some(&proof)).await;
    Ok(title)
}

/// Show the service a secret that the person gave. Only a real answer of MCP counts: what would be kept for long is
/// known to work.
pub(crate) async fn admits(
    web: &Guarded,
    url: &Url,
    proof: &(HeaderName, Secret),
) -> Result<Option<String>, SignInError> {
    let name = host(url);
    let answer = web.send(hello(url.clone()).proof(proof)).await;
    let answer = answer.map_err(|cause| SignInError::Http { host: name.clone(), cause })?;
    let refused = |a: &Answer| matches!(a.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    if refused(&answer) {
        return Err(SignInError::SecretRefused { host: name });
    }
    let Some(title) = welcome(&answer) else {
        let discovered = web.send(discovery(url.clone()).proof(proof)).await;
        let discovered = discovered.map_err(|cause| SignInError::Http { host: name.clone(), cause })?;
        if refused(&discovered) {
            return Err(SignInError::SecretRefused { host: name });
        }
        return discovered_title(&discovered).ok_or_else(|| no_welcome(name, &answer));
    };
    // Some greet everybody, and look at the secret only then.
    let listed = enter(web, &answer, Some(proof)).await;
    leave(web, &answer, Some(proof)).await;
    if listed.as_ref().is_some_and(refused) {
        return Err(SignInError::SecretRefused { host: name });
    }
    Ok(title)
}

/// Call a tool without arguments, in whichever era the service has; its result.
pub(crate) async fn ask_tool(
    web: &Guarded,
    url: &Url,
    tool: &str,
    proof: &(HeaderName, Secret),
) -> Option<Value> {
    let welcome = web.send(hello(url.clone()).proof(proof)).await.ok()?;
    let params = json!({ "name": tool, "arguments": {} });
    let answer = if self::welcome(&welcome).is_some() {
        let initialized =
            rpc(welcome.url.clone(), &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        let body = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params });
        let _ = web.send(in_session(initialized, &welcome, Some(proof))).await;
        let call = rpc(welcome.url.clone(), &body);
        let answer = web.send(in_session(call, &welcome, Some(proof))).await;
        leave(web, &welcome, Some(proof)).await;
        answer.ok()?
    } else {
        let mut call = modern_with(url.clone(), "tools/call", params);
        call.headers.insert("mcp-name", HeaderValue::from_str(tool).ok()?);
        web.send(call.proof(proof)).await.ok()?
    };
    message(&answer).filter(|_| answer.status.is_success())?.get("result").cloned()
}

/// How a server stands that was asked in the modern era's way; `None` when it did not understand that.
async fn newest(web: &Guarded, answer: &Answer) -> Option<Standing> {
    if let Some(challenge) = challenge(answer) {
        return Some(Standing::Asks(challenge));
    }
    let title = discovered_title(answer)?;
    // Some servers tell everybody what they are and want a sign-in for all that follows.
    let listed = web.send(modern(answer.url.clone(), "tools/list")).await.ok();
    Some(listed.and_then(|listed| challenge(&listed)).map_or(Standing::Open { title }, Standing::Asks))
}

/// The modern era's first request.
fn discovery(url: Url) -> Ask {
    modern(url, "server/discover")
}

/// A request of the modern era (2026-07-28). What it says of itself stands in headers too.
fn modern(url: Url, method: &'static str) -> Ask {
    modern_with(url, method, json!({}))
}

fn modern_with(url: Url, method: &'static str, mut params: Value) -> Ask {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": client(),
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut ask = rpc(url, &body);
    ask.headers.insert("mcp-protocol-version", HeaderValue::from_static(MODERN));
    ask.headers.insert("mcp-method", HeaderValue::from_static(method));
    ask
}

/// Whether it refused our revision as one that it doesn't have, and names it among those that it has.
fn takes_our_revision(answer: &Answer) -> bool {
    let named = || {
        let error = message(answer)?.get("error")?.clone();
        let unsupported = error.get("code")?.as_i64()? == UNSUPPORTED_VERSION;
        let supported = error.get("data")?.get("supported")?.as_array()?.iter().any(|v| v == MODERN);
        Some(unsupported && supported)
    };
    answer.status == StatusCode::BAD_REQUEST && named() == Some(true)
}

/// The server's title when it answered our `server/discover`.
fn discovered_title(answer: &Answer) -> Option<Option<String>> {
    if !answer.status.is_success() {
        return None;
    }
    let message = message(answer)?;
    let result = message.get("result")?;
    result.get("supportedVersions")?.as_array()?;
    let about = result.get("_meta").and_then(|m| m.get("io.modelcontextprotocol/serverInfo"));
    let info = |name| about?.get(name)?.as_str().and_then(label);
    Some(info("title").or_else(|| info("name")))
}

/// The first request of a client to a service.
pub(crate) fn hello(url: Url) -> Ask {
    let body = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": REVISION,
            "capabilities": {},
            "clientInfo": client(),
        },
    });
    rpc(url, &body)
}

fn client() -> Value {
    json!({ "name": "bellhop", "title": "Bellhop", "version": env!("CARGO_PKG_VERSION") })
}

fn rpc(url: Url, body: &Value) -> Ask {
    Ask::post(url, "application/json", body.to_string()).accept("application/json, text/event-stream")
}

/// The JSON-RPC answer in an answer, whichever of the two forms it came in.
fn message(answer: &Answer) -> Option<Value> {
    if is_event_stream(&answer.headers) {
        events::answer(&answer.body)
    } else {
        events::json_answer(&answer.body)
    }
}

/// The server's title when it accepted our `initialize`.
fn welcome(answer: &Answer) -> Option<Option<String>> {
    if !answer.status.is_success() {
        return None;
    }
    let message = message(answer)?;
    let result = message.get("result")?;
    result.get("protocolVersion")?.as_str()?;
    let info = |name| result.get("serverInfo")?.get(name)?.as_str().and_then(label);
    Some(info("title").or_else(|| info("name")))
}

fn no_welcome(host: String, answer: &Answer) -> SignInError {
    let status = answer.status;
    let trouble = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    if trouble || message(answer).is_some() {
        SignInError::Http { host, cause: HttpError::Unusable(status.to_string()) }
    } else {
        SignInError::NotMcp { host, why: status.to_string() }
    }
}

/// Go on in the session that a welcome opened, up to its first list.
async fn enter(web: &Guarded, welcome: &Answer, proof: Option<&(HeaderName, Secret)>) -> Option<Answer> {
    let initialized =
        rpc(welcome.url.clone(), &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    let list = rpc(welcome.url.clone(), &json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }));
    web.send(in_session(initialized, welcome, proof)).await.ok()?;
    web.send(in_session(list, welcome, proof)).await.ok()
}

/// End the session that a welcome opened. A server need not allow that, and most forget it anyway.
async fn leave(web: &Guarded, welcome: &Answer, proof: Option<&(HeaderName, Secret)>) {
    if welcome.headers.contains_key(SESSION) {
        let _ = web.send(in_session(Ask::delete(welcome.url.clone()), welcome, proof)).await;
    }
}

fn in_session(mut ask: Ask, welcome: &Answer, proof: Option<&(HeaderName, Secret)>) -> Ask {
    if let Some(session) = welcome.headers.get(SESSION) {
        ask.headers.insert(SESSION, session.clone());
    }
    let revision = message(welcome)
        .and_then(|m| m.get("result")?.get("protocolVersion")?.as_str().map(str::to_owned))
        .and_then(|r| HeaderValue::from_str(&r).ok());
    if let Some(revision) = revision {
        ask.headers.insert("mcp-protocol-version", revision);
    }
    match proof {
        Some(proof) => ask.proof(proof),
        None => ask,
    }
}

/// The challenge in an answer that wants a sign-in: a 401, or a 403 that says how to do better.
fn challenge(answer: &Answer) -> Option<Challenge> {
    match answer.status {
        StatusCode::UNAUTHORIZED => Some(bearer_challenge(&answer.headers).unwrap_or_default()),
        StatusCode::FORBIDDEN => bearer_challenge(&answer.headers),
        _ => None,
    }
}

pub(crate) fn bearer_challenge(headers: &HeaderMap) -> Option<Challenge> {
    let values = headers.get_all(header::WWW_AUTHENTICATE);
    values.iter().filter_map(|v| v.to_str().ok()).find_map(parse_bearer)
}

/// The parameters of the `Bearer` challenge in one `WWW-Authenticate` value, which may hold several challenges.
fn parse_bearer(text: &str) -> Option<Challenge> {
    let mut found: Option<Challenge> = None;
    for part in split_outside_quotes(text) {
        // The first parameter of a challenge follows its scheme after a space: `Bearer realm="…"`.
        let (word, rest) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
        let parameter = if word.contains('=') {
            part
        } else if word.eq_ignore_ascii_case("bearer") {
            found.get_or_insert_default();
            rest.trim()
        } else if found.is_some() {
            break;
        } else {
            continue;
        };
        let (Some(challenge), Some((name, value))) = (&mut found, parameter.split_once('=')) else {
            continue;
        };
        let value = unquote(value.trim());
        match name.trim().to_ascii_lowercase().as_str() {
            "resource_metadata" => challenge.resource_metadata = Some(value),
            "scope" if !value.trim().is_empty() => challenge.scope = Some(value),
            "error" => challenge.error = Some(value),
            _ => {}
        }
    }
    found
}

fn split_outside_quotes(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(text[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_403_wants_is_read_only_where_the_permission_is_why() {
        let wants = |challenge: &str| {
            let headers = HeaderMap::from_iter([(header::WWW_AUTHENTICATE, challenge.parse().unwrap())]);
            wanted_scopes(&headers)
        };
        let said = r#"Bearer error="insufficient_scope", scope="notes:read notes:write", resource_metadata="https://a/""#;
        assert_eq!(wants(said).unwrap(), ["notes:read", "notes:write"]);
        assert_eq!(wants("Bearer error=insufficient_scope").unwrap(), Vec::<String>::new());
        assert_eq!(wants(r#"Bearer error="invalid_token", scope="a""#), None);
        assert_eq!(wants(r#"Basic realm="insufficient_scope""#), None);
        // What is no scope, and more than anybody has.
        let odd = format!(r#"Bearer error="insufficient_scope", scope="good {} a\\b""#, "x".repeat(201));
        assert_eq!(wants(&odd).unwrap(), ["good"]);
        let many = (0..80).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let many = format!(r#"Bearer error="insufficient_scope", scope="{many}""#);
        assert_eq!(wants(&many).unwrap().len(), MAX_WANTED);
    }

    #[test]
    fn the_bearer_challenge_is_found_among_others_and_read_as_written() {
        let bearer = |metadata: Option<&str>, scope: Option<&str>| {
            Some(Challenge {
                resource_metadata: metadata.map(Into::into),
                scope: scope.map(Into::into),
                error: None,
            })
        };
        let table = [
            ("Bearer", bearer(None, None)),
            ("bearer realm=\"a, b\", resource_metadata=\"https://x/y\"", bearer(Some("https://x/y"), None)),
            (
                "Bearer scope=\"a b\",error=invalid_token",
                bearer(None, Some("a b")).map(|c| Challenge { error: Some("invalid_token".into()), ..c }),
            ),
            ("Basic realm=\"x\", Bearer scope=a", bearer(None, Some("a"))),
            ("Bearer scope=a, Basic realm=\"x\", scope=b", bearer(None, Some("a"))),
            (r#"Bearer resource_metadata="https://x/\"q", scope="""#, bearer(Some("https://x/\"q"), None)),
            ("Basic realm=\"Bearer scope=a\"", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_bearer(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_challenge_whatever_makes_it_panic(text in "\\PC{0,80}") {
            let _ = parse_bearer(&text);
        }
    }
}
