//! Permissions at the provider that calls wait for.

use super::{awaited::Matter, sign_ins::Waiting};
use crate::{Notice, inner::Inner, registry::Held, rooms::Rooms};
use model::{ConnectionId, Problem, ServiceId};
use std::sync::Arc;

impl Rooms {
    /// Let a call wait until the provider allows this too, and ask the person unless they are asked already.
    pub(super) fn await_permissions(
        self: &Arc<Self>,
        inner: &Inner,
        service: &ServiceId,
        connection: &ConnectionId,
        wanted: Vec<String>,
    ) -> Result<Waiting, Problem> {
        self.wait_for(inner, Matter::permissions(service), connection, wanted, |app, title| Notice {
            title: format!("{app} needs to be allowed more at {title}"),
            body: "Look at what it is in Bellhop. When you allow it, the app goes on.".to_owned(),
            request: None,
        })
    }

    /// A new sign-in is stored. Calls that it is enough for go on; those that need what it did not bring end.
    pub(crate) fn signed_in_again(&self, service: &ServiceId) {
        self.sign_in_moved(service);
        let Some(entry) = self.registry.get(service) else { return };
        let title = &entry.row.title;
        let problem = Problem::new(
            "engine.permission_not_granted",
            format!("{title} did not grant what is needed for that."),
            format!("Choose “Allow more” at {title} in Bellhop, or ask the provider for it."),
        );
        self.awaited.not_granted(service, &problem.with("service", title));
        if let Some(inner) = self.house() {
            inner.mark(control::SectionName::Services);
        }
    }

    /// Whether signing in with these permissions too might help a call to this service. What the provider has
    /// granted already is asked for no more: the service refuses for another reason.
    pub(super) fn more_permissions_help(&self, service: &ServiceId, wanted: &[String]) -> bool {
        let Some(entry) = self.registry.get(service) else { return false };
        let granted = entry.granted();
        let lacking: Vec<_> = wanted.iter().filter(|w| !granted.contains(w)).cloned().collect();
        matches!(entry.credential, Held::Owned { .. })
            && !lacking.is_empty()
            && self.awaited.can_be_asked_for(service, &lacking)
    }
}
