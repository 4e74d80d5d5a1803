use model::{Clock, Timestamp};
use std::time::Duration;

/// A moment to come, by two clocks. It has passed as soon as either says so: a person may set the wall clock
/// back, and the other one may not count the time a computer sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) wall: Timestamp,
    pub(crate) boot: Duration,
}

impl Moment {
    /// So long after now.
    pub(crate) fn after(clock: &dyn Clock, wait: Duration) -> Self {
        Self { wall: clock.now() + wait, boot: clock.since_boot().saturating_add(wait) }
    }

    /// At this time of the wall clock, but not later than `most` from now: a clock that was set back since the
    /// time was noted makes no wait longer.
    pub(crate) fn at(clock: &dyn Clock, wall: Timestamp, most: Option<Duration>) -> Self {
        let left = wall.since(clock.now());
        let left = most.map_or(left, |most| left.min(most));
        Self { wall, boot: clock.since_boot().saturating_add(left) }
    }

    /// The same moment, so much later.
    pub(crate) fn later(self, by: Duration) -> Self {
        Self { wall: self.wall + by, boot: self.boot.saturating_add(by) }
    }

    pub(crate) fn passed(&self, clock: &dyn Clock) -> bool {
        self.left(clock).is_zero()
    }

    /// How long it is until then.
    pub(crate) fn left(&self, clock: &dyn Clock) -> Duration {
        self.wall.since(clock.now()).min(self.boot.saturating_sub(clock.since_boot()))
    }

    /// Whichever comes first.
    pub(crate) fn at_most(self, other: Self) -> Self {
        Self { wall: self.wall.min(other.wall), boot: self.boot.min(other.boot) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ManualClock;

    #[test]
    fn a_moment_has_passed_as_soon_as_either_clock_says_so() {
        let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
        let moment = Moment::after(&clock, Duration::from_secs(60));
        assert!(!moment.passed(&clock));
        clock.set_wall(Timestamp::from_millis(0));
        clock.advance(Duration::from_secs(59));
        assert!(!moment.passed(&clock));
        clock.advance(Duration::from_secs(1));
        assert!(moment.passed(&clock), "the wall clock was set back, the time has passed all the same");

        let moment = Moment::after(&clock, Duration::from_secs(60));
        clock.set_wall(Timestamp::from_millis(9_000_000));
        assert!(moment.passed(&clock));
    }

    #[test]
    fn a_wall_clock_that_was_set_back_makes_no_wait_longer_than_it_can_be() {
        let clock = ManualClock::at(Timestamp::from_millis(0));
        let moment = Moment::at(&clock, Timestamp::from_millis(86_400_000), Some(Duration::from_secs(3600)));
        clock.advance(Duration::from_secs(3600));
        assert!(moment.passed(&clock));
    }
}
