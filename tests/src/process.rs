use crate::PATIENCE;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How long a process has to end by itself when its test is over.
const FAREWELL: Duration = Duration::from_secs(10);

/// What a process wrote on one of its two streams.
#[derive(Default)]
struct Said {
    lines: Vec<String>,
    over: bool,
}

/// A process that ends with the test, and all it says.
pub struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    out: Arc<watch::Sender<Said>>,
    err: Arc<watch::Sender<Said>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Start it. Its standard input stays open until [`Process::close`].
    ///
    /// # Panics
    /// When it can't be started.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that what it starts ends with it.
        command.process_group(0);
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{name}: {e}"));
        let (out, err) = (Arc::new(watch::Sender::default()), Arc::new(watch::Sender::default()));
        let readers = vec![
            keep(child.stdout.take().unwrap(), Arc::clone(&out)),
            keep(child.stderr.take().unwrap(), Arc::clone(&err)),
        ];
        Self { name, stdin: child.stdin.take(), child, out, err, readers }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Write a line to its standard input.
    ///
    /// # Panics
    /// When it was closed, or nobody reads there.
    pub fn send(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdin.flush()).unwrap();
    }

    /// Close its standard input.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// All that it wrote on standard output.
    pub fn output(&self) -> String {
        self.out.borrow().lines.join("\n")
    }

    /// All that it wrote on standard error.
    pub fn errors(&self) -> String {
        self.err.borrow().lines.join("\n")
    }

    /// The first line of standard output, also an earlier one, of which `find` makes something.
    ///
    /// # Panics
    /// When the output ends without one, or none comes in time.
    pub async fn line<T>(&self, what: &str, find: impl FnMut(&str) -> Option<T>) -> T {
        match self.maybe(find).await {
            Some(found) => found,
            None => panic!("{} did not say {what}:\n{}\n{}", self.name, self.output(), self.errors()),
        }
    }

    /// The same; `None` when the output ends without such a line, or none comes in time.
    pub async fn maybe<T>(&self, mut find: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let mut out = self.out.subscribe();
        let mut read = 0;
        let looking = async {
            loop {
                {
                    let said = out.borrow_and_update();
                    for line in &said.lines[read..] {
                        if let Some(found) = find(line) {
                            return Some(found);
                        }
                    }
                    read = said.lines.len();
                    if said.over {
                        return None;
                    }
                }
                out.changed().await.ok()?;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.ok().flatten()
    }

    /// Wait until it ends by itself.
    ///
    /// # Panics
    /// When it doesn't.
    pub async fn ended(&mut self) -> ExitStatus {
        self.ended_within(PATIENCE).await
    }

    /// The same for what takes longer than anything else here.
    ///
    /// # Panics
    /// When it doesn't end.
    pub async fn ended_within(&mut self, patience: Duration) -> ExitStatus {
        let end = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.drain();
                return status;
            }
            assert!(Instant::now() < end, "{} goes on:\n{}\n{}", self.name, self.output(), self.errors());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ask it to end, as the system does, and wait until it has.
    pub async fn finish(&mut self) -> ExitStatus {
        if self.runs() {
            // Not waited for yet, so the id is still this process's.
            let _ = kill_process(self.id(), Signal::TERM);
        }
        self.ended().await
    }

    /// Press Ctrl-C.
    pub fn interrupt(&mut self) {
        if self.runs() {
            let _ = kill_process(self.id(), Signal::INT);
        }
    }

    /// End it as a crash would.
    ///
    /// # Panics
    /// When the system won't.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.drain();
    }

    fn id(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }

    /// Read what is left in the pipes. They may be held open by a process of its own that it left behind, so this
    /// has a bound too.
    fn drain(&mut self) {
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end && self.readers.iter().any(|r| !r.is_finished()) {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stdin = None;
        if !self.runs() {
            return;
        }
        let _ = kill_process_group(self.id(), Signal::TERM);
        let end = Instant::now() + FAREWELL;
        while self.runs() && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = kill_process_group(self.id(), Signal::KILL);
        let _ = self.child.wait();
    }
}

/// Keep the lines of a stream, in a thread of its own: reading a pipe can't be cancelled.
fn keep(from: impl Read + Send + 'static, into: Arc<watch::Sender<Said>>) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            into.send_modify(|said| said.lines.push(text));
            line.clear();
        }
        into.send_modify(|said| said.over = true);
    })
}
