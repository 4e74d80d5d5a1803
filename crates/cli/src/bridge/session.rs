//! The session with Bellhop, and its renewal after Bellhop was restarted.

use super::{
    Bridge,
    answer::{self, Failure},
    say,
};
use bytes::Bytes;
use hyper::header::HeaderValue;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};

/// The headers that name the session.
#[derive(Clone, Default)]
pub(super) struct Headers {
    pub id: Option<HeaderValue>,
    pub version: Option<HeaderValue>,
}

/// How far the app and Bellhop have come.
enum State {
    /// Nothing was agreed on.
    New,
    /// The app got its answer to `initialize`, which is kept to say it again.
    Open { initialize: Bytes, headers: Headers },
}

struct Now {
    /// Counts up with every change, so that of many that see one outage only the first acts on it.
    generation: u64,
    state: State,
}

/// The session, for all tasks.
pub(super) struct Session {
    now: Mutex<Now>,
    asks: mpsc::Sender<Ask>,
    listening: watch::Sender<Listening>,
    beginning: watch::Sender<Beginning>,
}

/// Whether the stream on which Bellhop speaks of itself is of use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listening {
    /// The app has not said `notifications/initialized` yet.
    NotYet,
    /// It is.
    Ready,
    /// It was refused or ended: the app isn't let in.
    Refused,
}

/// How far the app's `initialize` is.
#[derive(Clone)]
enum Beginning {
    /// None is under way.
    None,
    /// It waits for Bellhop, maybe for the person.
    UnderWay,
    /// Bellhop did not answer it.
    Failed(Failure),
}

/// What waits until the `initialize` before it is answered. The app may send it, but without the session that
/// comes with that answer Bellhop could make nothing of it.
pub(super) struct Hold(watch::Receiver<Beginning>);

impl Hold {
    /// Wait; the reason when there will be no answer.
    pub(super) async fn over(mut self) -> Result<(), Failure> {
        match self.0.wait_for(|b| !matches!(b, Beginning::UnderWay)).await.as_deref() {
            Ok(Beginning::Failed(failure)) => Err(failure.clone()),
            // An error would say that the session is gone, which holds the sender itself.
            _ => Ok(()),
        }
    }
}

/// A task found Bellhop gone, or the session unusable that it saw in this generation.
pub(super) struct Ask {
    /// `None` for one that needs no session.
    seen: Option<u64>,
    reply: oneshot::Sender<Result<(), Failure>>,
}

impl Session {
    pub(super) fn new() -> (Self, mpsc::Receiver<Ask>) {
        let (asks, receiver) = mpsc::channel(64);
        let now = Now { generation: 0, state: State::New };
        let session = Self {
            now: Mutex::new(now),
            asks,
            listening: watch::Sender::new(Listening::NotYet),
            beginning: watch::Sender::new(Beginning::None),
        };
        (session, receiver)
    }

    /// The session to say goodbye to. `None` for an app that was cut off: its session is gone already, and a
    /// goodbye would look like a new question.
    pub(super) fn to_end(&self) -> Option<Headers> {
        let headers = self.see().1;
        (headers.id.is_some() && *self.listening.borrow() != Listening::Refused).then_some(headers)
    }

    /// The generation to name in [`Session::renew`], and the headers as they are now.
    pub(super) fn see(&self) -> (u64, Headers) {
        let now = self.now();
        let headers = match &now.state {
            State::New => Headers::default(),
            State::Open { headers, .. } => headers.clone(),
        };
        (now.generation, headers)
    }

    /// The app sends an `initialize`: what it sends next is held.
    pub(super) fn begins(&self) {
        self.beginning.send_replace(Beginning::UnderWay);
    }

    /// That was answered, well or not, or will never be.
    pub(super) fn begun(&self, how: Result<(), Failure>) {
        self.beginning.send_replace(how.map_or_else(Beginning::Failed, |()| Beginning::None));
    }

    /// What to wait for before anything is sent to Bellhop now.
    pub(super) fn hold(&self) -> Option<Hold> {
        let underway = matches!(*self.beginning.borrow(), Beginning::UnderWay);
        underway.then(|| Hold(self.beginning.subscribe()))
    }

    /// Bellhop answered this `initialize`.
    pub(super) fn opened(&self, initialize: Bytes, headers: Headers) {
        let mut now = self.now();
        now.generation += 1;
        now.state = State::Open { initialize, headers };
    }

    /// Whether there is one.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.now().state, State::Open { .. })
    }

    /// The app has said `notifications/initialized`.
    pub(super) fn initialized(&self) {
        self.listening.send_replace(Listening::Ready);
    }

    /// The app isn't let in.
    pub(super) fn refused(&self) {
        self.listening.send_replace(Listening::Refused);
    }

    /// The app is let in: it got an answer.
    pub(super) fn admitted(&self) {
        self.listening.send_if_modified(|listening| {
            let changes = *listening == Listening::Refused;
            if changes {
                *listening = Listening::Ready;
            }
            changes
        });
    }

    /// Wait until there is something to listen to.
    pub(super) async fn until_ready(&self) {
        // An error would say that the session is gone, which holds the sender itself.
        let _ = self.listening.subscribe().wait_for(|l| *l == Listening::Ready).await;
    }

    /// Bring Bellhop and the session back, unless somebody did since `seen`.
    pub(super) async fn renew(&self, seen: u64) -> Result<(), Failure> {
        self.ask(Some(seen)).await
    }

    /// Bring Bellhop back, unless somebody did. The session is for whoever needs one.
    pub(super) async fn reach(&self) -> Result<(), Failure> {
        self.ask(None).await
    }

    async fn ask(&self, seen: Option<u64>) -> Result<(), Failure> {
        let (reply, answer) = oneshot::channel();
        // The keeper is gone only when the bridge is ending.
        self.asks.send(Ask { seen, reply }).await.map_err(|_| Failure::gone())?;
        answer.await.map_err(|_| Failure::gone())?
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answer the asks one by one, so that one outage means one start and one new session.
pub(super) async fn keep(bridge: Arc<Bridge>, mut asks: mpsc::Receiver<Ask>) {
    while let Some(ask) = asks.recv().await {
        let result = match ask.seen {
            None => bridge.wire.reach().await.map_err(|problem| Failure::from(&problem)),
            Some(seen) if bridge.session.see().0 != seen => Ok(()),
            Some(_) => renew(&bridge).await,
        };
        if let Err(failure) = &result {
            say(&failure.message);
            // Whoever asked meanwhile would only wait for the same.
            while let Ok(ask) = asks.try_recv() {
                let _ = ask.reply.send(Err(failure.clone()));
            }
        }
        let _ = ask.reply.send(result);
    }
}

async fn renew(bridge: &Bridge) -> Result<(), Failure> {
    bridge.wire.reach().await.map_err(|problem| Failure::from(&problem))?;
    let initialize = {
        let mut now = bridge.session.now();
        match &now.state {
            State::Open { initialize, .. } => initialize.clone(),
            State::New => {
                now.generation += 1;
                return Ok(());
            }
        }
    };
    let headers = answer::renewed(bridge.wire.post(Headers::default(), initialize.clone()).await?).await?;
    let initialized = Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    bridge.wire.post(headers.clone(), initialized).await?.whole().await?;
    bridge.session.opened(initialize, headers);
    Ok(())
}
