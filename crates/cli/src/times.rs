//! Moments, as a person reads them.

use jiff::tz::TimeZone;
use model::{Clock, SystemClock, Timestamp};
use std::time::Duration;

/// How long ago, or in how long: `3 minutes ago`, `in 2 hours`. Beyond a month, the day.
pub(crate) fn relative(at: Timestamp) -> String {
    let now = SystemClock.now();
    let (apart, future) = if at > now { (at.since(now), true) } else { (now.since(at), false) };
    let Some(words) = words(apart) else { return local(at, "%Y-%m-%d") };
    match (words.as_str(), future) {
        ("", true) => "now".to_owned(),
        ("", false) => "just now".to_owned(),
        (words, true) => format!("in {words}"),
        (words, false) => format!("{words} ago"),
    }
}

/// A length in its largest unit; empty for less than half a minute, `None` for more than a month.
fn words(length: Duration) -> Option<String> {
    let seconds = length.as_secs();
    let (number, unit) = match seconds {
        0..30 => return Some(String::new()),
        30..3570 => ((seconds + 30) / 60, "minute"),
        3570..84_600 => ((seconds + 1800) / 3600, "hour"),
        84_600..2_592_000 => ((seconds + 43_200) / 86_400, "day"),
        _ => return None,
    };
    let s = if number == 1 { "" } else { "s" };
    Some(format!("{number} {unit}{s}"))
}

/// To the second, in this computer's time zone.
pub(crate) fn exact(at: Timestamp) -> String {
    local(at, "%Y-%m-%d %H:%M:%S")
}

fn local(at: Timestamp, format: &str) -> String {
    match jiff::Timestamp::from_millisecond(at.millis()) {
        Ok(t) => t.to_zoned(TimeZone::system()).strftime(format).to_string(),
        Err(_) => at.to_string(),
    }
}
