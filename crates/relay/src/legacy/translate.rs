//! What a service says on a stream, as the app is told it.

use crate::{
    Relay,
    legacy::session::{Link, Session},
    shelf,
};
use bytes::Bytes;
use model::Resource;
use protocol::{Id, Message, Notification, Outcome, Request, code, method, raw};
use std::sync::Arc;

/// What becomes of a service's message.
pub(crate) enum Passed {
    /// The answer to the request whose stream this is, and whether it reports a failure.
    Answer(Bytes, &'static str),
    /// Something before the answer.
    On(Bytes),
    /// Nothing for the app.
    Nothing,
}

/// Reads a message of a service. `awaited` is the request whose stream it came on; `None` for a listening
/// stream, where answers have no place.
pub(crate) fn from_service(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    link: &Arc<Link>,
    awaited: Option<&Id>,
    data: &str,
) -> Passed {
    match Message::peek(data.as_bytes()) {
        Ok(Message::Response(response)) => match (awaited, &response.id) {
            // As it came: nothing in it is ours to change.
            (Some(awaited), Some(id)) if awaited == id => {
                Passed::Answer(Bytes::copy_from_slice(data.as_bytes()), outcome(&response.outcome))
            }
            _ => Passed::Nothing,
        },
        Ok(Message::Notification(notice)) => notification(relay, session, link, &notice, data),
        Ok(Message::Request(question)) => ask_the_app(relay, session, link, awaited, question),
        Err(flaw) => {
            tracing::debug!(service = %link.service.load().name, %flaw, "a service sent no message");
            Passed::Nothing
        }
    }
}

/// How the activity log calls it.
pub(crate) fn outcome(outcome: &Outcome<'_>) -> &'static str {
    match outcome {
        Outcome::Error(_) => "error",
        Outcome::Result(result) => {
            let failed = protocol::Object::parse(result.get()).ok().and_then(|r| r.flag("isError"));
            if failed == Some(true) { "tool_error" } else { "ok" }
        }
    }
}

fn notification(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    link: &Arc<Link>,
    notice: &Notification<'_>,
    data: &str,
) -> Passed {
    let as_it_came = || Passed::On(Bytes::copy_from_slice(data.as_bytes()));
    match notice.method.as_ref() {
        changed if shelf::is_list_change(changed) => {
            // The app lists from the inventory: it is told when that has changed.
            relay.lists_changed(&link.service.load());
            Passed::Nothing
        }
        method::CANCELLED => {
            let Some(ours) = notice.id_param("requestId").and_then(|id| session.withdrawn(link, &id)) else {
                return Passed::Nothing;
            };
            let params = notice.params.clone().unwrap_or_default().with("requestId", ours);
            Passed::On(Notification::new(method::CANCELLED, Some(params)).to_bytes())
        }
        method::RESOURCE_UPDATED if session.endpoint == Resource::All => {
            let Some(params) = &notice.params else { return Passed::Nothing };
            let uri = params.text("uri").unwrap_or_default();
            let public = relay.atlas().public_uri(&link.service.load(), &uri);
            let params = params.clone().with("uri", public);
            Passed::On(Notification::new(method::RESOURCE_UPDATED, Some(params)).to_bytes())
        }
        _ => as_it_came(),
    }
}

/// A question gets an id of ours, so that two services never ask with the same one.
fn ask_the_app(
    relay: &Arc<Relay>,
    session: &Arc<Session>,
    link: &Arc<Link>,
    call: Option<&Id>,
    mut question: Request<'_>,
) -> Passed {
    match session.asked(link, call, question.id.clone()) {
        Some(ours) => {
            question.id = ours;
            Passed::On(question.to_bytes())
        }
        None => {
            let refusal =
                protocol::error(Some(&question.id), code::INTERNAL, "Too many requests are waiting.");
            let (relay, link) = (relay.clone(), link.clone());
            tokio::spawn(async move { relay.tell(&link, refusal).await });
            Passed::Nothing
        }
    }
}

/// The notice that a request is given up.
pub(crate) fn cancelled(id: &Id, reason: &str) -> Bytes {
    let params = protocol::Object::new().with("requestId", raw(id)).with("reason", reason);
    Notification::new(method::CANCELLED, Some(params)).to_bytes()
}
