use bytes::{Bytes, BytesMut};
use std::{io::Write, sync::Arc, thread};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Bytes that wait for the app to read them; beyond this, who writes has to wait. A longer line waits alone.
const WAITING: u32 = 1024 * 1024;

/// A line that waits, and its room.
pub(super) type Waiting = (Bytes, OwnedSemaphorePermit);

/// Standard output, for many tasks: each line whole, one after the other.
pub(in crate::bridge) struct Out {
    room: Arc<Semaphore>,
    way: Way,
}

enum Way {
    /// A pipe or a socket.
    #[cfg(target_os = "linux")]
    Pipe(Arc<super::pipe::Writer>),
    /// Anything else, which a thread writes.
    Thread(mpsc::UnboundedSender<Waiting>),
}

impl Out {
    /// This process's. Cancels `gone` when nobody reads any more.
    pub(in crate::bridge) fn open(gone: CancellationToken) -> Self {
        let room = Arc::new(Semaphore::new(WAITING as usize));
        #[cfg(target_os = "linux")]
        if let Some(pipe) = super::pipe::Pipe::output() {
            return Self { room, way: Way::Pipe(super::pipe::Writer::start(pipe, gone)) };
        }
        let (sender, mut receiver) = mpsc::unbounded_channel::<Waiting>();
        thread::spawn(move || {
            let mut output = std::io::stdout();
            while let Some((line, _room)) = receiver.blocking_recv() {
                if output.write_all(&line).and_then(|()| output.flush()).is_err() {
                    return gone.cancel();
                }
            }
        });
        Self { room, way: Way::Thread(sender) }
    }

    /// Write a message as a line. What can't be written is for an app that is gone.
    ///
    /// When this is dropped early, the line was either taken whole or not at all.
    pub(in crate::bridge) async fn line(&self, message: Bytes) {
        let line = line(message);
        let size = u32::try_from(line.len()).map_or(WAITING, |l| l.min(WAITING));
        // Closed never.
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(size).await else { return };
        match &self.way {
            #[cfg(target_os = "linux")]
            Way::Pipe(writer) => writer.take((line, room)),
            Way::Thread(sender) => {
                let _ = sender.send((line, room));
            }
        }
    }

    /// Wait until all is written.
    pub(in crate::bridge) async fn written(&self) {
        let _ = self.room.acquire_many(WAITING).await;
    }
}

/// The message on one line, and its end.
fn line(message: Bytes) -> Bytes {
    // Nobody else holds it, as a rule, so that it is not copied to add one byte.
    let mut line = message.try_into_mut().unwrap_or_else(|shared| {
        let mut line = BytesMut::with_capacity(shared.len() + 1);
        line.extend_from_slice(&shared);
        line
    });
    // Outside of strings a line break is mere space, and inside of them JSON has none.
    if line.contains(&b'\n') || line.contains(&b'\r') {
        for byte in line.iter_mut().filter(|b| matches!(b, b'\n' | b'\r')) {
            *byte = b' ';
        }
    }
    line.extend_from_slice(b"\n");
    line.freeze()
}
