use super::{Told, raise};
use control::{Client, Events, FromEngine, Proof};
use engine::Home;
use model::{Explain, Problem, RequestId};
use std::time::Duration;
use tauri::{Emitter, WebviewWindow};

/// How long the engine may take to answer the proof.
const PROOF: Duration = Duration::from_secs(5);

/// The line to the engine: open, or why it isn't.
pub(crate) enum Line {
    /// It stands, and speaks for the person.
    Open(Client),
    /// It doesn't; every command says why.
    Broken(Problem),
}

impl Line {
    /// Connect to the engine of this home and show whose window this is.
    pub(crate) async fn open(home: &Home, told: Told) -> (Self, Option<Events>) {
        let secret = match told {
            Told::Secret(secret) => secret,
            Told::Problem(problem) => return (Self::Broken(problem), None),
        };
        let proven = async {
            let stream = home.connect().await.map_err(|e| control::ClientError::from(e).problem())?;
            let (client, events) = Client::open(stream).await.map_err(|e| e.problem())?;
            let proof = Proof::Window { secret: secret.expose().to_owned() };
            client.prove(proof).await.map_err(|e| e.problem())??;
            Ok((client, events))
        };
        match tokio::time::timeout(PROOF, proven).await {
            Ok(Ok((client, events))) => (Self::Open(client), Some(events)),
            Ok(Err(problem)) => (Self::Broken(problem), None),
            Err(_) => (Self::Broken(control::ClientError::Gone.problem()), None),
        }
    }

    /// The client, or why there is none.
    pub(crate) fn client(&self) -> Result<&Client, Problem> {
        match self {
            Self::Open(client) => Ok(client),
            Self::Broken(problem) => Err(problem.clone()),
        }
    }
}

/// Hand what the engine sends of itself to the page, until the engine ends.
pub(crate) async fn pass_on(window: WebviewWindow, mut events: Events, shown: Option<RequestId>) {
    while let Some(event) = events.recv().await {
        let passed = match event {
            FromEngine::View { section, .. } => window.emit("view", section),
            FromEngine::Raise { request } if request == shown => {
                raise(&window);
                Ok(())
            }
            // Another window's, or an answer, which never comes this way.
            FromEngine::Raise { .. } | FromEngine::Answer { .. } => Ok(()),
        };
        if let Err(e) = passed {
            tracing::warn!("the page was not told of a change: {e}");
        }
    }
    let _ = window.emit("gone", ());
}
