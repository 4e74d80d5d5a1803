use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// A door that calls pass while it is open, and that knows how many are inside.
///
/// One atomic holds the closed bit and the number of calls in flight, so that no call can slip between
/// "is it open?" and "count me": after [`Gate::close`] returns, nothing new begins, and what is inside is
/// counted.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: AtomicUsize,
    empty: Notify,
}

const CLOSED: usize = 1;
const ONE: usize = 2;

impl Gate {
    /// An open gate with nobody inside.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes in; `None` when the gate is closed. Whoever is in is counted until the pass is dropped.
    pub fn enter(&self) -> Option<Pass> {
        // Count first and look at what was there: closing and entering meet in one total order.
        let before = self.0.state.fetch_add(ONE, Ordering::AcqRel);
        let pass = Pass(self.0.clone());
        (before & CLOSED == 0).then_some(pass)
    }

    /// Lets nobody in any more. Those inside stay.
    pub fn close(&self) {
        self.0.state.fetch_or(CLOSED, Ordering::AcqRel);
        self.0.empty.notify_waiters();
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.0.state.load(Ordering::Acquire) & CLOSED != 0
    }

    /// How many are inside.
    pub fn in_flight(&self) -> usize {
        self.0.state.load(Ordering::Acquire) / ONE
    }

    /// Waits until nobody is inside. On an open gate that is a moment; on a closed one it is the end.
    pub async fn drained(&self) {
        loop {
            let empty = self.0.empty.notified();
            tokio::pin!(empty);
            // Registered before looking, or the last one could leave in between unheard.
            empty.as_mut().enable();
            if self.in_flight() == 0 {
                return;
            }
            empty.await;
        }
    }
}

/// Being inside a [`Gate`].
#[derive(Debug)]
pub struct Pass(Arc<Inner>);

impl Drop for Pass {
    fn drop(&mut self) {
        if self.0.state.fetch_sub(ONE, Ordering::AcqRel) / ONE == 1 {
            self.0.empty.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_gate_lets_nobody_in_and_counts_only_those_inside() {
        let gate = Gate::new();
        let pass = gate.enter().unwrap();
        gate.close();
        assert!(gate.enter().is_none());
        assert_eq!(gate.in_flight(), 1);
        drop(pass);
        assert_eq!(gate.in_flight(), 0);
    }

    #[tokio::test]
    async fn drained_ends_when_the_last_one_leaves_and_not_before() {
        let gate = Gate::new();
        let (a, b) = (gate.enter().unwrap(), gate.enter().unwrap());
        gate.close();
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.drained().await }
        });
        drop(a);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(b);
        waiting.await.unwrap();
    }

    #[test]
    fn nobody_is_inside_after_a_close_that_saw_nobody() {
        for _ in 0..200 {
            let gate = Gate::new();
            let inside = AtomicUsize::new(0);
            std::thread::scope(|s| {
                for _ in 0..2 {
                    s.spawn(|| {
                        while let Some(_pass) = gate.enter() {
                            inside.fetch_add(1, Ordering::SeqCst);
                            inside.fetch_sub(1, Ordering::SeqCst);
                        }
                    });
                }
                gate.close();
                while gate.in_flight() > 0 {
                    std::hint::spin_loop();
                }
                assert_eq!(inside.load(Ordering::SeqCst), 0);
            });
        }
    }
}
