//! The client of programs that can't register.

use crate::support::{App, House, Pair, program};
use bellhop_authority::{Client, GENERIC};

/// A house whose rows have the generic client, as the engine keeps it.
async fn house() -> (House, App) {
    let house = House::new();
    let client = Client {
        id: GENERIC.into(),
        name: "Generic client".to_owned(),
        redirect_uris: vec![],
        registered_on: model::Timestamp::default(),
    };
    bellhop_authority::GrantRows::register(&*house.rows, &client).await.unwrap();
    (house, App { id: GENERIC.to_owned(), redirect: "http://127.0.0.1:4711/any/path".to_owned() })
}

#[tokio::test]
async fn a_program_that_can_not_register_signs_in_as_the_generic_client_under_the_name_of_its_program() {
    let (house, app) = house().await;
    house.around.listening.lock().unwrap().insert(4711, program("old-tool"));
    let code = house.code(&app, "blog:read").await;
    let answer = house.redeem(&app, &code, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let who = house.authority.authenticate(&Pair::of(&answer).access).unwrap();
    let grant = house.rows.grants.lock().unwrap()[&who.connection].0.clone();
    assert_eq!((grant.app.as_str(), grant.program), ("old-tool", Some(program("old-tool"))));
    // What is not seen has no name but this one.
    let unseen = App { redirect: "http://localhost:9/".to_owned(), ..app };
    assert_eq!(house.authorize(&unseen, &[]).await.status, 200);
    assert_eq!(house.waiting().last().unwrap().app, "Generic client");
}

#[tokio::test]
async fn the_generic_client_is_answered_on_this_computer_alone() {
    let (house, app) = house().await;
    for elsewhere in [
        "https://www.cursor.com/x",
        "cursor://x",
        "com.example.app:/x",
        "http://evil.example/",
        "http://127.0.0.1@evil.example/",
        "",
    ] {
        let answer = house.authorize(&app, &[("redirect_uri", elsewhere)]).await;
        assert_eq!(answer.status, 400, "{elsewhere}: the browser goes nowhere");
    }
    assert!(house.waiting().is_empty());
    // PKCE and exact addresses hold for it too.
    assert_eq!(house.authorize(&app, &[("code_challenge", "")]).await.goes()["error"], "invalid_request");
    let code = house.code(&app, "blog:read").await;
    let other = [("redirect_uri", "http://127.0.0.1:1/any/path")];
    assert_eq!(house.redeem(&app, &code, &other).await.error(), "invalid_grant");
}

#[tokio::test]
async fn two_programs_that_share_the_generic_client_do_not_take_each_others_place() {
    let (house, app) = house().await;
    house.around.listening.lock().unwrap().extend([(4711, program("one")), (4712, program("two"))]);
    let other = App { redirect: "http://127.0.0.1:4712/".to_owned(), ..app.clone() };
    for asks in [&app, &other, &app] {
        assert_eq!(house.authorize(asks, &[]).await.status, 200);
    }
    let waiting: Vec<_> = house.waiting().iter().map(|r| r.app.clone()).collect();
    assert_eq!(waiting, ["two", "one"], "only a program's own earlier request makes room");
}
