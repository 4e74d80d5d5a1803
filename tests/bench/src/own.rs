//! The processes that this program starts of itself: the service behind all subjects, and the bare proxy.

use crate::Failure;
use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
};

/// One of them. It ends with its standard input, however this program ends.
pub(crate) struct Own {
    child: Child,
    _input: Option<ChildStdin>,
    /// Where it listens.
    pub authority: String,
}

impl Own {
    /// Start it, and wait until it says where it listens.
    pub(crate) fn start(args: &[&str]) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut authority = String::new();
        let output = child.stdout.take().ok_or("no standard output")?;
        BufReader::new(output).read_line(&mut authority)?;
        let authority = authority.trim().to_owned();
        if authority.is_empty() {
            return Err(format!("{args:?} did not start").into());
        }
        Ok(Self { _input: child.stdin.take(), child, authority })
    }

    /// The address of a path there.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
