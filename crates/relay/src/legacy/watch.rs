//! Resources of services of the modern era that an app of the legacy one subscribed to.

use crate::{Relay, Service, legacy::session::Session, modern::watch};
use model::Resource;
use protocol::{Notification, Object, method};
use std::sync::Arc;

/// From now on the app wants to hear of this resource, or no longer.
pub(crate) fn set(relay: &Arc<Relay>, session: &Arc<Session>, service: &Arc<Service>, uri: &str, on: bool) {
    let Some((uris, stop)) = session.watch(&service.id, uri, on) else { return };
    if uris.is_empty() {
        return;
    }
    let (seer, shown) = (Arc::downgrade(session), service.clone());
    let atlas = Arc::downgrade(relay);
    watch::resources(relay, service.clone(), uris, stop, move |uri| {
        let (Some(session), Some(relay)) = (seer.upgrade(), atlas.upgrade()) else { return };
        if !session.connection.grant.load().scope.names(&shown.name) {
            return;
        }
        let uri = match session.endpoint {
            Resource::All => session.public_uri(&relay, &shown, uri),
            Resource::One(_) => uri.to_owned(),
        };
        let notice = Notification::new(method::RESOURCE_UPDATED, Some(Object::new().with("uri", uri)));
        session.inbox.put_once(notice.to_bytes());
    });
}
