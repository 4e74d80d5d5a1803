use model::ConnectionId;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// One accepted transport connection: it can be hung up.
///
/// A revoked connection's answers end by themselves, but only when somebody reads them. An app that doesn't read
/// would hold its call open for as long as it likes, so the wire under it is cut.
#[derive(Default)]
pub(crate) struct Wire {
    hang_up: CancellationToken,
    carries: Mutex<Vec<ConnectionId>>,
}

impl Wire {
    /// Returns when it has to be cut.
    pub(crate) async fn cut(&self) {
        self.hang_up.cancelled().await;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.hang_up.cancel();
    }
}

/// Which wires carry calls of which connection.
#[derive(Default)]
pub(crate) struct Wires {
    by_connection: Mutex<HashMap<ConnectionId, Vec<CancellationToken>>>,
}

impl Wires {
    /// This wire carries a call of that connection.
    pub(crate) fn carry(&self, wire: &Wire, connection: &ConnectionId) {
        let mut carries = wire.carries.lock().unwrap_or_else(PoisonError::into_inner);
        if carries.contains(connection) {
            return;
        }
        carries.push(connection.clone());
        let mut all = self.by_connection.lock().unwrap_or_else(PoisonError::into_inner);
        let wires = all.entry(connection.clone()).or_default();
        wires.retain(|w| !w.is_cancelled());
        wires.push(wire.hang_up.clone());
    }

    /// Cut every wire that carries that connection.
    pub(crate) fn hang_up(&self, connection: &ConnectionId) {
        for wire in self.forget(connection) {
            wire.cancel();
        }
    }

    /// That connection carries no calls any more; its wires stay, so that its app can read why.
    pub(crate) fn forget(&self, connection: &ConnectionId) -> Vec<CancellationToken> {
        self.by_connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(connection)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn is_cut(wire: &Wire) -> bool {
        tokio::time::timeout(Duration::from_millis(10), wire.cut()).await.is_ok()
    }

    #[tokio::test]
    async fn hanging_up_cuts_the_wires_of_that_connection_and_no_others() {
        let (wires, first, second, other) =
            (Wires::default(), Wire::default(), Wire::default(), Wire::default());
        for wire in [&first, &first, &second] {
            wires.carry(wire, &"a".into());
        }
        wires.carry(&other, &"b".into());
        wires.hang_up(&"a".into());
        assert!(is_cut(&first).await && is_cut(&second).await);
        assert!(!is_cut(&other).await);
    }

    #[test]
    fn a_wire_that_closed_by_itself_is_forgotten() {
        let wires = Wires::default();
        for _ in 0..100 {
            wires.carry(&Wire::default(), &"a".into());
        }
        let kept = wires.by_connection.lock().unwrap();
        assert!(kept[&"a".into()].len() <= 1);
    }
}
