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
    /// The same of the bare proxy, which no proxy made with this HTTP library can be better than.
    pub floor: Option<f64>,
    limit: f64,
    least: bool,
}

impl Target {
    fn floor(self, floor: Option<f64>) -> Self {
        Self { floor, ..self }
    }

    /// Whether it was reached.
    pub(crate) fn reached(&self) -> Option<bool> {
        self.found.map(|found| if self.least { found >= self.limit } else { found <= self.limit })
    }
}

/// All of them.
pub(crate) fn targets(f: &Figures, plan: &Plan) -> Vec<Target> {
    let over = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
    let added = |key, figure| over(f.added(key, "direct", figure), f.median("direct", figure));
    let ratio = |key, figure| f.ratio(key, "direct", figure);
    let loaded = |key| over(f.median(key, Figure::Loaded), f.median(key, Figure::Idle));
    let (p50, p99, big) = (Figure::P50(64), Figure::P99(64), Figure::P50(100_000));
    let apps = over(f.median("service", Figure::CpuConnections), f.median("service", Figure::CpuConnection));
    let http = [
        most("HTTP: added p50, of the direct p50", 1.0, " ×", added("service", p50))
            .floor(added("proxy", p50)),
        most("HTTP: p99, of the direct p99", 3.0, " ×", ratio("service", p99)).floor(ratio("proxy", p99)),
        Target {
            what: "HTTP: calls a second with 32 at once, of the direct way's",
            bound: "≥ 0.45 ×".to_owned(),
            found: ratio("service", Figure::Rate(32)),
            floor: ratio("proxy", Figure::Rate(32)),
            limit: 0.45,
            least: true,
        },
        most(
            "HTTP: processor time a call with 32 at once, of the bare proxy's",
            2.5,
            " ×",
            f.ratio("service", "proxy", Figure::Cpu(32)),
        )
        .floor(Some(1.0)),
        most("HTTP, 100 kB: added p50, of the direct p50", 0.5, " ×", added("service", big))
            .floor(added("proxy", big)),
    ];
    let peer = "hyper-mcp-remote";
    let slower = over(f.added("bridge", "direct", p50), f.added(peer, "direct", p50));
    let later = over(f.median("bridge", Figure::First), f.median(peer, Figure::First));
    let bridge = [
        most("bridge: added p50, of hyper-mcp-remote's", 0.6, " ×", slower),
        most("bridge: first reply, of hyper-mcp-remote's", 0.25, " ×", later),
        most("bridge: memory", 3.0, " MB", f.median("bridge", Figure::Idle)),
        most("bridge: memory after 26,000 calls", 3.0, " MB", f.median("bridge", Figure::Loaded)),
    ];
    let services = f.ratio("all-50", "all-1", Figure::Cpu(32));
    let serve = [
        most("`bellhop serve`: memory", 15.0, " MB", f.median("service", Figure::Idle)),
        most("`bellhop serve`: memory after 100,000 calls, of that before", 1.3, " ×", loaded("service")),
        most("processor time a call with 50 services, of that with one", 1.1, " ×", services),
        most("processor time a call with 100 connected apps, of that with few", 1.1, " ×", apps),
    ];
    let mut all: Vec<Target> = http.into_iter().chain(bridge).chain(serve).collect();
    if plan.quick {
        // So few calls prove nothing about memory.
        all.retain(|target| !target.what.contains(" after "));
    }
    all
}

fn most(what: &'static str, limit: f64, unit: &str, found: Option<f64>) -> Target {
    Target { what, bound: format!("≤ {limit}{unit}"), found, floor: None, limit, least: false }
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
