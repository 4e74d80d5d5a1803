use crate::support::House;
use bellhop_authority::{Bearer, KeyError, Method, NewKey, TokenProblem};
use model::{Clock, Explain, Timestamp};
use std::{sync::atomic::Ordering, time::Duration};

async fn key(house: &House, ends: Option<Timestamp>) -> NewKey {
    house.authority.add_key("Backup script", "blog:read".parse().unwrap(), ends).await.unwrap()
}

#[tokio::test]
async fn an_access_key_lets_in_at_any_endpoint_within_its_scope_until_it_is_revoked_also_after_a_restart() {
    let house = House::new();
    let NewKey { connection, key } = key(&house, None).await;
    let restarted = house.restarted();
    for house in [&house, &restarted] {
        let who = house.authority.authenticate(key.expose()).unwrap();
        assert_eq!((who.connection, who.resource, who.limit), (connection.clone(), None, None));
        assert!(house.authority.authenticate_key(key.expose()).is_ok());
    }
    let (grant, _) = house.rows.grants.lock().unwrap()[&connection].clone();
    assert_eq!((grant.app.as_str(), grant.method), ("Backup script", Method::AccessKey));
    assert_eq!(grant.scope.to_string(), "blog:read");
    house.authority.forget(&connection);
    assert_eq!(house.authority.authenticate(key.expose()), Err(TokenProblem::Unknown));
}

#[tokio::test]
async fn what_is_kept_of_an_access_key_is_a_keyed_hash() {
    let house = House::new();
    let (one, two) = (key(&house, None).await, key(&house, None).await);
    let kept = |new: &NewKey| match &house.rows.grants.lock().unwrap()[&new.connection].1 {
        Bearer::Key(key) => key.hash,
        other => panic!("{other:?}"),
    };
    assert_ne!(kept(&one), kept(&two), "two keys of one name are two");
    let bytes = base64::Engine::decode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        one.key.expose().strip_prefix("bhk_").unwrap(),
    )
    .unwrap();
    assert_ne!(kept(&one).to_vec(), bytes);
    let plain: [u8; 32] =
        sha2::Digest::finalize(<sha2::Sha256 as sha2::Digest>::new_with_prefix(&bytes)).into();
    assert_ne!(kept(&one), plain);
    assert!(!format!("{one:?}").contains(one.key.expose()));
}

#[tokio::test]
async fn an_access_key_ends_at_its_end_by_either_clock() {
    let house = House::new();
    let now = house.clock.now();
    let NewKey { connection, key } = key(&house, Some(now + Duration::from_secs(100))).await;
    house.seconds_pass(99);
    assert!(house.authority.authenticate(key.expose()).is_ok());
    assert!(house.authority.ended_keys().is_empty());
    house.clock.set_wall(now);
    house.seconds_pass(1);
    assert_eq!(house.authority.authenticate(key.expose()), Err(TokenProblem::Ended));
    assert_eq!(house.authority.ended_keys(), [connection]);
}

#[tokio::test]
async fn no_access_key_is_made_that_has_no_name_no_use_or_allows_what_is_not_there() {
    let house = House::new();
    let add = async |name: &str, scope: &str, ends| {
        house.authority.add_key(name, scope.parse().unwrap(), ends).await.unwrap_err().problem().code
    };
    assert_eq!(add(" \u{200b}", "blog:read", None).await, "authority.key_nameless");
    assert_eq!(add("a", "", None).await, "authority.nothing_chosen");
    assert_eq!(add("a", "ghost:read", None).await, "authority.key_scope");
    assert_eq!(add("a", "blog:read", Some(house.clock.now())).await, "authority.key_past");
    house.rows.full.store(true, Ordering::SeqCst);
    let full = house.authority.add_key("a", "blog:read".parse().unwrap(), None).await;
    assert!(matches!(full, Err(KeyError::Rows(_))));
    assert!(house.rows.grants.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_only_looks_like_an_access_key_is_none() {
    let house = House::new();
    let NewKey { key, .. } = key(&house, None).await;
    let text = key.expose();
    let (_, pair) = house.connected("blog:read").await;
    assert_eq!(
        house.authority.authenticate_key(&pair.access),
        Err(TokenProblem::Unknown),
        "a token is no key"
    );
    let mut flipped = text.to_owned().into_bytes();
    flipped[10] ^= 1;
    for wrong in [
        "bhk_",
        &text[..46],
        &format!("{text}A"),
        &format!("{text}="),
        &text.replace("bhk_", "bha_"),
        &text.replace("bhk_", ""),
        &text.to_uppercase(),
        std::str::from_utf8(&flipped).unwrap(),
        &format!(" {text}"),
    ] {
        assert_eq!(house.authority.authenticate(wrong), Err(TokenProblem::Unknown), "{wrong}");
    }
}
