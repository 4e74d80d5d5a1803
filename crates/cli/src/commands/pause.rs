use super::person;
use crate::{face::Face, output::say};
use bellhop_cli::problem::Stop;
use control::{Command, PauseFor};

/// Let no app's calls pass for a while.
pub(super) async fn pause(face: &Face, length: PauseFor) -> Result<(), Stop> {
    face.command(Command::Pause { length }).await?;
    say("Paused: no app can use anything. `bellhop resume` ends that.");
    Ok(())
}

/// Let calls pass again.
pub(super) async fn resume(face: &Face) -> Result<(), Stop> {
    person::prove(face).await?;
    face.command(Command::Resume).await?;
    say("Calls pass again.");
    Ok(())
}
