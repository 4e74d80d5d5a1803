//! Secrets from a person: typed unseen at a terminal, else the next line of standard input.

use bellhop_cli::problem::Stop;
use model::{Problem, Secret};
use std::io::{self, BufRead, IsTerminal, Read};

/// The longest secret, in bytes.
const LONGEST: u64 = 4096;

/// Whether a person sits at the terminal and can be asked.
pub(crate) fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Ask for a secret.
pub(crate) async fn secret(question: &str) -> Result<Secret, Stop> {
    let question = format!("{question}: ");
    let asking = tokio::task::spawn_blocking(move || {
        if is_terminal() {
            // Ctrl-C comes back as an error of this kind, with the terminal as it was.
            return rpassword::prompt_password(question);
        }
        let mut line = String::new();
        io::stdin().lock().take(LONGEST).read_line(&mut line)?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    });
    match asking.await {
        Ok(Ok(text)) if text.is_empty() => Err(nothing().into()),
        Ok(Ok(text)) => Ok(Secret::new(text)),
        Ok(Err(e)) if e.kind() == io::ErrorKind::Interrupted => Err(Stop::Interrupted),
        _ => Err(nothing().into()),
    }
}

/// Ask for a new secret, twice where it can't be seen.
pub(crate) async fn new_secret(question: &str) -> Result<Secret, Stop> {
    let first = secret(question).await?;
    if is_terminal() && secret("The same again").await?.expose() != first.expose() {
        let problem =
            Problem::new("cli.differ", "The two were not the same, so nothing was set.", "Try again.");
        return Err(problem.into());
    }
    Ok(first)
}

fn nothing() -> Problem {
    Problem::new(
        "cli.nothing_typed",
        "Nothing was typed.",
        "Type it at the terminal, or give it on standard input.",
    )
}
