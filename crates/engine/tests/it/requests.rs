//! An app asks: what the person gets to see of it, and how their answer arrives.

use crate::house::{House, soon};
use control::{Answer, Command, Query, Section, SectionName};
use model::RequestId;
use std::time::Duration;

async fn house() -> House {
    let house = House::new().await;
    let url = house.playground().await;
    house.connect(&url, Some("play")).await;
    house
}

async fn until(mut what: impl FnMut() -> bool) {
    soon(async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_asks_appears_in_the_view_and_its_window_is_brought_up() {
    let house = house().await;
    let mut view = house.engine.face().watch(&[SectionName::Requests]);
    house.app_asks("Tester").await;
    let request = soon(async {
        loop {
            if let Some(Section::Requests(all)) = view.recv().await
                && let [request] = all.as_slice()
            {
                return request.clone();
            }
        }
    })
    .await;
    assert_eq!(request.app, "Tester");
    until(|| house.desk.raises_of(&request.id) == 1).await;
    until(|| house.desk.notices.lock().unwrap().iter().any(|n| n.request.as_ref() == Some(&request.id)))
        .await;
    // Answered, it leaves the view without being asked for.
    house.engine.face().command(Command::Deny { request: request.id }).await.unwrap();
    soon(async { while !matches!(view.recv().await, Some(Section::Requests(all)) if all.is_empty()) {} })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_apps_that_ask_at_once_do_not_cover_the_screen_with_windows() {
    let house = house().await;
    for n in 0..8 {
        house.app_asks(&format!("Tester {n}")).await;
    }
    assert_eq!(house.requests().await.len(), 8);
    until(|| house.desk.raised.lock().unwrap().contains(&None)).await;
    let own = house.desk.raised.lock().unwrap().iter().flatten().count();
    assert!(own <= 3, "{own} windows were opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_asks_over_and_over_opens_one_window_a_second_at_most() {
    let house = house().await;
    let asking = house.app_asks("Tester").await;
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        house.asks_again(&asking.client).await;
    }
    let last = house.request().await;
    until(|| house.desk.raises_of(&last.id) == 1).await;
    let raised = house.desk.raised.lock().unwrap().len() as u64;
    assert!(raised <= begun.elapsed().as_secs() + 2, "{raised} windows");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_raised_only_for_a_request_that_waits() {
    let house = house().await;
    let show = |request: &RequestId| Command::Show { request: Some(request.clone()) };
    let problem = house.engine.face().command(show(&"nothing".into())).await.unwrap_err();
    assert_eq!(problem.code, "engine.unknown_request");
    assert!(house.desk.raised.lock().unwrap().is_empty());
    house.app_asks("Tester").await;
    let request = house.request().await;
    assert!(matches!(house.engine.face().command(show(&request.id)).await, Ok(Answer::Shown)));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_how_a_request_ended_is_told_also_when_it_ended_before() {
    let house = house().await;
    house.app_asks("Tester").await;
    let request = house.request().await;
    let face = house.engine.face();
    let query = Query::RequestEnd { request: request.id.clone() };
    let waiting = tokio::spawn({
        let (face, query) = (face.clone(), query.clone());
        async move { face.query(query).await }
    });
    house.approve(&request, "play:read").await.unwrap();
    assert!(matches!(soon(waiting).await.unwrap(), Ok(Answer::RequestEnd { allowed: true })));
    // A second click, and a late no, change nothing.
    assert!(house.approve(&request, "play:read").await.is_err());
    assert!(face.command(Command::Deny { request: request.id.clone() }).await.is_err());
    assert!(matches!(face.query(query).await, Ok(Answer::RequestEnd { allowed: true })));
    let unknown = Query::RequestEnd { request: "nothing".into() };
    assert_eq!(face.query(unknown).await.unwrap_err().code, "engine.unknown_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_of_something_else_than_was_shown_is_refused_and_can_be_made_good() {
    let house = house().await;
    house.app_asks("Tester").await;
    let request = house.request().await;
    let other = control::RequestView { snapshot: "0".repeat(64), ..request.clone() };
    assert_eq!(house.approve(&other, "play:read").await.unwrap_err().code, "authority.request_changed");
    assert!(house.approve(&request, "other:read").await.is_err());
    house.approve(&request, "play:read").await.unwrap();
}
