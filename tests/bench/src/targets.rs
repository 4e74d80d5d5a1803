//! What Bellhop is to reach, and whether it did.

use crate::{
    figures::{Figure, Figures},
    plan::Plan,
};

/// One of them.
pub(crate) struct Target {
    /// What is measured, and the most or least it may be.
    pub what: &'static str,
    /// The bound, in the same unit.
    pub bound: String,
    /// What was measured; nothing when it could not be.
    pub found: Option<f64>,
    limit: f64,
    least: bool,
}

impl Target {
    /// Whether it was reached.
    pub(crate) fn reached(&self) -> Option<bool> {
        self.found.map(|found| if self.least { found >= self.limit } else { found <= self.limit })
    }
}

/// All of them.
pub(crate) fn targets(f: &Figures, plan: &Plan) -> Vec<Target> {
    let over = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
    let at_most = |what, limit: f64, unit: &str, found| Target {
        what,
        bound: format!("≤ {limit}{unit}"),
        found,
        limit,
        least: false,
    };
    let direct = |figure| f.median("direct", figure);
    let grown = |key, to| f.ratio(key, to, Figure::Cpu(32));
    let p50 = Figure::P50(64);
    let big = Figure::P50(100_000);
    let loaded = |key| over(f.median(key, Figure::Loaded), f.median(key, Figure::Idle));
    let connections =
        over(f.median("service", Figure::CpuConnections), f.median("service", Figure::CpuConnection));
    let mut all = vec![
        at_most(
            "HTTP: added p50, of the direct p50",
            1.0,
            " ×",
            over(f.added("service", "direct", p50), direct(p50)),
        ),
        at_most("HTTP: p99, of the direct p99", 3.0, " ×", f.ratio("service", "direct", Figure::P99(64))),
        Target {
            what: "HTTP: calls a second with 32 at once, of the direct way's",
            bound: "≥ 0.45 ×".to_owned(),
            found: f.ratio("service", "direct", Figure::Rate(32)),
            limit: 0.45,
            least: true,
        },
        at_most(
            "HTTP: processor time a call with 32 at once, of the bare proxy's",
            2.5,
            " ×",
            f.ratio("service", "proxy", Figure::Cpu(32)),
        ),
        at_most(
            "HTTP, 100 kB: added p50, of the direct p50",
            0.5,
            " ×",
            over(f.added("service", "direct", big), direct(big)),
        ),
        at_most(
            "bridge: added p50, of hyper-mcp-remote's",
            0.6,
            " ×",
            over(f.added("bridge", "direct", p50), f.added("hyper-mcp-remote", "direct", p50)),
        ),
        at_most(
            "bridge: first reply, of hyper-mcp-remote's",
            0.25,
            " ×",
            over(f.median("bridge", Figure::First), f.median("hyper-mcp-remote", Figure::First)),
        ),
        at_most("bridge: memory", 3.0, " MB", f.median("bridge", Figure::Idle)),
        at_most("bridge: memory after 26,000 calls", 3.0, " MB", f.median("bridge", Figure::Loaded)),
        at_most("`bellhop serve`: memory", 15.0, " MB", f.median("service", Figure::Idle)),
        at_most("`bellhop serve`: memory after 100,000 calls, of that before", 1.3, " ×", loaded("service")),
        at_most(
            "processor time a call with 50 services, of that with one",
            1.1,
            " ×",
            grown("all-50", "all-1"),
        ),
        at_most("processor time a call with 100 connected apps, of that with few", 1.1, " ×", connections),
    ];
    if plan.quick {
        // So few calls prove nothing about memory.
        all.retain(|target| !target.what.contains(" after "));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_could_not_be_measured_is_neither_reached_nor_missed() {
        let mut figures = Figures::default();
        figures.note("direct", Figure::Rate(32), Some(1000.0));
        figures.note("service", Figure::Rate(32), Some(440.0));
        let all = targets(&figures, &Plan::read(&[]).unwrap());
        let of = |part: &str| all.iter().find(|t| t.what.contains(part)).unwrap().reached();
        assert_eq!(of("calls a second"), Some(false));
        assert_eq!(of("first reply"), None);
    }
}
