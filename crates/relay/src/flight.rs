use crate::{
    CallRecord, Pass, Relay,
    legacy::{
        session::{Link, Session},
        translate,
    },
};
use protocol::Id;
use std::{sync::Arc, time::Duration};

/// A call on its way. Whatever ends it — an answer, an error, the app going away — ends it here, once: its id
/// is free again, the service is told when it did not finish, the log gets its line, the gate its pass.
pub(crate) struct Flight {
    pub(crate) relay: Arc<Relay>,
    pub(crate) session: Arc<Session>,
    pub(crate) id: Id,
    stage: Stage,
    record: Option<CallRecord>,
    started: Duration,
    /// Held until everything above is done.
    _pass: Pass,
}

enum Stage {
    /// Nothing was sent.
    Ready,
    /// The service may be at work on it.
    Sent(Arc<Link>),
    /// The service is done with it, or never began.
    Over,
}

impl Flight {
    /// The id must have been begun on the session.
    pub(crate) fn new(
        relay: &Arc<Relay>,
        session: &Arc<Session>,
        id: Id,
        record: CallRecord,
        pass: Pass,
    ) -> Self {
        Self {
            relay: relay.clone(),
            session: session.clone(),
            id,
            stage: Stage::Ready,
            record: Some(record),
            started: relay.clock.since_boot(),
            _pass: pass,
        }
    }

    /// The first byte goes to the service.
    pub(crate) fn sent(&mut self, link: &Arc<Link>) {
        self.session.went_to(&self.id, link);
        self.stage = Stage::Sent(link.clone());
    }

    /// Where it went.
    pub(crate) fn link(&self) -> Option<&Arc<Link>> {
        match &self.stage {
            Stage::Sent(link) => Some(link),
            Stage::Ready | Stage::Over => None,
        }
    }

    /// The service is done with it.
    pub(crate) fn over(&mut self, outcome: &'static str) {
        self.stage = Stage::Over;
        self.session.ended(&self.id);
        self.log(outcome);
    }

    /// It ends without the service: that is told, where something was sent.
    pub(crate) fn given_up(&mut self, outcome: &'static str) {
        let place = std::mem::replace(&mut self.stage, Stage::Over);
        if let Stage::Sent(link) = place
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let relay = self.relay.clone();
            let reason = match outcome {
                "revoked" => "The person revoked the connection.",
                _ => "The app no longer waits for the answer.",
            };
            let notice = translate::cancelled(&self.id, reason);
            let telling = self.session.notices.enter();
            runtime.spawn(async move {
                let _telling = telling;
                relay.tell(&link, notice).await;
            });
        }
        // After the notice was begun, so that whoever ends the session sees the one or the other.
        self.session.ended(&self.id);
        self.log(outcome);
    }

    fn log(&mut self, outcome: &'static str) {
        if let Some(mut record) = self.record.take() {
            record.outcome = outcome;
            record.took = self.relay.clock.since_boot().saturating_sub(self.started);
            self.relay.record.call(record);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !matches!(self.stage, Stage::Over) {
            self.given_up("cancelled");
        }
    }
}
