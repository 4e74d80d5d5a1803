use protocol::Id;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// How many requests may wait for their answers. Each has a connection to Bellhop, which takes 1024 of them from
/// all bridges and faces together.
const MOST: usize = 512;

/// The requests that still have to be answered, by us if by nobody else.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<Id, Flight>>);

enum Flight {
    /// Bellhop is told when it is cancelled.
    Legacy,
    /// Cancelled, its task ends and closes its stream.
    Modern(CancellationToken),
}

/// Whose a cancelled request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancelled {
    /// It has ended by this.
    Modern,
    /// Bellhop has to hear of it, if it knows it.
    Other,
}

impl Flights {
    /// Whether so many more may begin.
    pub(super) fn have_room(&self, more: usize) -> bool {
        self.all().len() + more <= MOST
    }

    /// One of the legacy era begins.
    pub(super) fn begin(&self, id: Id) {
        self.all().insert(id, Flight::Legacy);
    }

    /// One of the modern era begins, which ends when this is cancelled.
    pub(super) fn begin_modern(&self, id: Id, end: CancellationToken) {
        self.all().insert(id, Flight::Modern(end));
    }

    /// Whether it still waits for its answer.
    pub(super) fn has(&self, id: &Id) -> bool {
        self.all().contains_key(id)
    }

    /// It has its answer. Whether it was still waiting.
    pub(super) fn end(&self, id: &Id) -> bool {
        self.all().remove(id).is_some()
    }

    /// The app wants no answer any more, so it gets no error either.
    pub(super) fn cancel(&self, id: &Id) -> Cancelled {
        match self.all().remove(id) {
            Some(Flight::Modern(end)) => {
                end.cancel();
                Cancelled::Modern
            }
            Some(Flight::Legacy) | None => Cancelled::Other,
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Id, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
