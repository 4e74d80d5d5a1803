//! Listening streams of services: what they say outside of any call.

use crate::{
    Limits, Relay,
    client::Http,
    legacy::{
        exchange::{self, Kind, Wire},
        link::Link,
        session::Session,
        translate,
    },
    pool::Incoming,
    problem::RelayError,
    told::Passed,
};
use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use protocol::sse::{self, SseError};
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Opens the stream.
///
/// # Errors
/// When there is none.
pub(crate) async fn open(http: &Http, link: &Link) -> Result<Incoming, RelayError> {
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
    Ok(response.into_body())
}

/// An event stream as its messages.
pub(crate) struct Reading {
    body: Incoming,
    events: sse::Decoder,
}

impl Reading {
    pub(crate) fn new(body: Incoming, events: sse::Decoder) -> Self {
        Self { body, events }
    }

    /// The next one; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, SseError> {
        loop {
            while let Some(event) = self.events.next_event()? {
                if !event.data.is_empty() {
                    return Ok(Some(event.data));
                }
            }
            let Some(Ok(frame)) = self.body.frame().await else { return Ok(None) };
            self.events.push(frame.data_ref().map_or(&[][..], |d| d));
        }
    }
}

/// Reads the stream to its end.
///
/// # Errors
/// When it can't be read.
pub(crate) async fn read(
    body: Incoming,
    max: usize,
    title: &str,
    mut each: impl FnMut(&str),
) -> Result<(), RelayError> {
    let mut reading = Reading::new(body, sse::Decoder::new(max));
    let too_large = |_| RelayError::TooLarge { title: title.to_owned() };
    while let Some(data) = reading.next().await.map_err(too_large)? {
        each(&data);
    }
    Ok(())
}

/// Reads a service's listening stream to its end, whichever transport it comes by. `heard` is told once it is open.
///
/// # Errors
/// When there is none, or it can't be read.
pub(crate) async fn events(
    http: &Http,
    limits: &Limits,
    link: &Link,
    heard: impl FnOnce(),
    mut each: impl FnMut(&str),
) -> Result<(), RelayError> {
    if let Some(Wire::Events(wire)) = link.opened().map(|o| &o.wire) {
        let mut messages = wire.listen();
        heard();
        while let Some(data) = messages.recv().await {
            each(&data);
        }
        return Err(RelayError::SessionGone { title: link.service.load().title.clone() });
    }
    let body = open(http, link).await?;
    heard();
    read(body, limits.message, &link.service.load().title, each).await
}

/// The longest pause before listening again.
const LONGEST: Duration = Duration::from_secs(300);

/// How long to wait before listening again.
pub(crate) struct Pause {
    first: Duration,
    next: Duration,
}

impl Pause {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { first: limits.listen_again, next: limits.listen_again }
    }

    /// After a stream that ended like this; `None` when there is no sense in trying again: a service that has no such
    /// stream will have none in a moment.
    pub(crate) fn after(&mut self, ended: &Result<(), RelayError>) -> Option<Duration> {
        match ended {
            // What stands between cuts streams on which nothing happens.
            Ok(()) => self.next = self.first,
            Err(RelayError::Status { status: 400 | 404 | 405 | 501, .. }) => return None,
            Err(RelayError::NoMcp { .. } | RelayError::Declined { .. } | RelayError::Insecure { .. }) => {
                return None;
            }
            Err(_) => {}
        }
        let now = self.next;
        self.next = (now * 2).min(LONGEST);
        Some(now)
    }
}

/// How long a call waits for the service's listening stream. Some services send nothing at all, not even headers,
/// before they have something to say.
const HEARD: Duration = Duration::from_millis(500);

/// Comes once a listening stream is open or refused.
pub(crate) struct Heard(oneshot::Receiver<()>);

impl Heard {
    /// Waits for that, for a moment at most: what a service asks on the stream during a call would be lost before.
    pub(crate) async fn soon(self) {
        let _ = tokio::time::timeout(HEARD, self.0).await;
    }
}

/// Passes on what a service tells the app's session, while the app listens.
pub(crate) fn pass_on(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    link: Arc<Link>,
    left: CancellationToken,
) -> Heard {
    let (relay, session) = (relay.clone(), session.clone());
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let mut tell = Some(tell);
        let listening = async {
            let mut pause = Pause::new(&relay.limits);
            loop {
                // Dropped when it is not to be: that is an answer too.
                let tell = tell.take();
                let open = || drop(tell);
                let heard = events(&relay.http, &relay.limits, &link, open, |data| {
                    if let Passed::On(message) = translate::aside(&relay, &session, &link, data) {
                        session.inbox.put(message);
                    }
                })
                .await;
                // With its session gone, the next call opens another.
                if matches!(heard, Err(RelayError::SessionGone { .. })) {
                    return;
                }
                let Some(pause) = pause.after(&heard) else { return };
                tokio::time::sleep(pause).await;
            }
        };
        let stop = session.connection.stop.clone();
        tokio::select! {
            () = left.cancelled() => {}
            () = stop.cancelled() => {}
            _ = listening => {}
        }
    });
    Heard(told)
}
