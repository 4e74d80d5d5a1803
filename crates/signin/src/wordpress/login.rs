use super::{WordPressError, rest::Rest};
use crate::{
    ApplicationPassword, FixedSecret, SignInError,
    account::label,
    address::host,
    http::{Answer, Ask, Guarded, HttpError},
};
use http::StatusCode;
use model::Secret;
use serde_json::Value;
use url::Url;

/// The longest user name and the longest password that are taken, in bytes.
const LONGEST: usize = 256;

/// A user name and an application password.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    user: String,
    password: Secret,
}

impl Login {
    /// `None` for what can't stand in a header (RFC 7617: no colon in the name, no control characters), or is empty.
    ///
    /// WordPress shows a password in groups of four; the spaces mean nothing to it.
    pub(crate) fn new(user: impl Into<String>, password: &Secret) -> Option<Self> {
        let user = user.into().trim().to_owned();
        let password: String = password.expose().chars().filter(|c| !c.is_whitespace()).collect();
        let fits =
            |text: &str| !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
        (fits(&user) && fits(&password) && !user.contains(':'))
            .then(|| Self { user, password: Secret::new(password) })
    }

    /// The user name.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// As it is kept, with the address at which it deletes itself.
    pub(super) fn keep(self, removal: Option<Url>) -> FixedSecret {
        let Self { user, password } = self;
        FixedSecret::Password(ApplicationPassword { user, password, removal: removal.map(Into::into) })
    }

    /// Prove ourselves by it.
    pub(super) fn prove(&self, ask: Ask) -> Ask {
        ask.proof(&self.clone().keep(None).proof())
    }
}

/// Try a login at `/wp/v2/users/me`. Gives the name to show: the user name, else the display name.
///
/// # Errors
/// What is wrong with it, told apart by WordPress's own error codes.
pub(super) async fn verify(web: &Guarded, rest: &Rest, login: &Login) -> Result<String, SignInError> {
    let me = |context| rest.route("/wp/v2/users/me", &[("context", context), ("_fields", "name,username")]);
    let mut answer = me_answer(web, login, me("edit"), rest).await?;
    if answer.status == StatusCode::FORBIDDEN && code(&answer).as_deref() == Some("rest_forbidden_context") {
        answer = me_answer(web, login, me("view"), rest).await?;
    }
    if answer.status.is_success()
        && let Ok(about) = serde_json::from_slice::<Value>(&answer.body)
        && about.is_object()
    {
        let text = |name: &str| about.get(name).and_then(Value::as_str).and_then(label);
        let typed = || label(login.user());
        return Ok(text("username").or_else(|| text("name")).or_else(typed).unwrap_or_default());
    }
    Err(diagnose(&answer, rest, login))
}

async fn me_answer(web: &Guarded, login: &Login, url: Url, rest: &Rest) -> Result<Answer, SignInError> {
    let sent = web.send(login.prove(Ask::get(url).accept("application/json"))).await;
    sent.map_err(|cause| SignInError::Http { host: host(rest.root()), cause })
}

/// What a site that did not see who asked says to the same login by another way, which needs no header (XML-RPC). It
/// tells a web server that drops the header from a user or a password that is wrong: WordPress itself answers both
/// alike.
pub(super) async fn unseen(web: &Guarded, door: Option<Url>, rest: &Rest, login: &Login) -> WordPressError {
    let (host, user) = (host(rest.root()), login.user().to_owned());
    let Some(door) = door else { return WordPressError::Unseen { host, user } };
    let value = |text: &str| format!("<param><value><string>{}</string></value></param>", escaped(text));
    let body = Secret::new(format!(
        "<?xml version=\"1.0\"?><methodCall><methodName>wp.getUsersBlogs</methodName><params>{}{}</params></methodCall>",
        value(login.user()),
        value(login.password.expose()),
    ));
    let ask = Ask::post(door, "text/xml", body.expose().to_owned());
    let said = web.send(ask).await.map(|a| String::from_utf8_lossy(&a.body).into_owned()).unwrap_or_default();
    if !said.contains("<methodResponse>") {
        WordPressError::Unseen { host, user }
    } else if !said.contains("<fault>") {
        WordPressError::HeaderLost { host }
    } else if said.contains("<int>403</int>") {
        WordPressError::Unknown { host, user }
    } else {
        WordPressError::Unseen { host, user }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What a refusal means.
fn diagnose(answer: &Answer, rest: &Rest, login: &Login) -> SignInError {
    let host = host(rest.root());
    let error = match (answer.status, code(answer).as_deref()) {
        (StatusCode::UNAUTHORIZED, Some("rest_not_logged_in")) => {
            WordPressError::Unseen { host, user: login.user().to_owned() }
        }
        (_, Some("invalid_username" | "invalid_email")) => {
            WordPressError::NoSuchUser { host, user: login.user().to_owned() }
        }
        (_, Some("incorrect_password")) => WordPressError::WrongPassword { host },
        (_, Some("application_passwords_disabled" | "application_passwords_disabled_for_user")) => {
            WordPressError::Forbidden { host }
        }
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => WordPressError::Refused { host },
        (status, _) => return SignInError::Http { host, cause: HttpError::Unusable(status.to_string()) },
    };
    error.into()
}

/// WordPress's code for an error (`WP_Error`).
fn code(answer: &Answer) -> Option<String> {
    let said: Value = serde_json::from_slice(&answer.body).ok()?;
    said.get("code")?.as_str().map(str::to_owned)
}

/// Whether the answer to a password that was to delete itself says that it was deleted before.
pub(crate) fn gone_already(answer: &Answer) -> bool {
    let code = code(answer);
    let known =
        ["incorrect_password", "invalid_username", "invalid_email", "rest_application_password_not_found"];
    code.is_some_and(|code| known.contains(&&*code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_taken_as_wordpress_shows_it() {
        let login = Login::new(" anna ", &Secret::new("abcd EFGH 1234\n")).unwrap();
        // printf anna:abcdEFGH1234 | base64
        assert_eq!(login.keep(None).proof().1.expose(), "Basic YW5uYTphYmNkRUZHSDEyMzQ=");
        for (user, password) in [("", "x"), ("anna", " "), ("an:na", "x"), ("an\nna", "x")] {
            assert!(Login::new(user, &Secret::new(password)).is_none(), "{user:?}");
        }
        assert!(Login::new("x".repeat(300), &Secret::new("x")).is_none());
    }
}
