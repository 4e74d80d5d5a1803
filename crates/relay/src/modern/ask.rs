//! Bellhop's own requests to a service of the modern era.

use crate::{
    Limits, Service,
    carry::mirrored,
    client::{Head, Http},
    legacy::exchange,
    local,
    pool::Incoming,
    problem::RelayError,
};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::BodyExt;
use protocol::{Id, Object, Request, Revision, code, meta, method, raw};
use serde_json::value::RawValue;
use std::time::Duration;

/// How long a service may take to say of which era it is, before it is asked in the other way.
const PROBE: Duration = Duration::from_secs(8);

/// What a service says of itself.
pub(crate) struct Discovered {
    pub(crate) capabilities: Box<RawValue>,
    pub(crate) server: Box<RawValue>,
    pub(crate) instructions: Option<String>,
}

/// What came of asking a service for its era.
pub(crate) enum Probed {
    /// It is of the modern era.
    Modern(Discovered),
    /// It is not. Whether that can be relied on: a server in trouble says nothing about its era.
    Not { sure: bool },
}

/// A request of ours, which can be asked nothing in turn.
fn request(id: &str, method: &'static str, params: Option<Object<'static>>) -> Request<'static> {
    let mut params = params.unwrap_or_default();
    meta::stamp(&mut params, &raw(&Object::new()), &local::us().to_raw(), None);
    Request::new(Id::text(id), method, Some(params))
}

async fn send(
    http: &Http,
    service: &Service,
    request: &Request<'_>,
) -> Result<Response<Incoming>, RelayError> {
    let mirrored = mirrored(request, None);
    let head = Head { revision: Some(Revision::NEWEST), mirrored: &mirrored, ..Head::default() };
    http.send(service, Method::POST, head, request.to_bytes()).await
}

/// Asks a service what it is.
///
/// # Errors
/// When it can't be reached, or wants a sign-in: then its era is not known.
pub(crate) async fn discover(http: &Http, limits: &Limits, service: &Service) -> Result<Probed, RelayError> {
    let request = request("bellhop-discover", method::DISCOVER, None);
    let probing = async {
        let response = send(http, service, &request).await?;
        let status = response.status();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
                exchange::accepted(service, Head::default(), response)?;
                Ok(Probed::Not { sure: false })
            }
            status if status.is_success() => {
                let answer = exchange::answer_of(limits, service, response, &request.id).await;
                Ok(answer
                    .ok()
                    .and_then(|a| discovered(&a))
                    .map_or(Probed::Not { sure: true }, Probed::Modern))
            }
            status if status.is_server_error() => Ok(Probed::Not { sure: false }),
            _ => {
                let said = http_body_util::Limited::new(response.into_body(), 64 << 10).collect().await;
                let said = said.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                modern_refusal(service, &said, &request.id)
            }
        }
    };
    match tokio::time::timeout(PROBE, probing).await {
        Ok(probed) => probed,
        // Silence says nothing about the era; the other way may get an answer.
        Err(_) => Ok(Probed::Not { sure: false }),
    }
}

/// A refusal in the words of the modern era comes from a service of that era, which then has nothing in common
/// with us, unless it also speaks what came before.
fn modern_refusal(service: &Service, said: &Bytes, id: &Id) -> Result<Probed, RelayError> {
    match crate::carry::error_code(said, id) {
        Some(code::HEADER_MISMATCH | code::MISSING_CAPABILITY) => {
            Err(RelayError::Declined { title: service.title.clone() })
        }
        // It may still speak a revision with `initialize`; if not, that says so.
        _ => Ok(Probed::Not { sure: true }),
    }
}

fn discovered(result: &RawValue) -> Option<Discovered> {
    let result = Object::parse(result.get()).ok()?;
    let versions: Vec<String> = serde_json::from_str(result.get("supportedVersions")?.get()).ok()?;
    if !versions.iter().any(|v| v == Revision::NEWEST.as_str()) {
        return None;
    }
    let about = result.object("_meta");
    let server = about.as_ref().and_then(|m| m.get(meta::SERVER_INFO)).or_else(|| result.get("serverInfo"));
    Some(Discovered {
        capabilities: result.get("capabilities")?.to_owned(),
        server: server.map_or_else(|| raw(&Object::new()), ToOwned::to_owned),
        instructions: result.text("instructions").map(std::borrow::Cow::into_owned),
    })
}

/// One page of a list.
pub(crate) async fn page(
    http: &Http,
    limits: &Limits,
    service: &Service,
    id: &str,
    method: &'static str,
    cursor: Option<String>,
) -> Result<Box<RawValue>, RelayError> {
    let request = request(id, method, cursor.map(|c| Object::new().with("cursor", c)));
    let asking = async {
        let response = send(http, service, &request).await?;
        if response.status() == StatusCode::NOT_FOUND {
            // The method is not there, which is an answer.
            return Err(RelayError::Declined { title: service.title.clone() });
        }
        let response = exchange::accepted(service, Head::default(), response)?;
        exchange::answer_of(limits, service, response, &request.id).await
    };
    exchange::in_time(limits, service, asking).await
}

/// Opens a subscription to these changes: a stream of notifications.
///
/// # Errors
/// When there is none.
pub(crate) async fn subscribe(
    http: &Http,
    service: &Service,
    id: &str,
    wanted: Object<'static>,
) -> Result<Incoming, RelayError> {
    let request = request(id, method::LISTEN, Some(Object::new().with("notifications", wanted)));
    let response = send(http, service, &request).await?;
    let response = exchange::accepted(service, Head::default(), response)?;
    if !matches!(exchange::kind(&response), exchange::Kind::Events) {
        return Err(RelayError::NoMcp { title: service.title.clone() });
    }
    Ok(response.into_body())
}
