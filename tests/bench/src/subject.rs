//! Whom is measured, and how a client reaches them.

use crate::{
    Failure,
    http::{Endpoint, Http},
    load::{Client, PATIENCE},
    message::Era,
    stdio,
};
use std::process::Command;
use tokio::time::timeout;

/// One row of the table.
pub(crate) struct Subject {
    /// How it is called on the command line.
    pub key: &'static str,
    /// How it is called in the table.
    pub name: String,
    /// What its clients speak.
    pub era: Era,
    /// How it is reached.
    pub reach: Reach,
    /// What it is compared with: the direct way of the same era.
    pub base: &'static str,
}

/// How a client reaches a subject.
pub(crate) enum Reach {
    /// Over HTTP; the process that is paid for it.
    Http(Endpoint, Option<u32>),
    /// By starting it.
    Stdio(Box<dyn Fn() -> Command>),
    /// Not at all, and why.
    Not(String),
}

impl Subject {
    /// A client that has said hello.
    pub(crate) async fn open(&self) -> Result<Client, Failure> {
        match &self.reach {
            Reach::Http(endpoint, _) => {
                Ok(Client::Http(Box::new(timeout(PATIENCE, Http::open(endpoint, self.era)).await??)))
            }
            Reach::Stdio(command) => {
                let mut client = stdio::Client::start(command(), self.era)?;
                timeout(PATIENCE, client.hello()).await??;
                Ok(Client::Stdio(Box::new(client)))
            }
            Reach::Not(why) => Err(why.clone().into()),
        }
    }

    /// The process that is paid for it.
    pub(crate) fn pid(&self, client: &Client) -> Option<u32> {
        match &self.reach {
            Reach::Http(_, pid) => *pid,
            _ => client.pid(),
        }
    }
}
