//! What happens to the files themselves: links, permissions, folders, other writers.

use crate::computer::{Computer, id};
use bellhop_apps::{AppState, Method};
use model::Explain;
use std::fs;

fn code(error: &impl Explain) -> String {
    error.problem().code.into_owned()
}

#[test]
fn a_missing_config_is_made_with_its_folders_and_all_of_it_goes_again() {
    for app in ["cursor", "claude-desktop", "claude-code", "codex"] {
        let computer = Computer::new();
        let before = computer.snapshot();
        let plan = computer.apps().connect(&id(app), None).unwrap();
        assert!(plan.changes[0].created && computer.config(app).is_file(), "{app}");
        computer.apps().disconnect(&id(app)).unwrap();
        assert_eq!(computer.snapshot(), before, "{app}");
    }
}

#[test]
fn a_made_config_that_somebody_added_to_is_kept() {
    let computer = Computer::new();
    computer.apps().connect(&id("cursor"), None).unwrap();
    let config = computer.config("cursor");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replacen('{', "{\n  \"theme\": \"dark\",", 1)).unwrap();
    computer.apps().disconnect(&id("cursor")).unwrap();
    let left: serde_json::Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
    assert_eq!(left, serde_json::json!({"theme": "dark"}), "the group of entries was ours and goes");
}

#[test]
fn a_made_config_that_the_app_only_laid_out_anew_is_deleted() {
    let computer = Computer::new();
    computer.apps().connect(&id("cursor"), None).unwrap();
    let config = computer.config("cursor");
    let value: serde_json::Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
    fs::write(&config, value.to_string()).unwrap();
    computer.apps().disconnect(&id("cursor")).unwrap();
    assert!(!config.exists());
}

#[test]
fn what_others_changed_meanwhile_survives_disconnect() {
    let computer = Computer::new();
    let config = computer.write("codex", "model = \"a\"\n");
    computer.apps().connect(&id("codex"), None).unwrap();
    let text = fs::read_to_string(&config).unwrap().replace("\"a\"", "\"b\"");
    fs::write(&config, text + "\n[tui]\ntheme = \"dark\"\n").unwrap();
    computer.apps().disconnect(&id("codex")).unwrap();
    assert_eq!(fs::read_to_string(&config).unwrap(), "model = \"b\"\n\n[tui]\ntheme = \"dark\"\n");
}

#[test]
fn a_change_of_method_over_somebody_elses_edit_never_brings_old_content_back() {
    let computer = Computer::new();
    let config = computer.write("cursor", "{\n  \"a\": 1\n}\n");
    let apps = computer.apps();
    apps.connect(&id("cursor"), Some(Method::Http)).unwrap();
    let edited = fs::read_to_string(&config).unwrap().replace("\"a\": 1", "\"a\": 2");
    fs::write(&config, edited).unwrap();
    apps.connect(&id("cursor"), Some(Method::Bridge)).unwrap();
    apps.disconnect(&id("cursor")).unwrap();
    assert_eq!(fs::read_to_string(&config).unwrap(), "{\n  \"a\": 2\n}\n");
}

#[test]
fn a_change_of_method_is_undone_to_the_first_bytes() {
    let computer = Computer::new();
    let original = "{ \"a\" :1 }";
    let config = computer.write("cursor", original);
    let apps = computer.apps();
    for method in [Method::Http, Method::Bridge, Method::Http] {
        apps.connect(&id("cursor"), Some(method)).unwrap();
        assert_eq!(apps.get(&id("cursor")).unwrap().state, AppState::Connected { method });
    }
    assert_eq!(apps.connect(&id("cursor"), None).unwrap().method, Method::Http);
    apps.disconnect(&id("cursor")).unwrap();
    assert_eq!(fs::read_to_string(&config).unwrap(), original);
}

#[test]
fn an_entry_with_an_earlier_address_is_told_and_repaired() {
    let mut computer = Computer::new();
    for app in ["cursor", "claude-desktop", "codex"] {
        computer.apps().connect(&id(app), None).unwrap();
    }
    computer.surroundings.endpoint = "http://127.0.0.1:30000/mcp".to_owned();
    computer.surroundings.bridge = "/elsewhere/bellhop".into();
    for app in ["cursor", "claude-desktop", "codex"] {
        let apps = computer.apps();
        match apps.get(&id(app)).unwrap().state {
            AppState::Other { problem } => assert_eq!(problem.code, "apps.outdated"),
            state => panic!("{app}: {state:?}"),
        }
        let plan = apps.connect(&id(app), None).unwrap();
        let removed = plan.changes[0].diff.lines().filter(|l| l.starts_with('-') && !l.starts_with("---"));
        assert_eq!(removed.count(), 1, "{app}: {}", plan.changes[0].diff);
        assert!(matches!(apps.get(&id(app)).unwrap().state, AppState::Connected { .. }));
        apps.disconnect(&id(app)).unwrap();
        assert!(!computer.config(app).exists(), "{app}");
    }
}

#[test]
fn an_entry_with_an_earlier_address_can_be_taken_out_and_the_rest_stays() {
    let mut computer = Computer::new();
    let original = "{ \"a\" :1 }";
    let config = computer.write("cursor", original);
    computer.apps().connect(&id("cursor"), Some(Method::Http)).unwrap();
    computer.surroundings.endpoint = "http://127.0.0.1:30000/mcp".to_owned();
    let apps = computer.apps();
    assert!(matches!(apps.get(&id("cursor")).unwrap().state, AppState::Other { .. }));
    let plan = apps.disconnect(&id("cursor")).unwrap();
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(apps.get(&id("cursor")).unwrap().state, AppState::Disconnected);
    assert_eq!(fs::read_to_string(&config).unwrap(), original);
}

#[test]
fn the_bridge_is_told_app_and_home_and_paths_are_quoted() {
    let computer = Computer::new();
    let apps = computer.apps();
    apps.connect(&id("claude-desktop"), None).unwrap();
    let config: serde_json::Value =
        serde_json::from_slice(&fs::read(computer.config("claude-desktop")).unwrap()).unwrap();
    let expected = serde_json::json!({
        "command": "/opt/Bell \"hop\"/bellhop",
        "args": ["mcp", "--app", "claude-desktop", "--home", "/home/jürgen müller/.local/share/bellhop"],
    });
    assert_eq!(config["mcpServers"]["bellhop"], expected);

    apps.connect(&id("codex"), Some(Method::Bridge)).unwrap();
    let config: toml::Table = toml::from_str(&fs::read_to_string(computer.config("codex")).unwrap()).unwrap();
    assert_eq!(config["mcp_servers"]["bellhop"]["command"].as_str(), Some("/opt/Bell \"hop\"/bellhop"));
    assert_eq!(config["mcp_servers"]["bellhop"]["args"][2].as_str(), Some("codex"));
}

#[test]
fn claude_desktop_is_not_given_an_address() {
    let computer = Computer::new();
    let error = computer.apps().connect(&id("claude-desktop"), Some(Method::Http)).unwrap_err();
    assert_eq!(code(&error), "apps.method");
    assert_eq!(code(&computer.apps().connect(&id("netscape"), None).unwrap_err()), "apps.unknown");
}

#[test]
fn disconnecting_what_is_not_connected_changes_nothing() {
    let computer = Computer::new();
    computer.write("cursor", "{}");
    let before = computer.snapshot();
    assert!(computer.apps().disconnect(&id("cursor")).unwrap().changes.is_empty());
    assert_eq!(computer.snapshot(), before);
}

#[test]
fn a_folder_in_the_place_of_the_config_is_a_sentence() {
    let computer = Computer::new();
    fs::create_dir_all(computer.config("cursor")).unwrap();
    assert_eq!(code(&computer.apps().connect(&id("cursor"), None).unwrap_err()), "apps.no_file");
    assert!(matches!(computer.apps().get(&id("cursor")).unwrap().state, AppState::Unreadable { .. }));
}

#[test]
fn a_file_in_the_place_of_a_folder_is_a_sentence() {
    let computer = Computer::new();
    fs::write(computer.home(".cursor"), "").unwrap();
    assert_eq!(code(&computer.apps().connect(&id("cursor"), None).unwrap_err()), "apps.no_file");
}

#[test]
fn the_first_original_is_kept_through_later_connects() {
    let computer = Computer::new();
    let config = computer.write("cursor", "{ \"first\": 1 }");
    let apps = computer.apps();
    apps.connect(&id("cursor"), None).unwrap();
    apps.disconnect(&id("cursor")).unwrap();
    fs::write(&config, "{ \"second\": 2 }").unwrap();
    apps.connect(&id("cursor"), None).unwrap();
    let names = fs::read_dir(&computer.surroundings.backups).unwrap().map(|f| f.unwrap().path());
    let originals: Vec<_> = names.filter(|f| f.extension().is_some_and(|e| e == "original")).collect();
    assert_eq!(originals.len(), 1);
    assert_eq!(fs::read_to_string(&originals[0]).unwrap(), "{ \"first\": 1 }");
}

#[test]
fn a_state_file_of_megabytes_shows_a_small_difference_and_comes_back() {
    let history: Vec<_> =
        (0..40_000).map(|n| serde_json::json!({"display": format!("prompt {n}"), "n": n})).collect();
    let original =
        serde_json::to_string_pretty(&serde_json::json!({"history": history, "last": true})).unwrap();
    assert!(original.len() > 2_000_000);
    let computer = Computer::new();
    let config = computer.write("claude-code", &original);
    let plan = computer.apps().connect(&id("claude-code"), None).unwrap();
    assert!(plan.changes[0].diff.len() < 1_000 && plan.changes[0].diff.contains("bellhop"));
    computer.apps().disconnect(&id("claude-code")).unwrap();
    assert_eq!(fs::read_to_string(&config).unwrap(), original);
}

#[test]
fn what_comes_next_depends_on_the_method_and_nothing_comes_next_when_nothing_changes() {
    let computer = Computer::new();
    let next = |method| computer.apps().preview(&id("codex"), Some(method)).unwrap().next;
    assert!(next(Method::Http).contains("codex mcp login bellhop"));
    assert!(!next(Method::Bridge).contains("login"), "the bridge needs no sign-in");
    computer.apps().connect(&id("codex"), None).unwrap();
    assert_eq!(next(Method::Http), "");
}

#[test]
fn nothing_of_a_write_stays_behind() {
    let computer = Computer::new();
    let config = computer.write("cursor", "{}");
    computer.apps().connect(&id("cursor"), None).unwrap();
    let names: Vec<_> =
        fs::read_dir(config.parent().unwrap()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(names, ["mcp.json"]);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &std::path::Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn symbolic_links_are_followed_and_stay_links() {
        let computer = Computer::new();
        let (first, second, target) = (
            computer.config("cursor"),
            computer.home("dotfiles/link.json"),
            computer.home("dotfiles/real/mcp.json"),
        );
        fs::create_dir_all(first.parent().unwrap()).unwrap();
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(&target, "{}").unwrap();
        symlink("real/mcp.json", &second).unwrap();
        symlink("../dotfiles/link.json", &first).unwrap();
        let apps = computer.apps();
        let plan = apps.connect(&id("cursor"), None).unwrap();
        assert_eq!(plan.changes[0].file, first);
        assert!(first.is_symlink() && second.is_symlink() && !target.is_symlink());
        assert!(fs::read_to_string(&target).unwrap().contains("bellhop"));
        apps.disconnect(&id("cursor")).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "{}");
    }

    #[test]
    fn a_link_to_a_file_that_is_not_there_yet_makes_that_file() {
        let computer = Computer::new();
        let (link, target) = (computer.config("codex"), computer.home("dotfiles/codex.toml"));
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(&target, &link).unwrap();
        computer.apps().connect(&id("codex"), None).unwrap();
        assert!(link.is_symlink() && target.is_file());
        computer.apps().disconnect(&id("codex")).unwrap();
        assert!(link.is_symlink() && !target.exists() && !target.parent().unwrap().exists());
    }

    #[test]
    fn links_that_lead_in_a_circle_are_a_sentence() {
        let computer = Computer::new();
        let config = computer.config("claude-code");
        symlink(&config, &config).unwrap();
        assert_eq!(code(&computer.apps().connect(&id("claude-code"), None).unwrap_err()), "apps.no_file");
    }

    #[test]
    fn a_write_protected_config_is_left_alone() {
        let computer = Computer::new();
        let config = computer.write("cursor", "{}");
        fs::set_permissions(&config, PermissionsExt::from_mode(0o444)).unwrap();
        let error = computer.apps().connect(&id("cursor"), None).unwrap_err();
        assert_eq!(code(&error), "apps.read_only");
        assert_eq!((fs::read_to_string(&config).unwrap().as_str(), mode(&config)), ("{}", 0o444));
    }

    #[test]
    fn permissions_are_kept_and_new_files_are_the_owners_alone() {
        let computer = Computer::new();
        let config = computer.write("cursor", "{}");
        fs::set_permissions(&config, PermissionsExt::from_mode(0o640)).unwrap();
        computer.apps().connect(&id("cursor"), None).unwrap();
        assert_eq!(mode(&config), 0o640);
        computer.apps().disconnect(&id("cursor")).unwrap();
        assert_eq!(mode(&config), 0o640);

        computer.apps().connect(&id("codex"), None).unwrap();
        let config = computer.config("codex");
        assert_eq!((mode(&config), mode(config.parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn backups_are_the_owners_alone() {
        let computer = Computer::new();
        computer.write("cursor", "{ \"token\": \"secret\" }");
        computer.apps().connect(&id("cursor"), None).unwrap();
        assert_eq!(mode(&computer.surroundings.backups), 0o700);
        for file in fs::read_dir(&computer.surroundings.backups).unwrap() {
            assert_eq!(mode(&file.unwrap().path()), 0o600);
        }
    }

    #[test]
    fn a_named_pipe_in_the_place_of_the_config_does_not_hang() {
        let computer = Computer::new();
        let config = computer.config("claude-code");
        let made = std::process::Command::new("mkfifo").arg(&config).status().unwrap();
        assert!(made.success());
        assert!(matches!(
            computer.apps().get(&id("claude-code")).unwrap().state,
            AppState::Unreadable { .. }
        ));
    }
}
