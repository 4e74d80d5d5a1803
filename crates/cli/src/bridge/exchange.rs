//! The life of one line of the legacy era from the app.

use super::{
    Bridge,
    answer::{self, Failure, Heard, Messages},
    say,
    session::{Headers, Hold},
    wire::WireError,
};
use bytes::Bytes;
use hyper::StatusCode;
use protocol::Id;

/// How often the session is renewed for one line.
const RENEWALS: u32 = 2;

/// What a line means to the session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It asks for one.
    Initialize,
    /// It says that the app is ready.
    Initialized,
    /// Nothing.
    Other,
}

/// Send the line and bring the app what comes back: for each of `ids`, one answer or one error.
pub(super) async fn run(bridge: &Bridge, kind: Kind, hold: Option<Hold>, ids: Vec<Id>, line: Bytes) {
    let held = match hold {
        Some(hold) => hold.over().await,
        None => Ok(()),
    };
    if !ids.is_empty() && !ids.iter().any(|id| bridge.flights.has(id)) {
        // The app has cancelled it while it was held.
        return;
    }
    let done = match held {
        Ok(()) => carry(bridge, kind, &line).await,
        Err(failure) => Err(failure),
    };
    if kind == Kind::Initialize {
        bridge.session.begun(done.clone());
    }
    let failure = match done {
        // A stream that ended before the answer.
        Ok(()) => Failure::gone(),
        Err(failure) => {
            if ids.is_empty() {
                say(&failure.message);
            }
            failure
        }
    };
    for id in ids {
        // Only what was not answered, and what the app still waits for.
        if bridge.flights.end(&id) {
            bridge.out.line(failure.to(&id)).await;
        }
    }
}

async fn carry(bridge: &Bridge, kind: Kind, line: &Bytes) -> Result<(), Failure> {
    let mut renewals = 0;
    let response = loop {
        let (seen, headers) = bridge.session.see();
        let headers = if kind == Kind::Initialize { Headers::default() } else { headers };
        let in_session = headers.id.is_some();
        match bridge.wire.post(headers, line.clone()).await {
            // The session is not known any more, so nothing was done.
            Ok(response)
                if response.status() == StatusCode::NOT_FOUND && in_session && renewals < RENEWALS => {}
            Ok(response) => break response,
            Err(WireError::NotThere) if renewals < RENEWALS => {}
            Err(error) => return Err(error.into()),
        }
        renewals += 1;
        bridge.session.renew(seen).await?;
    };

    if response.status().is_success() {
        bridge.session.admitted();
    }
    let id = response.session();
    let mut messages = Messages::of(response).await?;
    if kind == Kind::Initialized {
        bridge.session.initialized();
    }
    while let Some(message) = messages.next().await? {
        if kind == Kind::Initialize
            && let Some(headers) = answer::begun(id.clone(), &message.text)
        {
            // Before the app hears of it: it goes on at once.
            bridge.session.opened(Bytes::copy_from_slice(line), headers);
            bridge.deliver(message).await;
            bridge.session.begun(Ok(()));
            continue;
        }
        bridge.deliver(message).await;
    }
    Ok(())
}

impl Bridge {
    /// Bring the app a message.
    pub(super) async fn deliver(&self, heard: Heard) {
        for id in &heard.answers {
            self.flights.end(id);
        }
        self.out.line(heard.text).await;
    }
}
