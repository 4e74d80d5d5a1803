//! Access keys, and what is done with connections, from the terminal.

use crate::{faces::Faces, program::Place, views};
use control::{Answer, Ask, Command, Hidden, Query, Section};
use std::os::unix::fs::PermissionsExt;

fn sections(desktop: bool) -> Vec<Section> {
    vec![Section::Status(views::status(desktop)), views::access_keys()]
}

/// An engine that makes the key `bhk_secret`.
fn engine(place: &Place, desktop: bool) -> Faces {
    Faces::start(
        &place.home,
        sections(desktop),
        Box::new(|ask| match ask {
            Ask::Command(Command::AddAccessKey { .. }) => {
                Some(Ok(Answer::AccessKey { connection: "n".into(), key: Hidden("bhk_secret".to_owned()) }))
            }
            _ => None,
        }),
    )
}

const ADD: [&str; 5] = ["access-keys", "add", "Backup script", "--scope", "playground:read"];

#[tokio::test]
async fn a_key_is_made_with_the_pin_and_printed_alone() {
    let place = Place::new();
    let engine = engine(&place, false);
    let ran = place.run(&ADD, "2468\n").await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "bhk_secret\n"), "{ran:?}");
    assert!(ran.err.contains("may then do: playground:read") && !ran.err.contains("bhk_"), "{ran:?}");
    let asked = engine.asked();
    assert_eq!(asked[0], "pin 2468");
    assert!(asked[1].starts_with("AddAccessKey { name: \"Backup script\"") && asked.len() == 2, "{asked:?}");
}

#[tokio::test]
async fn a_key_for_a_file_is_in_that_file_alone_and_only_its_owner_reads_it() {
    let place = Place::new();
    let engine = engine(&place, false);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    // One that others can read, and a link that leads elsewhere, are replaced and not written into.
    let elsewhere = folder.path().join("elsewhere");
    std::fs::write(&elsewhere, "mine").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    let out = file.to_str().unwrap();
    let args: Vec<&str> = ADD.into_iter().chain(["--out", out]).collect();
    let ran = place.run(&args, "2468\n").await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "bhk_secret\n");
    assert_eq!(std::fs::symlink_metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "mine");

    let nowhere: Vec<&str> = ADD.into_iter().chain(["--out", "/nowhere/at/all"]).collect();
    let before = engine.asked().len();
    let ran = place.run(&nowhere, "2468\n").await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(engine.asked().len(), before, "no key is made that would be nowhere");
}

#[tokio::test]
async fn with_a_desktop_its_window_is_raised_and_nothing_is_done() {
    for args in [
        &ADD[..],
        &["connections", "resume", "Cursor on laptop"],
        &["connections", "readmit", "Claude Desktop on laptop"],
        &["resume"],
    ] {
        let place = Place::new();
        let engine = engine(&place, true);
        let ran = place.run(args, "2468\n").await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("Only a person can do that, in Bellhop's window."), "{ran:?}");
        assert_eq!(engine.asked(), ["Show { request: None }"]);
    }
}

#[tokio::test]
async fn keys_are_listed_with_a_reminder_of_those_that_are_old_and_removed_one_by_one() {
    let place = Place::new();
    let engine = engine(&place, false);
    let ran = place.run(&["access-keys"], "").await;
    assert_eq!(ran.code, Some(0));
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3, "apps are not listed there: {ran:?}");
    assert!(lines[1].starts_with("Backup") && lines[1].ends_with("works"), "{ran:?}");
    assert!(lines[2].starts_with("Old script") && lines[2].ends_with("old"), "{ran:?}");
    assert!(ran.err.starts_with("Old script was made 3 hours ago: make another"), "{ran:?}");
    assert_eq!(place.run(&["access-keys", "remove", "Backup"], "").await.code, Some(0));
    assert_eq!(place.run(&["access-keys", "remove", "bbbb"], "").await.code, Some(0));
    let ran = place.run(&["access-keys", "remove", "01234567"], "").await;
    assert!(ran.code == Some(1) && ran.err.contains("has no access key"), "{ran:?}");
    let revoke = |id: &str| format!("Revoke {{ connection: ConnectionId({id}) }}");
    assert_eq!(engine.asked(), [revoke("aaaa0000"), revoke("bbbb0000")]);
}

#[tokio::test]
async fn connections_are_paused_renamed_and_cut_off_without_a_person_and_resumed_with_one() {
    let place = Place::new();
    let engine = engine(&place, false);
    let cursor = "0123456789abcdef0123456789abcdef";
    for (args, input) in [
        (&["connections", "pause", "01234567"][..], ""),
        (&["connections", "resume", "01234567"], "2468"),
        (&["connections", "rename", "01234567", "My editor"], ""),
        (&["connections", "rename", "01234567"], ""),
        (&["connections", "revoke", "aaaa0000", "Cursor on laptop"], ""),
        (&["connections", "revoke", "--all"], ""),
        (&["connections", "readmit", "fedcba98"], "2468"),
        (&["pause"], ""),
        (&["pause", "until-tomorrow"], ""),
        (&["resume"], "2468"),
    ] {
        let ran = place.run(args, input).await;
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
    }
    for wrong in
        [&["connections", "readmit", "01234567"][..], &["connections", "revoke", "aaaa0000", "nobody"]]
    {
        assert_eq!(place.run(wrong, "2468").await.code, Some(1), "{wrong:?}");
    }
    assert_eq!(place.run(&["connections", "revoke"], "").await.code, Some(2));
    assert_eq!(
        engine.asked(),
        [
            format!("PauseConnection {{ connection: ConnectionId({cursor}) }}"),
            "pin 2468".to_owned(),
            format!("ResumeConnection {{ connection: ConnectionId({cursor}) }}"),
            format!("Rename {{ connection: ConnectionId({cursor}), name: Some(\"My editor\") }}"),
            format!("Rename {{ connection: ConnectionId({cursor}), name: None }}"),
            format!("RevokeSeveral {{ connections: [ConnectionId(aaaa0000), ConnectionId({cursor})] }}"),
            "RevokeAll".to_owned(),
            "pin 2468".to_owned(),
            "Readmit { connection: ConnectionId(fedcba98765432100123456789abcdef) }".to_owned(),
            "Pause { length: UntilResume }".to_owned(),
            "Pause { length: UntilTomorrow }".to_owned(),
            "pin 2468".to_owned(),
            "Resume".to_owned(),
        ]
    );
}

#[tokio::test]
async fn what_a_program_that_bellhop_does_not_know_needs_is_printed_whole_or_in_one_form() {
    let place = Place::new();
    let facts = control::GenericClient {
        endpoint: "http://127.0.0.1:27440/mcp".into(),
        authorization_url: "http://127.0.0.1:27440/authorize".into(),
        token_url: "http://127.0.0.1:27440/token".into(),
        client_id: "generic".into(),
        scopes: vec!["playground:read".into()],
        json: "{\n}\n".into(),
        toml: "[a]\nb = \"c\"\n".into(),
        command: "bellhop mcp --app my-app".into(),
        script: "bellhop token --device".into(),
    };
    let said = facts.clone();
    let _engine = Faces::start(
        &place.home,
        sections(false),
        Box::new(move |ask| match ask {
            Ask::Query(Query::GenericClient) => Some(Ok(Answer::GenericClient(said.clone()))),
            _ => None,
        }),
    );
    let ran = place.run(&["generic-client"], "").await;
    for value in
        [&facts.endpoint, &facts.authorization_url, &facts.token_url, &facts.client_id, &facts.script]
    {
        assert!(ran.out.contains(value.as_str()), "{ran:?}");
    }
    for (form, text) in [("json", &facts.json), ("toml", &facts.toml)] {
        assert_eq!(&place.run(&["generic-client", "--as", form], "").await.out, text);
    }
    assert_eq!(place.run(&["generic-client", "--as", "command"], "").await.out, "bellhop mcp --app my-app\n");
    assert_eq!(place.run(&["generic-client", "--as", "xml"], "").await.code, Some(2));
}
