//! What a service of the legacy era says, as an app of that era is told it.

use crate::{
    Relay,
    legacy::{link::Link, session::Session},
    told::{self, Passed},
};
use bytes::Bytes;
use model::Resource;
use protocol::{Id, Message, Notification, method, raw};
use std::sync::Arc;

/// Reads a message that came on a listening stream, where answers have no place.
pub(crate) fn aside(relay: &Arc<Relay>, session: &Arc<Session>, link: &Arc<Link>, data: &str) -> Passed {
    match Message::peek(data.as_bytes()) {
        Ok(Message::Response(_)) => Passed::Nothing,
        Ok(Message::Notification(notice)) => {
            if crate::shelf::is_list_change(&notice.method) {
                relay.lists_changed(&link.service.load());
                return Passed::Nothing;
            }
            notification(relay, session, link, notice, data)
        }
        Ok(Message::Request(question)) => told::ask_the_app(relay, session, link, None, question),
        Err(flaw) => {
            tracing::debug!(service = %link.service.load().name, %flaw, "a service sent no message");
            Passed::Nothing
        }
    }
}

pub(crate) fn notification(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    link: &Arc<Link>,
    notice: Notification<'_>,
    data: &str,
) -> Passed {
    let as_it_came = || Passed::On(Bytes::copy_from_slice(data.as_bytes()));
    match notice.method.as_ref() {
        method::CANCELLED => {
            let Some(ours) = notice.id_param("requestId").and_then(|id| session.withdrawn(link, &id)) else {
                return Passed::Nothing;
            };
            let params = notice.params.unwrap_or_default().with("requestId", ours);
            Passed::On(Notification::new(method::CANCELLED, Some(params)).to_bytes())
        }
        method::RESOURCE_UPDATED if session.endpoint == Resource::All => {
            let Some(params) = notice.params else { return Passed::Nothing };
            let uri = params.text("uri").unwrap_or_default().into_owned();
            let public = session.public_uri(relay, &link.service.load(), &uri);
            Passed::On(
                Notification::new(method::RESOURCE_UPDATED, Some(params.with("uri", public))).to_bytes(),
            )
        }
        _ => as_it_came(),
    }
}

/// The notice that a request is given up.
pub(crate) fn cancelled(id: &Id, reason: &str) -> Bytes {
    let params = protocol::Object::new().with("requestId", raw(id)).with("reason", reason);
    Notification::new(method::CANCELLED, Some(params)).to_bytes()
}
