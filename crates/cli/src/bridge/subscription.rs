//! A `subscriptions/listen`: a stream for as long as the app wants it, over all restarts of Bellhop.

use super::{
    Bridge,
    answer::{self, Failure, Heard, Messages},
    modern,
    session::Headers,
    wire::{Answer, WireError},
};
use bytes::Bytes;
use hyper::StatusCode;
use protocol::{Id, Message, Notification, Object, code, meta, method};
use serde_json::value::RawValue;
use std::{collections::HashSet, time::Duration};
use tokio::time::{Instant, sleep};

/// The pause before the next try, which doubles up to the longest.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);
/// A stream that held this long was a good one: the next pause is short again.
const HELD: Duration = Duration::from_secs(10);

/// Notifications that say of a whole list that it changed, and how a filter asks for each.
const LISTS: [(&str, &str); 3] = [
    ("toolsListChanged", method::TOOLS_CHANGED),
    ("promptsListChanged", method::PROMPTS_CHANGED),
    ("resourcesListChanged", method::RESOURCES_CHANGED),
];

/// How a stream ended.
enum End {
    /// The app has got its answer: there is nothing more to come.
    Answered,
    /// Before that.
    Broken,
}

/// Bring the app what it listens to, until it cancels that (and drops this) or Bellhop ends it with an answer.
pub(super) async fn run(bridge: &Bridge, id: Id, line: Bytes) {
    // It may be kept for days, and must not keep what was read with it.
    let line = Bytes::copy_from_slice(&line);
    if let Err(failure) = listen(bridge, &id, line).await
        && bridge.flights.end(&id)
    {
        bridge.out.line(failure.to(&id)).await;
    }
}

async fn listen(bridge: &Bridge, id: &Id, line: Bytes) -> Result<(), Failure> {
    let mut pause = SHORTEST;
    let mut acknowledged = false;
    let mut next = match modern::send(bridge, line.clone()).await {
        Ok(answer) => Some(answer),
        // It changes nothing to ask again.
        Err(failure) if failure.code == code::STOPPED => None,
        Err(failure) => return Err(failure),
    };
    loop {
        if let Some(answer) = next.take() {
            let since = Instant::now();
            let mut messages = Messages::of(answer).await?;
            bridge.session.admitted();
            match forward(bridge, id, &line, &mut messages, &mut acknowledged).await? {
                End::Answered => return Ok(()),
                End::Broken if since.elapsed() >= HELD => pause = SHORTEST,
                End::Broken => {}
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
        next = again(bridge, &line).await?;
    }
}

/// Ask for the stream anew; `None` when it is too early.
///
/// Starts no Bellhop: a person who quit it does not want it back because an app is open somewhere. And puts no
/// question to a person who has just cut the app off: only a GET is sure not to.
async fn again<'a>(bridge: &'a Bridge, line: &Bytes) -> Result<Option<Answer<'a>>, Failure> {
    match bridge.wire.listen(Headers::default()).await {
        Ok(mut answer) if matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(answer::refusal(&mut answer).await);
        }
        // No session, so nothing to hear; but the app is let in.
        Ok(_) => {}
        Err(WireError::NotThere | WireError::Broken) => return Ok(None),
    }
    match bridge.wire.post(Headers::default(), line.clone()).await {
        // It is still locked, or just ending.
        Ok(answer) if answer.status().is_server_error() => Ok(None),
        Ok(answer) => Ok(Some(answer)),
        Err(WireError::NotThere | WireError::Broken) => Ok(None),
    }
}

/// Bring the app all messages of one stream.
async fn forward(
    bridge: &Bridge,
    id: &Id,
    line: &[u8],
    messages: &mut Messages<'_>,
    acknowledged: &mut bool,
) -> Result<End, Failure> {
    loop {
        let heard = match messages.next().await {
            Ok(Some(heard)) => heard,
            Ok(None) => return Ok(End::Broken),
            Err(failure) if failure.code == code::STOPPED => return Ok(End::Broken),
            Err(failure) => return Err(failure),
        };
        if heard.answers.contains(id) {
            // Bellhop says goodbye to everybody when it quits. That is no end to what the app wants.
            if is_result(&heard) && quits(bridge).await {
                return Ok(End::Broken);
            }
            bridge.deliver(heard).await;
            return Ok(End::Answered);
        }
        let Some(agreed) = agreed(&heard) else {
            bridge.deliver(heard).await;
            continue;
        };
        if std::mem::replace(acknowledged, true) {
            // The app knows, but not what it missed.
            for message in missed(id, &asked(line), &agreed) {
                bridge.out.line(message).await;
            }
        } else {
            bridge.deliver(heard).await;
        }
    }
}

fn is_result(heard: &Heard) -> bool {
    matches!(Message::peek(&heard.text), Ok(Message::Response(r)) if matches!(r.outcome, protocol::Outcome::Result(_)))
}

/// Whether Bellhop is ending: it takes no more connections then, at once or a moment later.
async fn quits(bridge: &Bridge) -> bool {
    if !bridge.wire.is_there().await {
        return true;
    }
    sleep(SHORTEST).await;
    !bridge.wire.is_there().await
}

/// What Bellhop agreed to, if this acknowledges the subscription.
fn agreed(heard: &Heard) -> Option<Object<'_>> {
    match Message::peek(&heard.text) {
        Ok(Message::Notification(n)) if n.method == method::ACKNOWLEDGED => {
            let agreed = n.params.as_ref().and_then(|p| p.object("notifications")).map(Object::into_owned);
            Some(agreed.unwrap_or_default())
        }
        _ => None,
    }
}

/// What the app asked for.
fn asked(line: &[u8]) -> Object<'static> {
    let Ok(Message::Request(request)) = Message::peek(line) else { return Object::new() };
    let asked = request.params.as_ref().and_then(|p| p.object("notifications")).map(Object::into_owned);
    asked.unwrap_or_default()
}

/// What may have happened while nobody listened, of all that was asked for and agreed to.
fn missed(id: &Id, asked: &Object<'_>, agreed: &Object<'_>) -> Vec<Bytes> {
    let tagged = || Object::new().with("_meta", Object::new().with(meta::SUBSCRIPTION_ID, id));
    let flag = |name| asked.flag(name) == Some(true) && agreed.flag(name) == Some(true);
    let lists = LISTS.into_iter().filter(|(name, _)| flag(name));
    let lists = lists.map(|(_, method)| Notification::new(method, Some(tagged())));
    let uris = asked.list("resourceSubscriptions").unwrap_or_default();
    let theirs = agreed.list("resourceSubscriptions").unwrap_or_default();
    let theirs: HashSet<_> = theirs.into_iter().map(RawValue::get).collect();
    let uris = uris.into_iter().filter(|uri| theirs.contains(uri.get()));
    let updated = |uri| Notification::new(method::RESOURCE_UPDATED, Some(tagged().with("uri", uri)));
    lists.chain(uris.map(updated)).map(|n| n.to_bytes()).collect()
}
