//! Listening streams of services: what they say outside of any call.

use crate::{
    Limits, Relay,
    client::Http,
    legacy::{
        exchange::{self, Kind},
        session::{Link, Session},
        translate::{self, Passed},
    },
    problem::RelayError,
};
use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use protocol::sse;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Reads a service's listening stream to its end.
///
/// # Errors
/// When there is none, or it can't be read.
pub(crate) async fn events(
    http: &Http,
    limits: &Limits,
    link: &Link,
    mut each: impl FnMut(&str),
) -> Result<(), RelayError> {
    let service = link.service.load_full();
    let title = || service.title.clone();
    let Some(opened) = link.opened() else {
        return Err(RelayError::SessionGone { title: title() });
    };
    let response = http.send(&service, Method::GET, opened.head(), Bytes::new()).await?;
    let response = exchange::accepted(&service, opened.head(), response)?;
    if !matches!(exchange::kind(&response), Kind::Events) {
        return Err(RelayError::NoMcp { title: title() });
    }
    let mut body = response.into_body();
    let mut events = sse::Decoder::new(limits.message);
    while let Some(Ok(frame)) = body.frame().await {
        events.push(frame.data_ref().map_or(&[][..], |d| d));
        while let Some(event) = events.next_event().map_err(|_| RelayError::TooLarge { title: title() })? {
            if !event.data.is_empty() {
                each(&event.data);
            }
        }
    }
    Ok(())
}

/// Passes on what a service tells the app's session, while the app listens.
pub(crate) fn pass_on(relay: &Arc<Relay>, session: &Arc<Session>, link: Arc<Link>, left: CancellationToken) {
    let (relay, session) = (relay.clone(), session.clone());
    tokio::spawn(async move {
        let listening = events(&relay.http, &relay.limits, &link, |data| {
            if let Passed::On(message) = translate::from_service(&relay, &session, &link, None, data) {
                session.inbox.put(message);
            }
        });
        let stop = session.connection.stop.clone();
        tokio::select! {
            () = left.cancelled() => {}
            () = stop.cancelled() => {}
            _ = listening => {}
        }
    });
}
