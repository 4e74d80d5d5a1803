use crate::inner::Inner;
use std::{sync::Arc, time::Duration};

/// How long finishing takes at most: whoever takes over waits for it.
const LIMIT: Duration = Duration::from_secs(5);
/// How long calls under way have to end by themselves.
const CALLS: Duration = Duration::from_secs(2);

/// Finish: no new calls, let those under way end for a moment, let renewals be stored, close the files.
///
/// Runs once; whoever asks later waits for the same end.
pub(crate) async fn run(inner: &Arc<Inner>) {
    if inner.ending.is_cancelled() {
        inner.ended.cancelled().await;
        return;
    }
    inner.ending.cancel();
    inner.sign_ins.cancel_all();
    let closing = async {
        if let Some(rooms) = inner.rooms.get() {
            rooms.close(CALLS).await;
        }
        inner.playground.stop().await;
    };
    if tokio::time::timeout(LIMIT, closing).await.is_err() {
        tracing::warn!("not everything was stored within {} s", LIMIT.as_secs());
    }
    inner.ended.cancel();
}
