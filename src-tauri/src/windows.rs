use crate::window::{Order, Told};
use engine::Engine;
use model::{Problem, RequestId, Secret};
use std::{
    collections::HashMap,
    env, io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{io::AsyncWriteExt, process::Command, sync::mpsc};

/// How long a window may take to close by itself.
const CLOSE: Duration = Duration::from_secs(2);

/// What a window shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Screen {
    /// The main window.
    Main,
    /// The consent window of one request.
    Consent(RequestId),
}

impl From<Option<RequestId>> for Screen {
    fn from(request: Option<RequestId>) -> Self {
        request.map_or(Self::Main, Self::Consent)
    }
}

/// The windows that are open: child processes of this one, at most one for a screen.
///
/// A child is told things on its standard input, one [`Order`] a line, the first of which holds the secret
/// that proves to the engine whose window it is. No other process can read that descriptor's other end.
///
/// A child inherits the environment. That is also how tests reach a web view that this process never makes:
/// WebKitWebDriver starts the tray process with the port to listen on in the environment, and the first window
/// that opens listens there (docs/running.md, "Driving the window").
pub(crate) struct Windows {
    program: PathBuf,
    home: PathBuf,
    open: Mutex<HashMap<Screen, mpsc::Sender<Order>>>,
}

impl Windows {
    /// No window yet.
    pub(crate) fn new(home: &Path) -> Arc<Self> {
        Arc::new(Self {
            // Asked once: after an update the running program's own path no longer names a file.
            program: env::current_exe().unwrap_or_else(|_| "bellhop-desktop".into()),
            home: home.to_owned(),
            open: Mutex::default(),
        })
    }

    /// Open this window, or bring it to the front when it is open.
    pub(crate) fn show(self: &Arc<Self>, screen: Screen, engine: &Engine) {
        self.open(screen, || Told::Secret(Secret::new(engine.window_secret())));
    }

    /// Open a window that says why there is no engine; returns when the person has closed it.
    pub(crate) async fn explain(self: &Arc<Self>, problem: Problem) {
        self.open(Screen::Main, || Told::Problem(problem));
        let window = self.lock().get(&Screen::Main).cloned();
        if let Some(window) = window {
            window.closed().await;
        }
    }

    /// Close all windows; returns when their processes have ended.
    pub(crate) async fn close(&self) {
        let open: Vec<_> = self.lock().values().cloned().collect();
        for window in &open {
            let _ = window.try_send(Order::Close);
        }
        for window in open {
            window.closed().await;
        }
    }

    fn open(self: &Arc<Self>, screen: Screen, told: impl FnOnce() -> Told) {
        let mut open = self.lock();
        // A window that is just ending takes no order any more: it gets a successor.
        if open.get(&screen).is_some_and(|window| window.try_send(Order::Raise).is_ok()) {
            return;
        }
        let (sender, orders) = mpsc::channel(8);
        open.insert(screen.clone(), sender.clone());
        drop(open);
        let (windows, told) = (Arc::clone(self), told());
        tauri::async_runtime::spawn(async move {
            if let Err(e) = windows.live(&screen, told, orders).await {
                tracing::error!("a window could not be shown: {e}");
            }
            let mut open = windows.lock();
            if open.get(&screen).is_some_and(|newest| newest.same_channel(&sender)) {
                open.remove(&screen);
            }
        });
    }

    /// One window, from its start to its end.
    async fn live(&self, screen: &Screen, told: Told, mut orders: mpsc::Receiver<Order>) -> io::Result<()> {
        let mut command = Command::new(&self.program);
        command.arg("--window").env("BELLHOP_HOME", &self.home).stdin(Stdio::piped()).kill_on_drop(true);
        if let Screen::Consent(request) = screen {
            command.args(["--request", request.as_str()]);
        }
        let mut child = command.spawn()?;
        let mut input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(Order::Begin(told).line().as_bytes()).await?;
        loop {
            tokio::select! {
                _ = child.wait() => return Ok(()),
                order = orders.recv() => {
                    let order = order.unwrap_or(Order::Close);
                    let sent = input.write_all(order.line().as_bytes()).await;
                    if matches!(order, Order::Close) || sent.is_err() {
                        return match tokio::time::timeout(CLOSE, child.wait()).await {
                            Ok(ended) => ended.map(drop),
                            Err(_) => child.kill().await,
                        };
                    }
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Screen, mpsc::Sender<Order>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
