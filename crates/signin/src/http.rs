use crate::{
    AddressError,
    address::{check_address, host, is_loopback, is_public},
    events,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, header};
use model::{Explain, Problem, Proxies, Proxy};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use std::{
    error::Error,
    net::IpAddr,
    sync::{Arc, Once},
    time::Duration,
};
use url::{Host, Url};

/// The longest a request may take, its answer included.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for a request whose answer must not get lost: it may hold the only copy of a token.
const PATIENCE_FOR_TOKENS: Duration = Duration::from_secs(30);
/// The longest answer that is read, in bytes.
const LONGEST: usize = 64 * 1024;
/// The most redirects that are followed.
const HOPS: usize = 5;

/// Requests to the servers that take part in a sign-in. Cheap to clone; one for the whole program will do.
///
/// Each request has a limit of 10 s (30 s where tokens are at stake) and of 64 KiB. Behind a proxy it is the proxy
/// that resolves names: then what can be checked here is the address as it is written, and TLS proves the name.
#[derive(Clone)]
pub struct Http {
    tls: ClientConfig,
    proxies: Arc<dyn Proxies>,
    /// For addresses that were checked when the credential was issued. See [`Reach::Known`].
    known: reqwest::Client,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Http")
    }
}

/// Where requests may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The public internet, and nothing else.
    Public,
    /// That, and one host in a private network that the person named.
    Host(String),
    /// That, and this computer: the service itself is here.
    Loopback,
    /// Anywhere: the address was checked when the credential was issued and is kept sealed with it. A name that
    /// points elsewhere since then gets no further than TLS, which has to prove that name.
    Known,
}

/// Why a server gave no usable answer. Says nothing of what was in it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HttpError {
    /// The address may not be asked.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The name could not be resolved.
    #[error("the name could not be resolved: {0}")]
    Unknown(String),
    /// No connection came about. Nothing was sent.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// The server's certificate was not accepted. Nothing was sent.
    #[error("no secure connection: {0}")]
    Insecure(String),
    /// No connection came about through the proxy at this place. Nothing was sent.
    #[error("no connection through the proxy {place}: {why}")]
    Proxy {
        /// Its host and port.
        place: String,
        /// Why.
        why: String,
    },
    /// The proxy at this place wants another user name or password. Nothing was sent.
    #[error("the proxy {0} wants a login")]
    ProxyLogin(String),
    /// The answer did not come in time, or the connection broke while waiting for it. The server may have acted.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The answer is longer than 64 KiB.
    #[error("the answer is longer than 64 KiB")]
    TooLong,
    /// It redirects more than five times, or to nowhere.
    #[error("it redirects without end")]
    Redirects,
    /// It answered, but with an error or not in the form that was asked for.
    #[error("it answered {0}")]
    Unusable(String),
    /// No client could be made.
    #[error("no client for requests: {0}")]
    Client(String),
}

impl HttpError {
    /// Whether the request certainly had no effect.
    pub(crate) fn nothing_sent(&self) -> bool {
        matches!(
            self,
            Self::Address(_)
                | Self::Unknown(_)
                | Self::Unreachable(_)
                | Self::Insecure(_)
                | Self::Proxy { .. }
                | Self::ProxyLogin(_)
                | Self::Client(_)
        )
    }

    /// The problem, with the host it happened with.
    pub(crate) fn explain(&self, host: &str) -> Problem {
        let problem = match self {
            Self::Address(e) => return e.problem(),
            Self::Unknown(_) => Problem::new(
                "signin.host_unknown",
                format!("There is no server named {host}, or this computer is offline."),
                "Check the address and the internet connection, then try again.",
            ),
            Self::Unreachable(_) => Problem::new(
                "signin.unreachable",
                format!("{host} can't be reached."),
                "Check the address and the internet connection, then try again.",
            ),
            Self::Insecure(_) => Problem::new(
                "signin.insecure",
                format!("{host} could not prove that it is {host}, so Bellhop sent nothing."),
                "Check this computer's date and the network you are in, then try again.",
            ),
            Self::Proxy { place, .. } => Problem::new(
                "signin.proxy",
                format!("{host} can't be reached through the proxy {place}."),
                "Check the internet connection and this computer's proxy settings, then try again.",
            )
            .with("proxy", place),
            Self::ProxyLogin(place) => Problem::new(
                "signin.proxy_login",
                format!(
                    "The proxy {place} doesn't let Bellhop through without the right user name and password."
                ),
                "Put both into the proxy's address in this computer's settings, then start Bellhop again.",
            )
            .with("proxy", place),
            Self::NoAnswer(_) => Problem::new(
                "signin.no_answer",
                format!("{host} did not answer in time."),
                "Try again in a few minutes.",
            ),
            Self::TooLong | Self::Redirects | Self::Unusable(_) => Problem::new(
                "signin.unusable_answer",
                format!("{host} gave an answer that Bellhop can't use."),
                "Check the address, or try again in a few minutes.",
            ),
            Self::Client(_) => Problem::new(
                "signin.no_client",
                "Bellhop could not prepare a secure connection on this computer.",
                "Restart Bellhop; if it happens again, report it.",
            ),
        };
        problem.with("host", host)
    }
}

impl Explain for HttpError {
    fn problem(&self) -> Problem {
        self.explain("The server")
    }
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The address that answered, behind all redirects.
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    patience: Duration,
}

impl Ask {
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new(), patience: PATIENCE }
    }

    pub(crate) fn post(url: Url, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
        Self { method: Method::POST, url, headers, body: body.into(), patience: PATIENCE }
    }

    pub(crate) fn delete(url: Url) -> Self {
        Self { method: Method::DELETE, ..Self::get(url) }
    }

    pub(crate) fn accept(mut self, types: &'static str) -> Self {
        self.headers.insert(header::ACCEPT, header::HeaderValue::from_static(types));
        self
    }

    /// Wait longer: the answer may hold tokens.
    pub(crate) fn for_tokens(mut self) -> Self {
        self.patience = PATIENCE_FOR_TOKENS;
        self
    }

    /// Prove ourselves by a header and its whole value. One that can't stand in a header is left away: the server
    /// then says 401.
    pub(crate) fn proof(mut self, (name, value): &(header::HeaderName, model::Secret)) -> Self {
        if let Ok(mut value) = header::HeaderValue::from_str(value.expose()) {
            value.set_sensitive(true);
            self.headers.insert(name.clone(), value);
        }
        self
    }

    /// The same with an access token.
    pub(crate) fn bearer(self, token: &model::Secret) -> Self {
        self.proof(&(header::AUTHORIZATION, crate::bearer(token)))
    }
}

impl Http {
    /// Requests with the certificates this computer trusts, and by the way that `proxies` say.
    ///
    /// On a computer that has no list of trusted certificates every https request fails with
    /// [`HttpError::Insecure`]; a service on this computer still works.
    ///
    /// # Errors
    /// [`HttpError::Client`] when no TLS configuration can be made at all.
    pub fn new(proxies: Arc<dyn Proxies>) -> Result<Self, HttpError> {
        install_crypto();
        let platform = ClientConfig::builder().with_platform_verifier().map(|b| b.with_no_client_auth());
        let tls = platform.unwrap_or_else(|e| {
            tracing::warn!("no trusted certificates on this computer: {e}");
            ClientConfig::builder()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth()
        });
        let known = client(&tls, Reach::Known, &proxies)?;
        Ok(Self { tls, proxies, known })
    }

    /// A client whose connections keep to `reach`.
    pub(crate) fn within(&self, reach: Reach) -> Result<Guarded, HttpError> {
        let client = match reach {
            Reach::Known => self.known.clone(),
            _ => client(&self.tls, reach.clone(), &self.proxies)?,
        };
        Ok(Guarded { client, reach, proxies: Arc::clone(&self.proxies) })
    }

    /// A client for addresses that are kept with a credential.
    pub(crate) fn known(&self) -> Guarded {
        Guarded { client: self.known.clone(), reach: Reach::Known, proxies: Arc::clone(&self.proxies) }
    }
}

/// Ring is the program's one source of cryptography for TLS; rustls wants to be told before its first use.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that another part of the program was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn client(
    tls: &ClientConfig,
    reach: Reach,
    proxies: &Arc<dyn Proxies>,
) -> Result<reqwest::Client, HttpError> {
    let asked = Arc::clone(proxies);
    let proxy = reqwest::Proxy::custom(move |url| proxy_address(&asked.to(url.host_str()?)?));
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        // Only what was handed in counts, not what the library finds in the environment by itself.
        .no_proxy()
        .proxy(proxy)
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(Filter(reach, Arc::clone(proxies))))
        .pool_idle_timeout(Duration::from_secs(30))
        .user_agent(concat!("Bellhop/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| HttpError::Client(chain(&e)))
}

/// A proxy as the library wants it: with its login in the address.
fn proxy_address(proxy: &Proxy) -> Option<Url> {
    let mut url = Url::parse(&proxy.address).ok()?;
    if let Some((user, password)) = &proxy.login {
        url.set_username(user).ok()?;
        url.set_password(Some(password.expose())).ok()?;
    }
    Some(url)
}

/// Requests that keep to a [`Reach`].
#[derive(Clone)]
pub(crate) struct Guarded {
    client: reqwest::Client,
    reach: Reach,
    proxies: Arc<dyn Proxies>,
}

impl std::fmt::Debug for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Guarded").field(&self.reach).finish()
    }
}

impl Guarded {
    /// Whether an address may be asked.
    pub(crate) fn check(&self, url: &Url) -> Result<(), AddressError> {
        self.reach.check(url)?;
        // The addresses of a proxy's name are not looked at, since it may well be in a private network. So nobody is
        // sent to that name itself, past the proxy.
        let name = host(url);
        let is_proxy = |p: &Proxy| p.host().eq_ignore_ascii_case(&name);
        let named = matches!(&self.reach, Reach::Host(typed) if typed.eq_ignore_ascii_case(&name));
        if !named && !is_loopback(url) && self.proxies.to(&name).is_none() {
            let any = self.proxies.usual();
            if any.as_ref().is_some_and(is_proxy) && self.reach != Reach::Known {
                return Err(AddressError::Private(name));
            }
        }
        Ok(())
    }

    /// Send one request and read its answer, whatever its status. Redirects are not followed.
    pub(crate) async fn send(&self, ask: Ask) -> Result<Answer, HttpError> {
        self.check(&ask.url)?;
        let Ask { method, url, headers, body, patience } = ask;
        let sent = self
            .client
            .request(method, url.clone())
            .timeout(patience)
            .headers(headers)
            .body(body)
            .send()
            .await;
        let mut response = sent.map_err(|e| sorted(&e, self.proxies.to(&host(&url))))?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let stream = is_event_stream(&headers);
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(None) => break,
                Ok(Some(part)) if body.len() + part.len() <= LONGEST => body.extend_from_slice(&part),
                Ok(Some(_)) => return Err(HttpError::TooLong),
                // The end of an event stream is up to the server: what came before the limit of time counts.
                Err(_) if stream && !body.is_empty() => break,
                Err(e) => return Err(HttpError::NoAnswer(chain(&e))),
            }
            // The answer is all that is wanted of a stream, and its end may be long in coming.
            if stream && events::answer(&body).is_some() {
                break;
            }
        }
        Ok(Answer { url, status, headers, body: body.freeze() })
    }

    /// Whether an address answers with an event stream that begins by naming where to post to: the transport of MCP
    /// 2024-11-05. What else is on the stream is not waited for.
    pub(crate) async fn streams_events(&self, url: &Url) -> bool {
        if self.check(url).is_err() {
            return false;
        }
        let asking = async {
            let request = self.client.get(url.clone()).header(header::ACCEPT, "text/event-stream");
            let mut response = request.send().await.ok()?;
            if !response.status().is_success() || !is_event_stream(response.headers()) {
                return None;
            }
            let mut begun = BytesMut::new();
            while begun.len() <= LONGEST {
                begun.extend_from_slice(&response.chunk().await.ok()??);
                let mut lines: Vec<&[u8]> = begun.as_ref().split(|b| matches!(b, b'\n' | b'\r')).collect();
                // Not whole yet.
                lines.pop();
                let mut named = lines.iter().filter_map(|l| l.strip_prefix(b"event:"));
                if let Some(first) = named.next().map(<[u8]>::trim_ascii) {
                    return Some(first == b"endpoint");
                }
            }
            None
        };
        tokio::time::timeout(PATIENCE, asking).await.ok().flatten().unwrap_or(false)
    }

    /// Send a request that proves nothing, and follow redirects, each checked anew.
    ///
    /// A redirect repeats the request as it was: these are GETs, or a POST that asks who is there.
    pub(crate) async fn follow(&self, mut ask: Ask) -> Result<Answer, HttpError> {
        debug_assert!(
            !ask.headers.contains_key(header::AUTHORIZATION),
            "a redirect would carry the proof along"
        );
        for _ in 0..=HOPS {
            let answer = self.send(ask.clone()).await?;
            if !answer.status.is_redirection() || answer.status == StatusCode::NOT_MODIFIED {
                return Ok(answer);
            }
            let to = answer.headers.get(header::LOCATION).and_then(|v| v.to_str().ok());
            let to = to.and_then(|to| ask.url.join(to).ok()).ok_or(HttpError::Redirects)?;
            let mut to = check_address(to.as_str())?;
            to.set_fragment(None);
            ask.url = to;
        }
        Err(HttpError::Redirects)
    }
}

pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    kind.trim_start().get(..17).is_some_and(|start| start.eq_ignore_ascii_case("text/event-stream"))
}

impl Reach {
    /// What a sign-in to `url` may reach.
    pub(crate) fn of(url: &Url, typed_by_person: bool) -> Self {
        match (typed_by_person, is_loopback(url)) {
            (false, _) => Self::Public,
            (true, true) => Self::Loopback,
            (true, false) => Self::Host(host(url)),
        }
    }

    /// Check an address before anything is sent there. Names are checked again when they are resolved.
    pub(crate) fn check(&self, url: &Url) -> Result<(), AddressError> {
        check_address(url.as_str())?;
        let private = || Err(AddressError::Private(host(url)));
        let ip: IpAddr = match url.host() {
            Some(Host::Ipv4(ip)) => ip.into(),
            Some(Host::Ipv6(ip)) => ip.into(),
            _ if is_loopback(url) && !matches!(self, Self::Loopback | Self::Known) => return private(),
            _ => return Ok(()),
        };
        if self.allows(&host(url), ip) { Ok(()) } else { private() }
    }

    fn allows(&self, name: &str, ip: IpAddr) -> bool {
        is_public(ip)
            || match self {
                Self::Public => false,
                Self::Host(typed) => typed.eq_ignore_ascii_case(name),
                Self::Loopback => ip.is_loopback(),
                Self::Known => true,
            }
    }
}

/// Resolves names to the addresses that may be connected to, and to no other: what was checked is what is used. A
/// proxy's name leads anywhere: the person's system names it, no service.
struct Filter(Reach, Arc<dyn Proxies>);

/// All addresses of a name lie where we may not go.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Filtered(AddressError);

impl Resolve for Filter {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        let is_proxy = self.1.usual().is_some_and(|p| p.host().eq_ignore_ascii_case(name.as_str()));
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let all: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let good: Vec<_> =
                all.iter().copied().filter(|a| is_proxy || reach.allows(&name, a.ip())).collect();
            if good.is_empty() && !all.is_empty() {
                return Err(Filtered(AddressError::Private(name)).into());
            }
            Ok(Box::new(good.into_iter()) as Addrs)
        })
    }
}

/// Sort an error of a request that got no answer, and that went through this proxy.
fn sorted(e: &reqwest::Error, proxy: Option<Proxy>) -> HttpError {
    let mut source = e.source();
    while let Some(s) = source {
        if let Some(Filtered(address)) = s.downcast_ref() {
            return HttpError::Address(address.clone());
        }
        if of_tls(s) {
            return HttpError::Insecure(chain(e));
        }
        source = s.source();
    }
    if let Some(place) = proxy.filter(|_| e.is_connect()).map(|p| p.place().to_owned()) {
        let why = chain(e);
        // The library has no type for this (RFC 9110 §15.5.8).
        let login = why.contains("proxy authorization required");
        return if login { HttpError::ProxyLogin(place) } else { HttpError::Proxy { place, why } };
    }
    match e {
        e if e.is_dns() => HttpError::Unknown(chain(e)),
        e if e.is_connect() => HttpError::Unreachable(chain(e)),
        e => HttpError::NoAnswer(chain(e)),
    }
}

/// Whether an error is one of TLS. One of input and output is not the source of what is in it, and may hold another of
/// its kind.
fn of_tls(e: &(dyn Error + 'static)) -> bool {
    let inner = e.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    e.is::<rustls::Error>() || inner.is_some_and(|inner| of_tls(inner))
}

/// The causes of an error, outermost first, without the address: its query may hold what is nobody's business.
fn chain(e: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut source = e.source();
    while let Some(s) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&s.to_string());
        source = s.source();
    }
    if text.is_empty() { "the request failed".to_owned() } else { text }
}
