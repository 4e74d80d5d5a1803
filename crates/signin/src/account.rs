use crate::{
    address::{check_address, origin},
    http::{Ask, Guarded},
    outcome::Granted,
    probe,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, header};
use model::Secret;
use serde_json::Value;
use url::Url;

/// Whose account a new sign-in is, when the provider says: from the id token, else from its userinfo, else from the
/// tool that its tile names. An account that has no name is told from others by its subject.
///
/// The id token's signature is not checked. It came over TLS from the token endpoint itself (OpenID Connect Core
/// §3.1.3.7), and the name is a label to tell two accounts apart; nothing is decided by it.
pub(crate) async fn account(
    web: &Guarded,
    url: &Url,
    granted: &Granted,
    userinfo: Option<&str>,
    tool: Option<&str>,
) -> Option<String> {
    let claims = granted.id_token.as_ref().and_then(|t| claims(t.expose()));
    if let Some(name) = claims.as_ref().and_then(name) {
        return Some(name);
    }
    let proof = (header::AUTHORIZATION, crate::bearer(&granted.access));
    let info = match userinfo {
        Some(userinfo) => told(web, userinfo, &proof).await,
        None => None,
    };
    if let Some(name) = info.as_ref().and_then(name) {
        return Some(name);
    }
    if let Some(name) = by_tool(web, url, tool, &proof).await {
        return Some(name);
    }
    let subject = |claims: Option<Value>| claims?.get("sub")?.as_str().and_then(label);
    subject(claims).or_else(|| subject(info))
}

/// Whose account a secret is that the person gave: from the userinfo of the service's own origin, which is where the
/// secret goes anyway, else from the tool that its tile names.
pub(crate) async fn account_of_secret(
    web: &Guarded,
    url: &Url,
    proof: &(HeaderName, Secret),
    userinfo: Option<&str>,
    tool: Option<&str>,
) -> Option<String> {
    let own = |u: &&str| check_address(u).is_ok_and(|u| origin(&u) == origin(url));
    if let Some(userinfo) = userinfo.filter(own)
        && let Some(name) = told(web, userinfo, proof).await.as_ref().and_then(name)
    {
        return Some(name);
    }
    by_tool(web, url, tool, proof).await
}

async fn told(web: &Guarded, userinfo: &str, proof: &(HeaderName, Secret)) -> Option<Value> {
    let url = check_address(userinfo).ok()?;
    let answer = web.send(Ask::get(url).accept("application/json").proof(proof)).await.ok()?;
    answer.status.is_success().then(|| serde_json::from_slice(&answer.body).ok())?
}

/// What a tool says that is asked who is there. The proof goes to the service alone, for which it was issued.
async fn by_tool(
    web: &Guarded,
    url: &Url,
    tool: Option<&str>,
    proof: &(HeaderName, Secret),
) -> Option<String> {
    let result = probe::ask_tool(web, url, tool?, proof).await?;
    if result.get("isError").and_then(Value::as_bool) == Some(true) {
        return None;
    }
    if let Some(name) = result.get("structuredContent").and_then(|v| deep(v, DEEPEST)) {
        return Some(name);
    }
    let texts = result.get("content")?.as_array()?.iter().filter_map(|c| c.get("text")?.as_str());
    texts.into_iter().find_map(|text| match serde_json::from_str::<Value>(text) {
        Ok(value) => deep(&value, DEEPEST),
        Err(_) => text.split_whitespace().find_map(address),
    })
}

/// How far down in a tool's answer a name is looked for.
const DEEPEST: usize = 3;

/// A name in a value or in what it holds; the nearest first.
fn deep(value: &Value, down: usize) -> Option<String> {
    if let Some(name) = name(value) {
        return Some(name);
    }
    let inner: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(items) => items.iter().take(1).collect(),
        _ => Vec::new(),
    };
    inner.into_iter().filter(|_| down > 0).find_map(|v| deep(v, down - 1))
}

/// A word that is an e-mail address, out of the marks around it.
fn address(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let (user, host) = word.split_once('@')?;
    let plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "._+-".contains(c));
    (plain(user) && plain(host) && host.contains('.')).then(|| label(word))?
}

fn claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

/// What tells an account apart best: OpenID Connect's claims (Core §5.1), and what some services call the same.
fn name(claims: &Value) -> Option<String> {
    let text = |of: &Value, claim: &str| of.get(claim)?.as_str().and_then(label);
    let names = ["preferred_username", "login", "username", "email", "name"];
    names.iter().find_map(|claim| text(claims, claim)).or_else(|| {
        let person = claims.get("person").unwrap_or(claims);
        Some(format!("{} {}", text(person, "firstName")?, text(person, "lastName")?))
    })
}

/// A text from a server, fit for a line on the screen: no control characters, none that reorder or hide others,
/// no more than 80.
pub(crate) fn label(text: &str) -> Option<String> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let text: String = text.chars().filter(|c| !hidden(*c)).take(80).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_account_is_named_by_what_tells_it_apart_best() {
        let payload = URL_SAFE_NO_PAD.encode(json!({ "sub": "17", "name": "N", "email": "e@x" }).to_string());
        assert_eq!(claims(&format!("h.{payload}.s")).as_ref().and_then(name).as_deref(), Some("e@x"));
        assert_eq!(name(&json!({ "sub": "17" })), None);
        assert!(claims("no.token").is_none());
    }

    #[test]
    fn a_name_is_found_in_what_a_tool_says_however_it_wraps_it() {
        let mittwald = json!({ "status": "success", "data": {
            "userId": "f0f8", "email": "anna@example.com", "person": { "firstName": "Anna", "lastName": "Berg" } } });
        assert_eq!(deep(&mittwald, DEEPEST).as_deref(), Some("anna@example.com"));
        let person = json!({ "person": { "firstName": "Anna", "lastName": "Berg" } });
        assert_eq!(deep(&person, DEEPEST).as_deref(), Some("Anna Berg"));
        assert_eq!(deep(&json!({ "login": "anna", "name": "Anna Berg" }), DEEPEST).as_deref(), Some("anna"));
        assert_eq!(deep(&json!([{ "a": { "b": { "c": { "d": { "name": "too far" } } } } }]), DEEPEST), None);
        let said = "You are signed in as Anna (<anna.b@example.com>).";
        assert_eq!(said.split_whitespace().find_map(address).as_deref(), Some("anna.b@example.com"));
        for no in ["@", "a@", "@b.c", "a@b", "a@@b.c", "a b"] {
            assert_eq!(address(no), None, "{no}");
        }
    }

    #[test]
    fn a_label_holds_nothing_that_could_disguise_it() {
        assert_eq!(label(" a\u{202e}b\n ").as_deref(), Some("ab"));
        assert_eq!(label("\u{200b}\t"), None);
        assert_eq!(label(&"x".repeat(500)).unwrap().len(), 80);
    }
}
