use crate::{
    answer::{Answer, Out, Step},
    app::App,
    resume::{self, Broken, Said},
};
use bytes::Bytes;
use http_body::Frame;
use protocol::sse;
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::time::{Instant, Sleep};

/// The body of an answer: takes what the service's side brings and gives it on, at the speed the app reads.
/// Dropping it (the app went away) ends the call: at once in the modern era, where that is what it means; after
/// a moment in the legacy one, in which the app may come back and go on.
pub(crate) struct Stream {
    /// `None` when nothing follows what is ready.
    answer: Option<Answer>,
    ready: VecDeque<Out>,
    /// What was said under which number, for an app that can go on with a broken stream.
    said: Option<Said>,
    /// When the app is to see that the stream is alive.
    alive: Pin<Box<Sleep>>,
    encoded: bool,
}

/// What a stream begins with.
pub(crate) enum First {
    /// One message, and that is all.
    Only(Bytes),
    /// Whatever: more may follow.
    Begins,
}

impl Stream {
    pub(crate) fn new(answer: Answer) -> Self {
        let said = match &answer.flight.app {
            App::Session(session) => Some(Said::new(session.number())),
            App::Visit(_) => None,
        };
        let alive = tokio::time::sleep(answer.flight.relay.limits.keep_alive);
        Self { answer: Some(answer), ready: VecDeque::new(), said, alive: Box::pin(alive), encoded: true }
    }

    /// One whose pieces go on as they are, for a large message.
    #[must_use]
    pub(crate) fn in_pieces(mut self) -> Self {
        self.encoded = false;
        self.said = None;
        self
    }

    /// A stream that broke off, from what the app has read of it on.
    pub(crate) fn again(broken: Broken, after: u64) -> Self {
        let Broken { answer, said, waiting, .. } = broken;
        let limit = answer.as_ref().map_or(resume::ALIVE, |a| a.flight.relay.limits.keep_alive);
        let mut ready: VecDeque<Out> = said.after(after).map(Out::Piece).collect();
        ready.extend(waiting);
        let alive = Box::pin(tokio::time::sleep(limit));
        Self { answer, ready, said: Some(said), alive, encoded: true }
    }

    /// Waits for the first thing to say.
    pub(crate) async fn first(&mut self) -> First {
        std::future::poll_fn(|cx| {
            while self.ready.is_empty() && self.answer.is_some() {
                match self.step(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                }
            }
            Poll::Ready(())
        })
        .await;
        let is_all = self.answer.as_ref().is_none_or(Answer::is_answered);
        if !is_all || self.ready.len() != 1 {
            return First::Begins;
        }
        match self.ready.pop_front() {
            Some(Out::Message(message)) => {
                if let Some(rest) = self.answer.take().and_then(|mut a| a.take_rest()) {
                    // Read to its end, so that the connection can be used again.
                    tokio::spawn(async move {
                        let rest = http_body_util::Limited::new(rest, 64 << 10);
                        let _ = tokio::time::timeout(
                            std::time::Duration::from_millis(200),
                            http_body_util::BodyExt::collect(rest),
                        )
                        .await;
                    });
                }
                First::Only(message)
            }
            other => {
                self.ready.extend(other);
                First::Begins
            }
        }
    }

    /// Takes one step of the service's side.
    fn step(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        let Some(answer) = &mut self.answer else { return Poll::Ready(Ok(())) };
        match std::task::ready!(answer.poll(cx, &mut self.ready)) {
            Step::On => Poll::Ready(Ok(())),
            Step::Ended => {
                self.answer = None;
                Poll::Ready(Ok(()))
            }
            Step::Broken(error) => {
                self.answer = None;
                Poll::Ready(Err(error))
            }
            Step::Park => {
                if let Some(answer) = self.answer.take() {
                    let relay = answer.flight.relay.clone();
                    self.ready.push_back(Out::Message(relay.park(answer)));
                }
                Poll::Ready(Ok(()))
            }
        }
    }

    fn encode(&mut self, out: Out) -> Bytes {
        match out {
            Out::Piece(piece) => piece,
            Out::Comment => sse::comment(),
            Out::Message(message) if !self.encoded => message,
            Out::Message(message) => match &mut self.said {
                Some(said) => said.say(&message),
                None => sse::encode(&message),
            },
        }
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
            // After a revocation nothing is passed on, not even what is ready.
            if let Some(answer) = &mut this.answer
                && let Some(end) = answer.revoked(cx)
            {
                this.ready.clear();
                this.answer = None;
                match end {
                    Ok(message) => this.ready.push_back(Out::Message(message)),
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
            if let Some(out) = this.ready.pop_front() {
                let bytes = this.encode(out);
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if this.answer.is_none() {
                return Poll::Ready(None);
            }
            match this.step(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                Poll::Pending => {
                    if this.encoded && this.alive.as_mut().poll(cx).is_ready() {
                        let every =
                            this.answer.as_ref().map_or(resume::ALIVE, |a| a.flight.relay.limits.keep_alive);
                        this.alive.as_mut().reset(Instant::now() + every);
                        this.ready.push_back(Out::Comment);
                        continue;
                    }
                    return Poll::Pending;
                }
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let (Some(answer), Some(said)) = (self.answer.take(), self.said.take()) else { return };
        if !answer.is_answered() {
            resume::keep(Broken::new(answer, said, std::mem::take(&mut self.ready)));
        }
    }
}
