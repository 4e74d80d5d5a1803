//! Services: signed in to, two of them at one address, removed while something is under way.

use crate::house::House;
use control::{Answer, Command, Dead, Query, ReceiptView, ServiceState, SignInEnd, StepOutcome};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_click_joins_the_sign_in_that_waits_and_another_name_does_not() {
    let house = House::new().await;
    let url = house.playground().await;
    let (first, again, other) =
        tokio::join!(house.begin(&url, None), house.begin(&url, None), house.begin(&url, Some("second")));
    assert_eq!(first.0, again.0, "one sign-in, not two that race");
    assert_ne!(first.0, other.0, "an account of its own was asked for");
    house.allow_in_browser(&other.1).await;
    house.allow_in_browser(&first.1).await;
    for attempt in [&first.0, &other.0] {
        assert!(matches!(house.end_of(attempt).await, SignInEnd::Connected { .. }));
    }
    assert!(house.services().await.iter().any(|s| s.name.as_str() == "second"));
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_is_for_the_service_that_was_named() {
    let house = House::new().await;
    let url = house.playground().await;
    let (first, _) = house.connect(&url, Some("first")).await;
    let (second, _) = house.connect(&url, Some("second")).await;
    let again = |service| async {
        let command = Command::sign_in(service, false);
        match house.engine.face().command(command).await.unwrap() {
            Answer::SignIn { attempt, address } => (attempt, address.unwrap()),
            other => panic!("{other:?}"),
        }
    };
    let (one, two) = (again(first.clone()).await, again(second.clone()).await);
    assert_ne!(one.0, two.0);
    house.allow_in_browser(&two.1).await;
    let ended = house.end_of(&two.0).await;
    assert!(matches!(ended, SignInEnd::Connected { service, .. } if service == second));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_new_services_that_want_one_name_get_two() {
    let house = House::new().await;
    let (a, b) = (house.playground().await, house.playground().await);
    let (first, second) = tokio::join!(house.begin(&a, Some("play")), house.begin(&b, Some("play")));
    tokio::join!(house.allow_in_browser(&first.1), house.allow_in_browser(&second.1));
    for attempt in [&first.0, &second.0] {
        assert!(matches!(house.end_of(attempt).await, SignInEnd::Connected { .. }));
    }
    let names: Vec<_> = house.services().await.into_iter().map(|s| s.name.to_string()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_a_service_ends_the_sign_in_to_it() {
    let house = House::new().await;
    let url = house.playground().await;
    let (service, _) = house.connect(&url, Some("play")).await;
    let command = Command::sign_in(service.clone(), false);
    let Answer::SignIn { attempt, .. } = house.engine.face().command(command).await.unwrap() else {
        panic!("a sign-in")
    };
    house.engine.face().command(Command::RemoveService { service }).await.unwrap();
    assert!(matches!(house.end_of(&attempt).await, SignInEnd::Failed { .. }));
    assert!(house.services().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_allowed_of_a_service_that_was_removed_is_not_inherited_by_its_successor() {
    let house = House::new().await;
    let url = house.playground().await;
    let (old, _) = house.connect(&url, Some("play")).await;
    house.connect(&house.playground().await, Some("other")).await;
    let asking = house.app_asks("Tester").await;
    let request = house.request().await;
    house.approve(&request, "play:read play:write other:read").await.unwrap();
    // The app fetches its token only now that one of the services has gone, and another has its name.
    house.engine.face().command(Command::RemoveService { service: old }).await.unwrap();
    assert_eq!(house.redeem(&asking).await.status(), 200);
    house.connect(&house.playground().await, Some("play")).await;
    assert_eq!(house.connections().await[0].scope.to_string(), "other:read");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_whose_only_service_has_gone_meanwhile_is_not_let_in() {
    let house = House::new().await;
    let url = house.playground().await;
    let (old, _) = house.connect(&url, Some("play")).await;
    let asking = house.app_asks("Tester").await;
    let request = house.request().await;
    house.approve(&request, "play:write").await.unwrap();
    house.engine.face().command(Command::RemoveService { service: old }).await.unwrap();
    assert!(house.redeem(&asking).await.status().is_server_error());
    assert!(house.connections().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_to_the_same_account_again_keeps_the_service() {
    let house = House::new().await;
    let url = house.playground().await;
    let (first, _) = house.connect(&url, None).await;
    let (again, _) = house.connect(&url, None).await;
    assert_eq!(first, again);
    let services = house.services().await;
    assert_eq!(services.len(), 1);
    assert!(matches!(services[0].state, ServiceState::Connected { .. }));
}

async fn remove(house: &House, service: model::ServiceId) -> ReceiptView {
    match house.engine.face().command(Command::RemoveService { service }).await.unwrap() {
        Answer::Receipt(receipt) => receipt,
        other => panic!("{other:?}"),
    }
}

async fn receipts(house: &House) -> Vec<ReceiptView> {
    match house.engine.face().query(Query::Receipts).await.unwrap() {
        Answer::Receipts { receipts } => receipts,
        other => panic!("{other:?}"),
    }
}

fn outcome<'a>(receipt: &'a ReceiptView, what: &str) -> Option<&'a StepOutcome> {
    receipt.steps.iter().find(|s| s.what == what).map(|s| &s.outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_services_sign_in_is_given_back_seen_dead_and_the_receipt_is_kept() {
    let house = House::new().await;
    let url = house.playground().await;
    let (service, _) = house.connect(&url, Some("play")).await;
    let receipt = remove(&house, service).await;
    assert_eq!(outcome(&receipt, "local"), Some(&StepOutcome::Done));
    assert_eq!(outcome(&receipt, "refresh_token"), Some(&StepOutcome::Done), "{receipt:?}");
    assert_eq!(outcome(&receipt, "page"), None, "nothing is left to do by hand");
    assert!(matches!(receipt.dead, Dead::SeenDead { .. }), "{receipt:?}");
    assert_eq!(receipts(&house).await, [receipt]);
}
