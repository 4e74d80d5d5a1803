//! The engine's side of the owner-only socket: frames in, answers and sections out.

use crate::{Face, inner::Inner};
use control::{Ask, Command, FromEngine, KeysChoice, KeysState, Outcome, Proof, Section, ToEngine, frame};
use model::{Problem, Secret};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{broadcast::error::RecvError, mpsc},
};

/// How many asks of one connection are answered at a time.
const ASKS: usize = 256;

/// For whom one socket connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// For whoever can start programs here.
    Anyone,
    /// For the person, for one command: the PIN was given.
    PersonOnce,
    /// For the person, until it closes: a window.
    Window,
}

struct Session {
    inner: Arc<Inner>,
    standing: Mutex<Standing>,
    out: mpsc::Sender<FromEngine>,
}

/// Serve one connection until it closes.
///
/// # Errors
/// When the stream breaks or the other side doesn't keep to the framing.
pub(crate) async fn serve<S>(inner: Arc<Inner>, stream: S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (out, mut outgoing) = mpsc::channel::<FromEngine>(32);
    let writing = tokio::spawn(async move {
        while let Some(message) = outgoing.recv().await {
            frame::write(&mut writer, &message).await?;
        }
        tokio::io::AsyncWriteExt::shutdown(&mut writer).await
    });
    let session = Arc::new(Session { inner, standing: Mutex::new(Standing::Anyone), out });
    let asks = tokio_util::task::TaskTracker::new();
    let gone = tokio_util::sync::CancellationToken::new();
    let read = loop {
        let message: ToEngine = match frame::read(&mut reader).await {
            Ok(Some(message)) => message,
            Ok(None) => break Ok(()),
            Err(e) => break Err(e),
        };
        if asks.len() >= ASKS {
            break Err(io::Error::other("too many asks at a time"));
        }
        let (session, gone) = (Arc::clone(&session), gone.clone());
        // In a task of its own: a query may wait for minutes, and the next ask must not wait behind it.
        asks.spawn(async move {
            let answering = async {
                let outcome = session.answer(message.ask).await;
                let _ = session.out.send(FromEngine::Answer { id: message.id, outcome }).await;
            };
            tokio::select! {
                () = answering => {}
                () = gone.cancelled() => {}
            }
        });
    };
    gone.cancel();
    asks.close();
    asks.wait().await;
    // Whoever closed the connection reads no more; and the sections' tasks would keep the writer waiting.
    writing.abort();
    read
}

impl Session {
    fn standing(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For whom the next command speaks. A PIN counts for that one.
    fn spend(&self) -> Standing {
        let mut standing = self.standing();
        let now = *standing;
        if now == Standing::PersonOnce {
            *standing = Standing::Anyone;
        }
        now
    }

    async fn answer(self: &Arc<Self>, ask: Ask) -> Outcome {
        match ask {
            Ask::Prove(proof) => self.prove(proof).await,
            Ask::Command(command) => {
                let standing = self.spend();
                if needs_a_person(&command, &self.inner) && standing == Standing::Anyone {
                    return Err(needs_person(&self.inner));
                }
                Face::new(Arc::clone(&self.inner)).command(command).await
            }
            Ask::Query(query) => Face::new(Arc::clone(&self.inner)).query(query).await,
            Ask::Watch(sections) => {
                let mut changes = self.inner.publisher.watch(&sections);
                let out = self.out.clone();
                tokio::spawn(async move {
                    let sending = async {
                        while let Some((version, section)) = changes.recv().await {
                            let section = Section::clone(&section);
                            let _ = out.send(FromEngine::View { version, section }).await;
                        }
                    };
                    tokio::select! {
                        () = sending => {}
                        () = out.closed() => {}
                    }
                });
                Ok(control::Answer::Done)
            }
        }
    }

    async fn prove(self: &Arc<Self>, proof: Proof) -> Outcome {
        match proof {
            Proof::Window { secret } => {
                if !self.inner.people.redeem(&secret) {
                    return Err(Problem::new(
                        "engine.proof",
                        "This window could not show that Bellhop opened it.",
                        "Close it and open Bellhop from its icon.",
                    ));
                }
                *self.standing() = Standing::Window;
                let mut raises = self.inner.raises.subscribe();
                let out = self.out.clone();
                tokio::spawn(async move {
                    let sending = async {
                        loop {
                            match raises.recv().await {
                                Ok(request) => drop(out.send(FromEngine::Raise { request }).await),
                                // A window that was slow missed some; it still hears the next.
                                Err(RecvError::Lagged(_)) => {}
                                Err(RecvError::Closed) => return,
                            }
                        }
                    };
                    tokio::select! {
                        () = sending => {}
                        () = out.closed() => {}
                    }
                });
            }
            Proof::Pin { pin } => {
                self.inner.check_pin(Secret::new(pin)).await?;
                *self.standing() = Standing::PersonOnce;
            }
        }
        Ok(control::Answer::Done)
    }
}

/// Whether only a person may do that. Choosing where the keys are kept is such a thing too: a program that knows the
/// passphrase can read them. Whoever types the passphrase of a vault that has one shows enough.
fn needs_a_person(command: &Command, inner: &Inner) -> bool {
    match command {
        Command::Unlock { keys: KeysChoice::Passphrase { .. } } => {
            !matches!(&*inner.keys(), KeysState::Locked { kept, .. } if kept == "passphrase")
        }
        Command::Unlock { .. } => true,
        other => other.widens(),
    }
}

/// What to say to somebody who wants to widen access and has shown nothing.
fn needs_person(inner: &Inner) -> Problem {
    if inner.desktop.is_some() {
        Problem::new(
            "engine.needs_window",
            "Only a person can do that, in Bellhop's window.",
            "Answer in Bellhop's window.",
        )
    } else {
        Problem::new("engine.needs_pin", "Only a person can do that: the PIN is needed.", "Give the PIN.")
    }
}
