//! The stream on which Bellhop speaks of itself: that a list of tools changed, a question to the person.

use super::{
    Bridge,
    answer::{Failure, Messages},
};
use hyper::StatusCode;
use protocol::code;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// The pause before the next try, which doubles up to the longest.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);

/// Keep that stream open.
///
/// Starts no Bellhop: a person who quit it does not want it back because an app is open somewhere. And once
/// Bellhop itself has ended the stream or refused it, the app was cut off: to knock again unasked would put the
/// question to the person that they have just answered. The app's next request that is answered shows that it is
/// let in.
pub(super) async fn listen(bridge: Arc<Bridge>) {
    let mut pause = SHORTEST;
    loop {
        bridge.session.until_ready().await;
        let (seen, headers) = bridge.session.see();
        if let Ok(response) = bridge.wire.listen(headers).await {
            match response.status() {
                StatusCode::METHOD_NOT_ALLOWED => return,
                // Bellhop was restarted. A problem is said by whoever meets it next with a request.
                StatusCode::NOT_FOUND => {
                    let _ = bridge.session.renew(seen).await;
                }
                _ => match Messages::of(response).await {
                    Ok(messages) => {
                        pause = SHORTEST;
                        if forward(&bridge, messages).await.is_ok() {
                            bridge.session.refused();
                        }
                    }
                    Err(failure) if failure.code == code::NOT_ALLOWED => bridge.session.refused(),
                    Err(_) => {}
                },
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// Bring the app all messages. An error when the connection broke before the end.
async fn forward(bridge: &Bridge, mut messages: Messages<'_>) -> Result<(), Failure> {
    while let Some(message) = messages.next().await? {
        bridge.deliver(message).await;
    }
    Ok(())
}
