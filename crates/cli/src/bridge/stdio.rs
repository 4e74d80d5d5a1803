//! The two pipes. Each has a thread: reads and writes of pipes can't be cancelled, and must not hold up the rest.

use bytes::{BufMut, Bytes, BytesMut};
use std::{
    io::{BufRead, BufReader, Read, Write},
    thread,
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// The longest line, in bytes.
pub(super) const LONGEST: usize = 4 * 1024 * 1024;
/// Lines that wait in either direction; beyond this, who writes them has to wait.
const WAITING: usize = 64;

/// A line of standard input.
pub(super) enum Line {
    /// Without its end, and not blank.
    Whole(Bytes),
    /// Longer than [`LONGEST`]; it was skipped.
    TooLong,
}

/// Read lines until the end.
pub(super) fn read(input: impl Read + Send + 'static) -> mpsc::Receiver<Line> {
    let (sender, receiver) = mpsc::channel(WAITING);
    thread::spawn(move || {
        let mut input = BufReader::with_capacity(64 * 1024, input);
        while let Some(line) = next(&mut input) {
            let blank = matches!(&line, Line::Whole(line) if line.iter().all(u8::is_ascii_whitespace));
            if !blank && sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn next(input: &mut impl BufRead) -> Option<Line> {
    let mut line = Vec::new();
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX) + 1;
    // A pipe that breaks is one that has ended.
    if input.by_ref().take(most).read_until(b'\n', &mut line).unwrap_or(0) == 0 {
        return None;
    }
    if line.last() == Some(&b'\n') || line.len() <= LONGEST {
        while line.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
            line.pop();
        }
        return Some(Line::Whole(line.into()));
    }
    input.skip_until(b'\n').ok()?;
    Some(Line::TooLong)
}

/// Standard output, for many tasks: each line whole, one after the other.
pub(super) struct Out(mpsc::Sender<Bytes>);

impl Out {
    /// Write a message as a line. What can't be written is for an app that is gone.
    pub(super) async fn line(&self, message: Bytes) {
        let mut line = BytesMut::with_capacity(message.len() + 1);
        line.put(message);
        // Outside of strings a line break is mere space, and inside of them JSON has none.
        for byte in line.iter_mut() {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        line.put_u8(b'\n');
        let _ = self.0.send(line.freeze()).await;
    }
}

/// Write lines until every [`Out`] is gone, and then say so; cancel `gone` when nobody reads any more.
pub(super) fn write(
    mut output: impl Write + Send + 'static,
    gone: CancellationToken,
) -> (Out, oneshot::Receiver<()>) {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(WAITING);
    let (done, written) = oneshot::channel();
    thread::spawn(move || {
        while let Some(line) = receiver.blocking_recv() {
            if output.write_all(&line).and_then(|()| output.flush()).is_err() {
                gone.cancel();
                break;
            }
        }
        let _ = done.send(());
    });
    (Out(sender), written)
}
