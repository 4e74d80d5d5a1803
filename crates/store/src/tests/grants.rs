use super::*;
use model::{Listing, Program, Resource};

fn client(id: &str, registered_on: Timestamp) -> ClientRow {
    ClientRow {
        id: id.into(),
        name: "Cursor".to_owned(),
        redirect_uris: vec!["http://127.0.0.1/cb".to_owned(), "cursor://x".to_owned()],
        registered_on,
    }
}

fn connection(id: &str, client: Option<&str>) -> ConnectionRow {
    ConnectionRow {
        id: id.into(),
        client: client.map(Into::into),
        app: "Cursor".to_owned(),
        app_id: Some("cursor".into()),
        computer: "anna-laptop".to_owned(),
        method: ConnectionMethod::Oauth,
        scope: "one:read two:write".parse().unwrap(),
        resource: Resource::One("one".parse().unwrap()),
        program: Some(Program { pid: 7, identity: "/usr/bin/cursor".to_owned(), name: "cursor".to_owned() }),
        listing: Listing::Auto,
        name: None,
        paused_on: None,
        refused: false,
        connected_on: NOW,
        last_active: None,
        revoked_on: None,
    }
}

fn family(id: u8, number: u32) -> FamilyRow {
    FamilyRow { id: [id; 16], number, issued_on: NOW, access_until: NOW, scope: "one:read".parse().unwrap() }
}

fn bearer(family: FamilyRow) -> BearerRow {
    BearerRow::Family(family)
}

fn tokens(bearer: &Option<BearerRow>) -> Option<&FamilyRow> {
    match bearer {
        Some(BearerRow::Family(family)) => Some(family),
        _ => None,
    }
}

fn access_key(hash: u8, ends: Option<Timestamp>) -> (ConnectionRow, BearerRow) {
    let row = ConnectionRow { method: ConnectionMethod::AccessKey, ..connection(&format!("k{hash}"), None) };
    (row, BearerRow::Key(AccessKeyRow { hash: [hash; 32], ends }))
}

#[tokio::test]
async fn a_connection_is_there_after_a_restart_as_it_was_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path()).await;
    first.register_client(&client("k", NOW)).await.unwrap();
    let allowed = (connection("n", Some("k")), Some(bearer(family(1, 0))));
    first.allow(&allowed.0, allowed.1.as_ref()).await.unwrap();
    first.close().await;
    let store = store(folder.path()).await;
    assert_eq!(store.connections().await.unwrap(), [allowed]);
    assert_eq!(store.client(&"k".into()).await.unwrap(), Some(client("k", NOW)));
}

#[tokio::test]
async fn only_the_next_number_of_the_same_family_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    store.allow(&connection("n", None), Some(&bearer(family(1, 0)))).await.unwrap();
    store.rotate(&"n".into(), &family(1, 1)).await.unwrap();
    for wrong in [family(1, 1), family(1, 3), family(2, 2)] {
        assert!(matches!(store.rotate(&"n".into(), &wrong).await, Err(StoreError::Superseded)), "{wrong:?}");
    }
    store.rotate(&"n".into(), &family(1, 2)).await.unwrap();
}

#[tokio::test]
async fn a_revoked_connection_stays_to_be_seen_and_its_tokens_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    store.allow(&connection("n", None), Some(&bearer(family(1, 0)))).await.unwrap();
    assert!(store.revoke(&"n".into(), NOW, "ok", false).await.unwrap());
    assert!(!store.revoke(&"n".into(), NOW, "ok", false).await.unwrap());
    let revoked = ConnectionRow { revoked_on: Some(NOW), ..connection("n", None) };
    assert_eq!(store.connections().await.unwrap(), [(revoked, None)]);
    assert!(matches!(store.rotate(&"n".into(), &family(1, 1)).await, Err(StoreError::Superseded)));
}

#[tokio::test]
async fn only_old_clients_that_were_never_let_in_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let old = Timestamp::from_millis(1);
    for (id, on) in [("used", old), ("old", old), ("new", NOW)] {
        store.register_client(&client(id, on)).await.unwrap();
    }
    store.allow(&connection("n", Some("used")), None).await.unwrap();
    assert_eq!(store.unused_clients().await.unwrap(), 2);
    assert_eq!(store.purge_clients(NOW).await.unwrap(), 1);
    assert!(store.client(&"old".into()).await.unwrap().is_none());
    assert!(store.client(&"used".into()).await.unwrap().is_some());
    let gone = store.allow(&connection("m", Some("old")), None).await;
    assert!(matches!(gone, Err(StoreError::Superseded)));
}

#[tokio::test]
async fn last_active_never_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    store.allow(&connection("n", None), None).await.unwrap();
    store.save_last_active(&[("n".into(), NOW)]).await.unwrap();
    store.save_last_active(&[("n".into(), Timestamp::from_millis(5))]).await.unwrap();
    assert_eq!(store.connections().await.unwrap()[0].0.last_active, Some(NOW));
}

#[tokio::test]
async fn a_later_service_of_the_same_name_inherits_no_leave() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let service = ServiceRow {
        asked: None,
        exceptions: Vec::new(),
        id: "s".into(),
        name: "one".parse().unwrap(),
        title: "One".to_owned(),
        url: "http://127.0.0.1/mcp".to_owned(),
        catalogue: None,
        account: None,
        method: ServiceMethod::None,
        created_on: NOW,
    };
    store.connect_service(&service, None, None).await.unwrap();
    store.allow(&connection("n", None), Some(&bearer(family(1, 0)))).await.unwrap();
    store.remove_service(&"s".into(), None).await.unwrap();
    let (kept, bearer) = store.connections().await.unwrap().remove(0);
    assert_eq!(kept.scope, "two:write".parse().unwrap());
    assert!(tokens(&bearer).unwrap().scope.is_empty());
}

#[tokio::test]
async fn a_connection_is_let_do_more_and_its_tokens_with_it_unless_they_may_do_less() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path()).await;
    let whole = FamilyRow { scope: "one:read two:write".parse().unwrap(), ..family(1, 0) };
    first.allow(&connection("whole", None), Some(&bearer(whole))).await.unwrap();
    first.allow(&connection("less", None), Some(&bearer(family(2, 0)))).await.unwrap();
    first.allow(&connection("bridge", None), None).await.unwrap();
    first.allow(&connection("revoked", None), None).await.unwrap();
    first.revoke(&"revoked".into(), NOW, "ok", false).await.unwrap();
    let permit = "one:write".parse().unwrap();
    for (id, there) in [("whole", true), ("less", true), ("bridge", true), ("revoked", false), ("no", false)]
    {
        assert_eq!(first.widen(&id.into(), &permit).await.unwrap(), there, "{id}");
    }
    first.close().await;
    let kept = store(folder.path()).await.connections().await.unwrap();
    let scopes = |id: &str| {
        let (row, bearer) = kept.iter().find(|(row, _)| row.id.as_str() == id).unwrap();
        (row.scope.to_string(), tokens(bearer).map(|f| f.scope.to_string()))
    };
    let all = "one:read one:write two:write".to_owned();
    assert_eq!(scopes("whole"), (all.clone(), Some(all.clone())));
    assert_eq!(scopes("less"), (all.clone(), Some("one:read".to_owned())));
    assert_eq!(scopes("bridge"), (all, None));
    assert_eq!(scopes("revoked"), ("one:read two:write".to_owned(), None));
}

#[tokio::test]
async fn how_tools_are_shown_is_kept_with_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path()).await;
    first.allow(&connection("n", None), None).await.unwrap();
    first.allow(&connection("gone", None), None).await.unwrap();
    first.revoke(&"gone".into(), NOW, "ok", false).await.unwrap();
    for (id, there) in [("n", true), ("gone", false), ("no", false)] {
        assert_eq!(first.set_listing(&id.into(), Listing::Compact).await.unwrap(), there, "{id}");
    }
    first.close().await;
    let kept = store(folder.path()).await.connections().await.unwrap();
    let listing = |id: &str| kept.iter().find(|(row, _)| row.id.as_str() == id).unwrap().0.listing;
    assert_eq!((listing("n"), listing("gone")), (Listing::Compact, Listing::Auto));
}

#[tokio::test]
async fn an_access_key_is_kept_as_its_hash_with_its_end_and_is_gone_when_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path()).await;
    let (endless, ending) = (access_key(1, None), access_key(2, Some(NOW)));
    first.allow(&endless.0, Some(&endless.1)).await.unwrap();
    first.allow(&ending.0, Some(&ending.1)).await.unwrap();
    assert!(first.allow(&connection("k3", None), Some(&endless.1)).await.is_err(), "no two have one hash");
    first.close().await;
    let store = store(folder.path()).await;
    let kept = store.connections().await.unwrap();
    assert_eq!(
        kept.iter().map(|(c, k)| (c.id.as_str(), k.clone())).collect::<Vec<_>>(),
        [("k1", Some(endless.1)), ("k2", Some(ending.1))]
    );
    assert!(kept.iter().all(|(c, _)| c.method == ConnectionMethod::AccessKey));
    store.revoke(&"k1".into(), NOW, "ok", false).await.unwrap();
    let left: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT hash FROM access_keys").fetch_all(store.reader()).await.unwrap();
    assert_eq!(left, [[2; 32]]);
}

#[tokio::test]
async fn a_name_a_pause_and_a_refusal_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path()).await;
    for id in ["n", "gone"] {
        first.allow(&connection(id, None), None).await.unwrap();
    }
    assert!(first.rename(&"n".into(), Some("My editor")).await.unwrap());
    assert!(first.pause(&"n".into(), Some(NOW)).await.unwrap());
    assert!(!first.pause(&"n".into(), Some(NOW)).await.unwrap(), "it was so already");
    assert!(first.pause(&"gone".into(), Some(NOW)).await.unwrap());
    assert!(first.revoke(&"gone".into(), NOW, "ok", true).await.unwrap());
    assert!(!first.pause(&"gone".into(), None).await.unwrap(), "what is revoked is not paused");
    assert!(!first.rename(&"no".into(), None).await.unwrap());
    first.close().await;
    let store = store(folder.path()).await;
    let seen = |kept: Vec<(ConnectionRow, Option<BearerRow>)>, id: &str| {
        let row = kept.into_iter().find(|(row, _)| row.id.as_str() == id).unwrap().0;
        (row.name, row.paused_on, row.refused)
    };
    let kept = store.connections().await.unwrap();
    assert_eq!(seen(kept.clone(), "n"), (Some("My editor".to_owned()), Some(NOW), false));
    assert_eq!(seen(kept, "gone"), (None, None, true));
    store.rename(&"n".into(), None).await.unwrap();
    store.pause(&"n".into(), None).await.unwrap();
    store.readmit(&["gone".into()]).await.unwrap();
    let kept = store.connections().await.unwrap();
    assert_eq!(seen(kept.clone(), "n"), (None, None, false));
    assert_eq!(seen(kept, "gone"), (None, None, false));
    store.flush().await;
    let page = ActivityPage { before: None, after: None, limit: 100 };
    let log = store.activity(&page).await.unwrap();
    let told: Vec<_> =
        log.iter().rev().map(|e| (e.kind.as_str(), e.connection.as_deref().unwrap())).collect();
    assert_eq!(
        &told[2..],
        [
            ("connection_renamed", "My editor"),
            ("connection_paused", "My editor"),
            ("connection_paused", "Cursor on anna-laptop"),
            ("connection_revoked", "Cursor on anna-laptop"),
            ("connection_renamed", "Cursor on anna-laptop"),
            ("connection_resumed", "Cursor on anna-laptop"),
        ]
    );
}
