use bytes::Bytes;
use futures_util::task::AtomicWaker;
use protocol::sse;
use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// What services tell an app outside of any call, kept until its listening stream takes it. Bounded: the
/// oldest goes when an app does not listen.
#[derive(Clone)]
pub(crate) struct Inbox(Arc<Inner>);

struct Inner {
    queue: Mutex<VecDeque<Bytes>>,
    max: usize,
    waker: AtomicWaker,
    /// Which stream listens: odd while one does. A newer one takes over.
    turn: AtomicU64,
}

impl Inbox {
    pub(crate) fn new(max: usize) -> Self {
        Self(Arc::new(Inner {
            queue: Mutex::default(),
            max,
            waker: AtomicWaker::new(),
            turn: AtomicU64::new(0),
        }))
    }

    /// Whether a stream listens now.
    pub(crate) fn is_heard(&self) -> bool {
        self.0.turn.load(Ordering::Acquire) % 2 == 1
    }

    /// Puts a notice in that says no more when it stands there twice.
    pub(crate) fn put_once(&self, message: Bytes) {
        let there = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner).contains(&message);
        if !there {
            self.put(message);
        }
    }

    /// Puts a message in.
    pub(crate) fn put(&self, message: Bytes) {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() >= self.0.max {
            queue.pop_front();
        }
        queue.push_back(message);
        drop(queue);
        self.0.waker.wake();
    }

    /// The stream of what is put in, ended by `stop`, by `over` or by a newer stream. `left` is cancelled when
    /// it ends.
    pub(crate) fn listen(
        &self,
        stop: &CancellationToken,
        over: &CancellationToken,
        left: CancellationToken,
        keep_alive: Duration,
    ) -> Listening {
        let turn = (self.0.turn.fetch_add(2, Ordering::AcqRel) + 2) | 1;
        self.0.turn.fetch_or(1, Ordering::AcqRel);
        self.0.waker.wake();
        Listening {
            inbox: self.clone(),
            turn,
            stop: Box::pin(stop.clone().cancelled_owned()),
            over: Box::pin(over.clone().cancelled_owned()),
            left,
            quiet: Box::pin(tokio::time::sleep(keep_alive)),
            keep_alive,
            greeted: false,
        }
    }
}

/// The body of an app's GET.
pub(crate) struct Listening {
    inbox: Inbox,
    turn: u64,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    over: Pin<Box<WaitForCancellationFutureOwned>>,
    left: CancellationToken,
    quiet: Pin<Box<Sleep>>,
    keep_alive: Duration,
    greeted: bool,
}

impl http_body::Body for Listening {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let frame = |bytes| Poll::Ready(Some(Ok(http_body::Frame::data(bytes))));
        if this.stop.as_mut().poll(cx).is_ready() || this.over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        this.inbox.0.waker.register(cx.waker());
        if this.inbox.0.turn.load(Ordering::Acquire) != this.turn {
            return Poll::Ready(None);
        }
        if !this.greeted {
            // So that the app sees the stream is there before anything happens.
            this.greeted = true;
            return frame(sse::comment());
        }
        let next = this.inbox.0.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(message) = next {
            return frame(sse::encode(&message));
        }
        if this.quiet.as_mut().poll(cx).is_ready() {
            this.quiet.as_mut().reset(Instant::now() + this.keep_alive);
            // Polled once more, so that the timer knows whom to wake.
            let _ = this.quiet.as_mut().poll(cx);
            return frame(sse::comment());
        }
        Poll::Pending
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.left.cancel();
        // Nobody listens, unless somebody newer does.
        let _ = self.inbox.0.turn.compare_exchange(
            self.turn,
            self.turn & !1,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
    }
}
