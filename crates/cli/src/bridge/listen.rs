//! The stream on which Bellhop speaks of itself: that a list of tools changed, a question to the person.

use super::{Bridge, answer::Messages};
use hyper::StatusCode;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// The pause before the next try, which doubles up to the longest.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);

/// Keep that stream open.
///
/// Starts no Bellhop: a person who quit it does not want it back because an app is open somewhere.
pub(super) async fn listen(bridge: Arc<Bridge>) {
    let mut pause = SHORTEST;
    loop {
        bridge.session.until_ready().await;
        let (seen, headers) = bridge.session.see();
        if let Ok(response) = bridge.wire.listen(headers).await {
            match response.status() {
                StatusCode::METHOD_NOT_ALLOWED => return,
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => bridge.session.refused(),
                // Bellhop was restarted. A problem is said by whoever meets it next with a request.
                StatusCode::NOT_FOUND => {
                    let _ = bridge.session.renew(seen).await;
                }
                _ => {
                    if let Ok(mut messages) = Messages::of(response).await {
                        while let Ok(Some(message)) = messages.next().await {
                            pause = SHORTEST;
                            bridge.deliver(message).await;
                        }
                    }
                }
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}
