//! Going on with a stream that broke off (legacy era: "Resumability and Redelivery").
//!
//! In that era an app that loses the connection has not given its call up: it may come back within a moment and
//! say which event it read last. A call whose app does not come back is given up, and the service told.

use crate::answer::{Answer, Out};
use crate::app::App;
use bytes::Bytes;
use protocol::sse;
use std::{collections::VecDeque, time::Duration};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A stream whose app went away.
pub(crate) struct Broken {
    pub(crate) answer: Option<Answer>,
    pub(crate) said: Said,
    /// What was ready and not given out.
    pub(crate) waiting: VecDeque<Out>,
    /// Ends the waiting for the app when it goes on with this.
    waits: Option<DropGuard>,
}

impl Broken {
    pub(crate) fn new(answer: Answer, said: Said, waiting: VecDeque<Out>) -> Self {
        Self { answer: Some(answer), said, waiting, waits: None }
    }
}

/// What was said on a stream, as far back as an app may want it again.
pub(crate) struct Said {
    /// The stream's number in its session.
    stream: u64,
    /// The number of the last event.
    last: u64,
    kept: VecDeque<(u64, Bytes)>,
    size: usize,
}

/// How many bytes of a stream are kept.
const KEPT: usize = 256 << 10;

/// How often a stream without a call says that it is alive.
pub(crate) const ALIVE: Duration = Duration::from_secs(25);

impl Said {
    pub(crate) fn new(stream: u64) -> Self {
        Self { stream, last: 0, kept: VecDeque::new(), size: 0 }
    }

    /// A message as the next event.
    pub(crate) fn say(&mut self, message: &[u8]) -> Bytes {
        self.last += 1;
        let bytes = sse::encode_as(&format!("{}-{}", self.stream, self.last), message);
        // One that alone is too large is not kept, and neither is what was before it: there would be a gap.
        self.size += bytes.len();
        self.kept.push_back((self.last, bytes.clone()));
        while self.size > KEPT {
            let Some((_, old)) = self.kept.pop_front() else { break };
            self.size -= old.len();
        }
        bytes
    }

    /// What was said after this event.
    pub(crate) fn after(&self, event: u64) -> impl Iterator<Item = Bytes> {
        self.kept.iter().filter(move |(n, _)| *n > event).map(|(_, bytes)| bytes.clone())
    }

    /// Whether everything after this event is still there.
    pub(crate) fn has_all_after(&self, event: u64) -> bool {
        // One that was never said is nobody's.
        let kept = || self.kept.front().is_some_and(|(first, _)| *first <= event + 1);
        event == self.last || (event < self.last && kept())
    }
}

/// The stream and the event that a `Last-Event-ID` names; `None` when it is none of ours.
pub(crate) fn named(id: &str) -> Option<(u64, u64)> {
    let (stream, event) = id.split_once('-')?;
    Some((stream.parse().ok()?, event.parse().ok()?))
}

/// Keeps a broken stream for a moment; then its call is given up.
pub(crate) fn keep(mut broken: Broken) {
    let Some(answer) = &broken.answer else { return };
    let App::Session(session) = answer.flight.app.clone() else { return };
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let stop = session.connection.stop.clone();
    let over = session.over.clone();
    if stop.is_cancelled() || over.is_cancelled() {
        return;
    }
    let patience = answer.flight.relay.limits.rejoin;
    let number = broken.said.stream;
    let taken = CancellationToken::new();
    broken.waits = Some(taken.clone().drop_guard());
    session.keep_broken(number, broken);
    runtime.spawn(async move {
        tokio::select! {
            () = tokio::time::sleep(patience) => {}
            () = stop.cancelled() => {}
            () = over.cancelled() => {}
            // It may break off again, and is waited for anew then.
            () = taken.cancelled() => return,
        }
        drop(session.take_broken(number, |_| true));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_can_be_had_again_from_any_event_on_as_far_as_it_is_kept() {
        let mut said = Said::new(3);
        let first = said.say(b"{}");
        assert!(first.starts_with(b"id: 3-1\n"));
        said.say(b"[]");
        assert_eq!(said.after(0).count(), 2);
        assert_eq!(said.after(1).count(), 1);
        assert!(said.has_all_after(0) && said.has_all_after(2));
        assert!(!said.has_all_after(3) && !said.has_all_after(u64::MAX), "never said");
        said.say(&vec![b' '; KEPT]);
        assert!(!said.has_all_after(1), "there would be a gap");
        assert_eq!(named("3-1"), Some((3, 1)));
        assert_eq!(named("x"), None);
    }
}
