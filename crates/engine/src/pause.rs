use control::{PauseFor, PauseView};
use model::{Clock, Problem, Timestamp};
use relay::Connection;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use std::time::Duration;
use tokio::sync::watch;

/// Not paused.
const RUNNING: i64 = 0;
/// Paused until the person resumes.
const UNTIL_RESUME: i64 = i64::MAX;

/// Whether calls pass. One atomic: each call reads it.
pub(crate) struct Pause {
    clock: Arc<dyn Clock>,
    /// [`RUNNING`], [`UNTIL_RESUME`], or the moment it ends in milliseconds.
    until: AtomicI64,
    /// For calls that wait for the person.
    changed: watch::Sender<()>,
}

impl Pause {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, until: AtomicI64::new(RUNNING), changed: watch::Sender::new(()) }
    }

    /// The pause as the settings keep it.
    pub(crate) fn kept(&self) -> String {
        self.until.load(Ordering::Acquire).to_string()
    }

    /// The pause as it was before a restart.
    pub(crate) fn restore(&self, kept: &str) {
        self.until.fetch_max(kept.parse().unwrap_or(RUNNING), Ordering::AcqRel);
    }

    /// Pause, or pause for longer. Never for less: that lets calls pass sooner, which is for [`Pause::resume`] and the
    /// person.
    pub(crate) fn pause(&self, length: PauseFor) {
        let now = self.clock.now();
        let until = match length {
            PauseFor::Minutes15 => (now + Duration::from_secs(15 * 60)).millis(),
            PauseFor::UntilTomorrow => tomorrow(now).millis(),
            PauseFor::UntilResume => UNTIL_RESUME,
        };
        self.until.fetch_max(until, Ordering::AcqRel);
        self.changed.send_replace(());
    }

    pub(crate) fn resume(&self) {
        self.until.store(RUNNING, Ordering::Release);
        self.changed.send_replace(());
    }

    /// A connection was paused or resumed.
    pub(crate) fn moved(&self) {
        self.changed.send_replace(());
    }

    /// Hears whenever the person pauses or resumes.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(crate) fn view(&self) -> PauseView {
        match self.until.load(Ordering::Acquire) {
            UNTIL_RESUME => PauseView::Paused { until: None },
            until if until > self.clock.now().millis() => {
                PauseView::Paused { until: Some(Timestamp::from_millis(until)) }
            }
            _ => PauseView::Running,
        }
    }
}

impl relay::Admission for Pause {
    fn admit(&self, connection: &Connection) -> Result<(), Problem> {
        if connection.paused_on().is_some() {
            return Err(Problem::new(
                "engine.connection_paused",
                "This app is paused in Bellhop.",
                "Choose Resume for it in Bellhop, then ask again.",
            ));
        }
        let until = self.until.load(Ordering::Acquire);
        if until == RUNNING || until <= self.clock.now().millis() {
            return Ok(());
        }
        Err(Problem::new(
            "engine.paused",
            "Bellhop is paused.",
            "Choose Resume in Bellhop's menu, then ask again.",
        ))
    }
}

/// Six in the morning of the next day, by the computer's own calendar.
fn tomorrow(now: Timestamp) -> Timestamp {
    let zoned = jiff::Timestamp::from_millisecond(now.millis())
        .unwrap_or_default()
        .to_zoned(jiff::tz::TimeZone::system());
    let six =
        zoned.tomorrow().and_then(|day| day.with().hour(6).minute(0).second(0).subsec_nanosecond(0).build());
    match six {
        Ok(six) => Timestamp::from_millis(six.timestamp().as_millisecond()),
        Err(_) => now + Duration::from_secs(12 * 60 * 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ManualClock;
    use model::Scope;
    use relay::Admission;

    fn connection() -> Arc<Connection> {
        let grant = relay::Grant { name: "Cursor on laptop".to_owned(), scope: Scope::default() };
        Connection::new("n".into(), grant, None, 0)
    }

    #[test]
    fn a_paused_connection_is_refused_and_no_other() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let pause = Pause::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let (one, other) = (connection(), connection());
        one.pause(Some(clock.now()));
        assert_eq!(pause.admit(&one).unwrap_err().code, "engine.connection_paused");
        assert!(pause.admit(&other).is_ok());
        one.pause(None);
        assert!(pause.admit(&one).is_ok());
    }

    #[test]
    fn a_pause_ends_by_itself_or_by_the_person() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let pause = Pause::new(Arc::clone(&clock) as Arc<dyn Clock>);
        assert!(pause.admit(&connection()).is_ok());
        pause.pause(PauseFor::Minutes15);
        assert_eq!(pause.admit(&connection()).unwrap_err().code, "engine.paused");
        clock.advance(Duration::from_secs(15 * 60));
        assert!(pause.admit(&connection()).is_ok());
        pause.pause(PauseFor::UntilResume);
        clock.advance(Duration::from_secs(1_000_000));
        assert!(pause.admit(&connection()).is_err());
        pause.pause(PauseFor::Minutes15);
        assert_eq!(pause.view(), PauseView::Paused { until: None }, "a pause is not made shorter by pausing");
        let after_restart = Pause::new(Arc::clone(&clock) as Arc<dyn Clock>);
        after_restart.restore(&pause.kept());
        assert!(after_restart.admit(&connection()).is_err(), "a pause outlives a restart");
        pause.resume();
        assert_eq!(pause.view(), PauseView::Running);
    }

    #[test]
    fn tomorrow_is_six_in_the_morning_within_the_next_day_and_a_half() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let until = tomorrow(now);
        assert!(until > now && until.since(now) < Duration::from_secs(30 * 60 * 60));
    }
}
