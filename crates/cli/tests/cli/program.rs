//! The program, started.

use engine::Home;
use serde_json::Value;
use std::{path::PathBuf, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A home of its own.
pub struct Place {
    _folder: TempDir,
    pub home: Home,
    /// What `HOME` is for the program.
    pub root: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        Self::named("h")
    }

    pub fn named(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join(name);
        let home = Home::find(Some(root.join(".local/share/bellhop"))).unwrap();
        Self { _folder: folder, home, root }
    }

    /// The program with these arguments and what an app hands on to the bridge: six variables.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bellhop"));
        command.args(args).env_clear().env("HOME", &self.root).env("PATH", "/usr/bin:/bin");
        command.env("LOGNAME", "you").env("USER", "you").env("SHELL", "/bin/sh").env("TERM", "xterm");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Run it to its end.
    pub async fn run(&self, args: &[&str], input: &str) -> Ran {
        let mut child = self.command(args).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
        let out = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
        Ran {
            code: out.status.code(),
            out: String::from_utf8(out.stdout).unwrap(),
            err: String::from_utf8(out.stderr).unwrap(),
        }
    }

    /// Start it as a bridge.
    pub fn bridge(&self) -> App {
        App::of(self.command(&["mcp", "--app", "tester", "--no-start"]))
    }
}

/// How a program ended, and what it printed.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// An app with its bridge.
pub struct App {
    pub child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl App {
    pub fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout }
    }

    pub async fn line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    pub async fn send(&mut self, message: Value) {
        self.line(&message.to_string()).await;
    }

    /// The next line, which has to be a message.
    pub async fn next(&mut self) -> Value {
        let mut line = String::new();
        timeout(PATIENCE, self.stdout.read_line(&mut line)).await.unwrap().unwrap();
        assert!(line.ends_with('\n'), "the bridge ended: {line:?}");
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(message["jsonrpc"], "2.0");
        message
    }

    pub async fn ask(&mut self, message: Value) -> Value {
        self.send(message).await;
        self.next().await
    }

    /// Begin as every app does.
    pub async fn initialize(&mut self) {
        let answer = self.ask(super::bridge::initialize()).await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
        self.send(serde_json::json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    }

    /// Close standard input, and see what else comes until the bridge ends.
    pub async fn end(mut self) -> (Option<i32>, String) {
        self.stdin = None;
        let mut rest = String::new();
        timeout(PATIENCE, self.stdout.read_to_string(&mut rest)).await.unwrap().unwrap();
        (timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap().code(), rest)
    }
}
