//! The provider's listener, and the bytes of what it says.

use super::Shared;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Frame, Incoming},
    header,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{io, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinSet};

/// What is answered; an error hangs up.
pub(super) type Reply = Result<Response<UnsyncBoxBody<Bytes, io::Error>>, io::Error>;

/// Answer on this listener until dropped; all connections end then.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let answer = service_fn(move |request: Request<Incoming>| {
                let shared = Arc::clone(&shared);
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
                    shared.answer(head, body).await
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), answer).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Hang up.
pub(super) fn hang_up() -> Reply {
    Err(io::Error::other("the provider hangs up"))
}

/// A whole answer.
pub(super) fn whole<N: AsRef<str>>(status: u16, headers: &[(N, String)], body: impl Into<Bytes>) -> Reply {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    with_head(status, headers, body)
}

fn with_head<N: AsRef<str>>(
    status: u16,
    headers: &[(N, String)],
    body: UnsyncBoxBody<Bytes, io::Error>,
) -> Reply {
    let mut response = Response::builder().status(StatusCode::from_u16(status).map_err(io::Error::other)?);
    for (name, value) in headers {
        response = response.header(name.as_ref(), value);
    }
    response.body(body).map_err(io::Error::other)
}

/// JSON.
pub(super) fn json(status: u16, value: &Value) -> Reply {
    let kind = (header::CONTENT_TYPE.as_str(), "application/json".to_owned());
    whole(status, &[kind, ("cache-control", "no-store".to_owned())], value.to_string())
}

/// An error of OAuth.
pub(super) fn no(status: u16, code: &str) -> Reply {
    json(status, &serde_json::json!({ "error": code }))
}

/// An answer without a body.
pub(super) fn empty(status: u16) -> Reply {
    whole::<&str>(status, &[], "")
}

/// A body of so many bytes, made as it is read.
pub(super) fn long(bytes: u64, headers: &[(&'static str, String)]) -> Reply {
    let part = Bytes::from(vec![b' '; 64 * 1024]);
    let parts = stream::unfold(bytes, move |left| {
        let size = left.min(part.len() as u64);
        let part = part.slice(..usize::try_from(size).unwrap_or_default());
        async move { (left > 0).then(|| (Ok(Frame::data(part)), left - size)) }
    });
    with_head(200, headers, StreamBody::new(parts).boxed_unsync())
}

/// A body that goes on for ever, slowly.
pub(super) fn slow() -> Reply {
    let bytes = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok(Frame::data(Bytes::from_static(b" "))), ()))
    });
    let headers = [("content-type", "application/json".to_owned())];
    with_head(200, &headers, StreamBody::new(bytes).boxed_unsync())
}
