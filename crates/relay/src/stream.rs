use crate::{
    client::Head,
    flight::Flight,
    legacy::{
        exchange::{self, Kind},
        translate::{self, Passed},
    },
    problem::RelayError,
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Method;
use http_body::Frame;
use hyper::body::Incoming;
use protocol::sse;
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

/// The body of an answer: polls the service's body and gives on what comes, at the speed the app reads. It
/// holds the flight, so that dropping it (the app went away) ends the call.
pub(crate) struct Stream {
    ready: VecDeque<Bytes>,
    reading: Reading,
    upstream: Incoming,
    flight: Flight,
    title: String,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    quiet: Pin<Box<Sleep>>,
    patience: Duration,
    /// The last event's id, from which the service could go on after it ended the stream.
    last_event: Option<String>,
    /// How long the service asked to wait before that.
    retry: Duration,
    /// How often it was asked to go on without saying anything since.
    resumed: u32,
}

enum Reading {
    /// Events, until the answer is among them.
    Events(sse::Decoder),
    /// The service ended the stream before the answer and is asked for what followed.
    Resuming(BoxFuture<'static, Option<Incoming>>),
    /// The rest of one large message.
    Message,
    /// The answer was passed on; the service's body is read to its end, for a moment, so that its connection
    /// can be used again.
    Ending,
    /// Nothing follows what is ready.
    Ended,
}

/// How often a service is asked to go on with a stream on which it says nothing more.
const MAX_RESUMES: u32 = 5;

/// The longest a service may ask to wait before that.
const MAX_RETRY: Duration = Duration::from_secs(15);

/// How long a service may take to end its stream after the answer.
const TO_END: Duration = Duration::from_millis(200);

impl Stream {
    /// `first` was read already.
    pub(crate) fn new(
        flight: Flight,
        upstream: Incoming,
        kind: &Kind,
        first: VecDeque<Bytes>,
        title: String,
    ) -> Self {
        let limits = &flight.relay.limits;
        let reading = match kind {
            Kind::Events => Reading::Events(sse::Decoder::new(limits.message)),
            Kind::Json | Kind::Other => Reading::Message,
        };
        let patience = limits.answer;
        Self {
            ready: first,
            reading,
            upstream,
            stop: Box::pin(flight.session.connection.stop.clone().cancelled_owned()),
            quiet: Box::pin(tokio::time::sleep(patience)),
            patience,
            title,
            flight,
            last_event: None,
            retry: Duration::from_secs(1),
            resumed: 0,
        }
    }

    /// A service of 2025-11-25 may end a stream before the answer and expects to be asked for the rest, which
    /// Bellhop does in the app's place. False when it gave no event to go on from.
    fn resume(&mut self) -> bool {
        let (Reading::Events(_), Some(id), Some(link)) =
            (&self.reading, &self.last_event, self.flight.link())
        else {
            return false;
        };
        if self.resumed >= MAX_RESUMES {
            return false;
        }
        self.resumed += 1;
        let (relay, link, id, retry) = (self.flight.relay.clone(), link.clone(), id.clone(), self.retry);
        self.reading = Reading::Resuming(Box::pin(async move {
            tokio::time::sleep(retry).await;
            let (service, opened) = (link.service.load_full(), link.opened()?);
            let head = Head { last_event: Some(&id), ..opened.head() };
            let response = relay.http.send(&service, Method::GET, head, Bytes::new()).await.ok()?;
            let events = response.status().is_success() && matches!(exchange::kind(&response), Kind::Events);
            events.then(|| response.into_body())
        }));
        true
    }

    /// Ends it with an error: as a last event, or by breaking off a message that can't be completed.
    fn fail(&mut self, error: &RelayError) -> Result<(), io::Error> {
        let reading = std::mem::replace(&mut self.reading, Reading::Ended);
        match reading {
            Reading::Events(_) | Reading::Resuming(_) => {
                self.flight.given_up(error.outcome());
                self.ready.push_back(sse::encode(&error.reply(&self.flight.id)));
                Ok(())
            }
            Reading::Message => {
                self.flight.given_up(error.outcome());
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, error.to_string()))
            }
            Reading::Ending | Reading::Ended => Ok(()),
        }
    }

    fn died(&self) -> RelayError {
        RelayError::Died { title: self.title.clone() }
    }

    /// Takes the service's bytes.
    fn take(&mut self, data: Bytes) -> Result<(), RelayError> {
        let Reading::Events(decoder) = &mut self.reading else {
            if matches!(self.reading, Reading::Message) {
                self.ready.push_back(data);
            }
            return Ok(());
        };
        let too_large = |_| RelayError::TooLarge { title: self.title.clone() };
        decoder.push(&data);
        let mut whole = false;
        while let Some(event) = decoder.next_event().map_err(too_large)? {
            whole = true;
            if let Some(id) = event.id {
                self.last_event = Some(id);
            }
            if let Some(retry) = event.retry {
                self.retry = Duration::from_millis(retry).min(MAX_RETRY);
            }
            if event.data.is_empty() {
                continue;
            }
            self.resumed = 0;
            let Some(link) = self.flight.link().cloned() else { continue };
            let flight = &mut self.flight;
            let passed =
                translate::from_service(&flight.relay, &flight.session, &link, Some(&flight.id), &event.data);
            match passed {
                Passed::On(message) => self.ready.push_back(sse::encode(&message)),
                Passed::Nothing => {}
                Passed::Answer(message, outcome) => {
                    self.ready.push_back(sse::encode(&message));
                    flight.over(outcome);
                    self.reading = Reading::Ending;
                    self.quiet.as_mut().reset(Instant::now() + TO_END);
                    return Ok(());
                }
            }
        }
        if !whole && data.starts_with(b":") {
            // The service keeps its stream alive; so do we ours.
            self.ready.push_back(sse::comment());
        }
        Ok(())
    }
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        loop {
            let live = matches!(this.reading, Reading::Events(_) | Reading::Message | Reading::Resuming(_));
            // Before anything else, also before what is ready: after a revocation nothing is passed on.
            if live && this.stop.as_mut().poll(cx).is_ready() {
                this.ready.clear();
                if let Err(e) = this.fail(&RelayError::Revoked) {
                    return Poll::Ready(Some(Err(e)));
                }
            }
            if let Some(data) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            if matches!(this.reading, Reading::Ended) {
                return Poll::Ready(None);
            }
            if let Reading::Resuming(resuming) = &mut this.reading {
                match resuming.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Some(body)) => {
                        this.upstream = body;
                        this.reading = Reading::Events(sse::Decoder::new(this.flight.relay.limits.message));
                        this.quiet.as_mut().reset(Instant::now() + this.patience);
                    }
                    Poll::Ready(None) => {
                        let died = this.died();
                        if let Err(e) = this.fail(&died) {
                            return Poll::Ready(Some(Err(e)));
                        }
                        continue;
                    }
                }
            }
            let failed = match Pin::new(&mut this.upstream).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    if !matches!(this.reading, Reading::Ending) {
                        this.quiet.as_mut().reset(Instant::now() + this.patience);
                    }
                    frame.into_data().ok().and_then(|data| this.take(data).err())
                }
                Poll::Ready(None) if matches!(this.reading, Reading::Message) => {
                    this.flight.over("ok");
                    this.reading = Reading::Ended;
                    None
                }
                Poll::Ready(None) if this.resume() => None,
                Poll::Ready(None | Some(Err(_))) => Some(this.died()),
                Poll::Pending if this.quiet.as_mut().poll(cx).is_ready() => {
                    Some(RelayError::TimedOut { title: this.title.clone() })
                }
                Poll::Pending => return Poll::Pending,
            };
            if let Some(error) = failed
                && let Err(e) = this.fail(&error)
            {
                return Poll::Ready(Some(Err(e)));
            }
        }
    }
}
