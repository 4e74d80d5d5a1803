//! A call that waits for the person: to be allowed more, or for a sign-in that has ended.

use bellhop_tests::{App, Bellhop, Session, until};
use serde_json::{Value, json};
use std::fs;

fn note(text: &str) -> Value {
    json!({ "name": "tea", "text": text })
}

/// Proves held.7 and person.5.
#[tokio::test]
async fn a_call_that_may_not_is_held_until_the_person_with_the_pin_allows_it() {
    let mut bellhop = Bellhop::kept().await.with_playground().await;
    let (app, tokens) = App::let_in(&bellhop, "Writer", &["playground:read"]).await;
    let session = Session::open(&app, &tokens).await;
    let person = async {
        let id = bellhop.request("Writer").await;
        let waiting = bellhop.json(&["requests"]).await[0].clone();
        assert_eq!(waiting["about"]["about"], "more", "{waiting}");
        assert_eq!(waiting["about"]["tool"], "write_note", "{waiting}");
        assert_eq!(waiting["asked"], "playground:write", "{waiting}");
        bellhop.run_with(&["approve", &id], "not the pin").await.refused("That is not the PIN");
        assert_eq!(bellhop.connection("Writer").await["scope"], "playground:read");
        bellhop.approve(&id, &[]).await;
    };
    let (written, ()) = tokio::join!(session.call("playground_write_note", note("Two of Assam")), person);
    assert_eq!(written["isError"], false, "{written}");
    let read = session.call("playground_read_note", json!({ "name": "tea" })).await;
    assert_eq!(read["content"][0]["text"], "Two of Assam");
    bellhop.logged("that it may do more", |e| e["kind"] == "connection_widened").await;

    // With the same token, and over a restart, nobody is asked again.
    bellhop.restart().await;
    let session = Session::open(&app, &tokens).await;
    assert!(session.tools().await.contains(&"playground_write_note".to_owned()));
    let written = session.call("playground_write_note", note("Three of Assam")).await;
    assert_eq!(written["isError"], false, "{written}");
    assert_eq!(bellhop.connection("Writer").await["scope"], "playground:read playground:write");
}

/// Proves held.10.
#[tokio::test]
async fn a_call_that_meets_an_ended_sign_in_is_held_until_the_person_signs_in_again() {
    let mut bellhop = Bellhop::kept().await.with_playground().await;
    let (app, tokens) = App::let_in(&bellhop, "Reader", &["playground:read"]).await;
    bellhop.stop().await;
    // The provider forgets everybody.
    fs::remove_file(bellhop.home.join("playground/state.json")).unwrap();
    bellhop.serve().await;
    // It starts beside Bellhop, which is ready before it.
    let port = fs::read_to_string(bellhop.home.join("playground/port")).unwrap();
    let port: u16 = port.trim().parse().unwrap();
    until("the playground is there again", || async {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok().map(drop)
    })
    .await;
    let session = Session::open(&app, &tokens).await;
    let person = async {
        until("the service says who waits for it", || async {
            let service = bellhop.json(&["services"]).await[0].clone();
            let waits = service["awaited_by"][0].as_str().is_some_and(|who| who.starts_with("Reader on "));
            waits.then_some(())
        })
        .await;
        let status = bellhop.run(&["status"]).await.well();
        assert!(status.out.contains("A call waits for that: Reader on "), "{status:?}");
        bellhop.add("playground", "allow").await.well();
    };
    let (listed, ()) = tokio::join!(session.call("playground_list_notes", json!({})), person);
    assert_eq!(listed["isError"], false, "{listed}");
    assert_eq!(bellhop.services().await, [("playground".to_owned(), "connected".to_owned())]);
}
