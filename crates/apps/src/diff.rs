use similar::{ChangeTag, TextDiff};

/// The longest line that is shown whole, in characters.
const WIDTH: usize = 400;

/// The change as a unified diff, for showing; empty when nothing changes.
///
/// Some apps keep their whole state in one line. Such a line is cut down to the piece that changes.
pub(crate) fn unified(name: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let diff = TextDiff::from_lines(before, after);
    let mut out = format!("--- {name}\n+++ {name}\n");
    let mut unified = diff.unified_diff();
    for hunk in unified.context_radius(3).iter_hunks() {
        out.push_str(&format!("{}\n", hunk.header()));
        // Both sides of a changed line are cut at the same place, where they part.
        let lines: Vec<_> = hunk.iter_changes().map(|c| (c.tag(), c.value())).collect();
        let side = |tag| lines.iter().find(|(t, _)| *t == tag).map(|(_, line)| *line);
        let parts = side(ChangeTag::Delete)
            .zip(side(ChangeTag::Insert))
            .map_or(0, |(a, b)| a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count());
        for (tag, line) in lines {
            out.push_str(&format!("{tag}{}\n", cut(line.trim_end_matches(['\r', '\n']), tag, parts)));
        }
    }
    out
}

fn cut(line: &str, tag: ChangeTag, parts: usize) -> String {
    let length = line.chars().count();
    if length <= WIDTH {
        return line.to_owned();
    }
    let from = if tag == ChangeTag::Equal { 0 } else { parts.saturating_sub(40) };
    let piece: String = line.chars().skip(from).take(WIDTH).collect();
    let (head, tail) = (if from > 0 { "…" } else { "" }, if from + WIDTH < length { "…" } else { "" });
    format!("{head}{piece}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_has_an_empty_diff() {
        assert_eq!(unified("a", "x\n", "x\n"), "");
    }

    #[test]
    fn a_change_inside_one_huge_line_is_still_seen() {
        let before = format!("{{\"a\":\"{}\",\"b\":1}}", "x".repeat(10_000));
        let after = before.replace("1}", "1,\"bellhop\":{}}");
        let diff = unified("a", &before, &after);
        assert!(diff.contains("bellhop") && diff.len() < 2_000, "{diff}");
    }
}
