//! The life of one request of the modern era: it stands for itself, without a session.

use super::{
    Bridge,
    answer::{Failure, Messages},
    session::Headers,
    wire::{Answer, WireError},
};
use bytes::Bytes;
use protocol::Id;

/// How often Bellhop is brought back for one request.
const RETURNS: u32 = 2;

/// Send the request and bring the app what comes back: one answer or one error. Dropped, it closes the response
/// stream, which is how Bellhop hears that the app has cancelled it.
pub(super) async fn run(bridge: &Bridge, id: Id, line: Bytes) {
    let failure = match carry(bridge, line).await {
        // A stream that ended before the answer.
        Ok(()) => Failure::gone(),
        Err(failure) => failure,
    };
    if bridge.flights.end(&id) {
        bridge.out.line(failure.to(&id)).await;
    }
}

async fn carry(bridge: &Bridge, line: Bytes) -> Result<(), Failure> {
    let mut messages = Messages::of(send(bridge, line).await?).await?;
    bridge.session.admitted();
    while let Some(message) = messages.next().await? {
        bridge.deliver(message).await;
    }
    Ok(())
}

/// Send a message that needs no session.
pub(super) async fn send(bridge: &Bridge, line: Bytes) -> Result<Answer<'_>, Failure> {
    let mut returns = 0;
    loop {
        match bridge.wire.post(Headers::default(), line.clone()).await {
            Err(WireError::NotThere) if returns < RETURNS => {}
            sent => return Ok(sent?),
        }
        returns += 1;
        bridge.session.reach().await?;
    }
}
