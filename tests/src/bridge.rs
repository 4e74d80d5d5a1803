use crate::{Bellhop, Process, Session, program};
use serde_json::{Value, json};
use std::{ffi::OsStr, process::Command};

/// The bridge, and the app that started it.
pub struct Bridge {
    process: Process,
    next: u64,
}

impl Bridge {
    /// Start it for an app, as a config that `bellhop connect` wrote has it: with six variables, and its home on
    /// the command line.
    pub fn start(bellhop: &Bellhop, app: &str) -> Self {
        Self::from(Self::command(bellhop, app))
    }

    /// The command that starts it.
    pub fn command(bellhop: &Bellhop, app: &str) -> Command {
        let mut command = bellhop.bare(program("bellhop"));
        command.args([OsStr::new("mcp"), "--app".as_ref(), app.as_ref()]).arg("--home").arg(&bellhop.home);
        command
    }

    /// Send a line.
    pub fn line(&mut self, line: &str) {
        self.process.send(line);
    }

    /// Send a request; its id.
    pub fn request(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = json!(format!("request {}", self.next));
        self.line(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string());
        id
    }

    /// The answer to a request.
    pub async fn answer(&self, id: &Value) -> Value {
        self.process
            .line(&format!("an answer to {id}"), |line| {
                let message: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
                (message["id"] == *id && message.get("method").is_none()).then_some(message)
            })
            .await
    }

    /// A request's answer.
    pub async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, &params);
        self.answer(&id).await
    }

    /// Say hello: `initialize`, and that we are ready. The answer to the first.
    pub async fn hello(&mut self) -> Value {
        let params = Session::initialize(0)["params"].clone();
        let answer = self.ask("initialize", params).await;
        self.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        answer
    }

    /// Call a tool; the answer.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl From<Command> for Bridge {
    fn from(command: Command) -> Self {
        Self { process: Process::start(command), next: 0 }
    }
}
