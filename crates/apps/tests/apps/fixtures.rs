//! Real-world configs through connect, connect, disconnect. What a fixture looks like when it is connected
//! stands beside it, in `NAME.connected.EXT`; `BELLHOP_BLESS=1` writes those files anew, to be looked at.

use crate::computer::{BOTH, Computer, id};
use bellhop_apps::AppState;
use model::Explain;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn fixtures(app: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder(app)).unwrap().map(|f| f.unwrap().path());
    let mut files: Vec<_> = files.filter(|f| !f.to_str().unwrap().contains(".connected.")).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn check(app: &str) {
    for fixture in fixtures(app) {
        let name = fixture.display();
        let original = fs::read(&fixture).unwrap();
        let computer = Computer::new();
        let config = computer.write(app, &original);
        let apps = computer.apps();

        let preview = apps.preview(&id(app), None).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(fs::read(&config).unwrap(), original, "{name}: a preview wrote");
        let plan = apps.connect(&id(app), None).unwrap();
        assert_eq!(plan, preview, "{name}: the preview lied");

        let connected = fs::read(&config).unwrap();
        let extension = fixture.extension().unwrap().to_str().unwrap();
        let expected = fixture.with_extension(format!("connected.{extension}"));
        if std::env::var_os("BELLHOP_BLESS").is_some() {
            fs::write(&expected, &connected).unwrap();
        }
        let expected = fs::read(&expected).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(String::from_utf8(connected).unwrap(), String::from_utf8(expected).unwrap(), "{name}");
        assert!(
            matches!(apps.get(&id(app)).unwrap().state, AppState::Connected { method } if method == plan.method)
        );

        let before = computer.snapshot();
        let again = apps.connect(&id(app), None).unwrap();
        assert!(again.changes.is_empty(), "{name}: connecting twice changed something");
        assert_eq!(computer.snapshot(), before, "{name}");

        let plan = apps.disconnect(&id(app)).unwrap();
        assert!(!plan.changes[0].diff.is_empty());
        assert_eq!(fs::read(&config).unwrap(), original, "{name}: disconnect is not the identity");
        assert_eq!(apps.get(&id(app)).unwrap().state, AppState::Disconnected, "{name}");
    }
}

#[test]
fn a_config_of_cursor_is_connected_as_written_down_and_restored_to_the_byte() {
    check("cursor");
}

#[test]
fn a_config_of_claude_desktop_is_connected_as_written_down_and_restored_to_the_byte() {
    check("claude-desktop");
}

#[test]
fn a_config_of_claude_code_is_connected_as_written_down_and_restored_to_the_byte() {
    check("claude-code");
}

#[test]
fn a_config_of_codex_is_connected_as_written_down_and_restored_to_the_byte() {
    check("codex");
}

/// Where the backups are lost, the text alone must do. What can't be known then is listed: white space and
/// groups that may have been there before.
#[test]
fn without_backups_disconnect_still_takes_out_our_entry_alone() {
    let known_to_differ = [
        ("cursor", vec!["blank", "braces", "braces-apart", "empty", "only-a-comment", "other-keys-only"]),
        ("claude-desktop", vec!["no-servers"]),
        ("claude-code", vec!["minified", "state"]),
        ("codex", vec!["no-final-newline", "blank-end"]),
    ];
    for (app, differ) in known_to_differ {
        let mut differed = Vec::new();
        for fixture in fixtures(app) {
            let original = fs::read(&fixture).unwrap();
            let computer = Computer::new();
            let config = computer.write(app, &original);
            let apps = computer.apps();
            apps.connect(&id(app), None).unwrap();
            fs::remove_dir_all(&computer.surroundings.backups).unwrap();
            apps.disconnect(&id(app)).unwrap();
            assert_eq!(apps.get(&id(app)).unwrap().state, AppState::Disconnected);
            let now = fs::read(&config).unwrap();
            assert!(!String::from_utf8_lossy(&now).contains("127.0.0.1"), "{}", fixture.display());
            if now != original {
                differed.push(fixture.file_stem().unwrap().to_str().unwrap().to_owned());
            }
        }
        differed.sort();
        let mut differ: Vec<_> = differ.into_iter().map(str::to_owned).collect();
        differ.sort();
        assert_eq!(differed, differ, "{app}");
    }
}

/// The config, the app whose it is, the code of the problem, and the line it names.
const REFUSED: [(&str, &str, &str, Option<&str>); 16] = [
    ("unfinished.json", "cursor", "apps.syntax", Some("3")),
    ("missing-comma.json", "cursor", "apps.syntax", Some("2")),
    ("list.json", "cursor", "apps.form", Some("1")),
    ("group-is-a-list.json", "cursor", "apps.form", Some("3")),
    ("group-is-null.json", "cursor", "apps.form", Some("2")),
    ("group-twice.json", "cursor", "apps.twice", Some("3")),
    ("entry-twice.json", "cursor", "apps.twice", Some("3")),
    ("latin-1.json", "cursor", "apps.encoding", Some("2")),
    ("two-documents.json", "cursor", "apps.syntax", Some("2")),
    ("foreign.json", "cursor", "apps.taken", None),
    ("comment.strict.json", "claude-code", "apps.syntax", Some("2")),
    ("trailing-comma.strict.json", "claude-desktop", "apps.syntax", Some("2")),
    ("unfinished.toml", "codex", "apps.syntax", Some("2")),
    ("group-is-text.toml", "codex", "apps.form", Some("2")),
    ("entry-twice.toml", "codex", "apps.syntax", Some("4")),
    ("foreign.toml", "codex", "apps.taken", None),
];

#[test]
fn a_config_that_cannot_be_edited_stays_untouched_and_the_problem_names_file_and_line() {
    for (file, app, code, line) in REFUSED {
        let original = fs::read(folder("refused").join(file)).unwrap();
        let computer = Computer::new();
        let config = computer.write(app, &original);
        let before = computer.snapshot();
        let apps = computer.apps();
        for method in BOTH {
            let Err(error) = apps.connect(&id(app), method) else { panic!("{file} was connected") };
            let problem = error.problem();
            if problem.code == "apps.method" {
                continue;
            }
            assert_eq!(
                (problem.code.as_ref(), problem.values.get("line").map(String::as_str)),
                (code, line),
                "{file}: {error}"
            );
            assert_eq!(problem.values["file"], config.display().to_string());
            assert_eq!(apps.preview(&id(app), method).unwrap_err().problem(), problem);
        }
        match apps.get(&id(app)).unwrap().state {
            AppState::Other { problem } => assert_eq!(problem.code, "apps.taken", "{file}"),
            AppState::Unreadable { problem } => assert_eq!(problem.code, code, "{file}"),
            state => panic!("{file}: {state:?}"),
        }
        let _ = apps.disconnect(&id(app));
        assert_eq!(computer.snapshot(), before, "{file}");
    }
}

#[test]
fn a_problem_does_not_quote_the_config() {
    for (app, text) in [
        ("cursor", "{\"mcpServers\": {\"a\": {\"token\": hunter2 }}}"),
        ("codex", "token = hunter2\n"),
        ("codex", "[a]\nhunter2 = 1\nhunter2 = 2\n"),
    ] {
        let computer = Computer::new();
        computer.write(app, text);
        let error = computer.apps().connect(&id(app), None).unwrap_err();
        assert!(!format!("{error:?} {error} {:?}", error.problem()).contains("hunter2"), "{error:?}");
    }
}
