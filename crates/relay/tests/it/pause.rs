//! A pause: nothing reaches a service but that a call is given up.

use crate::{peer::Peer, support::House, visit::Ask};
use http::Method;
use serde_json::json;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn while_paused_no_notification_of_an_app_reaches_a_service() {
    for peer in [Peer::legacy().await, Peer::modern().await] {
        let house = House::before(&peer).await;
        house.ask(Ask::new(1, "tools/list", json!({}))).await;
        let session = house.open("/mcp/a").await;
        // So that it has a session at the service.
        let body = serde_json::from_str(&crate::support::call(7, "work")).unwrap();
        let served = async {
            let call = peer.call().await;
            let modern = call.json()["params"]["_meta"][crate::visit::VERSION].is_string();
            call.result(if modern { r#"{"resultType":"complete"}"# } else { "{}" });
        };
        tokio::join!(house.tell("/mcp/a", &session, &body), served);
        let say = async |what: &str| {
            let told = json!({"jsonrpc":"2.0","method":"notifications/custom","params":{"what":what}});
            house.post("/mcp/a", &session, &told.to_string()).await;
            let mut own = told;
            own["params"]["_meta"] = json!({crate::visit::VERSION:"2026-07-28"});
            let headers = [
                ("content-type", "application/json"),
                ("accept", "application/json, text/event-stream"),
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "notifications/custom"),
            ];
            house.send(Method::POST, "/mcp/a", &headers, &own.to_string()).await;
        };
        house.engine.paused.store(true, Ordering::SeqCst);
        say("paused").await;
        house.engine.paused.store(false, Ordering::SeqCst);
        say("afterwards").await;
        let got = peer.wait_for("notifications/custom", 1).await;
        assert!(got.iter().all(|g| g.json()["params"]["what"] == "afterwards"), "{}", got[0].text);
    }
}
