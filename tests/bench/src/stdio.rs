//! A client over standard input and output, and the process that it started.

use crate::{
    Failure,
    message::{Answered, Era, LEGACY, Message, answers},
};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// How long a process has to end by itself.
const FAREWELL: Duration = Duration::from_secs(2);

/// A process that speaks MCP over its standard input and output. All of it ends when this is dropped.
pub(crate) struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    line: Vec<u8>,
    era: Era,
    next: u64,
}

impl Client {
    /// Start it.
    pub(crate) fn start(command: std::process::Command, era: Era) -> Result<Self, Failure> {
        let mut command = Command::from(command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A group of its own, so that what it starts ends with it.
        let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
        let output = child.stdout.take().ok_or("no standard output")?;
        let (input, output) = (child.stdin.take(), BufReader::with_capacity(64 << 10, output));
        Ok(Self { child, input, output, line: Vec::new(), era, next: 0 })
    }

    /// Say hello. In the modern era that is `server/discover`.
    pub(crate) async fn hello(&mut self) -> Result<(), Failure> {
        let answer = match self.era {
            Era::Modern => self.ask("server/discover", json!({})).await?,
            Era::Legacy => {
                let hello = json!({
                    "protocolVersion": LEGACY,
                    "capabilities": {},
                    "clientInfo": { "name": "bellhop-bench", "version": "1" },
                });
                self.ask("initialize", hello).await?
            }
        };
        if answer.get("result").is_none() {
            return Err(format!("said hello, and was answered {answer}").into());
        }
        if self.era == Era::Legacy {
            let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
            self.write(format!("{ready}\n").as_bytes()).await?;
        }
        Ok(())
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// The echo of so many bytes.
    pub(crate) fn echo(&self, tool: &str, size: usize) -> Message {
        Message::echo(self.era, tool, size).line()
    }

    /// Ask for something; the whole answer.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Failure> {
        self.next += 1;
        let mut request = Message::json(self.era, method, params).line();
        let id = self.request(&mut request, self.next).await?;
        loop {
            self.read().await?;
            if answers(&self.line, id).is_some() {
                return Ok(serde_json::from_slice(&self.line)?);
            }
        }
    }

    /// Send one call, and read its answer.
    pub(crate) async fn call(&mut self, request: &mut Message, id: u64) -> Result<(), Failure> {
        let id = self.request(request, id).await?;
        loop {
            self.read().await?;
            match answers(&self.line, id) {
                Some(Answered::Result) => return Ok(()),
                Some(Answered::Error) => return Err(self.said()),
                None => {}
            }
        }
    }

    /// Send one call, without waiting.
    pub(crate) async fn send(&mut self, request: &mut Message, id: u64) -> Result<(), Failure> {
        self.request(request, id).await.map(|_| ())
    }

    /// Read the answer to any call.
    pub(crate) async fn any(&mut self) -> Result<(), Failure> {
        loop {
            self.read().await?;
            match serde_json::from_slice::<Value>(&self.line) {
                Ok(answer) if answer.get("result").is_some() => return Ok(()),
                Ok(answer) if answer.get("error").is_some() => return Err(self.said()),
                _ => {}
            }
        }
    }

    fn said(&self) -> Failure {
        String::from_utf8_lossy(&self.line[..self.line.len().min(400)]).into_owned().into()
    }

    async fn read(&mut self) -> Result<(), Failure> {
        self.line.clear();
        match self.output.read_until(b'\n', &mut self.line).await? {
            0 => Err("it ended".into()),
            _ => Ok(()),
        }
    }

    async fn request(&mut self, request: &mut Message, id: u64) -> Result<u64, Failure> {
        let (bytes, id) = request.with_id(id);
        self.write(bytes).await?;
        Ok(id)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let input = self.input.as_mut().ok_or("its input is closed")?;
        Ok(input.write_all(bytes).await?)
    }

    /// Close its input, and wait until it has ended.
    pub(crate) async fn end(mut self) {
        self.input = None;
        let _ = timeout(FAREWELL, self.child.wait()).await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // `None` once it was waited for: the number may be another process's then.
        let id = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(id) = id {
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}
