//! How much is measured.

use crate::Failure;

/// What the command line asks for.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Repetitions.
    pub rounds: usize,
    /// How long a measurement takes, in milliseconds.
    pub block: u64,
    /// Bodies beside the one of 64 bytes.
    pub bodies: Vec<usize>,
    /// Calls before the first that counts.
    pub warm_up: u64,
    /// How often a start is measured.
    pub starts: usize,
    /// Calls through a bridge or a peer before its memory is looked at again.
    pub bridge_calls: u64,
    /// The same for `bellhop serve`.
    pub serve_calls: u64,
    /// Open event streams.
    pub streams: usize,
    /// Connections of apps.
    pub connections: usize,
    /// Only these subjects.
    pub only: Vec<String>,
    /// Whether it is a short run, which writes no document.
    pub quick: bool,
}

impl Plan {
    /// Read the command line.
    pub(crate) fn read(args: &[String]) -> Result<Self, Failure> {
        let mut plan = Self {
            rounds: 5,
            block: 800,
            bodies: vec![10_000, 100_000, 1_000_000],
            warm_up: 500,
            starts: 5,
            bridge_calls: 26_000,
            serve_calls: 100_000,
            streams: 1_000,
            connections: 100,
            only: Vec::new(),
            quick: false,
        };
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            match arg {
                "--quick" => {
                    plan = Self {
                        rounds: 3,
                        block: 300,
                        warm_up: 200,
                        starts: 3,
                        bridge_calls: 5_000,
                        serve_calls: 10_000,
                        connections: 10,
                        quick: true,
                        ..plan
                    }
                }
                "--only" => {
                    let names = args.next().ok_or("--only wants a subject")?;
                    plan.only.extend(names.split(',').map(str::to_owned));
                }
                other => return Err(format!("{other:?} is not understood; see `cargo xtask --help`").into()),
            }
        }
        Ok(plan)
    }

    /// Whether a subject is asked for. The direct way always is: all are compared with it.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.only.is_empty() || key.starts_with("direct") || self.only.iter().any(|only| only == key)
    }

    /// Whether the document is written.
    pub(crate) fn whole(&self) -> bool {
        !self.quick && self.only.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Plan, Failure> {
        Plan::read(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn only_a_whole_run_is_written_down() {
        assert!(read(&[]).unwrap().whole());
        assert!(!read(&["--quick"]).unwrap().whole());
        let some = read(&["--only", "service,bridge", "--quick"]).unwrap();
        assert!(!some.whole() && some.has("bridge") && some.has("direct") && !some.has("all-1"));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        assert!(read(&["--fast"]).is_err());
        assert!(read(&["--only"]).is_err());
    }
}
