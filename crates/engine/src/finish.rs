use crate::inner::Inner;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How long finishing takes at most: whoever takes over waits for it.
const LIMIT: Duration = Duration::from_secs(5);
/// How long calls under way have to end by themselves.
const CALLS: Duration = Duration::from_secs(2);

/// Finish: no new calls, let those under way end for a moment, let renewals be stored, close the files.
///
/// Runs once, in a task of its own; whoever asks later waits for the same end, and whoever leaves doesn't stop it.
pub(crate) async fn run(inner: &Arc<Inner>) {
    if !inner.finishing.swap(true, Ordering::AcqRel) {
        tokio::spawn(close(Arc::clone(inner)));
    }
    inner.ended.cancelled().await;
}

async fn close(inner: Arc<Inner>) {
    // Whatever happens below, nobody waits for the end in vain.
    let _ended = inner.ended.clone().drop_guard();
    inner.ending.cancel();
    inner.sign_ins.cancel_all();
    let closing = async {
        // Port and socket first: whoever takes over may be quick, and the socket's file must not go after its own
        // is there.
        inner.doors.close();
        inner.doors.wait().await;
        if let Some(rooms) = inner.rooms.get() {
            rooms.close(CALLS).await;
        }
        inner.playground.stop().await;
    };
    if tokio::time::timeout(LIMIT, closing).await.is_err() {
        tracing::warn!("not everything was stored within {} s", LIMIT.as_secs());
    }
}
