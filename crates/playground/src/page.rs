//! The pages a person sees. No script, nothing loaded, and every text that came from elsewhere is escaped.

mod words;

pub(crate) use words::Language;

use crate::{ACCOUNT, House};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    fmt::Write,
    sync::{Arc, LazyLock},
};

const STYLE: &str = include_str!("page/page.css");

/// The style's hash for the content security policy, which allows this one style and nothing else.
static STYLE_HASH: LazyLock<String> =
    LazyLock::new(|| STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes())));

pub(crate) fn routes() -> Router<Arc<House>> {
    Router::new().route("/", get(home)).fallback(missing)
}

/// What the sign-in page asks.
pub(crate) struct Question<'a> {
    /// What the app calls itself. Not verified.
    pub app: &'a str,
    /// Where the browser goes afterwards.
    pub redirect: &'a str,
    /// Whether the account's name is asked for too.
    pub account: bool,
    /// Names the question in the answer.
    pub handle: &'a str,
}

/// The sign-in page.
pub(crate) fn question(language: Language, question: &Question<'_>) -> Response {
    let w = language.words();
    let app = escape(question.app);
    let mut body = format!("<h1>{}</h1>", w.question.replace("{}", &app));
    let _ = write!(
        body,
        "<p class=who>{}<b>{ACCOUNT}</b></p><p>{}</p><ul><li>{}</li>",
        w.signed_in, w.may, w.may_notes
    );
    if question.account {
        let _ = write!(body, "<li>{}</li>", w.may_account);
    }
    let place = place(question.redirect);
    let _ = write!(
        body,
        "</ul><p class=soft>{} <code>{}</code></p><p class=soft>{}</p>\
         <form method=post action=/authorize>\
         <input type=hidden name=request value=\"{}\">\
         <button name=answer value=deny>{}</button>\
         <button class=main name=answer value=allow>{}</button></form>",
        w.back_to,
        escape(&place.shown),
        w.practice,
        escape(question.handle),
        w.deny,
        w.allow,
    );
    page(StatusCode::OK, language, &place.source, &body)
}

/// A link that can't be followed: an unknown app, or a way back that was not registered. Never redirects.
pub(crate) fn broken(language: Language) -> Response {
    let w = language.words();
    said(StatusCode::BAD_REQUEST, language, w.broken, w.broken_next)
}

/// The question was answered already, or nobody answered in time.
pub(crate) fn over(language: Language) -> Response {
    let w = language.words();
    said(StatusCode::GONE, language, w.over, w.over_next)
}

async fn missing(headers: HeaderMap) -> Response {
    let language = Language::of(&headers);
    let w = language.words();
    said(StatusCode::NOT_FOUND, language, w.missing, w.missing_next)
}

async fn home(State(house): State<Arc<House>>, headers: HeaderMap) -> Response {
    let language = Language::of(&headers);
    let w = language.words();
    let body = format!(
        "<h1>{}</h1><p>{}</p><p class=soft>{} <code>{}</code></p>",
        w.title,
        w.about,
        w.address,
        house.resource()
    );
    page(StatusCode::OK, language, "", &body)
}

fn said(status: StatusCode, language: Language, what: &str, next: &str) -> Response {
    page(status, language, "", &format!("<h1>{what}</h1><p>{next}</p>"))
}

/// `leads_to` is the one place besides this origin to which the page's form may lead.
fn page(status: StatusCode, language: Language, leads_to: &str, body: &str) -> Response {
    let w = language.words();
    let html = format!(
        "<!doctype html><html lang={}><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width\"><title>{}</title><style>{STYLE}</style></head>\
         <body><main>{body}</main></body></html>",
        w.code, w.title
    );
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self' {leads_to}; base-uri 'none'; frame-ancestors 'none'",
        *STYLE_HASH
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    // The place was parsed from a URL, so this can't fail; a policy without it is stricter, never weaker.
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Not `no-referrer`: browsers would then send `Origin: null` with the form, which the boundary refuses.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

/// Where a redirect leads.
struct Place {
    /// For the person: a host with its port, or a scheme.
    shown: String,
    /// For the policy: browsers check `form-action` for the redirect that answers a form as well.
    source: String,
}

fn place(redirect: &str) -> Place {
    match url::Url::parse(redirect) {
        Ok(url) if url.has_host() => {
            let shown = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
            // The policy's grammar has no IPv6 address: the scheme is the narrowest that can be said.
            let source = if shown.starts_with('[') {
                format!("{}:", url.scheme())
            } else {
                format!("{}://{shown}", url.scheme())
            };
            Place { shown, source }
        }
        Ok(url) => Place { shown: format!("{}:", url.scheme()), source: format!("{}:", url.scheme()) },
        Err(_) => Place { shown: String::new(), source: String::new() },
    }
}

/// Text as HTML shows it, in element and attribute alike.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Control and direction characters could make a name look like another.
            c if c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
                {}
            c => out.push(c),
        }
    }
    out
}
