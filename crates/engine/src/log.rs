use crate::{inner::Inner, publisher::Publisher};
use control::{ActivityEntry, ActivityFilter, ActivityKind, SectionName};
use model::{Clock, ConnectionId, Explain, Problem, ServiceId};
use relay::CallRecord;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use store::{ActivityPage, ActivityRow, NewActivity, Store};

/// How many entries are shown when nobody says how many.
const SHOWN: u32 = 100;

/// How the relay says that an app wanted more than it may.
const NOT_ALLOWED: [&str; 2] = ["relay.not_allowed", "relay.narrow_token"];

/// The activity log: what the rooms say happened, in the words of the view.
pub(crate) struct Log {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    publisher: Arc<Publisher>,
    /// The connections' names: calls know ids.
    names: RwLock<HashMap<ConnectionId, String>>,
}

impl Log {
    pub(crate) fn new(inner: &Inner, store: Arc<Store>) -> Self {
        let publisher = Arc::clone(&inner.publisher);
        let (mut written, shown) = (store.written(), Arc::clone(&publisher));
        tokio::spawn(async move {
            while written.changed().await.is_ok() {
                shown.mark(SectionName::Activity);
            }
        });
        Self { store, clock: Arc::clone(&inner.clock), publisher, names: RwLock::default() }
    }

    /// The name under which a connection's calls are written down.
    pub(crate) fn name(&self, id: &ConnectionId, name: String) {
        self.names.write().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), name);
    }

    /// Write down something that happened now.
    pub(crate) fn note(
        &self,
        kind: ActivityKind,
        connection: Option<String>,
        service: Option<String>,
        outcome: &str,
    ) {
        self.store.note(NewActivity {
            at: self.clock.now(),
            kind: word(kind),
            connection,
            service,
            tool: None,
            millis: None,
            outcome: outcome.to_owned(),
        });
    }

    /// Past entries, newest first.
    pub(crate) async fn read(&self, filter: &ActivityFilter) -> Result<Vec<ActivityEntry>, Problem> {
        let page =
            ActivityPage { before: filter.before, after: filter.after, limit: filter.limit.unwrap_or(SHOWN) };
        let rows = self.store.activity(&page).await;
        Ok(rows.map_err(|e| e.problem())?.into_iter().filter_map(entry).collect())
    }
}

impl relay::Record for Log {
    fn call(&self, call: CallRecord) {
        let name = self.names.read().unwrap_or_else(PoisonError::into_inner).get(&call.connection).cloned();
        // A list or a ping is no news to a person; what was refused is.
        if call.target.is_some() || call.outcome != "ok" {
            let kind =
                if NOT_ALLOWED.contains(&call.outcome) { ActivityKind::Refused } else { ActivityKind::Call };
            self.store.note(NewActivity {
                at: call.at,
                kind: word(kind),
                connection: name,
                service: call.service.map(|s| s.to_string()),
                tool: Some(call.target.unwrap_or(call.method)),
                millis: Some(u32::try_from(call.took.as_millis()).unwrap_or(u32::MAX)),
                outcome: call.outcome.to_owned(),
            });
        }
        self.publisher.mark(SectionName::Connections);
    }

    fn inventory_changed(&self, _service: &ServiceId) {
        self.publisher.mark(SectionName::Services);
        self.publisher.mark(SectionName::Requests);
        // How many tools an app has, and how they are shown to it.
        self.publisher.mark(SectionName::Connections);
    }
}

/// A kind as it stands in the file: the word that `control` uses on the wire, which a test makes sure of.
fn word(kind: ActivityKind) -> &'static str {
    match kind {
        ActivityKind::ServiceConnected => "service_connected",
        ActivityKind::ServiceRemoved => "service_removed",
        ActivityKind::SignInFailed => "sign_in_failed",
        ActivityKind::NeedsSignIn => "needs_sign_in",
        ActivityKind::AppConnected => "app_connected",
        ActivityKind::AppDisconnected => "app_disconnected",
        ActivityKind::ConnectionAllowed => "connection_allowed",
        ActivityKind::ConnectionDenied => "connection_denied",
        ActivityKind::ConnectionWidened => "connection_widened",
        ActivityKind::WideningDenied => "widening_denied",
        ActivityKind::ConnectionRevoked => "connection_revoked",
        ActivityKind::ConnectionPaused => "connection_paused",
        ActivityKind::ConnectionResumed => "connection_resumed",
        ActivityKind::ConnectionRenamed => "connection_renamed",
        ActivityKind::Call => "call",
        ActivityKind::Refused => "refused",
        ActivityKind::Paused => "paused",
        ActivityKind::Resumed => "resumed",
        ActivityKind::Started => "started",
        ActivityKind::Finished => "finished",
    }
}

/// A row of a kind that this Bellhop doesn't know is not shown.
fn entry(row: ActivityRow) -> Option<ActivityEntry> {
    Some(ActivityEntry {
        number: row.number,
        at: row.at,
        kind: serde_json::from_value(serde_json::Value::String(row.kind)).ok()?,
        connection: row.connection,
        service: row.service,
        tool: row.tool,
        millis: row.millis,
        outcome: row.outcome,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_back_from_the_word_it_was_written_as() {
        for kind in [
            ActivityKind::ServiceConnected,
            ActivityKind::ServiceRemoved,
            ActivityKind::SignInFailed,
            ActivityKind::NeedsSignIn,
            ActivityKind::AppConnected,
            ActivityKind::AppDisconnected,
            ActivityKind::ConnectionAllowed,
            ActivityKind::ConnectionDenied,
            ActivityKind::ConnectionWidened,
            ActivityKind::WideningDenied,
            ActivityKind::ConnectionRevoked,
            ActivityKind::ConnectionPaused,
            ActivityKind::ConnectionResumed,
            ActivityKind::ConnectionRenamed,
            ActivityKind::Call,
            ActivityKind::Refused,
            ActivityKind::Paused,
            ActivityKind::Resumed,
            ActivityKind::Started,
            ActivityKind::Finished,
        ] {
            let read: ActivityKind = serde_json::from_value(word(kind).into()).unwrap();
            assert_eq!(read, kind);
        }
    }
}
