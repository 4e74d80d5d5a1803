use crate::{carry::Carried, legacy::events::Seat, pool::Incoming, problem::RelayError};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use protocol::sse;
use std::collections::VecDeque;

/// Where an answer comes from.
pub(crate) enum Source {
    /// Something has to happen before the service answers: the person, the app, or the service's own head.
    Waiting(BoxFuture<'static, Result<Carried, RelayError>>),
    /// Events, until the answer is among them.
    Events(Incoming, Box<sse::Decoder>),
    /// The service ended the stream before the answer and is asked for what followed.
    Resuming(BoxFuture<'static, Option<Incoming>>),
    /// Messages of the transport of 2024-11-05.
    Seat(Seat),
    /// One large message that passes as it comes.
    Message { body: Incoming, first: VecDeque<Bytes> },
    /// The answer was passed on; the service's body is read to its end, for a moment, so that its connection can
    /// be used again.
    Ending(Incoming),
    /// Nothing follows.
    Ended,
}

impl Source {
    pub(crate) fn events(body: Incoming, max: usize) -> Self {
        Self::Events(body, Box::new(sse::Decoder::new(max)))
    }

    pub(crate) fn is_live(&self) -> bool {
        !matches!(self, Self::Ending(_) | Self::Ended)
    }
}
