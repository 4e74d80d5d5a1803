//! How many tools apps can hold.

/// What apps send to their model's provider beside the tools of MCP servers: their own count as well.
const OWN: usize = 28;

/// From apps, as they call themselves or as Bellhop's list of apps calls them, in small letters, to how many tools
/// they can hold.
const KNOWN: [(&str, usize); 12] = [
    // At most 128 in a request (VS Code's documentation, and the APIs of its models).
    ("visual studio code", 128 - OWN),
    ("vscode", 128 - OWN),
    // 80 of all MCP servers together, which once were 40.
    ("cursor", 80),
    ("cursor-vscode", 80),
    // Fewer than 100.
    ("windsurf", 99),
    ("windsurf-client", 99),
    ("antigravity", 99),
    ("antigravity-client", 99),
    // The Gemini API takes 512 functions.
    ("gemini-cli", 512 - OWN),
    ("gemini-cli-mcp-client", 512 - OWN),
    // Those find tools themselves among any number.
    ("claude-code", usize::MAX),
    ("claude code", usize::MAX),
];

/// How many tools an app can hold that goes by this name: its entry in the list of known apps, or what it calls itself.
/// A sensible number for one that nobody knows: most models' providers take 128 in a request.
pub fn most_tools(app: &str) -> usize {
    known(app).unwrap_or(128 - OWN)
}

/// The same; `None` for an app that nobody knows.
pub(crate) fn known(app: &str) -> Option<usize> {
    let app = app.to_lowercase();
    KNOWN.iter().find(|(name, _)| *name == app).map(|(_, most)| *most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_known_by_either_of_its_names_and_any_other_holds_a_sensible_number() {
        assert_eq!(most_tools("Visual Studio Code"), most_tools("vscode"));
        assert_eq!(most_tools("cursor-vscode"), 80);
        assert_eq!(most_tools("claude-code"), usize::MAX);
        assert_eq!(most_tools("whatever"), 100);
    }
}
