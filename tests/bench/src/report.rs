//! What was measured, in words and tables.

use crate::{
    figures::{Figure, Figures},
    message::Era,
    plan::Plan,
    subject::{Reach, Subject},
    svg::{Bar, Panel, picture},
    targets::targets,
};
use std::fmt::Write;

/// The document `docs/performance.md`.
pub(crate) fn document(subjects: &[Subject], f: &Figures, plan: &Plan, date: &str, cores: usize) -> String {
    let mut text = format!(
        "# How fast Bellhop is\n\n\
         Made by `cargo xtask bench` on {date}, on a machine with {cores} cores: the client is held on the first and the service on the second, the subject runs where it likes; \
         `cargo xtask bench` repeats it. Figures are medians of {} interleaved repetitions in one run, with the same \
         service behind every subject: compare them with each other, not with those of another machine.\n\n\
         ![Added latency, and calls a second](performance.svg)\n\n## Targets\n\n",
        plan.rounds,
    );
    target_table(&mut text, f, plan);
    text += "\n## Legacy apps and services (2025-11-25), 64 bytes\n\n";
    main_table(&mut text, subjects.iter().filter(|s| s.base == "direct" && s.key != "legacy-modern"), f);
    text += "\n*First reply*: from the start of the process to its answer to `initialize`; for `bellhop serve` its whole \
             start with an unlocked vault, for the bridge with Bellhop running. *Memory*: proportional (PSS), with \
             everything the program started, measured with no other subject running; the second figure is after \
             26,000 calls through a program that apps start, or as many as it managed in 25 s, and after 100,000 \
             calls through `bellhop serve`. The bare proxy is a reverse proxy made of the same HTTP library, which \
             only passes on.\n\n## Larger bodies: p50, and what was added to the direct one, in ms\n\n";
    body_table(
        &mut text,
        subjects.iter().filter(|s| s.base == "direct" && s.key != "legacy-modern"),
        f,
        plan,
    );
    text += "\n## Across the eras, 64 bytes\n\n";
    main_table(
        &mut text,
        subjects.iter().filter(|s| s.base == "direct-modern" || s.key == "legacy-modern"),
        f,
    );
    text += "\n## Many\n\n";
    many(&mut text, f, plan);
    troubles(&mut text, subjects, f);
    text
}

fn target_table(text: &mut String, f: &Figures, plan: &Plan) {
    *text += "| what | target | measured | | the bare proxy |\n|---|---|---|---|---|\n";
    for target in targets(f, plan) {
        let verdict = match target.reached() {
            Some(true) => "reached",
            Some(false) => "**not reached**",
            None => "not measured",
        };
        line(
            text,
            &[target.what, &target.bound, &number(target.found, 2), verdict, &number(target.floor, 2)],
        );
    }
}

fn main_table<'a>(text: &mut String, subjects: impl Iterator<Item = &'a Subject>, f: &Figures) {
    *text += "| | first reply ms | p50 ms | added p50 | p99 ms | calls/s, 32 at once | 256 at once | µs of processor a call, alone | at 32 | memory MB | after many calls |\n";
    *text += "|---|---|---|---|---|---|---|---|---|---|---|\n";
    for s in subjects {
        let median = |figure, digits| number(f.median(s.key, figure), digits);
        let added = f.added(s.key, s.base, Figure::P50(64)).filter(|_| s.key != s.base);
        line(
            text,
            &[
                &s.name,
                &median(Figure::First, 0),
                &median(Figure::P50(64), 3),
                &number(added, 3),
                &median(Figure::P99(64), 2),
                &median(Figure::Rate(32), 0),
                &median(Figure::Rate(256), 0),
                &median(Figure::Cpu(1), 0),
                &median(Figure::Cpu(32), 0),
                &median(Figure::Idle, 1),
                &median(Figure::Loaded, 1),
            ],
        );
    }
}

fn body_table<'a>(text: &mut String, subjects: impl Iterator<Item = &'a Subject>, f: &Figures, plan: &Plan) {
    *text += "| |";
    for size in &plan.bodies {
        let _ = write!(text, " {} kB | added |", size / 1000);
    }
    *text += "\n|---|";
    *text += &"---|".repeat(plan.bodies.len() * 2);
    *text += "\n";
    for s in subjects {
        let mut cells = vec![s.name.clone()];
        for size in &plan.bodies {
            let figure = Figure::P50(*size);
            cells.push(number(f.median(s.key, figure), 2));
            cells.push(number(f.added(s.key, s.base, figure).filter(|_| s.key != s.base), 2));
        }
        line(text, &cells.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

fn many(text: &mut String, f: &Figures, plan: &Plan) {
    let figure = |key, figure, digits| number(f.median(key, figure), digits);
    let _ = writeln!(
        text,
        "| | Bellhop, `/mcp/<service>` | |\n|---|---|---|\n\
         | {} open event streams: memory before, with them, after, MB | {}, {}, {} | the bare proxy with them, after: {}, {} |\n\
         | a call beside them, p50 ms | {} | beside those of the bare proxy: {} |\n\
         | a call on a new connection, p50 ms | {} | direct: {}; the bare proxy: {} |\n\
         | a list of 2,000 tools, p50 ms | {} | direct: {} |\n\
         | µs of processor a call with {} connected apps | {} | with few, 32 at once: {} |",
        plan.streams,
        figure("service", Figure::Loaded, 1),
        figure("service", Figure::Streaming, 1),
        figure("service", Figure::Streamed, 1),
        figure("proxy", Figure::Streaming, 1),
        figure("proxy", Figure::Streamed, 1),
        figure("service", Figure::Beside, 2),
        figure("proxy", Figure::Beside, 2),
        figure("service", Figure::Connect, 2),
        figure("direct", Figure::Connect, 2),
        figure("proxy", Figure::Connect, 2),
        figure("service", Figure::List, 2),
        figure("direct", Figure::List, 2),
        plan.connections,
        figure("service", Figure::CpuConnections, 0),
        figure("service", Figure::CpuConnection, 0),
    );
}

fn troubles(text: &mut String, subjects: &[Subject], f: &Figures) {
    let mut lines = String::new();
    for s in subjects {
        if let Reach::Not(why) = &s.reach {
            let _ = writeln!(lines, "- {}: {why}", s.name);
        }
        for trouble in f.troubles(s.key) {
            let _ = writeln!(lines, "- {}: {}", s.name, trouble.replace('|', "/").replace('<', "&lt;"));
        }
    }
    if !lines.is_empty() {
        *text += "\n## What could not be measured\n\n";
        *text += &lines;
    }
}

/// The picture `docs/performance.svg`.
pub(crate) fn bars(subjects: &[Subject], f: &Figures) -> String {
    let rows = || subjects.iter().filter(|s| s.era == Era::Legacy && s.key != "legacy-modern");
    let bar = |s: &Subject, value: f64, digits: usize| Bar {
        label: s.name.replace('`', ""),
        value,
        text: number(Some(value), digits),
        own: s.name.starts_with("Bellhop"),
    };
    let added = rows()
        .filter(|s| s.key != s.base)
        .filter_map(|s| Some(bar(s, f.added(s.key, s.base, Figure::P50(64))?, 3)));
    let rate = rows().filter_map(|s| Some(bar(s, f.median(s.key, Figure::Rate(32))?, 0)));
    let panels = [
        Panel {
            title: "Added to a call, in milliseconds (p50, less is better)".to_owned(),
            bars: added.collect(),
        },
        Panel { title: "Calls a second, 32 at once (more is better)".to_owned(), bars: rate.collect() },
    ];
    picture("Added latency and calls a second, by subject", &panels)
}

fn line(text: &mut String, cells: &[&str]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// A number with thousands apart, or a dash.
fn number(value: Option<f64>, digits: usize) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let text = format!("{value:.digits$}");
    let (whole, rest) =
        text.split_once('.').map_or((text.as_str(), String::new()), |(w, r)| (w, format!(".{r}")));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("−", whole));
    let mut out = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{sign}{out}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_set_for_reading() {
        assert_eq!(number(Some(30_938.4), 0), "30,938");
        assert_eq!(number(Some(-1234.5), 1), "−1,234.5");
        assert_eq!(number(Some(0.104), 2), "0.10");
        assert_eq!(number(None, 2), "–");
    }
}
