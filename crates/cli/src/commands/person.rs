//! What takes a person.

use crate::{face::Face, output::say, prompt};
use bellhop_cli::problem::Stop;
use control::{Command, Proof};
use model::Problem;

/// How often a PIN can be typed before the command gives up.
const TRIES: u32 = 3;

/// Show that a person is there, for the next command: by the PIN. With a desktop that is done in its window alone,
/// which is brought up.
pub(super) async fn prove(face: &Face) -> Result<(), Stop> {
    if !face.status().await?.desktop {
        return type_pin(face).await;
    }
    face.command(Command::Show { request: None }).await?;
    Err(Problem::new(
        "cli.needs_window",
        "Only a person can do that, in Bellhop's window.",
        "The window is open: do it there.",
    )
    .into())
}

/// Show with the PIN that a person is there. At a terminal a slip of the finger is forgiven.
pub(super) async fn type_pin(face: &Face) -> Result<(), Stop> {
    let mut tries = 1;
    loop {
        let pin = prompt::secret("PIN").await?.expose().to_owned();
        match face.prove(Proof::Pin { pin }).await? {
            Ok(_) => return Ok(()),
            Err(problem) if problem.code == "engine.pin_wrong" && prompt::is_terminal() && tries < TRIES => {
                say(&problem.to_string());
                tries += 1;
            }
            Err(problem) => return Err(problem.into()),
        }
    }
}
