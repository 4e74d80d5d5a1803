//! The commands, as a person or a script uses them.

use bellhop_tests::{App, Bellhop, PIN};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Proves terminal.1.
#[tokio::test]
async fn exit_codes_are_those_that_scripts_expect() {
    let bellhop = Bellhop::start().await;
    for (args, code) in [
        (&["status"][..], 0),
        (&["--version"], 0),
        (&["help"], 0),
        (&["connections", "revoke", "nobody"], 1),
        (&["services", "remove", "nothing"], 1),
        (&["connect", "no-such-app"], 1),
        (&["deny", "NO CODE 1"], 1),
        (&[], 2),
        (&["no-such-command"], 2),
        (&["status", "--no-such-option"], 2),
        (&["services", "add"], 2),
        (&["serve", "--keys", "under-the-mat"], 2),
        (&["approve", "CODE", "--scope", "everything"], 2),
    ] {
        let run = bellhop.run(args).await;
        assert_eq!(run.code, Some(code), "{args:?}: {run:?}");
        assert_eq!(
            run.out.is_empty(),
            code != 0,
            "results go to standard output, the rest to the other: {run:?}"
        );
    }
    let cold = Bellhop::cold(Default::default());
    for args in [&["status"][..], &["services"], &["approve", "CODE"], &["activity", "--follow"]] {
        cold.run(args).await.refused("Bellhop isn't answering.");
    }
}

/// Proves terminal.2.
#[tokio::test]
async fn every_list_is_json_for_a_program() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let (_app, _tokens) = App::let_in(&bellhop, "Lister", &["playground:read"]).await;
    let waiting = App::register(&bellhop, "/mcp", "Waiting").await;
    waiting.ask(None).await;
    for (list, rows) in [("services", 1), ("connections", 1), ("requests", 1), ("apps", 4)] {
        let json = bellhop.json(&[list]).await;
        assert_eq!(json.as_array().map(Vec::len), Some(rows), "{list}: {json}");
    }
    assert_eq!(bellhop.json(&["status"]).await["endpoint"], bellhop.url("/mcp"));
    assert!(!bellhop.activity().await.is_empty());
    let doctor = bellhop.run(&["doctor", "--json"]).await;
    assert!(serde_json::from_str::<Value>(&doctor.out).is_ok(), "{doctor:?}");
    // And the same for a person, with the same things in it.
    for (list, has) in
        [("services", "playground"), ("connections", "Lister"), ("requests", "Waiting"), ("apps", "codex")]
    {
        let run = bellhop.run(&[list]).await.well();
        assert!(run.out.contains(has), "{run:?}");
    }
}

const CONFIGS: [(&str, &str, &str); 4] = [
    (
        "codex",
        ".codex/config.toml",
        "model = \"best\"   # mine\n\n[mcp_servers.other]\ncommand = \"other\"\n",
    ),
    (
        "claude-code",
        ".claude.json",
        "{\n    \"numStartups\": 3,\n    \"mcpServers\": { \"other\": { \"command\": \"x\" } }\n}",
    ),
    ("cursor", ".cursor/mcp.json", "{\r\n  // mine\r\n  \"mcpServers\": {\r\n  },\r\n}\r\n"),
    ("claude-desktop", ".config/Claude/claude_desktop_config.json", "\u{feff}{}\n"),
];

fn write(person: &Path, file: &str, text: &str) {
    let path = person.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Proves configs.1 and configs.2.
#[tokio::test]
async fn connect_writes_what_it_showed_and_disconnect_takes_it_back_to_the_byte() {
    let bellhop = Bellhop::start().await;
    for (app, file, text) in CONFIGS {
        write(&bellhop.person, file, text);
        let read = || fs::read_to_string(bellhop.person.join(file)).unwrap();
        let shown = bellhop.run(&["connect", app, "--dry-run"]).await.well();
        assert_eq!(read(), text, "{app}: nothing was written");
        assert!(shown.err.contains("Nothing was written."), "{shown:?}");
        let written = bellhop.run(&["connect", app]).await.well();
        assert_eq!(written.out, shown.out, "{app}: what was shown is what was done");
        assert!(read().contains("bellhop") && read() != text, "{app}: {}", read());
        let apps = bellhop.json(&["apps"]).await;
        let row = apps.as_array().unwrap().iter().find(|a| a["id"] == app).unwrap();
        assert_eq!(row["state"]["state"], "connected", "{row}");
        let again = bellhop.run(&["connect", app]).await.well();
        assert_eq!(again.out, "", "{app}: a second time changes nothing");
        bellhop.run(&["disconnect", app]).await.well();
        assert_eq!(read(), text, "{app}: as it was, to the byte");
    }
    bellhop.logged("what was written", |e| e["kind"] == "app_connected").await;
    bellhop.logged("what was taken out", |e| e["kind"] == "app_disconnected").await;
}

/// Proves configs.3.
#[tokio::test]
async fn a_config_that_cannot_be_read_is_left_alone_and_its_line_is_named() {
    let bellhop = Bellhop::start().await;
    for (app, file, text, line) in [
        ("codex", ".codex/config.toml", "model = \"best\"\n\n[mcp_servers\n", 3),
        ("claude-code", ".claude.json", "{\n  \"a\": 1,\n  \"b\" 2\n}\n", 3),
        (
            "cursor",
            ".cursor/mcp.json",
            "{\n  // a comment is no mistake here\n  \"mcpServers\": {\n    oops\n  }\n}\n",
            4,
        ),
    ] {
        write(&bellhop.person, file, text);
        let path = bellhop.person.join(file);
        let run = bellhop.run(&["connect", app]).await;
        let said = run.refused(path.file_name().unwrap().to_str().unwrap()).err;
        assert!(said.contains(&format!("line {line}")), "{app}: {said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{app}");
    }
}

/// Proves person.2 and person.3.
#[tokio::test]
async fn a_wrong_pin_lets_nobody_in_and_many_make_the_next_wait() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let app = App::register(&bellhop, "/mcp", "Patient").await;
    let asking = app.ask(None).await;
    bellhop.run_with(&["approve", "OAK OAK 99"], PIN).await.refused("No app waits with the code OAK OAK 99.");
    bellhop.run(&["approve", &asking.code]).await.refused("Nothing was typed.");
    for _ in 0..5 {
        bellhop.run_with(&["approve", &asking.code], "2468").await.refused("That is not the PIN.");
    }
    bellhop.run_with(&["approve", &asking.code], PIN).await.refused("Too many wrong PINs");
    assert_eq!(bellhop.json(&["connections"]).await, json!([]));
    assert_eq!(bellhop.json(&["requests"]).await.as_array().map(Vec::len), Some(1), "the app still waits");
    // No PIN is needed to say no.
    bellhop.run(&["deny", &asking.code]).await.well();
    assert_eq!(asking.answer().await["error"], "access_denied");
}

/// Proves activity.1.
#[tokio::test]
async fn activity_can_be_followed_as_it_happens() {
    let bellhop = Bellhop::start().await;
    let follow = bellhop_tests::Process::start(bellhop.command(&["activity", "--follow", "--json"]));
    bellhop.add("playground", "allow").await.well();
    let entry = follow
        .line("the sign-in", |line| {
            let entry: Value = serde_json::from_str(line).unwrap();
            (entry["kind"] == "service_connected").then_some(entry)
        })
        .await;
    assert_eq!(entry["service"], "playground");
}
