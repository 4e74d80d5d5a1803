use crate::{
    address::check_address,
    http::{Ask, Guarded},
    outcome::Granted,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// Whose account a new sign-in is, when the provider says: from the id token, else from its userinfo.
///
/// The id token's signature is not checked. It came over TLS from the token endpoint itself (OpenID Connect Core
/// §3.1.3.7), and the name is a label to tell two accounts apart; nothing is decided by it.
pub(crate) async fn account(web: &Guarded, granted: &Granted, userinfo: Option<&str>) -> Option<String> {
    let claims = granted.id_token.as_ref().and_then(|t| claims(t.expose()));
    if let Some(name) = claims.as_ref().and_then(name) {
        return Some(name);
    }
    let url = check_address(userinfo?).ok()?;
    let answer = web.send(Ask::get(url).accept("application/json").bearer(&granted.access)).await.ok()?;
    if !answer.status.is_success() {
        return None;
    }
    name(&serde_json::from_slice(&answer.body).ok()?)
}

fn claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

fn name(claims: &Value) -> Option<String> {
    ["preferred_username", "email", "name"].iter().find_map(|c| claims.get(c)?.as_str().and_then(label))
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
    fn a_label_holds_nothing_that_could_disguise_it() {
        assert_eq!(label(" a\u{202e}b\n ").as_deref(), Some("ab"));
        assert_eq!(label("\u{200b}\t"), None);
        assert_eq!(label(&"x".repeat(500)).unwrap().len(), 80);
    }
}
