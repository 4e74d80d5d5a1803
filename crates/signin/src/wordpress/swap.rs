use super::{APP_ID, Login, login::verify, rest::Rest};
use crate::http::{Ask, Guarded};
use model::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

const PASSWORDS: &str = "/wp/v2/users/me/application-passwords";

/// What came of making a second password.
#[derive(Debug, Clone)]
pub(super) struct Swapped {
    /// The login to keep.
    pub(super) login: Login,
    /// The id of its password (`uuid`), by which it is deleted; `None` on WordPress 5.6, which can't tell.
    pub(super) uuid: Option<String>,
}

#[derive(Deserialize)]
struct Made {
    uuid: String,
    password: String,
}

/// Replace a password that came in an address, and so may stand in a history or a log, by one that never did.
///
/// One that the person made for something else stays, since others may use it; Bellhop still has its own then, which
/// can be deleted without harm. A site that makes no second one leaves us with the first, which works all the same.
pub(super) async fn swap(web: &Guarded, rest: &Rest, first: Login, name: &str) -> Swapped {
    let about = introspect(web, rest, &first).await;
    let text = |name: &str| about.as_ref().and_then(|a| a.get(name)?.as_str());
    let for_us = text("app_id") == Some(APP_ID)
        || text("name").is_some_and(|name| name.to_ascii_lowercase().contains("bellhop"));
    // Without its id the first could not be deleted, and there would be two.
    let Some(first_id) = text("uuid").map(str::to_owned) else {
        return Swapped { login: first, uuid: None };
    };
    let keep = |first| Swapped { login: first, uuid: for_us.then(|| first_id.clone()) };
    let Some((second, id)) = make(web, rest, &first, name).await else {
        tracing::info!("the site made no second application password");
        return keep(first);
    };
    if verify(web, rest, &second).await.is_err() {
        let _ = delete(web, rest, &first, &id).await;
        return keep(first);
    }
    let gone =
        !for_us || delete(web, rest, &second, &first_id).await || delete(web, rest, &second, &first_id).await;
    // One that is known is better than two: this one is deleted when the service is removed.
    if !gone && delete(web, rest, &first, &id).await {
        tracing::info!("the first application password could not be deleted, and stays in use");
        return keep(first);
    }
    Swapped { login: second, uuid: Some(id) }
}

/// What WordPress says of the password we use (≥ 5.7).
async fn introspect(web: &Guarded, rest: &Rest, login: &Login) -> Option<Value> {
    let url = rest.route(&format!("{PASSWORDS}/introspect"), &[]);
    let answer = web.send(login.prove(Ask::get(url).accept("application/json"))).await.ok()?;
    answer.status.is_success().then(|| serde_json::from_slice(&answer.body).ok()).flatten()
}

async fn make(web: &Guarded, rest: &Rest, first: &Login, name: &str) -> Option<(Login, String)> {
    let body = json!({ "name": name, "app_id": APP_ID }).to_string();
    let ask = Ask::post(rest.route(PASSWORDS, &[]), "application/json", body);
    let answer = web.send(first.prove(ask.accept("application/json").for_tokens())).await.ok()?;
    if !answer.status.is_success() {
        return None;
    }
    let made: Made = serde_json::from_slice(&answer.body).ok()?;
    Some((Login::new(first.user(), &Secret::new(made.password))?, made.uuid))
}

async fn delete(web: &Guarded, rest: &Rest, login: &Login, uuid: &str) -> bool {
    let Some(url) = password_route(rest, uuid) else { return false };
    let answer = web.send(login.prove(Ask::delete(url))).await;
    answer.is_ok_and(|a| a.status.is_success() || a.status == http::StatusCode::NOT_FOUND)
}

/// Where one password lies. The id comes from a server, so that it must not lead anywhere else.
pub(super) fn password_route(rest: &Rest, uuid: &str) -> Option<url::Url> {
    let plain = !uuid.is_empty() && uuid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    plain.then(|| rest.route(&format!("{PASSWORDS}/{uuid}"), &[]))
}
