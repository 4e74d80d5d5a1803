use governor::{
    Quota, RateLimiter,
    clock::{Clock as GovernorClock, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use model::Clock;
use std::{num::NonZeroU32, sync::Arc, time::Duration};

/// How often a minute, and how often at once.
const A_MINUTE: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// How fast something may be asked for, by all together.
pub(crate) struct Rate {
    limiter: RateLimiter<NotKeyed, InMemoryState, BootClock, NoOpMiddleware<Nanos>>,
    clock: BootClock,
}

/// The clock that was passed in, as the rate limiter reads it.
#[derive(Clone)]
struct BootClock(Arc<dyn Clock>);

impl GovernorClock for BootClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.since_boot())
    }
}

impl Rate {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let clock = BootClock(clock);
        Self { limiter: RateLimiter::direct_with_clock(Quota::per_minute(A_MINUTE), clock.clone()), clock }
    }

    /// Once more now?
    ///
    /// # Errors
    /// In how many seconds.
    pub(crate) fn check(&self) -> Result<(), u64> {
        self.limiter.check().map_err(|wait| {
            let left: Duration = wait.earliest_possible().duration_since(self.clock.now()).into();
            left.as_millis().div_ceil(1000) as u64
        })
    }
}
