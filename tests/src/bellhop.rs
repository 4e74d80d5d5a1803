use crate::{PATIENCE, Peer, Process, approve_with, program};
use model::{Random, SystemRandom};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    ffi::OsStr,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The PIN of every Bellhop here.
pub const PIN: &str = "pin-2468-tea";

/// The passphrase of every Bellhop that has one.
pub const PASSPHRASE: &str = "correct horse, sealed staple";

/// Where a Bellhop keeps its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Nowhere.
    Session,
    /// In a file beside its home, so that it can be restarted.
    File,
    /// Under [`PASSPHRASE`].
    Passphrase,
}

/// How a Bellhop is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where its key is.
    pub kept: Kept,
    /// What `BELLHOP_LOG` and `RUST_LOG` say.
    pub log: Option<&'static str>,
    /// Bellhop's home, in the folder of the test.
    pub home: String,
    /// The person's home folder, in the folder of the test.
    pub person: String,
    /// What else `bellhop serve` finds in its environment.
    pub env: Vec<(&'static str, String)>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            kept: Kept::Session,
            log: None,
            home: "bellhop".to_owned(),
            person: "person".to_owned(),
            env: Vec::new(),
        }
    }
}

/// What a command of `bellhop` came to.
#[derive(Debug)]
pub struct Run {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Run {
    /// It went well.
    ///
    /// # Panics
    /// When it didn't.
    #[track_caller]
    pub fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// It said that it can't be done, with this sentence in it, and exit code 1.
    ///
    /// # Panics
    /// When it didn't.
    #[track_caller]
    pub fn refused(self, sentence: &str) -> Self {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert!(self.err.contains(sentence), "not in “{sentence}”: {self:?}");
        self
    }
}

/// A Bellhop without a desktop, in a home of its own on a port of its own. Ends when it is dropped.
pub struct Bellhop {
    folder: TempDir,
    /// The folder with all its files.
    pub home: PathBuf,
    /// The home folder of the person whose Bellhop it is.
    pub person: PathBuf,
    /// Its loopback port.
    pub port: u16,
    setup: Setup,
    serve: Option<Process>,
}

impl Bellhop {
    /// A Bellhop whose secrets are forgotten when it ends.
    pub async fn start() -> Self {
        Self::set_up(Setup::default()).await
    }

    /// A Bellhop that can be restarted: its key is in a file.
    pub async fn kept() -> Self {
        Self::set_up(Setup { kept: Kept::File, ..Setup::default() }).await
    }

    /// A Bellhop of this kind, running.
    pub async fn set_up(setup: Setup) -> Self {
        let mut bellhop = Self::cold(setup);
        bellhop.serve().await;
        bellhop
    }

    /// A Bellhop of this kind that does not run yet.
    ///
    /// # Panics
    /// When its folders can't be made.
    pub fn cold(setup: Setup) -> Self {
        let folder = tempfile::Builder::new().prefix("bellhop-e2e-").tempdir().unwrap();
        let (home, person) = (folder.path().join(&setup.home), folder.path().join(&setup.person));
        fs::create_dir_all(&person).unwrap();
        fs::write(folder.path().join("pin"), format!("{PIN}\n")).unwrap();
        Self { folder, home, person, port: free_port(), setup, serve: None }
    }

    /// Run `bellhop serve` until it is ready.
    ///
    /// # Panics
    /// When it doesn't get there.
    pub async fn serve(&mut self) {
        let mut serve = Process::start(self.serve_command());
        if self.setup.kept == Kept::Passphrase {
            serve.send(PASSPHRASE);
        }
        let ready = format!("Bellhop is ready at {}", self.url("/mcp"));
        serve.line(&ready, |line| (line == ready).then_some(())).await;
        self.serve = Some(serve);
    }

    /// The command that runs it.
    pub fn serve_command(&self) -> Command {
        let keys = match self.setup.kept {
            Kept::Session => "session".to_owned(),
            Kept::File => format!("file={}", self.key_file().display()),
            Kept::Passphrase => "passphrase".to_owned(),
        };
        let mut command = self.command(&["serve", "--keys", &keys, "--port", &self.port.to_string()]);
        command.arg("--pin-file").arg(self.folder().join("pin"));
        command.envs(self.setup.env.iter().cloned());
        if let Some(log) = self.setup.log {
            command.env("BELLHOP_LOG", log).env("RUST_LOG", log);
        }
        command
    }

    /// The file with its key.
    pub fn key_file(&self) -> PathBuf {
        self.folder().join("key")
    }

    /// A folder for what belongs to this test, which holds its homes too.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process of `bellhop serve`.
    ///
    /// # Panics
    /// When none was started.
    pub fn process(&mut self) -> &mut Process {
        self.serve.as_mut().unwrap()
    }

    /// End it in good order, and start it again.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.serve().await;
    }

    /// End it in good order.
    ///
    /// # Panics
    /// When it doesn't end well.
    pub async fn stop(&mut self) {
        let mut serve = self.serve.take().unwrap();
        let status = serve.finish().await;
        assert!(status.success(), "{status}\n{}", serve.errors());
    }

    /// End it as a crash would.
    pub fn crash(&mut self) {
        self.process().kill();
        self.serve = None;
    }

    /// The address of a path on its port.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The command `bellhop` with these arguments, for this Bellhop, with nothing else of the environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.bare(program("bellhop"));
        command.args(args).env("BELLHOP_HOME", &self.home).env("BELLHOP_PORT", self.port.to_string());
        command
    }

    /// Any program, with the six variables that an app starts the bridge with.
    pub fn bare(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", &self.person)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs([("LOGNAME", "anna"), ("USER", "anna"), ("SHELL", "/bin/sh"), ("TERM", "dumb")])
            .current_dir(&self.person);
        command
    }

    /// Run a command to its end.
    pub async fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, "").await
    }

    /// Run a command to its end, with this on standard input.
    pub async fn run_with(&self, args: &[&str], input: &str) -> Run {
        let mut process = Process::start(self.command(args));
        if !input.is_empty() {
            process.send(input);
        }
        process.close();
        run(process).await
    }

    /// What a command with `--json` says.
    ///
    /// # Panics
    /// When it fails, or says no JSON.
    pub async fn json(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let run = self.run(&args).await.well();
        serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}", run.out))
    }

    /// Sign in to a service: `bellhop services add`, and a browser that presses the button with this value.
    ///
    /// # Panics
    /// When the browser gets stuck.
    pub async fn add(&self, what: &str, press: &str) -> Run {
        self.sign_in(&["services", "add", what, "--no-browser"], Some(press)).await
    }

    /// The same with any arguments. Without `press` nobody looks at the sign-in page.
    pub async fn sign_in(&self, args: &[&str], press: Option<&str>) -> Run {
        self.sign_in_with(args, press, &[]).await
    }

    /// The same with a browser that finds this in its environment.
    pub async fn sign_in_with(&self, args: &[&str], press: Option<&str>, env: &[(&str, String)]) -> Run {
        let mut process = Process::start(self.command(args));
        process.close();
        let address = process.maybe(|line| line.starts_with("http").then(|| line.to_owned())).await;
        if let (Some(address), Some(press)) = (address, press) {
            approve_with(&address, press, env).await;
        }
        run(process).await
    }

    /// The playground, signed in to.
    pub async fn with_playground(self) -> Self {
        self.add("playground", "allow").await.well();
        self
    }

    /// A service of this name that nobody signs in to.
    pub async fn with_open(self, name: &str, service: &Peer) -> Self {
        self.run(&["services", "add", service.url(), "--name", name, "--no-browser"]).await.well();
        self
    }

    /// Let an app in that waits, as the person with the PIN.
    ///
    /// # Panics
    /// When that fails.
    pub async fn approve(&self, code: &str, scope: &[&str]) {
        let mut args = vec!["approve", code];
        for scope in scope {
            args.extend(["--scope", scope]);
        }
        self.run_with(&args, PIN).await.well();
    }

    /// What a person types to mean the request of an app of this name, once it is there.
    pub async fn request(&self, app: &str) -> String {
        crate::until(&format!("{app} asks to be let in"), || async {
            let requests = self.json(&["requests"]).await;
            let found = requests.as_array().unwrap().iter().find(|r| r["app"] == app)?.clone();
            let handle = if found["code"] == "" { &found["id"] } else { &found["code"] };
            Some(handle.as_str().unwrap().to_owned())
        })
        .await
    }

    /// The row of the connection that has this app's name; the newest one.
    ///
    /// # Panics
    /// When there is none.
    pub async fn connection(&self, app: &str) -> Value {
        let rows = self.json(&["connections"]).await;
        let found = rows.as_array().unwrap().iter().find(|row| row["app"] == app);
        found.unwrap_or_else(|| panic!("no connection of {app}: {rows}")).clone()
    }

    /// What is in the activity log, newest first.
    ///
    /// # Panics
    /// When the log is no list.
    pub async fn activity(&self) -> Vec<Value> {
        // One entry a line, so that a log can be read as it grows.
        let run = self.run(&["activity", "--json"]).await.well();
        match serde_json::from_str(&run.out) {
            Ok(Value::Array(entries)) => entries,
            _ => run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }

    /// Wait for an entry of the activity log. It is written a moment after what it tells of.
    pub async fn logged(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        crate::until(what, || async { self.activity().await.into_iter().find(&fits) }).await
    }

    /// The names of its services, and their states.
    ///
    /// # Panics
    /// When the list is none.
    pub async fn services(&self) -> Vec<(String, String)> {
        let list = self.json(&["services"]).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(|s| (text(&s["name"]), text(&s["state"]["state"]))).collect()
    }
}

impl Drop for Bellhop {
    fn drop(&mut self) {
        drop(self.serve.take());
        // One that a bridge started in the background is nobody's child: the lock says which process it is.
        let pid = fs::read_to_string(self.home.join("lock")).ok().and_then(|text| text.trim().parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else { return };
        let own = format!("BELLHOP_HOME={}", self.home.display());
        let environment = format!("/proc/{}/environ", pid.as_raw_nonzero());
        let is_ours =
            || fs::read(&environment).is_ok_and(|all| all.split(|b| *b == 0).any(|v| v == own.as_bytes()));
        let end = Instant::now() + Duration::from_secs(10);
        if is_ours() {
            let _ = kill_process(pid, Signal::TERM);
        }
        while is_ours() {
            if Instant::now() > end {
                let _ = kill_process(pid, Signal::KILL);
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Wait until a command ends.
pub(crate) async fn run(mut process: Process) -> Run {
    let status = process.ended().await;
    Run { code: status.code(), out: process.output(), err: process.errors() }
}

/// A port that can be listened on, now and after a restart: below those that the system gives to outgoing
/// connections, which could otherwise sit on it in between.
pub(crate) fn free_port() -> u16 {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let mut bytes = [0; 2];
        SystemRandom.fill(&mut bytes);
        let port = 20_000 + u16::from_le_bytes(bytes) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("::1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
