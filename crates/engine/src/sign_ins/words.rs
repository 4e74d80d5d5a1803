//! What the sign-in's own types are to the person.

use control::{Exception, GivenClient, MethodView, PermissionView, SignInMethod, SignInPhase};
use model::Secret;
use signin::{Method, Offer, Permission, Phase};

/// The room's word for a method; `None` for the best there is.
pub(super) fn method(method: SignInMethod) -> Option<Method> {
    match method {
        SignInMethod::Auto => None,
        SignInMethod::Oauth => Some(Method::Oauth),
        SignInMethod::Device => Some(Method::Device),
        SignInMethod::Token => Some(Method::Token),
        SignInMethod::Password => Some(Method::Password),
        SignInMethod::None => Some(Method::None),
    }
}

fn shown(method: Method) -> SignInMethod {
    match method {
        Method::Oauth => SignInMethod::Oauth,
        Method::Device => SignInMethod::Device,
        Method::Token => SignInMethod::Token,
        Method::Password => SignInMethod::Password,
        Method::None => SignInMethod::None,
    }
}

pub(super) fn client(given: GivenClient) -> signin::GivenClient {
    let client_secret = given.client_secret.filter(|s| !s.is_empty()).map(Secret::new);
    signin::GivenClient { client_id: given.client_id, client_secret }
}

/// The exceptions that a row keeps, by their words on the wire; unknown ones are of a later Bellhop.
pub(crate) fn exceptions(kept: &[String]) -> Vec<Exception> {
    kept.iter().filter_map(|word| serde_json::from_value(word.as_str().into()).ok()).collect()
}

/// The other way round.
pub(super) fn exception_words(exceptions: &[Exception]) -> Vec<String> {
    let word = |e: &Exception| serde_json::to_value(e).ok()?.as_str().map(str::to_owned);
    exceptions.iter().filter_map(word).collect()
}

/// A phase as it is shown while the sign-in runs.
pub(super) fn phase(phase: &Phase) -> SignInPhase {
    match phase.clone() {
        Phase::Looking => SignInPhase::Looking,
        Phase::Asking { methods, permissions, why } => SignInPhase::Asking {
            methods: methods.into_iter().map(offer).collect(),
            permissions: permissions.into_iter().map(permission).collect(),
            why,
        },
        Phase::Browser { address, until } => SignInPhase::Browser { address, until },
        Phase::Device { user_code, address, complete, until } => {
            SignInPhase::Device { user_code, address, complete, until }
        }
        Phase::Token { page, why, until } => SignInPhase::Token { page, why, until },
        Phase::Password { address, page, user, why, until } => {
            SignInPhase::Password { address, page, user, why, until }
        }
        // The last word is the entry's: it is stored first.
        Phase::Finishing | Phase::Done | Phase::Failed(_) => SignInPhase::Finishing,
    }
}

fn offer(offer: Offer) -> MethodView {
    MethodView { method: shown(offer.method), host: offer.host, needs: offer.needs }
}

fn permission(permission: Permission) -> PermissionView {
    PermissionView {
        words: in_words(&permission.name),
        reads: reads(&permission.name),
        name: permission.name,
        preset: permission.preset,
        granted: permission.granted,
    }
}

/// A scope such as `project:read` as "read project". What has another form is shown as it is.
fn in_words(scope: &str) -> String {
    match scope {
        "openid" => return "know which account it is".to_owned(),
        "email" => return "know the account’s e-mail address".to_owned(),
        "profile" => return "know the account’s name".to_owned(),
        "offline_access" => return "stay signed in".to_owned(),
        _ => {}
    }
    let Some((resource, action)) = split(scope) else { return scope.to_owned() };
    format!("{action} {}", resource.replace(['_', '-', '.'], " "))
}

/// Whether a scope only reads, as far as its name says.
fn reads(scope: &str) -> bool {
    matches!(scope, "openid" | "email" | "profile" | "offline_access")
        || split(scope).is_some_and(|(_, action)| matches!(action, "read" | "list" | "view"))
}

/// Resource and action of a scope of two plain words with a colon between them.
fn split(scope: &str) -> Option<(&str, &str)> {
    let plain = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    let (resource, action) = scope.split_once(':').filter(|(r, a)| plain(r) && plain(a))?;
    Some(match resource {
        // Some write it the other way round.
        "read" | "write" | "delete" | "list" => (action, resource),
        _ => (resource, action),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_said_in_words_and_an_unknown_one_as_it_is() {
        for (scope, words, only_reads) in [
            ("project:read", "read project", true),
            ("mail_address:delete", "delete mail address", false),
            ("read:user", "read user", true),
            ("app:write", "write app", false),
            ("https://x.example/auth:read", "https://x.example/auth:read", false),
            ("admin", "admin", false),
            ("offline_access", "stay signed in", true),
        ] {
            assert_eq!((in_words(scope).as_str(), reads(scope)), (words, only_reads), "{scope}");
        }
    }

    #[test]
    fn exceptions_are_kept_by_their_words() {
        let all = [Exception::PkceUndeclared, Exception::NoResource];
        let kept = exception_words(&all);
        assert_eq!(kept, ["pkce_undeclared", "no_resource"]);
        assert_eq!(exceptions(&kept), all);
        assert!(exceptions(&["of_a_later_bellhop".to_owned()]).is_empty());
    }
}
