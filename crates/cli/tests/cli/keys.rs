//! Typing the passphrase.

use crate::{faces::Faces, program::Place, views};
use control::{Ask, Command, KeysChoice, KeysState, Section};
use model::Problem;
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

fn locked(desktop: bool) -> Vec<Section> {
    let problem = Problem::new("a.b", "It is locked.", "Unlock it.");
    let mut status = views::status(desktop);
    status.keys = KeysState::Locked { kept: "passphrase".into(), problem };
    vec![Section::Status(status)]
}

#[tokio::test]
async fn a_passphrase_unlocks_the_bellhop_that_runs_already() {
    let place = Place::new();
    let engine = Faces::start(
        &place.home,
        locked(false),
        Box::new(|ask| match ask {
            Ask::Command(Command::Unlock { keys: KeysChoice::Passphrase { passphrase } })
                if passphrase == "horse" =>
            {
                None
            }
            _ => Some(Err(Problem::new("a.b", "That is not the passphrase.", "Type it again."))),
        }),
    );
    let ran = place.run(&["serve", "--keys", "passphrase"], "horse\n").await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.ends_with("Unlocked.\n") && !ran.err.contains("horse"), "{ran:?}");
    let ran = place.run(&["serve", "--keys", "passphrase"], "donkey\n").await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.ends_with("error: That is not the passphrase.\n  Type it again.\n"), "{ran:?}");
    assert_eq!(engine.asked().len(), 2);
}

#[tokio::test]
async fn the_status_of_a_closed_vault_says_where_to_open_it() {
    for (desktop, expected) in
        [(true, "Open Bellhop's window for that."), (false, "`bellhop serve --keys passphrase` asks for it.")]
    {
        let place = Place::new();
        let _engine = Faces::still(&place.home, locked(desktop));
        let ran = place.run(&["status"], "").await;
        assert!(ran.out.ends_with(&format!("  {expected}\n")), "{ran:?}");
    }
}

#[tokio::test]
async fn no_passphrase_is_asked_where_none_is_missing() {
    for (sections, args) in [
        (vec![Section::Status(views::status(false))], &["serve", "--keys", "passphrase"][..]),
        (locked(true), &["serve", "--keys", "passphrase"]),
        (locked(false), &["serve", "--keys", "session"]),
        (locked(false), &["serve"]),
    ] {
        let place = Place::new();
        let engine = Faces::still(&place.home, sections);
        let ran = place.run(args, "horse\n").await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.err.starts_with("Bellhop is running already"), "{ran:?}");
        assert!(engine.asked().is_empty());
    }
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn ctrl_c_at_the_passphrase_gives_the_terminal_back_as_it_was() {
    let place = Place::new();
    let program = env!("CARGO_BIN_EXE_bellhop");
    // Ctrl-C reaches the shell as well, which is to go on.
    let line = format!("trap : INT; '{program}' serve --keys passphrase; echo code $?; stty -a");
    // It runs the line at a terminal of its own.
    let mut command = place.command(&[]);
    let mut terminal = tokio::process::Command::new("script");
    terminal.args(["-q", "-c", &line, "/dev/null"]).env_clear().kill_on_drop(true);
    terminal.envs(command.as_std_mut().get_envs().filter_map(|(name, value)| Some((name, value?))));
    terminal.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = terminal.spawn().unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    let mut screen = child.stdout.take().unwrap();
    let seen = timeout(Duration::from_secs(20), async {
        let mut seen = String::new();
        let mut pressed = false;
        let mut chunk = [0; 1024];
        loop {
            let read = screen.read(&mut chunk).await.unwrap();
            seen.push_str(&String::from_utf8_lossy(&chunk[..read]));
            if !pressed && seen.contains("for your sign-ins: ") {
                keyboard.write_all(b"\x03").await.unwrap();
                pressed = true;
            }
            if read == 0 || seen.contains("echoctl") {
                return seen;
            }
        }
    })
    .await
    .unwrap();
    assert!(seen.contains("code 130"), "{seen}");
    assert!(seen.contains(" echo ") && seen.contains(" icanon "), "{seen}");
}
