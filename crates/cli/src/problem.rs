//! Problems of the terminal's own, and how they end the program.

use model::Problem;

/// The exit code after Ctrl-C, as shells give it.
pub const INTERRUPTED: u8 = 130;

/// Nobody is at the other end of the socket.
pub fn not_answering() -> Problem {
    Problem::new("cli.not_answering", "Bellhop isn't answering.", "Start Bellhop, or run `bellhop serve`.")
}

/// What ends a command early.
pub enum Stop {
    /// It can't be done.
    Problem(Problem),
    /// It was said on standard output already that something is wrong.
    Said,
    /// The person pressed Ctrl-C.
    Interrupted,
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<control::ClientError> for Stop {
    fn from(error: control::ClientError) -> Self {
        Self::Problem(model::Explain::problem(&error))
    }
}

impl From<std::io::Error> for Stop {
    /// Only standard output is written to. A reader that went away (`bellhop activity | head`) is no failure.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::Said;
        }
        Self::Problem(Problem::new(
            "cli.output",
            format!("The output can't be written: {error}."),
            "Try again.",
        ))
    }
}
