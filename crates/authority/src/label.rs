/// The most characters of an app's name.
const LONGEST: usize = 64;
/// What an app is called that gave no name.
const NAMELESS: &str = "Unnamed app";

/// An app's name, made harmless to show: no control characters, nothing that is invisible or turns the direction
/// of writing, single spaces, at most 64 characters.
pub(crate) fn app(name: &str) -> String {
    plain_name(name).unwrap_or_else(|| NAMELESS.to_owned())
}

/// A name that a person gives, made harmless in the same way; `None` when nothing is left of it.
pub fn plain_name(name: &str) -> Option<String> {
    let plain: String =
        name.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(visible).collect();
    let mut out = String::new();
    for word in plain.split(' ').filter(|w| !w.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    let out: String = out.chars().take(LONGEST).collect();
    let out = out.trim_end();
    (!out.is_empty()).then(|| out.to_owned())
}

fn visible(c: &char) -> bool {
    let hidden = matches!(c,
        // Soft hyphen, joiners and marks of direction, and the rest of Unicode's format characters.
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        // Fillers and variation selectors, which show as nothing.
        | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{fe00}'..='\u{fe0f}');
    !c.is_control() && !hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_without_what_could_deceive() {
        assert_eq!(app("Claude Code (bellhop)"), "Claude Code (bellhop)");
        assert_eq!(app("  a\t\n b\u{0}\u{1b}[31m "), "a b[31m");
        assert_eq!(app("Cur\u{202e}rosr\u{2069}\u{200b}"), "Currosr");
        assert_eq!(app("Größe 日本"), "Größe 日本");
        assert_eq!(app("\u{200e}\u{3164} "), "Unnamed app");
        assert_eq!(app(&"x".repeat(100)).chars().count(), 64);
    }
}
