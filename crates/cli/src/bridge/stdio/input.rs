use super::framer::{Framer, Line};
use std::{io::Read, thread};
use tokio::sync::mpsc;

/// Lines that a thread reads ahead; beyond this, the app has to wait.
const AHEAD: usize = 4;

/// Standard input, line by line.
pub(in crate::bridge) enum Input {
    /// A pipe or a socket.
    #[cfg(target_os = "linux")]
    Pipe(super::pipe::Pipe, Framer),
    /// Anything else, which a thread reads.
    Thread(mpsc::Receiver<Line>),
}

impl Input {
    /// This process's.
    pub(in crate::bridge) fn open() -> Self {
        #[cfg(target_os = "linux")]
        if let Some(pipe) = super::pipe::Pipe::input() {
            return Self::Pipe(pipe, Framer::default());
        }
        Self::thread(std::io::stdin())
    }

    fn thread(mut input: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel(AHEAD);
        thread::spawn(move || {
            let mut framer = Framer::default();
            let mut piece = [0; 4096];
            loop {
                // A pipe that breaks is one that has ended.
                let read = input.read(&mut piece).unwrap_or(0);
                framer.room().extend_from_slice(piece.get(..read).unwrap_or_default());
                while let Some(line) = framer.next() {
                    if sender.blocking_send(line).is_err() {
                        return;
                    }
                }
                if read == 0 {
                    if let Some(line) = framer.rest() {
                        let _ = sender.blocking_send(line);
                    }
                    return;
                }
            }
        });
        Self::Thread(receiver)
    }

    /// The next line; `None` at the end. Loses nothing when it is dropped early.
    pub(in crate::bridge) async fn next(&mut self) -> Option<Line> {
        match self {
            Self::Thread(receiver) => receiver.recv().await,
            #[cfg(target_os = "linux")]
            Self::Pipe(pipe, framer) => loop {
                if let Some(line) = framer.next() {
                    return Some(line);
                }
                if pipe.read(framer.room()).await.unwrap_or(0) == 0 {
                    return framer.rest();
                }
            },
        }
    }
}
