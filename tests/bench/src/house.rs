//! Bellhops to measure: each with its services signed in to and an app let in.

use crate::{Failure, http::Endpoint, load::PATIENCE, message::Era, stdio, tree};
use bellhop_tests::{App, Bellhop, Bridge, Kept, Setup};
use std::process::Command;
use tokio::time::timeout;

/// How the app is called that starts the bridge: in a config, and for a person.
const BRIDGED: (&str, &str) = ("claude-desktop", "Claude Desktop");

/// A Bellhop that runs.
pub(crate) struct House {
    /// It.
    pub bellhop: Bellhop,
    /// The access token of the app that was let in.
    pub bearer: String,
    scope: Vec<String>,
}

impl House {
    /// A Bellhop with these services: short name and address.
    pub(crate) async fn build(services: &[(String, String)]) -> Self {
        let bellhop = Bellhop::set_up(Setup { kept: Kept::File, ..Setup::default() }).await;
        for (name, url) in services {
            bellhop.run(&["services", "add", url, "--name", name, "--no-browser"]).await.well();
        }
        let scope: Vec<String> = services.iter().map(|(name, _)| format!("{name}:write")).collect();
        let mut house = Self { bellhop, bearer: String::new(), scope };
        house.bearer = house.let_in("Bench").await;
        house
    }

    /// Let one more app in; its access token.
    pub(crate) async fn let_in(&self, name: &str) -> String {
        let scope: Vec<&str> = self.scope.iter().map(String::as_str).collect();
        App::let_in(&self.bellhop, name, &scope).await.1.access
    }

    /// Where an app finds `/mcp` or a path below it.
    pub(crate) fn endpoint(&self, path: &str) -> Endpoint {
        let authority = format!("127.0.0.1:{}", self.bellhop.port);
        Endpoint { authority, path: path.to_owned(), bearer: Some(self.bearer.clone()) }
    }

    /// The process.
    pub(crate) fn pid(&mut self) -> u32 {
        self.bellhop.process().pid()
    }

    /// Its memory in MB.
    pub(crate) fn memory(&mut self) -> f64 {
        tree::memory(self.pid())
    }

    /// Let the app in that starts the bridge, so that the bridge is not held up from then on.
    pub(crate) async fn let_bridge_in(&self) -> Result<(), Failure> {
        let mut client = stdio::Client::start(self.bridge(), Era::Legacy)?;
        let approve = async {
            let handle = self.bellhop.request(BRIDGED.1).await;
            let scope: Vec<&str> = self.scope.iter().map(String::as_str).collect();
            self.bellhop.approve(&handle, &scope).await;
        };
        let (hello, ()) = tokio::join!(timeout(PATIENCE, client.hello()), approve);
        hello??;
        client.end().await;
        Ok(())
    }

    /// The command that starts the bridge.
    pub(crate) fn bridge(&self) -> Command {
        Bridge::command(&self.bellhop, BRIDGED.0)
    }
}
