use crate::{
    faces::{Faces, SILENCE},
    program::Place,
    views,
};
use control::{
    ActivityEntry, ActivityKind, Answer, AppMethod, AppPreview, Ask, Check, Command, ConfigChange, Dead,
    Doctor, FromEngine, Query, ReceiptStep, ReceiptView, Section, SignInEnd, SignInMethod, StepOutcome,
};
use model::{Problem, Timestamp};
use serde_json::Value;
use std::time::Duration;

async fn printed(section: Section, args: &[&str]) -> String {
    let place = Place::new();
    let _engine = Faces::still(&place.home, vec![section]);
    let ran = place.run(args, "").await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    ran.out
}

#[tokio::test]
async fn services_stand_in_a_table_that_aligns() {
    let expected = "\
NAME        TITLE       ACCOUNT                 STATE                                       TOOLS  ADDRESS
playground  Playground  you@playground.example  connected                                   2      http://127.0.0.1:40000/mcp
blog        My Blog     –                       needs you to sign in, for Cursor on laptop  0      https://blog.example/mcp
";
    assert_eq!(printed(views::services(), &["services"]).await, expected);
}

#[tokio::test]
async fn connections_say_who_how_what_and_when() {
    let expected = "\
ID        NAME                      METHOD   SCOPE                             CONNECTED    LAST ACTIVE    STATE
01234567  Cursor on laptop          browser  playground:read                   3 hours ago  5 minutes ago  allowed
fedcba98  Claude Desktop on laptop  bridge   playground:read playground:write  3 hours ago  never          revoked 2 days ago, turned away
";
    assert_eq!(printed(views::connections(), &["connections"]).await, expected);
}

#[tokio::test]
async fn requests_show_their_code_or_their_id_and_no_terminal_obeys_a_name() {
    let expected = "\
CODE       APP                 STARTED FROM  ASKS FOR         ENDS
TIN OAK 7  Cursor              cursor        playground:read  in 4 minutes
bbbb2222   Claude\u{fffd}[2J Desktop  cursor        playground:read  in 4 minutes
";
    assert_eq!(printed(views::requests(), &["requests"]).await, expected);
}

#[tokio::test]
async fn a_connection_that_wants_more_stands_among_the_requests_with_its_tool() {
    let expected = "\
CODE      APP     STARTED FROM  ASKS FOR                              ENDS
dddd3333  Cursor  cursor        playground:write too, for write_note  in 4 minutes
";
    assert_eq!(printed(Section::Requests(vec![views::wish()]), &["requests"]).await, expected);
}

#[tokio::test]
async fn the_status_says_whose_call_waits_for_a_sign_in() {
    let mut status = views::status(false);
    status.problems[0].values.insert("awaited_by".into(), "Cursor on laptop".into());
    let out = printed(Section::Status(status), &["status"]).await;
    assert!(out.ends_with("  Sign in again.\n  A call waits for that: Cursor on laptop\n"), "{out}");
}

#[tokio::test]
async fn apps_say_whether_they_are_here_and_connected() {
    let expected = "\
APP             NAME            HERE  STATE          CONFIG
cursor          Cursor          yes   connected      ~/.cursor/mcp.json
claude-desktop  Claude Desktop  no    not connected  ~/.claude-desktop/mcp.json
";
    assert_eq!(printed(views::apps(), &["apps"]).await, expected);
}

#[tokio::test]
async fn the_status_says_where_apps_reach_it_and_what_is_wrong() {
    let expected = "\
Bellhop 0.1.0 runs in the tray (process 4711).
  Apps reach it at  http://127.0.0.1:27440/mcp
  Keys              in the system's keychain
  Calls             pass
  Files             /home/you/.local/share/bellhop
! Playground needs you to sign in again.
  Sign in again.
";
    assert_eq!(printed(Section::Status(views::status(true)), &["status"]).await, expected);
}

#[tokio::test]
async fn json_is_the_view_itself_with_exact_times() {
    for (section, command) in [
        (views::services(), "services"),
        (views::connections(), "connections"),
        (views::requests(), "requests"),
        (views::apps(), "apps"),
        (Section::Status(views::status(false)), "status"),
    ] {
        let view = serde_json::to_value(&section).unwrap()["body"].clone();
        let out = printed(section, &[command, "--json"]).await;
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), view, "{command}");
    }
}

#[tokio::test]
async fn an_empty_list_prints_nothing_a_program_could_take_for_a_row() {
    let place = Place::new();
    let _engine = Faces::still(&place.home, vec![Section::Services(vec![])]);
    let ran = place.run(&["services"], "").await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
    assert!(ran.err.contains("services add playground"));
    assert_eq!(place.run(&["services", "--json"], "").await.out, "[]\n");
}

/// Proves catalogue.3.
#[tokio::test]
async fn the_catalogue_is_searched_by_title_sentence_and_keywords_in_any_case() {
    let place = Place::new();
    let _engine = Faces::still(&place.home, vec![views::catalogue()]);
    for search in [&[][..], &["PLAY"], &["account"], &["demo", "try"], &["playground"]] {
        let ran = place.run(&[&["catalogue"], search].concat(), "").await;
        assert_eq!(ran.code, Some(0));
        assert!(
            ran.out.contains("Playground") && ran.out.contains("on this computer"),
            "{search:?}: {}",
            ran.out
        );
    }
    let ran = place.run(&["catalogue", "demo", "wordpress"], "").await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
    assert!(ran.err.contains("services add URL"), "{}", ran.err);
    let ran = place.run(&["catalogue", "--json", "demo"], "").await;
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json[0]["full_name"], "app.bellhop.desktop/playground");
}

#[tokio::test]
async fn the_address_to_open_stands_alone_on_standard_output_and_the_end_is_waited_for() {
    let place = Place::new();
    let address = "http://127.0.0.1:40000/authorize?x=y";
    let engine = Faces::start(
        &place.home,
        vec![views::catalogue()],
        Box::new(move |ask| match ask {
            Ask::Command(Command::AddService { .. }) => {
                Some(Ok(Answer::SignIn { attempt: "a1".into(), address: Some(address.into()) }))
            }
            Ask::Query(Query::SignInEnd { .. }) => Some(Ok(Answer::SignInEnd(SignInEnd::Connected {
                service: "s1".into(),
                name: "playground".into(),
                account: Some("you@playground.example".into()),
            }))),
            _ => None,
        }),
    );
    let ran = place.run(&["services", "add", "playground", "--no-browser"], "").await;
    assert_eq!((ran.code, ran.out), (Some(0), format!("{address}\n")));
    assert_eq!(ran.err, "Connected playground as you@playground.example.\n");
    place.run(&["services", "add", "https://x.example/mcp", "--name", "mine"], "").await;
    let asked = engine.asked();
    assert!(
        asked[0].contains(r#"catalogue: Some("playground"), url: None, name: None, open_browser: false"#),
        "{asked:?}"
    );
    assert!(
        asked[2].contains(
            r#"catalogue: None, url: Some("https://x.example/mcp"), name: Some("mine"), open_browser: true"#
        ),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_sign_in_that_fails_is_said_in_its_sentence_and_ends_with_1() {
    let place = Place::new();
    let _engine = Faces::start(
        &place.home,
        vec![views::catalogue()],
        Box::new(|ask| match ask {
            Ask::Command(_) => Some(Ok(Answer::SignIn { attempt: "a1".into(), address: None })),
            _ => Some(Ok(Answer::SignInEnd(SignInEnd::Failed {
                problem: Problem::new("signin.denied", "You said no.", "Try again if you meant yes."),
            }))),
        }),
    );
    let ran = place.run(&["services", "add", "https://x.example/mcp"], "").await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert_eq!(ran.err, "error: You said no.\n  Try again if you meant yes.\n");
}

#[tokio::test]
async fn ctrl_c_while_a_sign_in_waits_cancels_it_and_ends_with_130() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let place = Place::new();
    let engine = Faces::start(
        &place.home,
        vec![views::catalogue()],
        Box::new(|ask| match ask {
            Ask::Command(Command::AddService { .. }) => {
                Some(Ok(Answer::SignIn { attempt: "a1".into(), address: Some("http://127.0.0.1:1/".into()) }))
            }
            Ask::Query(_) => Some(Err(Problem::new(SILENCE, "", ""))),
            _ => None,
        }),
    );
    let mut child = place.command(&["services", "add", "playground", "--no-browser"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().is_some());
    engine.until("SignInEnd").await;
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
    assert_eq!(engine.asked().last().unwrap(), "CancelSignIn { attempt: AttemptId(a1) }");
}

#[tokio::test]
async fn the_address_of_the_sign_in_page_stands_alone_beside_the_browser_too() {
    let place = Place::new();
    let _engine = Faces::start(
        &place.home,
        vec![views::catalogue()],
        Box::new(|ask| match ask {
            Ask::Command(Command::AddService { .. }) => Some(Ok(Answer::SignIn {
                attempt: "a1".into(),
                address: Some("http://127.0.0.1:1/a".into()),
            })),
            _ => Some(Err(Problem::new("a.b", "It ended.", ""))),
        }),
    );
    let ran = place.run(&["services", "add", "playground"], "").await;
    assert!(ran.err.lines().any(|line| line == "http://127.0.0.1:1/a"), "{ran:?}");
}

#[tokio::test]
async fn a_service_or_connection_is_named_by_what_the_list_shows() {
    let place = Place::new();
    let removed = |ask: &Ask| match ask {
        Ask::Command(Command::RemoveService { service }) => {
            Some(Ok(Answer::Receipt(receipt(service.as_str()))))
        }
        _ => None,
    };
    let sections = vec![views::services(), views::connections()];
    let engine = Faces::start(&place.home, sections, Box::new(removed));
    for (args, code) in [
        (["services", "remove", "blog"], 0),
        (["services", "remove", "nothing"], 1),
        (["connections", "revoke", "01234567"], 0),
        (["connections", "revoke", "Cursor on laptop"], 0),
        (["connections", "revoke", "012"], 1),
        (["connections", "revoke", "fedcba98"], 1),
    ] {
        assert_eq!(place.run(&args, "").await.code, Some(code), "{args:?}");
    }
    for (id, listing, code) in [
        ("Cursor on laptop", "compact", 0),
        ("01234567", "auto", 0),
        ("fedcba98", "full", 1),
        ("Cursor on laptop", "some", 2),
    ] {
        let ran = place.run(&["connections", "tools", id, listing], "").await;
        assert_eq!(ran.code, Some(code), "{id} {listing}: {ran:?}");
    }
    let expected = [
        "RemoveService { service: ServiceId(s2) }",
        "Revoke { connection: ConnectionId(0123456789abcdef0123456789abcdef) }",
        "Revoke { connection: ConnectionId(0123456789abcdef0123456789abcdef) }",
        "ShowTools { connection: ConnectionId(0123456789abcdef0123456789abcdef), listing: Compact }",
        "ShowTools { connection: ConnectionId(0123456789abcdef0123456789abcdef), listing: Auto }",
    ];
    assert_eq!(engine.asked(), expected);
}

#[tokio::test]
async fn a_dry_run_shows_the_change_and_asks_for_none() {
    let place = Place::new();
    let diff = "--- mcp.json\n+++ mcp.json\n@@ -1 +1 @@\n-{}\n+{\"mcpServers\":{}}\n";
    let engine = Faces::start(
        &place.home,
        vec![views::apps()],
        Box::new(move |ask| match ask {
            Ask::Query(Query::AppPreview { app, .. }) => Some(Ok(Answer::AppPreview(AppPreview {
                app: app.clone(),
                method: AppMethod::Http,
                changes: vec![ConfigChange { file: "mcp.json".into(), created: false, diff: diff.into() }],
                next: String::new(),
            }))),
            _ => None,
        }),
    );
    let ran = place.run(&["connect", "CURSOR", "--dry-run"], "").await;
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), diff, "Nothing was written.\n"));
    assert_eq!(engine.asked(), ["AppPreview { app: AppId(cursor), method: None }"]);
    assert_eq!(place.run(&["connect", "nothing"], "").await.code, Some(1));
}

#[tokio::test]
async fn disconnecting_what_was_not_connected_says_so() {
    let place = Place::new();
    let _engine = Faces::start(
        &place.home,
        vec![views::apps()],
        Box::new(|ask| match ask {
            Ask::Command(Command::DisconnectApp { app }) => {
                Some(Ok(Answer::AppWritten { app: app.clone(), changes: vec![], next: String::new() }))
            }
            _ => None,
        }),
    );
    let ran = place.run(&["disconnect", "cursor"], "").await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "Cursor was not connected.\n"));
}

#[tokio::test]
async fn the_doctor_ends_with_1_when_something_is_wrong() {
    let place = Place::new();
    let check = |what: &str, problem| Check { what: what.into(), seen: "seen".into(), problem };
    let checks = vec![
        check("Port", None),
        check("Keychain", Some(Problem::new("a.b", "It is locked.", "Unlock it."))),
    ];
    let _engine = Faces::start(
        &place.home,
        vec![],
        Box::new(move |_| Some(Ok(Answer::Doctor(Doctor { checks: checks.clone() })))),
    );
    let ran = place.run(&["doctor"], "").await;
    let expected = "ok  Port      seen\n!!  Keychain  seen\n    It is locked.\n    Unlock it.\n";
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(1), expected, ""));
}

fn entry(number: i64) -> ActivityEntry {
    ActivityEntry {
        number,
        at: Timestamp::from_millis(1_800_000_000_000),
        kind: ActivityKind::Call,
        connection: Some("Cursor on laptop".into()),
        service: Some("playground".into()),
        tool: Some("list_notes".into()),
        millis: Some(12),
        outcome: "ok".into(),
    }
}

#[tokio::test]
async fn activity_is_followed_without_a_gap_and_ctrl_c_ends_it_with_130() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let place = Place::new();
    let engine = Faces::start(
        &place.home,
        vec![],
        Box::new(|ask| {
            let Ask::Query(Query::Activity { filter }) = ask else { return None };
            let entries = match filter.after {
                None => vec![entry(2), entry(1)],
                Some(2) => vec![entry(4), entry(3)],
                Some(_) => vec![],
            };
            Some(Ok(Answer::Activity { entries }))
        }),
    );
    let mut command = place.command(&["activity", "--follow", "--json"]);
    let mut child = command.env("TZ", "UTC").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = async || {
        let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await.unwrap().unwrap();
        serde_json::from_str::<ActivityEntry>(&line.unwrap()).unwrap().number
    };
    assert_eq!([next().await, next().await], [1, 2]);
    let event = FromEngine::View { version: 2, section: Section::Activity(vec![entry(4)]) };
    engine.events.send(event).await.unwrap();
    assert_eq!([next().await, next().await], [3, 4], "3 was not in the event");

    let pid = rustix::process::Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
}

#[tokio::test]
async fn activity_reads_as_sentences() {
    let place = Place::new();
    let refused = ActivityEntry {
        kind: ActivityKind::Refused,
        outcome: "relay.not_allowed".into(),
        tool: Some("write_note".into()),
        millis: None,
        ..entry(2)
    };
    let _engine = Faces::start(
        &place.home,
        vec![],
        Box::new(move |_| Some(Ok(Answer::Activity { entries: vec![refused.clone(), entry(1)] }))),
    );
    let child = place.command(&["activity"]).env("TZ", "UTC").spawn().unwrap();
    let out = child.wait_with_output().await.unwrap();
    let expected = "\
2027-01-15 08:00:00  Cursor on laptop used playground list_notes, 12 ms
2027-01-15 08:00:00  Cursor on laptop was refused playground write_note (relay.not_allowed)
";
    assert_eq!(String::from_utf8(out.stdout).unwrap(), expected);
}

#[tokio::test]
async fn serve_says_that_bellhop_runs_already_and_ends_well() {
    let place = Place::new();
    let _engine = Faces::still(&place.home, vec![Section::Status(views::status(true))]);
    let ran = place.run(&["serve"], "").await;
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (Some(0), "Bellhop is running already, in the tray (process 4711).\n")
    );
}

/// The receipt of a service that was removed while its provider could not be reached.
fn receipt(service: &str) -> ReceiptView {
    let at = model::Timestamp::from_millis(1_800_000_000_000);
    let step = |what: &str, outcome, said: Option<&str>| ReceiptStep {
        what: what.to_owned(),
        outcome,
        said: said.map(str::to_owned),
        at,
    };
    ReceiptView {
        id: service.to_owned(),
        cause: control::ReceiptCause::Removed,
        service: service.into(),
        name: "blog".parse().unwrap(),
        title: "Blog".to_owned(),
        account: Some("anna".to_owned()),
        method: SignInMethod::Oauth,
        removed_on: at,
        steps: vec![
            step("local", StepOutcome::Done, None),
            step("refresh_token", StepOutcome::Waiting { next_try: at }, Some("not reached")),
            step("page", StepOutcome::ByHand { page: Some("https://blog.example/apps".to_owned()) }, None),
        ],
        dead: Dead::Unknown,
    }
}

#[tokio::test]
async fn receipts_say_what_was_tried_and_what_is_left_to_the_person() {
    let place = Place::new();
    let say = |ask: &Ask| match ask {
        Ask::Query(Query::Receipts) => Some(Ok(Answer::Receipts { receipts: vec![receipt("s2")] })),
        _ => None,
    };
    let _engine = Faces::start(&place.home, vec![], Box::new(say));
    let ran = place.run(&["services", "receipts"], "").await;
    for part in
        ["blog (Blog, anna)", "deleted", "not yet (not reached)", "https://blog.example/apps", "not known"]
    {
        assert!(ran.out.contains(part), "{part}: {ran:?}");
    }
    let ran = place.run(&["services", "receipts", "--json"], "").await;
    let said: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(said[0]["steps"][1]["outcome"]["outcome"], "waiting", "{said}");
}

/// A sign-in to `https://x.example/mcp` that stands at one phase.
fn standing_at(phase: control::SignInPhase) -> Section {
    Section::SignIns(vec![control::SignInView {
        attempt: "a1".into(),
        catalogue: None,
        service: None,
        title: "x.example".into(),
        phase,
    }])
}

/// Proves services.23.
#[tokio::test]
async fn a_token_comes_from_a_file_or_standard_input_and_reaches_nothing_but_the_engine() {
    for stdin in [true, false] {
        let place = Place::new();
        let file = place.home.root().join("token");
        std::fs::create_dir_all(place.home.root()).unwrap();
        std::fs::write(&file, "s3cret\n").unwrap();
        let (given, mut taken) = tokio::sync::watch::channel(false);
        let phase = control::SignInPhase::Token { page: None, why: None, until: Timestamp::from_millis(0) };
        let given = std::sync::Mutex::new(given);
        let engine = Faces::start(
            &place.home,
            vec![views::catalogue(), standing_at(phase)],
            Box::new(move |ask| match ask {
                Ask::Command(Command::AddService { .. }) => {
                    Some(Ok(Answer::SignIn { attempt: "a1".into(), address: None }))
                }
                Ask::Command(Command::GiveToken { token, header, ends, .. }) => {
                    assert_eq!((token.0.as_str(), header.as_deref()), ("s3cret", Some("X-Api-Key")));
                    assert!(ends.is_some());
                    given.lock().unwrap().send_replace(true);
                    Some(Ok(Answer::Done))
                }
                Ask::Query(Query::SignInEnd { .. }) => Some(Err(Problem::new(SILENCE, "", ""))),
                _ => None,
            }),
        );
        let file = file.display().to_string();
        let source = if stdin { vec!["--token-stdin"] } else { vec!["--token-file", &file] };
        let rest = ["--header", "X-Api-Key", "--ends", "2027-03-31"];
        let typed = [&["services", "add", "https://x.example/mcp"], &source[..], &rest[..]].concat();
        let ran = tokio::select! {
            ran = place.run(&typed, "s3cret\n") => Some(ran),
            _ = taken.wait_for(|given| *given) => None,
        };
        assert!(ran.is_none(), "{ran:?}");
        let asked = engine.asked();
        assert!(asked.iter().any(|a| a.contains("method: Token")), "{asked:?}");
        assert!(asked.iter().all(|a| !a.contains("s3cret")), "no debug form shows it");
    }
}
