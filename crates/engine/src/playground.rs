use crate::Home;
use model::Problem;
use serde::Deserialize;
use std::{env, fs, path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::Mutex,
};

/// How long the playground has to say where it is.
const START_LIMIT: Duration = Duration::from_secs(10);

/// The playground: a small service with its own sign-in, a program of its own, started on demand.
///
/// It keeps its port once it had one, for that port is part of the service's address.
pub(crate) struct Playground {
    home: Home,
    running: Mutex<Option<Running>>,
}

struct Running {
    /// Ends when its standard input does: with this value, or with this process however it ends.
    child: Child,
    url: String,
}

#[derive(Deserialize)]
struct Ready {
    url: String,
}

impl Playground {
    pub(crate) fn new(home: Home) -> Self {
        Self { home, running: Mutex::new(None) }
    }

    /// The playground's address; it is started if it doesn't run.
    pub(crate) async fn url(&self) -> Result<String, Problem> {
        let mut running = self.running.lock().await;
        if let Some(r) = running.as_mut()
            && matches!(r.child.try_wait(), Ok(None))
        {
            return Ok(r.url.clone());
        }
        let started = self.start().await?;
        let url = started.url.clone();
        *running = Some(started);
        Ok(url)
    }

    /// Start it again if it ran and has ended by itself.
    pub(crate) async fn revive(&self) {
        let mut running = self.running.lock().await;
        if let Some(r) = running.as_mut()
            && !matches!(r.child.try_wait(), Ok(None))
        {
            match self.start().await {
                Ok(started) => *running = Some(started),
                Err(problem) => tracing::warn!(%problem, "the playground has ended"),
            }
        }
    }

    async fn start(&self) -> Result<Running, Problem> {
        let failed = |why: String| {
            Problem::new(
                "engine.playground",
                format!("The playground could not be started: {why}."),
                "Try again.",
            )
        };
        let folder = self.home.join("playground");
        crate::x::private_folder(&folder).map_err(|e| failed(e.to_string()))?;
        let kept_port = folder.join("port");
        let port = fs::read_to_string(&kept_port).unwrap_or_default().trim().parse::<u16>().unwrap_or(0);
        let program = program().ok_or_else(|| failed("its program is not beside Bellhop's".to_owned()))?;
        let mut child = Command::new(program)
            .args(["--port", &port.to_string(), "--state"])
            .arg(folder.join("state.json"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| failed(e.to_string()))?;
        let stdout = child.stdout.take().ok_or_else(|| failed("it has no output".to_owned()))?;
        let mut line = String::new();
        let mut reader = BufReader::new(stdout);
        let read = tokio::time::timeout(START_LIMIT, reader.read_line(&mut line)).await;
        let ready: Ready = match read {
            Ok(Ok(n)) if n > 0 => serde_json::from_str(&line).map_err(|e| failed(e.to_string()))?,
            Ok(_) if port != 0 => return Err(failed(format!("port {port} may be in use"))),
            Ok(_) => return Err(failed("it ended at once".to_owned())),
            Err(_) => return Err(failed("it doesn't answer".to_owned())),
        };
        if let Some(port) = url::Url::parse(&ready.url).ok().and_then(|u| u.port()) {
            fs::write(&kept_port, port.to_string()).map_err(|e| failed(e.to_string()))?;
        }
        Ok(Running { child, url: ready.url })
    }

    /// End it, if it runs.
    pub(crate) async fn stop(&self) {
        if let Some(mut running) = self.running.lock().await.take() {
            drop(running.child.stdin.take());
            if tokio::time::timeout(Duration::from_secs(1), running.child.wait()).await.is_err() {
                let _ = running.child.kill().await;
            }
        }
    }
}

/// The playground's program: beside this one, or (for tests, which run one folder below) above it.
fn program() -> Option<PathBuf> {
    let here = env::current_exe().ok()?;
    let name = format!("bellhop-playground{}", env::consts::EXE_SUFFIX);
    here.ancestors().skip(1).take(2).map(|f| f.join(&name)).find(|p| p.is_file())
}
