//! A picture of bars, readable on light and on dark ground.

use std::fmt::Write;

/// A group of bars of one unit.
pub(crate) struct Panel {
    /// What they show.
    pub title: String,
    /// The bars.
    pub bars: Vec<Bar>,
}

/// One of them.
pub(crate) struct Bar {
    /// Whose it is.
    pub label: String,
    /// How long it is.
    pub value: f64,
    /// What stands at its end.
    pub text: String,
    /// Whether it is Bellhop's.
    pub own: bool,
}

const WIDTH: f64 = 760.0;
const LABELS: f64 = 250.0;
const VALUES: f64 = 90.0;
const ROW: f64 = 24.0;
const TITLE: f64 = 40.0;

const STYLE: &str = "\
text{font:14px system-ui,sans-serif;fill:#1f2328}\
.title{font-weight:600}\
.other{fill:#8c959f}\
.own{fill:#0969da}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.other{fill:#6e7681}.own{fill:#58a6ff}}";

/// The picture.
pub(crate) fn picture(title: &str, panels: &[Panel]) -> String {
    let height: f64 = panels.iter().map(|panel| TITLE + rows(panel.bars.len())).sum::<f64>() + 8.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"{title}\">\n<style>{STYLE}</style>\n",
        title = escaped(title),
    );
    let mut top = 0.0;
    for panel in panels {
        add(&mut svg, panel, top);
        top += TITLE + rows(panel.bars.len());
    }
    svg + "</svg>\n"
}

fn add(svg: &mut String, panel: &Panel, top: f64) {
    let longest = panel.bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    // Writing to a string can't fail.
    let _ = writeln!(
        svg,
        "<text class=\"title\" x=\"8\" y=\"{:.0}\">{}</text>",
        top + 26.0,
        escaped(&panel.title)
    );
    for (n, bar) in panel.bars.iter().enumerate() {
        let y = top + TITLE + rows(n);
        let length = (bar.value.max(0.0) / longest * (WIDTH - LABELS - VALUES)).max(1.0);
        let class = if bar.own { "own" } else { "other" };
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{class}\" x=\"{LABELS}\" y=\"{:.0}\" width=\"{length:.1}\" height=\"16\" rx=\"2\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\">{}</text>",
            LABELS - 8.0,
            y + 13.0,
            escaped(&bar.label),
            y,
            LABELS + length + 8.0,
            y + 13.0,
            escaped(&bar.text),
        );
    }
}

#[allow(clippy::cast_precision_loss)]
fn rows(count: usize) -> f64 {
    count as f64 * ROW
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_is_as_wide_as_there_is_room() {
        let bar =
            |label: &str, value| Bar { label: label.to_owned(), value, text: "1".to_owned(), own: false };
        let bars = vec![bar("/mcp/<service>", 2.0), bar("b", 1.0), bar("c", -1.0)];
        let svg = picture("a & b", &[Panel { title: "t".to_owned(), bars }]);
        assert!(
            svg.contains("width=\"420.0\"")
                && svg.contains("width=\"210.0\"")
                && svg.contains("width=\"1.0\"")
        );
        assert!(svg.contains("/mcp/&lt;service&gt;") && svg.contains("a &amp; b"));
    }
}
