//! One Bellhop: whoever holds the home's lock runs the engine.

use crate::{Home, Lock, Options};
use control::{Answer, Client, Command, Query, Section, SectionName};
use model::Problem;
use std::time::Duration;

/// How long `bellhop serve` has to finish for a desktop that takes over.
const PATIENCE: Duration = Duration::from_secs(7);
/// How often the lock is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// Take the lock; a desktop makes `bellhop serve` give it up.
pub(crate) async fn lock(options: &Options) -> Result<Lock, Problem> {
    let home = &options.home;
    if let Some(lock) = take(home)? {
        return Ok(lock);
    }
    let holder = Lock::holder(home);
    if options.desktop.is_none() {
        return Err(running(ask_desktop(home).await, holder));
    }
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut asked = false;
    while tokio::time::Instant::now() < deadline {
        // One that is starting holds the lock but doesn't answer yet: nobody is asked to finish before it is known
        // that it isn't a desktop.
        if !asked {
            match ask_desktop(home).await {
                Some(true) => return Err(running(Some(true), holder)),
                Some(false) => {
                    tracing::info!("bellhop serve runs here: it is asked to finish");
                    asked = true;
                    finish(home).await;
                }
                None => {}
            }
        }
        if let Some(lock) = take(home)? {
            return Ok(lock);
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(running(asked.then_some(false), holder))
}

fn take(home: &Home) -> Result<Option<Lock>, Problem> {
    Lock::take(home).map_err(|e| {
        Problem::new(
            "engine.lock",
            format!("Bellhop can't use its folder {}: {e}.", home.root().display()),
            "Check that the folder is yours and the disk isn't full.",
        )
    })
}

fn running(desktop: Option<bool>, holder: Option<u32>) -> Problem {
    let who = match desktop {
        Some(true) => "The Bellhop app",
        Some(false) => "`bellhop serve`",
        None => "Another Bellhop",
    };
    let process = holder.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    Problem::new(
        "engine.running",
        format!("{who} is running already{process}."),
        "Use that one, or quit it first.",
    )
}

/// Whether a desktop holds the engine; `None` when it doesn't answer.
async fn ask_desktop(home: &Home) -> Option<bool> {
    let asked = async {
        let (client, _) = Client::open(home.connect().await.ok()?).await.ok()?;
        let status = client.query(Query::Section { section: SectionName::Status }).await.ok()?.ok()?;
        match status {
            Answer::Section(Section::Status(status)) => Some(status.desktop),
            _ => None,
        }
    };
    tokio::time::timeout(Duration::from_secs(2), asked).await.ok().flatten()
}

async fn finish(home: &Home) {
    let asked = async {
        if let Ok(stream) = home.connect().await
            && let Ok((client, _)) = Client::open(stream).await
        {
            // Its end shows in the lock, whatever it still answers.
            let _ = client.command(Command::Finish).await;
        }
    };
    let _ = tokio::time::timeout(PATIENCE, asked).await;
}
