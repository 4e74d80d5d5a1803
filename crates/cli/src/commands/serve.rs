//! Bellhop without a desktop.

use crate::{
    cli::{Kept, Serve},
    face::Face,
    output::{Cell, Output, Style, say},
    prompt,
};
use bellhop_cli::{
    problem::Stop,
    signal::{self, Ended},
};
use control::{Command, KeysChoice, KeysState, StatusView};
use engine::{Engine, Home, Keys, Options};
use model::{Problem, Secret};
use std::{fs, io, path::Path};

/// How often a new PIN or a passphrase can be typed before the command gives up.
const TRIES: u32 = 3;

/// Run until Ctrl-C, the system's request, or a desktop that takes over.
pub(super) async fn serve(home: Home, args: Serve) -> Result<(), Stop> {
    if let Ok(face) = Face::open(&home).await
        && let Ok(status) = face.status().await
    {
        already(&status);
        return unlock(&face, &status, args.keys.as_ref()).await;
    }
    log();
    let fresh = !home.join("bellhop.db").exists();
    // Before the prompt, so that Ctrl-C there gives the terminal back as it was.
    let keys = match args.keys {
        Some(kept) => tokio::select! {
            keys = keys(kept, fresh) => Some(keys?),
            () = signal::interrupt() => return Err(Stop::Interrupted),
        },
        None => None,
    };
    let options = Options {
        port: args.port,
        keys,
        may_prompt: prompt::is_terminal(),
        ..Options::headless(home.clone())
    };
    let engine = match Engine::start(options).await {
        Ok(engine) => engine,
        // Another one was quicker.
        Err(problem) if problem.code == "engine.running" => {
            say(&problem.to_string());
            return Ok(());
        }
        Err(problem) => return Err(problem.into()),
    };

    let ready = async {
        open(&home, &engine).await?;
        let status = running(&home).await?;
        // A PIN is kept in the vault.
        if matches!(status.keys, KeysState::Open { .. }) {
            pin(&engine, args.pin_file.as_deref()).await?;
        }
        announce(&status)
    };
    let ended = tokio::select! {
        ready = ready => match ready {
            Ok(()) => tokio::select! {
                () = engine.finished() => Ok(Ended::Asked),
                ended = signal::end() => Ok(ended),
            },
            Err(stop) => Err(stop),
        },
        ended = signal::end() => Ok(ended),
    };
    // After a take-over this returns at once.
    engine.finish().await;
    match ended? {
        Ended::Asked => Ok(()),
        Ended::Interrupted => Err(Stop::Interrupted),
    }
}

async fn running(home: &Home) -> Result<StatusView, Stop> {
    Face::open(home).await?.status().await
}

fn already(status: &StatusView) {
    let place = if status.desktop { "in the tray" } else { "without a desktop" };
    say(&format!("Bellhop is running already, {place} (process {}).", status.pid));
}

/// Unlock one that a bridge has started, say, and that nobody could type the passphrase at.
async fn unlock(face: &Face, status: &StatusView, wanted: Option<&Kept>) -> Result<(), Stop> {
    let asked = match wanted {
        Some(kept) => *kept == Kept::Passphrase,
        None => prompt::is_terminal(),
    };
    match &status.keys {
        KeysState::Locked { kept, .. } if kept == "passphrase" && asked && !status.desktop => {}
        _ => return Ok(()),
    }
    let passphrase = tokio::select! {
        typed = prompt::secret("It is locked. Passphrase") => typed?.expose().to_owned(),
        () = signal::interrupt() => return Err(Stop::Interrupted),
    };
    face.command(Command::Unlock { keys: KeysChoice::Passphrase { passphrase } }).await?;
    say("Unlocked.");
    Ok(())
}

fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("BELLHOP_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    // A second one, in a process that has a log already, is not needed.
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).try_init();
}

async fn keys(kept: Kept, fresh: bool) -> Result<Keys, Stop> {
    Ok(match kept {
        Kept::Keychain => {
            if fresh {
                say("Bellhop keeps one key in your system's keychain, which may ask for your password now.");
            }
            Keys::Keychain
        }
        Kept::Passphrase if fresh => {
            Keys::Passphrase(prompt::new_secret("A passphrase for your sign-ins").await?)
        }
        Kept::Passphrase => Keys::Passphrase(prompt::secret("Passphrase").await?),
        Kept::File(path) => Keys::File(path),
        Kept::Session => {
            if !fresh {
                say("The sign-ins kept in this folder stay there, unused: this start has an empty memory.");
            }
            Keys::Session
        }
    })
}

/// Open the vault as far as `--keys` did not, with the person at the terminal.
async fn open(home: &Home, engine: &Engine) -> Result<(), Stop> {
    const CHOICES: &str =
        "Start with --keys keychain, --keys passphrase, --keys file=PATH or --keys session.";
    match running(home).await?.keys {
        KeysState::Open { .. } => Ok(()),
        KeysState::Unchosen { keychain: Some(problem), .. } => {
            let next = "Start with --keys passphrase, --keys file=PATH or --keys session.";
            Err(Problem::new("cli.no_keychain", problem.sentence, next).into())
        }
        KeysState::Unchosen { notice, keychain: None } if prompt::is_terminal() => {
            say(&notice);
            Ok(engine.unlock(Keys::Keychain).await?)
        }
        // Started by a bridge, say. It goes on and says of itself that it is locked; a person can then choose.
        KeysState::Unchosen { .. } => {
            say(&format!("It is not chosen yet where the key to your sign-ins is kept. {CHOICES}"));
            Ok(())
        }
        KeysState::Locked { kept, .. } if kept == "passphrase" && prompt::is_terminal() => {
            let mut tries = 1;
            loop {
                let passphrase = prompt::secret("Passphrase").await?;
                match engine.unlock(Keys::Passphrase(passphrase)).await {
                    Ok(()) => return Ok(()),
                    Err(problem) if tries < TRIES => say(&problem.to_string()),
                    Err(problem) => return Err(problem.into()),
                }
                tries += 1;
            }
        }
        KeysState::Locked { problem, .. } => {
            say(&problem.to_string());
            Ok(())
        }
    }
}

/// Have a PIN set, with which a person lets apps in.
async fn pin(engine: &Engine, file: Option<&Path>) -> Result<(), Stop> {
    if !engine.needs_pin().await {
        return Ok(());
    }
    if let Some(file) = file {
        let text = fs::read_to_string(file).map_err(|e| {
            Problem::new(
                "cli.pin_file",
                format!("The PIN can't be read from {}: {e}.", file.display()),
                "Name another file with --pin-file.",
            )
        })?;
        return Ok(engine.set_pin(Secret::new(text.trim())).await?);
    }
    if !prompt::is_terminal() {
        say(
            "No PIN is set, so nobody can let an app in. Start `bellhop serve` with --pin-file, or at a terminal.",
        );
        return Ok(());
    }
    say("Letting an app in takes a PIN, so that no app lets itself in. Choose one of 4 characters or more.");
    let mut tries = 1;
    loop {
        let problem = match prompt::new_secret("PIN").await {
            Ok(pin) => match engine.set_pin(pin).await {
                Ok(()) => return Ok(()),
                Err(problem) => problem,
            },
            Err(Stop::Problem(problem)) => problem,
            Err(stop) => return Err(stop),
        };
        if tries == TRIES {
            return Err(problem.into());
        }
        say(&problem.to_string());
        tries += 1;
    }
}

fn announce(status: &StatusView) -> Result<(), Stop> {
    let out = Output::new();
    match &status.endpoint {
        Some(endpoint) => out.line(Cell::new(Style::Strong, format!("Bellhop is ready at {endpoint}")))?,
        None => say("Bellhop runs, but apps can't reach it yet."),
    }
    for problem in &status.problems {
        say(&problem.to_string());
    }
    if prompt::is_terminal() {
        say("Ctrl-C ends it.");
    }
    Ok(())
}
