//! Pipes and sockets without waiting.
//!
//! Whether reading and writing wait is a property of the open file, which other processes may share: a shell, or
//! an app that writes its own log to the same pipe. So a pipe is opened anew for the bridge alone, and a socket is
//! asked at each call.

use super::{framer::PIECE, output::Waiting};
use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
    net::{RecvFlags, SendFlags},
};
use std::{
    collections::VecDeque,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

enum Kind {
    Pipe,
    Socket,
}

/// One of the two standard streams.
pub(in crate::bridge) struct Pipe {
    file: AsyncFd<OwnedFd>,
    kind: Kind,
}

impl Pipe {
    /// Standard input; `None` when it is neither a pipe nor a socket.
    pub(super) fn input() -> Option<Self> {
        Self::open(io::stdin().as_fd(), c"/proc/self/fd/0", OFlags::RDONLY, Interest::READABLE)
    }

    /// Standard output.
    pub(super) fn output() -> Option<Self> {
        Self::open(io::stdout().as_fd(), c"/proc/self/fd/1", OFlags::WRONLY, Interest::WRITABLE)
    }

    fn open(fd: BorrowedFd<'_>, path: &std::ffi::CStr, access: OFlags, interest: Interest) -> Option<Self> {
        let (file, kind) = match FileType::from_raw_mode(rustix::fs::fstat(fd).ok()?.st_mode) {
            FileType::Fifo => {
                let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
                (rustix::fs::open(path, flags, Mode::empty()).ok()?, Kind::Pipe)
            }
            FileType::Socket => (fd.try_clone_to_owned().ok()?, Kind::Socket),
            _ => return None,
        };
        #[expect(deprecated, reason = "an OwnedFd is open as long as it lives; the successor is `unsafe`")]
        let file = AsyncFd::with_interest(file, interest).ok()?;
        Some(Self { file, kind })
    }

    /// Append what there is; 0 at the end.
    pub(super) async fn read(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            let mut ready = self.file.readable().await?;
            let before = buffer.len();
            buffer.reserve(PIECE);
            let room = buffer.capacity() - before;
            let read = ready.try_io(|file| {
                let spare = rustix::buffer::spare_capacity(&mut *buffer);
                Ok(match self.kind {
                    Kind::Pipe => rustix::io::read(file, spare),
                    Kind::Socket => rustix::net::recv(file, spare, RecvFlags::DONTWAIT).map(|(read, _)| read),
                }?)
            });
            match read {
                Ok(Ok(read)) => {
                    // The system says when there is more: asking once more would be for nothing.
                    if 0 < read && read < room {
                        ready.clear_ready();
                    }
                    return Ok(read);
                }
                Ok(Err(e)) if e.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(e)) => return Err(e),
                Err(_would_block) => {}
            }
        }
    }

    fn send(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match self.kind {
            Kind::Pipe => rustix::io::write(&self.file, bytes),
            Kind::Socket => rustix::net::send(&self.file, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL),
        }
    }
}

/// Writes lines in the order in which they are taken.
pub(super) struct Writer {
    pipe: Pipe,
    waiting: Mutex<VecDeque<Waiting>>,
    /// Something waits for the pipe to take more.
    full: Notify,
    gone: CancellationToken,
}

impl Writer {
    /// A writer on this pipe, which cancels `gone` when nobody reads any more.
    pub(super) fn start(pipe: Pipe, gone: CancellationToken) -> Arc<Self> {
        let writer =
            Arc::new(Self { pipe, waiting: Mutex::default(), full: Notify::new(), gone: gone.clone() });
        let rest = Arc::clone(&writer);
        tokio::spawn(async move { rest.write_rest().await });
        writer
    }

    /// Take a line, and write as much of what waits as the pipe takes now.
    pub(super) fn take(&self, line: Waiting) {
        self.waiting().push_back(line);
        if self.write().is_err_and(|e| e != Errno::AGAIN) {
            self.gone.cancel();
        } else if !self.waiting().is_empty() {
            self.full.notify_one();
        }
    }

    /// What the pipe did not take at once.
    async fn write_rest(&self) {
        loop {
            self.full.notified().await;
            loop {
                let Ok(mut ready) = self.pipe.file.writable().await else { return self.gone.cancel() };
                match self.write() {
                    Ok(()) => break,
                    Err(Errno::AGAIN) => ready.clear_ready(),
                    Err(_) => return self.gone.cancel(),
                }
            }
        }
    }

    fn write(&self) -> Result<(), Errno> {
        let mut waiting = self.waiting();
        while let Some((line, _)) = waiting.front_mut() {
            match self.pipe.send(line) {
                Ok(written) if written < line.len() => {
                    let _ = line.split_to(written);
                }
                Ok(_) => {
                    waiting.pop_front();
                }
                Err(Errno::INTR) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
