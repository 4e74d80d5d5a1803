use crate::{Process, bellhop, node, peers, python};
use serde_json::Value;
use std::process::Command;

/// A server of `tests/peers`, which says what happens to it.
pub struct Peer {
    process: Process,
    /// What it said when it was ready.
    pub ready: Value,
}

impl Peer {
    /// Start one, such as `oidc.mjs`.
    pub async fn start(file: &str, args: &[&str]) -> Self {
        Self::run(node(), file, args).await
    }

    /// The same with this in its environment.
    pub async fn start_with(file: &str, args: &[&str], env: &[(&str, String)]) -> Self {
        let mut command = node();
        command.envs(env.iter().map(|(name, value)| (name, value)));
        Self::run(command, file, args).await
    }

    /// One made with Python, such as `python/server.py`; `None` where there is no Python for it.
    pub async fn python(file: &str) -> Option<Self> {
        Self::python_with(file, &[]).await
    }

    /// The same with arguments.
    pub async fn python_with(file: &str, args: &[&str]) -> Option<Self> {
        Some(Self::run(python()?, file, args).await)
    }

    async fn run(mut command: Command, file: &str, args: &[&str]) -> Self {
        command.arg(peers(file)).args(args);
        let process = Process::start(command);
        let ready = process.line("that it is ready", |line| event(line, "ready", |_| true)).await;
        Self { process, ready }
    }

    /// An authorization server, and an MCP server made with the official SDK behind it.
    pub async fn pair(args: &[&str]) -> (Self, Self) {
        let authorization = Self::start("oidc.mjs", args).await;
        let ready = authorization.ready.to_string();
        let server = Self::start("mcp-server.mjs", &["--authorization", &ready]).await;
        (authorization, server)
    }

    /// An MCP server with all there is to call, ask, read and watch, which speaks the old era (`legacy`), the new one
    /// (`modern`), or `both`.
    pub async fn fixture(era: &str) -> Self {
        Self::start("fixture.mjs", &["--era", era]).await
    }

    /// The address of its MCP endpoint.
    ///
    /// # Panics
    /// When it has none.
    pub fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap()
    }

    /// The first thing of this name that happened to it, or will.
    pub async fn until(&self, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.process.line(name, |line| event(line, name, &fits)).await
    }

    /// All of this name that happened so far.
    pub fn all(&self, name: &str) -> Vec<Value> {
        self.process.output().lines().filter_map(|line| event(line, name, |_| true)).collect()
    }
}

fn event(line: &str, name: &str, fits: impl Fn(&Value) -> bool) -> Option<Value> {
    let value: Value = serde_json::from_str(line).ok()?;
    (value["event"] == name && fits(&value)).then_some(value)
}

/// A browser that follows this address, and presses the button with this value where it meets one.
///
/// # Panics
/// When it doesn't get to an end.
pub async fn approve(address: &str, press: &str) -> String {
    approve_with(address, press, &[]).await
}

/// The same with this in the browser's environment.
///
/// # Panics
/// When it doesn't get to an end.
pub async fn approve_with(address: &str, press: &str, env: &[(&str, String)]) -> String {
    let mut command = node();
    command.envs(env.iter().map(|(name, value)| (name, value)));
    command.arg(peers("approve.mjs")).args([address, "--press", press]);
    let mut browser = Process::start(command);
    browser.close();
    let run = bellhop::run(browser).await;
    // A sign-in that was denied ends on a page that says so, with a status of its own.
    assert!(run.code.is_some(), "{run:?}");
    run.out
}

/// A real app with its driver, such as `codex.mjs`. It prints a line for each step.
pub fn driver(file: &str, args: &[&str]) -> Process {
    let mut command = node();
    command.arg(peers(file)).args(args);
    let mut process = Process::start(command);
    process.close();
    process
}
