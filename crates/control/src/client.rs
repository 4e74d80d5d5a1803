use crate::{Ask, Command, FromEngine, Outcome, Proof, Query, SectionName, ToEngine, frame};
use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{mpsc, oneshot},
};

/// Why the engine can't be spoken with.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The stream broke, or nobody is there.
    #[error("Bellhop isn't answering")]
    Io(#[from] io::Error),
    /// The engine on the other side is of another version.
    #[error("the Bellhop that is running is of another version")]
    Version,
    /// The engine ended before it answered.
    #[error("Bellhop ended before it answered")]
    Gone,
}

impl model::Explain for ClientError {
    fn problem(&self) -> model::Problem {
        match self {
            Self::Io(_) => model::Problem::new(
                "control.not_answering",
                "Bellhop isn't answering.",
                "Start Bellhop, or run `bellhop serve`.",
            ),
            Self::Version => model::Problem::new(
                "control.version",
                "The Bellhop that is running is of another version.",
                "Quit Bellhop and start it again.",
            ),
            Self::Gone => model::Problem::new(
                "control.gone",
                "Bellhop ended before it answered.",
                "Start Bellhop and try again.",
            ),
        }
    }
}

/// What the engine sends of itself: sections that changed, and requests to come to the front.
pub type Events = mpsc::Receiver<FromEngine>;

/// Those who wait for an answer; `None` once none can come any more.
type Waiting = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Outcome>>>>>;

/// The calling side of the socket. Cheap to clone; answers may come in any order.
#[derive(Clone)]
pub struct Client {
    next: Arc<AtomicU64>,
    waiting: Waiting,
    out: mpsc::Sender<ToEngine>,
}

impl Client {
    /// Speak over a stream that is open: the owner-only socket.
    ///
    /// # Errors
    /// When the other side is no engine, or one of another version.
    pub async fn open<S>(mut stream: S) -> Result<(Self, Events), ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let ask = format!(
            "GET {} HTTP/1.1\r\nHost: bellhop\r\nConnection: Upgrade\r\nUpgrade: {}\r\n\r\n",
            frame::PATH,
            frame::PROTOCOL
        );
        stream.write_all(ask.as_bytes()).await?;
        let mut head = Vec::with_capacity(256);
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() > 8 * 1024 {
                return Err(ClientError::Version);
            }
            head.push(stream.read_u8().await?);
        }
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(ClientError::Version);
        }

        let (mut reader, mut writer) = tokio::io::split(stream);
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let (out, mut outgoing) = mpsc::channel::<ToEngine>(16);
        let (events, receiver) = mpsc::channel(64);
        tokio::spawn(async move {
            while let Some(message) = outgoing.recv().await {
                if frame::write(&mut writer, &message).await.is_err() {
                    break;
                }
            }
            let _ = writer.shutdown().await;
        });
        let answered = Arc::clone(&waiting);
        tokio::spawn(async move {
            while let Ok(Some(message)) = frame::read(&mut reader).await {
                match message {
                    FromEngine::Answer { id, outcome } => {
                        let mut answered = answered.lock().unwrap_or_else(PoisonError::into_inner);
                        let waiter = answered.as_mut().and_then(|waiting| waiting.remove(&id));
                        if let Some(waiter) = waiter {
                            let _ = waiter.send(outcome);
                        }
                    }
                    // Nobody listening for events is no reason to stop answering.
                    event => {
                        let _ = events.send(event).await;
                    }
                }
            }
            // Whoever asks from now on would wait for ever.
            *answered.lock().unwrap_or_else(PoisonError::into_inner) = None;
        });
        Ok((Self { next: Arc::new(AtomicU64::new(1)), waiting, out }, receiver))
    }

    async fn ask(&self, ask: Ask) -> Result<Outcome, ClientError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.as_mut().ok_or(ClientError::Gone)?.insert(id, sender);
        }
        self.out.send(ToEngine { id, ask }).await.map_err(|_| ClientError::Gone)?;
        receiver.await.map_err(|_| ClientError::Gone)
    }

    /// Show that a person is there.
    ///
    /// # Errors
    /// When the engine is gone; a refused proof is a problem in the outcome.
    pub async fn prove(&self, proof: Proof) -> Result<Outcome, ClientError> {
        self.ask(Ask::Prove(proof)).await
    }

    /// Do something.
    ///
    /// # Errors
    /// When the engine is gone.
    pub async fn command(&self, command: Command) -> Result<Outcome, ClientError> {
        self.ask(Ask::Command(command)).await
    }

    /// Look something up.
    ///
    /// # Errors
    /// When the engine is gone.
    pub async fn query(&self, query: Query) -> Result<Outcome, ClientError> {
        self.ask(Ask::Query(query)).await
    }

    /// Have these sections sent as events, now and whenever they change.
    ///
    /// # Errors
    /// When the engine is gone.
    pub async fn watch(&self, sections: Vec<SectionName>) -> Result<Outcome, ClientError> {
        self.ask(Ask::Watch(sections)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_asks_after_the_engine_is_gone_hears_that_and_does_not_wait() {
        let (near, mut far) = tokio::io::duplex(4096);
        let engine = tokio::spawn(async move {
            far.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.unwrap();
            far
        });
        let (client, mut events) = Client::open(near).await.unwrap();
        drop(engine.await.unwrap());
        assert!(events.recv().await.is_none());
        for _ in 0..20 {
            let asked = client.query(Query::Receipts);
            let answer = tokio::time::timeout(std::time::Duration::from_secs(20), asked).await;
            assert!(matches!(answer.expect("an end"), Err(ClientError::Gone)));
        }
    }
}
