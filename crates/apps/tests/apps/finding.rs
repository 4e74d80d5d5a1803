//! Which apps are there, where their configs lie, and who is asking.

use crate::computer::{Computer, id};
use bellhop_apps::Platform;
use std::fs;

fn put(path: &std::path::Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "").unwrap();
}

#[test]
fn on_an_empty_computer_all_apps_are_listed_and_none_is_found() {
    let seen = Computer::new().apps().list();
    let names: Vec<_> = seen.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["Claude Code", "Claude Desktop", "Codex", "Cursor"]);
    assert!(seen.iter().all(|a| a.found.is_none() && a.file.is_some()));
}

#[test]
fn an_app_is_found_by_program_desktop_entry_file_and_pattern_and_then_listed_first() {
    for (app, sign) in [
        ("cursor", "bin/cursor"),
        ("cursor", "home/.local/share/applications/cursor.desktop"),
        ("cursor", "share/applications/cursor.desktop"),
        ("cursor", "home/Applications/Cursor-2.1-x86_64.AppImage"),
        ("codex", "home/.nvm/versions/node/v22.9.0/bin/codex"),
        ("codex", "home/.codex/auth.json"),
        ("claude-code", "home/.claude.json"),
        ("claude-desktop", "home/.config/Claude/config.json"),
    ] {
        let computer = Computer::new();
        put(&computer.path(sign));
        let seen = computer.apps().list();
        assert_eq!(seen[0].id, id(app), "{sign}");
        assert!(computer.path(sign).starts_with(seen[0].found.as_ref().unwrap()), "{sign}");
        assert!(seen[1..].iter().all(|a| a.found.is_none()), "{sign}");
    }
}

#[test]
fn a_folder_of_a_programs_name_on_the_path_is_no_program() {
    let computer = Computer::new();
    fs::create_dir(computer.path("bin/cursor")).unwrap();
    assert!(computer.apps().list().iter().all(|a| a.found.is_none()));
}

#[test]
fn variables_move_a_config_and_relative_or_empty_ones_do_not() {
    let mut computer = Computer::new();
    for (app, variable, file) in [
        ("claude-code", "CLAUDE_CONFIG_DIR", ".claude.json"),
        ("codex", "CODEX_HOME", "config.toml"),
        ("claude-desktop", "XDG_CONFIG_HOME", "Claude/claude_desktop_config.json"),
    ] {
        let usual = computer.config(app);
        for useless in ["", "some/where"] {
            computer.surroundings.env.insert(variable.to_owned(), useless.into());
            assert_eq!(computer.config(app), usual);
        }
        let moved = computer.path("moved");
        computer.surroundings.env.insert(variable.to_owned(), moved.clone());
        assert_eq!(computer.config(app), moved.join(file));
    }
}

#[test]
fn every_platform_has_its_own_paths() {
    let mut computer = Computer::new();
    computer.platform = Platform::Macos;
    let file = "Library/Application Support/Claude/claude_desktop_config.json";
    assert_eq!(computer.config("claude-desktop"), computer.home(file));

    computer.platform = Platform::Windows;
    assert!(
        computer.apps().get(&id("claude-desktop")).unwrap().file.is_none(),
        "without APPDATA there is no place"
    );
    let (roaming, local) = (computer.path("roaming"), computer.path("local"));
    computer.surroundings.env.insert("APPDATA".to_owned(), roaming.clone());
    computer.surroundings.env.insert("LOCALAPPDATA".to_owned(), local.clone());
    assert_eq!(computer.config("claude-desktop"), roaming.join("Claude/claude_desktop_config.json"));
    let store = local.join("Packages/Claude_pzs8sxrjxfjjc");
    fs::create_dir_all(&store).unwrap();
    assert!(
        computer.config("claude-desktop").starts_with(store),
        "the store's build reads a folder of its own"
    );
}

#[test]
fn an_app_is_recognised_by_what_it_calls_itself_and_by_its_program() {
    let apps = Computer::new().apps();
    for (name, app) in [
        ("claude-ai", Some("claude-desktop")),
        ("claude-code", Some("claude-code")),
        ("Claude Code (bellhop)", Some("claude-code")),
        ("codex-mcp-client", Some("codex")),
        ("Codex", Some("codex")),
        ("cursor-vscode", Some("cursor")),
        ("Cursor.AppImage", Some("cursor")),
        ("claude", Some("claude-code")),
        ("Claude", Some("claude-desktop")),
        ("not-claude-code", None),
        ("", None),
    ] {
        assert_eq!(apps.recognise(name), app.map(id), "{name}");
    }
    assert_eq!(apps.recognise_redirect("cursor://anysphere.cursor-mcp/oauth/callback"), Some(id("cursor")));
    assert_eq!(apps.recognise_redirect("http://127.0.0.1:1/callback"), None);
}
