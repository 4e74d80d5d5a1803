//! How the system asks a process to end.

/// Why a program that runs until it is told otherwise ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By Ctrl-C.
    Interrupted,
    /// In any other way.
    Asked,
}

/// Wait for Ctrl-C or the system's request to end.
#[cfg(unix)]
pub async fn end() -> Ended {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        interrupt().await;
        return Ended::Interrupted;
    };
    tokio::select! {
        _ = terminate.recv() => Ended::Asked,
        () = interrupt() => Ended::Interrupted,
    }
}

/// Wait for Ctrl-C or the system's request to end.
#[cfg(not(unix))]
pub async fn end() -> Ended {
    interrupt().await;
    Ended::Interrupted
}

/// Wait for Ctrl-C.
pub async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // It can't be noticed then, and ends the process by itself.
        std::future::pending::<()>().await;
    }
}
