use crate::{
    Limits, Proof, Service,
    pool::{Failed, Incoming, Pool},
    problem::RelayError,
    road::Road,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper_rustls::HttpsConnectorBuilder;
use model::Proxies;
use protocol::{Revision, header as mcp};
use rustls_platform_verifier::BuilderVerifierExt;
use std::{sync::Arc, time::Duration};

/// The HTTP client to services. Follows no redirects, keeps no cookies, and sends no header that an app sent:
/// each request's headers are built here from nothing.
pub(crate) struct Http {
    pool: Arc<Pool>,
    answer: Duration,
}

/// What a request to a service says beside its body.
#[derive(Clone, Copy, Default)]
pub(crate) struct Head<'a> {
    /// The session the service gave us.
    pub(crate) session: Option<&'a str>,
    /// The revision agreed on; `None` for `initialize`.
    pub(crate) revision: Option<Revision>,
    /// Where to go on with an event stream.
    pub(crate) last_event: Option<&'a str>,
    /// What of the body is mirrored in headers, in the modern era.
    pub(crate) mirrored: &'a [(HeaderName, HeaderValue)],
    /// Where messages go instead of the service's address, in the transport of 2024-11-05.
    pub(crate) post: Option<&'a str>,
}

impl Http {
    pub(crate) fn new(limits: &Limits, proxies: Arc<dyn Proxies>) -> Self {
        let tls = tls();
        let road = Road::new(limits.connect, tls.clone(), proxies);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(road);
        Self { pool: Pool::new(https, limits.connect * 2), answer: limits.answer }
    }

    /// Sends one request and gives its response head. A 401 is answered once with a newer proof.
    pub(crate) async fn send(
        &self,
        service: &Service,
        method: Method,
        head: Head<'_>,
        body: Bytes,
    ) -> Result<Response<Incoming>, RelayError> {
        let Some(source) = &service.proof else {
            return self.once(service, method, head, body, None).await;
        };
        let proof = match source.ready() {
            Some(proof) => proof,
            None => self.in_time(service, source.wait()).await?.map_err(RelayError::Other)?,
        };
        let first = self.once(service, method.clone(), head, body.clone(), Some(&proof)).await?;
        if first.status() != StatusCode::UNAUTHORIZED {
            return Ok(first);
        }
        drop(first);
        let refused = source.refused(proof.generation);
        let proof = self.in_time(service, refused).await?.map_err(RelayError::Other)?;
        self.once(service, method, head, body, Some(&proof)).await
    }

    async fn in_time<T>(&self, service: &Service, f: impl Future<Output = T>) -> Result<T, RelayError> {
        tokio::time::timeout(self.answer, f)
            .await
            .map_err(|_| RelayError::TimedOut { title: service.title.clone() })
    }

    async fn once(
        &self,
        service: &Service,
        method: Method,
        head: Head<'_>,
        body: Bytes,
        proof: Option<&Proof>,
    ) -> Result<Response<Incoming>, RelayError> {
        let title = || service.title.clone();
        let unreachable = |why: String| RelayError::Unreachable { title: title(), why };
        let address = head.post.unwrap_or(&service.url);
        let uri: http::Uri = address.parse().map_err(|_| unreachable("its address is no URL".into()))?;
        if !may_carry(&uri) {
            return Err(RelayError::Insecure { title: title() });
        }
        let host = uri.authority().map(|a| a.as_str().rsplit('@').next().unwrap_or_default().to_owned());
        let mut request = Request::builder()
            .method(&method)
            .uri(uri)
            .header(header::HOST, host.unwrap_or_default())
            .header(header::USER_AGENT, AGENT);
        if method == Method::POST {
            request = request
                .header(header::CONTENT_TYPE, mcp::JSON)
                .header(header::ACCEPT, "application/json, text/event-stream");
        } else if method == Method::GET {
            request = request.header(header::ACCEPT, mcp::EVENT_STREAM);
        }
        if let Some(session) = head.session {
            request = request.header(mcp::SESSION_ID, session);
        }
        if let Some(revision) = head.revision.filter(|r| r.has_version_header()) {
            request = request.header(mcp::PROTOCOL_VERSION, revision.as_str());
        }
        if let Some(id) = head.last_event {
            request = request.header(mcp::LAST_EVENT_ID, id);
        }
        for (name, value) in head.mirrored {
            request = request.header(name, value);
        }
        if let Some(proof) = proof {
            let mut value = HeaderValue::try_from(proof.value.expose())
                .map_err(|_| RelayError::SignedOut { title: title() })?;
            value.set_sensitive(true);
            request = request.header(&proof.header, value);
        }
        let request = request.body(Full::new(body)).map_err(|e| unreachable(e.to_string()))?;
        let response = self.in_time(service, self.pool.request(request)).await?;
        response.map_err(|failed| {
            tracing::debug!(service = %service.name, %failed, "a request failed");
            match failed {
                Failed::Connecting(why) => unreachable(why),
                Failed::Proxy { place, .. } => RelayError::Proxy { title: title(), place },
                Failed::Broken(_) => RelayError::Died { title: title() },
            }
        })
    }
}

const AGENT: &str = concat!("bellhop/", env!("CARGO_PKG_VERSION"));

/// Encrypted, or to this machine: a token never crosses a network in the clear.
fn may_carry(uri: &http::Uri) -> bool {
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => uri.host().is_some_and(|host| {
            host.eq_ignore_ascii_case("localhost")
                || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }),
        _ => false,
    }
}

fn tls() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| tracing::error!("no TLS versions: {e}"))
    };
    let verified = builder().and_then(|b| {
        b.with_platform_verifier()
            .map_err(|e| tracing::error!("the system's certificates can't be read: {e}"))
    });
    match verified {
        Ok(config) => config.with_no_client_auth(),
        // Without the system's certificates nobody is trusted, so every https service reads as unreachable.
        Err(()) => rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)
            .map_or_else(
                |_| rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()),
                |b| b.with_root_certificates(rustls::RootCertStore::empty()),
            )
            .with_no_client_auth(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_this_machine_alone() {
        let may = |uri: &str| may_carry(&uri.parse().unwrap());
        for good in ["https://a.example/mcp", "http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost/x"]
        {
            assert!(may(good), "{good}");
        }
        for bad in
            ["http://a.example/", "http://10.0.0.1/", "http://127.0.0.1.a.example/", "ftp://127.0.0.1/"]
        {
            assert!(!may(bad), "{bad}");
        }
    }
}
