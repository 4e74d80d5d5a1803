use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use sha2::{Digest, Sha256};

/// What the person reads in the browser at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// The reply was taken.
    Done,
    /// No sign-in waits for this reply.
    Unknown,
    /// The reply is not from the server that was asked.
    WrongIssuer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    English,
    German,
}

const STYLE: &str = "html{color-scheme:light dark}body{font:18px/1.5 system-ui,sans-serif;\
    max-width:26rem;margin:20vh auto 0;padding:0 1.5rem}h1{font-size:1.4rem;margin:0 0 .5rem}p{margin:0}";

impl Page {
    /// The page, in the best language for these request headers. It is the same for everybody: nothing of the
    /// request is in it, and it runs nothing and loads nothing.
    pub(super) fn response(self, request: &HeaderMap) -> Response<Full<Bytes>> {
        let language = language(request);
        let (title, text) = self.words(language);
        let code = match language {
            Language::English => "en",
            Language::German => "de",
        };
        let body = format!(
            "<!doctype html><html lang=\"{code}\"><head><meta charset=\"utf-8\"><title>Bellhop</title>\
            <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\
            <body><h1>{title}</h1><p>{text}</p></body></html>"
        );
        let status = match self {
            Self::Done => StatusCode::OK,
            Self::Unknown | Self::WrongIssuer => StatusCode::BAD_REQUEST,
        };
        let mut response = plain(status, body);
        let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }

    fn words(self, language: Language) -> (&'static str, &'static str) {
        use Language::{English, German};
        match (self, language) {
            (Self::Done, English) => ("You can close this page.", "Bellhop goes on from here."),
            (Self::Done, German) => {
                ("Du kannst diese Seite schließen.", "Bellhop macht von hier aus weiter.")
            }
            (Self::Unknown, English) => (
                "This sign-in is over.",
                "Bellhop isn’t waiting for it. If you want to sign in, start again in Bellhop.",
            ),
            (Self::Unknown, German) => (
                "Diese Anmeldung ist vorbei.",
                "Bellhop wartet nicht auf sie. Wenn du dich anmelden willst, beginne in Bellhop von vorn.",
            ),
            (Self::WrongIssuer, English) => (
                "Nothing was signed in.",
                "This reply isn’t from the service that Bellhop asked. Go back to Bellhop.",
            ),
            (Self::WrongIssuer, German) => (
                "Es wurde nichts angemeldet.",
                "Diese Antwort kommt nicht von dem Dienst, den Bellhop gefragt hat. Geh zurück zu Bellhop.",
            ),
        }
    }
}

/// An answer that no browser keeps, guesses about or tells others of: its address holds a code.
pub(super) fn plain(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONNECTION, "close"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// German if it is wanted more than English, English otherwise (RFC 9110 §12.5.4).
fn language(request: &HeaderMap) -> Language {
    let wanted = request.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let weight = |code: &str| {
        let each = wanted.split(',').filter_map(|part| {
            let mut fields = part.split(';').map(str::trim);
            let tag = fields.next()?.split('-').next()?;
            let q = fields.find_map(|f| f.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
            tag.eq_ignore_ascii_case(code).then_some(q)
        });
        each.fold(0.0, f32::max)
    };
    // Equal wishes come in order.
    let first = |code: &str| wanted.to_ascii_lowercase().find(code).unwrap_or(usize::MAX);
    let (de, en) = (weight("de"), weight("en"));
    if de > en || (de > 0.0 && (de - en).abs() < f32::EPSILON && first("de") < first("en")) {
        Language::German
    } else {
        Language::English
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_speaks_the_language_the_browser_asks_for() {
        for (wanted, expected) in [
            ("", Language::English),
            ("de-DE,de;q=0.9,en;q=0.8", Language::German),
            ("de,en", Language::German),
            ("en-GB,en;q=0.9,de;q=0.5", Language::English),
            ("fr, de;q=0.3, en;q=0.7", Language::English),
            ("fr", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(wanted).unwrap());
            assert_eq!(language(&headers), expected, "{wanted}");
        }
    }
}
