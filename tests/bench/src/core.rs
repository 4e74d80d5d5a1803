//! Which core a thread runs on.
//!
//! The client and the service are each held on a core of their own, and the subjects run where they like. Otherwise
//! the scheduler puts client and service together on one core or not, as it happens, and the direct way is six
//! times as fast in one second as in the next.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Holds this thread on a core until it is dropped. What a thread starts meanwhile is held there too.
pub(crate) struct Held(Option<CpuSet>);

impl Held {
    /// Hold it on the core of this number, where there are more than one.
    pub(crate) fn on(core: usize) -> Self {
        let Ok(before) = sched_getaffinity(None) else { return Self(None) };
        let mut cores = (0..CpuSet::MAX_CPU).filter(|cpu| before.is_set(*cpu));
        let (Some(cpu), true) = (cores.nth(core), before.count() > 1) else { return Self(None) };
        let mut only = CpuSet::new();
        only.set(cpu);
        Self(sched_setaffinity(None, &only).is_ok().then_some(before))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = sched_setaffinity(None, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_held_only_for_a_while() {
        let before = sched_getaffinity(None).unwrap();
        let held = Held::on(1);
        if before.count() > 1 {
            assert_eq!(sched_getaffinity(None).unwrap().count(), 1);
        }
        drop(held);
        assert_eq!(sched_getaffinity(None).unwrap().count(), before.count());
    }
}
