//! Permissions at the provider that calls wait for.

use super::sign_ins::{Matter, Waiting, lacks};
use crate::{Notice, inner::Inner, rooms::Rooms};
use model::{ConnectionId, Problem, ServiceId};
use std::{sync::Arc, time::Duration};

/// How long nobody is asked for the same after a sign-in that did not bring what was wanted: the provider does not give
/// it, or the person took it out.
const NOT_GRANTED: Duration = Duration::from_secs(60 * 60);

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

    /// A new sign-in is stored. Where it still lacks what calls wait for, they don't wait any longer: else each call
    /// would have the person sign in again, for nothing.
    pub(crate) fn signed_in_again(&self, service: &ServiceId) {
        self.sign_in_moved(service);
        let Some(entry) = self.registry.get(service) else { return };
        let wanted = self.awaited.wanted(service);
        if wanted.is_empty() || !lacks(&entry, &wanted) {
            return;
        }
        let title = &entry.row.title;
        let problem = Problem::new(
            "engine.permission_not_granted",
            format!("{title} did not grant what is needed for that."),
            format!("Choose “Allow more” at {title} in Bellhop, or ask the provider for it."),
        );
        let problem = problem.with("service", title);
        self.awaited.decline(&Matter::permissions(service), problem, NOT_GRANTED);
        if let Some(inner) = self.house() {
            inner.mark(control::SectionName::Services);
        }
    }
}
