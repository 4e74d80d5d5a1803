//! Secrets from a person: typed unseen at a terminal, else the next line of standard input.

use bellhop_cli::problem::Stop;
use model::{Problem, Secret};
use std::io::{self, BufRead, IsTerminal, Read, Write};

/// Puts the terminal right when a question is given up: the sign-in it was for has ended meanwhile, and nobody reads
/// the answer any more.
struct Asked {
    answered: bool,
    #[cfg(target_os = "linux")]
    before: Option<rustix::termios::Termios>,
}

impl Asked {
    fn now() -> Self {
        Self {
            answered: !is_terminal(),
            #[cfg(target_os = "linux")]
            before: rustix::termios::tcgetattr(io::stdin()).ok(),
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        #[cfg(target_os = "linux")]
        if let Some(before) = &self.before {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, before);
        }
        let _ = writeln!(io::stderr());
    }
}

/// The longest secret, in bytes.
const LONGEST: u64 = 4096;

/// Whether a person sits at the terminal and can be asked.
pub(crate) fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Ask for a secret.
pub(crate) async fn secret(question: &str) -> Result<Secret, Stop> {
    let question = format!("{question}: ");
    let mut asked = Asked::now();
    let asking = tokio::task::spawn_blocking(move || {
        if is_terminal() {
            // Ctrl-C comes back as an error of this kind, with the terminal as it was.
            return rpassword::prompt_password(question);
        }
        let mut line = String::new();
        io::stdin().lock().take(LONGEST).read_line(&mut line)?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    });
    let answer = asking.await;
    asked.answered = true;
    match answer {
        Ok(Ok(text)) if text.is_empty() => Err(nothing().into()),
        Ok(Ok(text)) => Ok(Secret::new(text)),
        Ok(Err(e)) if e.kind() == io::ErrorKind::Interrupted => Err(Stop::Interrupted),
        _ => Err(nothing().into()),
    }
}

/// Ask for something that may be seen.
pub(crate) async fn line(question: &str) -> Result<String, Stop> {
    let question = format!("{question}: ");
    let mut asked = Asked::now();
    let asking = tokio::task::spawn_blocking(move || {
        let mut out = io::stderr();
        out.write_all(question.as_bytes())?;
        out.flush()?;
        let mut line = String::new();
        io::stdin().lock().take(LONGEST).read_line(&mut line)?;
        Ok::<_, io::Error>(line.trim().to_owned())
    });
    let answer = asking.await;
    asked.answered = true;
    match answer {
        Ok(Ok(text)) if !text.is_empty() => Ok(text),
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
