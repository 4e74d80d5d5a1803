//! Bellhops to measure: each with its services signed in to and an app let in.

use crate::{Failure, http::Endpoint, load::PATIENCE, message::Era, stdio, tree};
use bellhop_tests::{App, Bellhop, Bridge, Kept, Setup};
use std::process::Command;
use tokio::time::timeout;

/// How the app is called that starts the bridge: in a config, and for a person.
pub(crate) const BRIDGED: (&str, &str) = ("claude-desktop", "Claude Desktop");

/// A Bellhop that runs.
pub(crate) struct House {
    /// It.
    pub bellhop: Bellhop,
    services: Vec<String>,
    /// Services that could not be added, and why.
    missing: Vec<(String, String)>,
}

impl House {
    /// A Bellhop with these services: short name and address.
    pub(crate) async fn build(services: &[(String, String)]) -> Self {
        let bellhop = Bellhop::set_up(Setup { kept: Kept::File, ..Setup::default() }).await;
        let (mut there, mut missing) = (Vec::new(), Vec::new());
        for (name, url) in services {
            let run = bellhop.run(&["services", "add", url, "--name", name, "--no-browser"]).await;
            match run.code {
                Some(0) => there.push(name.clone()),
                _ => missing.push((name.clone(), run.err)),
            }
        }
        Self { bellhop, services: there, missing }
    }

    /// Let an app in at this path: `/mcp` or `/mcp/<service>`.
    pub(crate) async fn endpoint(&self, path: &str) -> Endpoint {
        let scope = self.scope(path);
        let app = App::register(&self.bellhop, path, "Bench").await;
        let asking = app.ask(None).await;
        self.bellhop.approve(&asking.code, &scope.iter().map(String::as_str).collect::<Vec<_>>()).await;
        Endpoint {
            authority: format!("127.0.0.1:{}", self.bellhop.port),
            path: path.to_owned(),
            bearer: Some(app.tokens(&asking).await.access),
        }
    }

    /// All that can be allowed at this path.
    fn scope(&self, path: &str) -> Vec<String> {
        let one = path.strip_prefix("/mcp/");
        let names = self.services.iter().filter(|name| one.is_none_or(|one| one == *name));
        names.map(|name| format!("{name}:write")).collect()
    }

    /// Why a service could not be added, if it couldn't.
    pub(crate) fn why_missing(&self, name: &str) -> Option<&str> {
        self.missing.iter().find(|(missing, _)| missing == name).map(|(_, why)| why.as_str())
    }

    /// The process.
    pub(crate) fn pid(&mut self) -> u32 {
        self.bellhop.process().pid()
    }

    /// Its memory in MB.
    pub(crate) fn memory(&mut self) -> f64 {
        tree::memory(self.pid())
    }

    /// Let an app in that starts the bridge, so that the bridge is not held up from then on. Its id, and how
    /// people call it.
    pub(crate) async fn let_bridge_in(&self, (id, name): (&str, &str)) -> Result<(), Failure> {
        let mut client = stdio::Client::start(self.bridge(id), Era::Legacy)?;
        let approve = async {
            let handle = self.bellhop.request(name).await;
            let scope = self.scope("/mcp");
            self.bellhop.approve(&handle, &scope.iter().map(String::as_str).collect::<Vec<_>>()).await;
        };
        let (hello, ()) = tokio::join!(timeout(PATIENCE, client.hello()), approve);
        hello??;
        client.end().await;
        Ok(())
    }

    /// The command that starts the bridge for an app.
    pub(crate) fn bridge(&self, id: &str) -> Command {
        Bridge::command(&self.bellhop, id)
    }
}
