//! The boundary of the owner-only socket: the control upgrade, and the bridge, which is known by the program
//! that started it.

use super::{reply, tcp};
use crate::{bridge, bridge::Peer, control_socket, inner::Inner, wire::Wire};
use axum::{body::Body, response::Response};
use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use model::Resource;
use std::{convert::Infallible, sync::Arc};

/// The header in which the bridge names the app that it was started for.
pub(crate) const BRIDGE: &str = "bellhop-bridge";

/// Answer one request on the socket, from the process `peer`.
pub(crate) async fn answer(
    inner: Arc<Inner>,
    peer: Arc<Peer>,
    wire: Arc<Wire>,
    request: Request<Body>,
) -> Result<Response, Infallible> {
    if request.uri().path() == control::frame::PATH {
        return Ok(upgrade(inner, request));
    }
    let Some(rooms) = inner.rooms.get() else { return Ok(tcp::locked()) };
    let claimed = request.headers().get(BRIDGE).map(|v| v.to_str().unwrap_or_default().to_owned());
    let (Some(claimed), Some(resource)) = (claimed, Resource::from_path(request.uri().path())) else {
        return Ok(tcp::by_bearer(rooms, inner.origin(), &wire, Some(peer.site()), request).await);
    };
    let may_ask = request.method() == Method::POST;
    match bridge::caller(rooms, &peer, &claimed, may_ask).await {
        Ok(caller) => {
            rooms.carry(&wire, &caller);
            Ok(rooms.relay.answer(caller, resource, request).await)
        }
        Err(problem) => Ok(reply::problem(StatusCode::FORBIDDEN, "access_denied", &problem)),
    }
}

fn upgrade(inner: Arc<Inner>, mut request: Request<Body>) -> Response {
    let wanted = request.headers().get(header::UPGRADE).is_some_and(|v| v == control::frame::PROTOCOL);
    let mut response = Response::new(Body::empty());
    if !wanted {
        *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
        return response;
    }
    tokio::spawn(async move {
        let served = match hyper::upgrade::on(&mut request).await {
            Ok(stream) => control_socket::serve(inner, TokioIo::new(stream)).await.map_err(|e| e.to_string()),
            Err(e) => Err(e.to_string()),
        };
        if let Err(why) = served {
            tracing::debug!(why, "a face's connection broke");
        }
    });
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static(control::frame::PROTOCOL));
    response
}
