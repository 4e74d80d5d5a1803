//! All that was measured.

use crate::stats::median;
use std::collections::BTreeMap;

/// What a figure tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    /// The middle of the latencies with a body of so many bytes, in milliseconds.
    P50(usize),
    /// What 99 of 100 are quicker than, in milliseconds.
    P99(usize),
    /// Calls a second with so many at once.
    Rate(usize),
    /// Microseconds on the processor for a call with so many at once.
    Cpu(usize),
    /// A call on a new connection, in milliseconds.
    Connect,
    /// From the start of the process to its first answer, in milliseconds.
    First,
    /// Memory after the first call, in MB.
    Idle,
    /// Memory after many calls, in MB.
    Loaded,
    /// How many calls that were.
    Calls,
    /// Memory with 1,000 open streams, in MB.
    Streaming,
    /// Memory when they are closed again, in MB.
    Streamed,
    /// Latency of a call beside 1,000 open streams, in milliseconds.
    Beside,
    /// A list of 2,000 tools, in milliseconds.
    List,
    /// Microseconds on the processor for a call, just before many apps are connected.
    CpuConnection,
    /// Microseconds on the processor for a call when many apps are connected.
    CpuConnections,
}

/// The figures of all subjects, a row for each repetition.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    all: BTreeMap<(&'static str, Figure), Vec<Option<f64>>>,
    troubles: BTreeMap<&'static str, Vec<String>>,
}

impl Figures {
    /// Note a figure of the next repetition.
    pub(crate) fn note(&mut self, subject: &'static str, figure: Figure, value: Option<f64>) {
        self.all.entry((subject, figure)).or_default().push(value);
    }

    /// Note why something could not be measured.
    pub(crate) fn trouble(&mut self, subject: &'static str, what: &str, why: &str) {
        let why: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect();
        eprintln!("  {subject}, {what}: {why}");
        let troubles = self.troubles.entry(subject).or_default();
        if !troubles.iter().any(|known| known.starts_with(&format!("{what}:"))) {
            troubles.push(format!("{what}: {why}"));
        }
    }

    /// What could not be measured, and why.
    pub(crate) fn troubles(&self, subject: &str) -> &[String] {
        self.troubles.get(subject).map_or(&[], Vec::as_slice)
    }

    /// The middle of the repetitions.
    pub(crate) fn median(&self, subject: &'static str, figure: Figure) -> Option<f64> {
        median(self.all.get(&(subject, figure))?.iter().flatten().copied())
    }

    /// How much more than another subject's, in the same repetition each; the middle of those.
    pub(crate) fn added(&self, subject: &'static str, to: &'static str, figure: Figure) -> Option<f64> {
        median(self.pairs(subject, to, figure).map(|(own, other)| own - other))
    }

    /// How many times another subject's, in the same repetition each; the middle of those.
    pub(crate) fn ratio(&self, subject: &'static str, to: &'static str, figure: Figure) -> Option<f64> {
        median(self.pairs(subject, to, figure).map(|(own, other)| own / other))
    }

    fn pairs(&self, own: &'static str, to: &'static str, figure: Figure) -> impl Iterator<Item = (f64, f64)> {
        let row = |subject| self.all.get(&(subject, figure)).into_iter().flatten();
        row(own).zip(row(to)).filter_map(|(own, other)| Some(((*own)?, (*other)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_comes_from_the_same_repetition() {
        let mut figures = Figures::default();
        for (direct, own) in [(1.0, Some(2.0)), (10.0, None), (100.0, Some(150.0)), (2.0, Some(4.0))] {
            figures.note("direct", Figure::First, Some(direct));
            figures.note("own", Figure::First, own);
        }
        assert_eq!(figures.added("own", "direct", Figure::First), Some(2.0));
        assert_eq!(figures.ratio("own", "direct", Figure::First), Some(2.0));
        assert_eq!(figures.median("own", Figure::First), Some(4.0));
        assert_eq!(figures.median("own", Figure::Idle), None);
    }
}
