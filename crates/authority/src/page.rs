//! What the browser shows while the question is asked in Bellhop's own window: a match code, and nothing to
//! decide. No script, no form, nothing from elsewhere, and nothing an app sent.

use crate::wire::no_store;
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// How often the page asks whether the person has answered, in seconds.
const EVERY: u32 = 1;

const STYLE: &str = include_str!("page.css");

/// Nothing may load but the one style sheet, known by its hash; nobody may frame the page.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// A page that says why the browser goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// The request makes no sense.
    BadRequest,
    /// No app of that id is registered.
    UnknownApp,
    /// The app did not register where it wants to be answered.
    BadReturn,
    /// There is no such request, or no longer.
    Gone,
    /// The same app asked again.
    Replaced,
    /// Another program now listens where the answer would go.
    OtherProgram,
    /// Bellhop can't read its own files.
    Trouble,
    /// Bellhop's keys are locked, or not chosen yet.
    Locked,
}

/// A language that Bellhop speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
}

impl Language {
    /// The one the browser likes best, English if it likes neither.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let mut best = (Self::English, 0.0);
        for item in accepted.split(',') {
            let (tag, parameters) = item.split_once(';').unwrap_or((item, ""));
            let weight = match parameters.trim().strip_prefix("q=") {
                Some(q) => q.trim().parse::<f32>().unwrap_or(0.0),
                None => 1.0,
            };
            let language = match tag.trim().split('-').next() {
                Some(t) if t.eq_ignore_ascii_case("de") => Self::German,
                Some(t) if t.eq_ignore_ascii_case("en") => Self::English,
                _ => continue,
            };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    fn pick(self, english: &'static str, german: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::German => german,
        }
    }
}

/// The page that waits for the person's answer. `code` and `handle` are our own and hold nothing to escape.
///
/// A browser asks before it opens an app by a private scheme, and asks only once without a click: so there is
/// also a link, which leads the same way.
pub(crate) fn waiting(language: Language, code: &str, handle: &str, private: bool) -> Response {
    let say = |english, german| language.pick(english, german);
    let title = say("Answer in Bellhop", "Antworte in Bellhop");
    let sentence = say(
        "An app on this computer wants to connect. Bellhop’s own window asks you about it. Allow it only if you see the same code there:",
        "Eine App auf diesem Computer möchte sich verbinden. Bellhop fragt dich in seinem eigenen Fenster danach. Erlaube es nur, wenn dort derselbe Code steht:",
    );
    let after = say("This page goes on by itself.", "Diese Seite geht von selbst weiter.");
    let link = match private {
        false => String::new(),
        true => {
            let label = say(
                "You answered, and nothing happens? Back to the app",
                "Du hast geantwortet, und nichts geschieht? Zurück zur App",
            );
            format!("<p><a href=\"/authorize/wait/{handle}\">{label}</a></p>")
        }
    };
    let head = format!("<meta http-equiv=\"refresh\" content=\"{EVERY};url=/authorize/wait/{handle}\">");
    let spoken = code.replace(' ', " · ");
    let body = format!("<p>{sentence}</p><p class=\"code\">{spoken}</p><p class=\"quiet\">{after}</p>{link}");
    html(StatusCode::OK, language, title, &head, &body)
}

/// The page at the address that a program shows with its user code. It takes no code: the question is answered in
/// Bellhop alone, where the code stands too.
pub(crate) fn device(language: Language) -> Response {
    let say = |english, german| language.pick(english, german);
    let title = say("Answer in Bellhop", "Antworte in Bellhop");
    let sentence = say(
        "A program on this computer wants to connect, and has shown you a code. Bellhop’s own window asks you about it. Allow it only if you see the same code there.",
        "Ein Programm auf diesem Computer möchte sich verbinden und hat dir einen Code gezeigt. Bellhop fragt dich in seinem eigenen Fenster danach. Erlaube es nur, wenn dort derselbe Code steht.",
    );
    let here = say(
        "This works on this computer alone. For a program on another one, Bellhop runs there.",
        "Das gilt nur für diesen Computer. Für ein Programm auf einem anderen läuft Bellhop dort.",
    );
    html(StatusCode::OK, language, title, "", &format!("<p>{sentence}</p><p class=\"quiet\">{here}</p>"))
}

/// A page that says why it goes no further, and what to do.
pub(crate) fn sorry(language: Language, page: Page) -> Response {
    let say = |english, german| language.pick(english, german);
    let again = say("Connect from the app again.", "Verbinde dich noch einmal aus der App.");
    let (status, title, next) = match page {
        Page::BadRequest => (
            StatusCode::BAD_REQUEST,
            say(
                "The app asked in a way Bellhop doesn’t understand.",
                "Die App hat so gefragt, dass Bellhop es nicht versteht.",
            ),
            again,
        ),
        Page::UnknownApp => (
            StatusCode::BAD_REQUEST,
            say("Bellhop doesn’t know this app yet.", "Bellhop kennt diese App noch nicht."),
            say(
                "Sign out of Bellhop in the app, then connect again.",
                "Melde dich in der App von Bellhop ab und verbinde dich dann noch einmal.",
            ),
        ),
        Page::BadReturn => (
            StatusCode::BAD_REQUEST,
            say(
                "The app wants to be answered somewhere it didn’t name before.",
                "Die App möchte die Antwort an einen Ort, den sie vorher nicht genannt hat.",
            ),
            say(
                "Bellhop sent nothing there. If you trust the app, sign out of Bellhop in it and connect again.",
                "Bellhop hat nichts dorthin geschickt. Wenn du der App vertraust, melde dich dort von Bellhop ab und verbinde dich noch einmal.",
            ),
        ),
        Page::Gone => {
            (StatusCode::NOT_FOUND, say("Nothing waits here any more.", "Hier wartet nichts mehr."), again)
        }
        Page::Replaced => (
            StatusCode::GONE,
            say("The app asked again since then.", "Die App hat inzwischen noch einmal gefragt."),
            say(
                "Go on in the newer page. You can close this one.",
                "Mach auf der neueren Seite weiter. Diese kannst du schließen.",
            ),
        ),
        Page::OtherProgram => (
            StatusCode::FORBIDDEN,
            say(
                "Another program now waits for the answer than the one you allowed.",
                "Auf die Antwort wartet jetzt ein anderes Programm als das, was du erlaubt hast.",
            ),
            say(
                "Bellhop let nobody in. Connect from the app again.",
                "Bellhop hat niemanden hereingelassen. Verbinde dich noch einmal aus der App.",
            ),
        ),
        Page::Trouble => (
            StatusCode::SERVICE_UNAVAILABLE,
            say("Bellhop can’t read its own files.", "Bellhop kann seine eigenen Dateien nicht lesen."),
            say(
                "Check that the disk is not full, then connect again.",
                "Sieh nach, ob die Festplatte voll ist, und verbinde dich dann noch einmal.",
            ),
        ),
        Page::Locked => (
            StatusCode::SERVICE_UNAVAILABLE,
            say("Bellhop is locked.", "Bellhop ist gesperrt."),
            say(
                "Unlock it, then connect from the app again.",
                "Entsperre es und verbinde dich dann noch einmal aus der App.",
            ),
        ),
    };
    html(status, language, title, "", &format!("<p>{next}</p>"))
}

/// What a person's browser shows at `/authorize` while Bellhop's keys are locked and no [`crate::Authority`] can
/// be there: for the boundary layer.
pub fn locked_page(headers: &HeaderMap) -> Response {
    sorry(Language::of(headers), Page::Locked)
}

fn html(status: StatusCode, language: Language, title: &str, head: &str, body: &str) -> Response {
    let tag = language.tag();
    let text = format!(
        "<!doctype html><html lang=\"{tag}\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\">{head}<style>{STYLE}</style></head>\
         <body><main><p class=\"mark\">Bellhop</p><h1>{title}</h1>{body}</main></body></html>"
    );
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
    guard(headers);
    response
}

/// Send the browser on. 303, so that nothing that was sent here is sent again there.
pub(crate) fn go(to: &str) -> Response {
    let Ok(location) = HeaderValue::try_from(to) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    guard(response.headers_mut());
    response
}

fn guard(headers: &mut HeaderMap) {
    let fixed: [(HeaderName, &'static str); 3] = [
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    no_store(headers);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_speaks_the_language_the_browser_likes_best() {
        let of = |accepted: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(accepted).unwrap());
            Language::of(&headers)
        };
        for (accepted, expected) in [
            ("de", Language::German),
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("en-GB,en;q=0.9,de;q=0.8", Language::English),
            ("fr,de;q=0.5,en;q=0.4", Language::German),
            ("fr", Language::English),
            ("", Language::English),
            ("de;q=0", Language::English),
        ] {
            assert_eq!(of(accepted), expected, "{accepted}");
        }
    }
}
