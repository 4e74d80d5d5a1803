use model::{Clock, Timestamp};
use std::time::Duration;

/// A moment after which something is over, by either clock.
///
/// The wall clock alone could be set back, and what was over would be good again; the boot clock alone is
/// forgotten with a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline {
    wall: Timestamp,
    boot: Duration,
}

impl Deadline {
    /// So long from now.
    pub(crate) fn after(clock: &dyn Clock, length: Duration) -> Self {
        Self { wall: clock.now() + length, boot: clock.since_boot().saturating_add(length) }
    }

    /// At a moment that was stored, but at most `longest` from now: a wall clock that was set back in between
    /// must not lengthen it.
    pub(crate) fn at(clock: &dyn Clock, moment: Timestamp, longest: Duration) -> Self {
        let left = moment.since(clock.now()).min(longest);
        Self { wall: moment, boot: clock.since_boot().saturating_add(left) }
    }

    /// Whether it is over.
    pub(crate) fn passed(&self, clock: &dyn Clock) -> bool {
        clock.now() >= self.wall || clock.since_boot() >= self.boot
    }

    /// How long it is until then; zero when it is over.
    pub(crate) fn left(&self, clock: &dyn Clock) -> Duration {
        self.wall.since(clock.now()).min(self.boot.saturating_sub(clock.since_boot()))
    }

    /// The moment on the wall clock.
    pub(crate) fn wall(&self) -> Timestamp {
        self.wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ManualClock;

    #[test]
    fn a_deadline_passes_although_the_wall_clock_is_set_back() {
        let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
        let deadline = Deadline::after(&clock, Duration::from_secs(60));
        clock.set_wall(Timestamp::from_millis(0));
        assert!(!deadline.passed(&clock));
        clock.advance(Duration::from_secs(60));
        assert!(deadline.passed(&clock));
        assert_eq!(deadline.left(&clock), Duration::ZERO);
    }

    #[test]
    fn a_stored_deadline_is_never_further_away_than_its_longest() {
        let clock = ManualClock::at(Timestamp::from_millis(0));
        let deadline = Deadline::at(&clock, Timestamp::from_millis(10_000_000), Duration::from_secs(60));
        clock.advance(Duration::from_secs(60));
        assert!(deadline.passed(&clock));
    }
}
