//! What is printed: tables that align, and colour where somebody sees it.

use model::Problem;
use serde::Serialize;
use std::{
    borrow::Cow,
    env,
    fmt::Write as _,
    io::{self, IsTerminal, Write},
};

/// How a text is shown where there is colour. What it says is never in the colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Strong,
    Faint,
    Good,
    Bad,
}

/// A text and how it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Cell(Style, String);

impl Cell {
    pub(crate) fn new(style: Style, text: impl Into<String>) -> Self {
        Self(style, clean(&text.into()).into_owned())
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Style::Plain, text)
    }
}

/// Standard output.
pub(crate) struct Output {
    colour: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        let unset = |name| env::var_os(name).is_none_or(|v| v.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|t| t == "dumb");
        Self { colour: io::stdout().is_terminal() && unset("NO_COLOR") && !dumb }
    }

    /// One line.
    pub(crate) fn line(&self, cell: impl Into<Cell>) -> io::Result<()> {
        let Cell(style, text) = cell.into();
        writeln!(io::stdout().lock(), "{}", self.paint(style, &text))
    }

    /// JSON, for programs.
    pub(crate) fn json(&self, value: &impl Serialize) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{}", serde_json::to_string_pretty(value)?)
    }

    /// JSON on one line, for programs that read along.
    pub(crate) fn json_line(&self, value: &impl Serialize) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", serde_json::to_string(value)?)?;
        out.flush()
    }

    /// A table; `nothing` when there are no rows.
    pub(crate) fn table<const N: usize>(
        &self,
        heads: [&str; N],
        rows: Vec<[Cell; N]>,
        nothing: &str,
    ) -> io::Result<()> {
        if rows.is_empty() {
            return writeln!(io::stderr(), "{nothing}");
        }
        let heads = heads.map(|h| Cell::new(Style::Faint, h));
        let rows: Vec<_> = std::iter::once(heads).chain(rows).collect();
        io::stdout().lock().write_all(self.aligned(&rows, 2).as_bytes())
    }

    /// Names and what belongs to each, below one another.
    pub(crate) fn pairs(&self, pairs: Vec<[Cell; 2]>) -> io::Result<()> {
        io::stdout().lock().write_all(self.aligned(&pairs, 2).as_bytes())
    }

    /// A unified diff.
    pub(crate) fn diff(&self, diff: &str) -> io::Result<()> {
        for line in diff.lines() {
            let style = match line.as_bytes().first() {
                _ if line.starts_with("+++") || line.starts_with("---") => Style::Strong,
                Some(b'+') => Style::Good,
                Some(b'-') => Style::Bad,
                Some(b'@') => Style::Faint,
                _ => Style::Plain,
            };
            self.line(Cell::new(style, line))?;
        }
        Ok(())
    }

    fn aligned<const N: usize>(&self, rows: &[[Cell; N]], gap: usize) -> String {
        let mut widths = [0; N];
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.1.chars().count());
            }
        }
        let mut out = String::new();
        for row in rows {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
                line.push_str(&self.paint(cell.0, &cell.1));
                if at + 1 < N {
                    let _ = write!(line, "{:1$}", "", width - cell.1.chars().count() + gap);
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    fn paint<'a>(&self, style: Style, text: &'a str) -> Cow<'a, str> {
        let code = match style {
            _ if !self.colour || text.is_empty() => return text.into(),
            Style::Plain => return text.into(),
            Style::Strong => "1",
            Style::Faint => "2",
            Style::Good => "32",
            Style::Bad => "31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m").into()
    }
}

/// A sentence beside the output: for the person, not for a program that reads along.
pub(crate) fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "{}", clean(sentence));
}

/// Text without control and direction characters. Names come from apps and services, and a terminal obeys what it
/// is sent.
fn clean(text: &str) -> Cow<'_, str> {
    let bad = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(bad) { text.replace(bad, "\u{fffd}").into() } else { text.into() }
}

/// The same for a problem's sentences.
pub(crate) fn clean_problem(problem: &Problem) -> Problem {
    let mut problem = problem.clone();
    problem.sentence = clean(&problem.sentence).into_owned();
    problem.next = clean(&problem.next).into_owned();
    problem
}
