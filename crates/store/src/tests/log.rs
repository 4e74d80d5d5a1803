use super::*;
use crate::activity;

fn call(tool: &str) -> NewActivity {
    NewActivity {
        at: NOW,
        kind: "call",
        connection: Some("Cursor on anna-laptop".to_owned()),
        service: Some("one".to_owned()),
        tool: Some(tool.to_owned()),
        millis: Some(12),
        outcome: "ok".to_owned(),
    }
}

#[tokio::test]
async fn the_log_is_read_newest_first_and_a_page_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    for n in 1..=5 {
        store.note(call(&n.to_string()));
    }
    store.flush().await;
    let tools = |rows: Vec<ActivityRow>| rows.into_iter().filter_map(|r| r.tool).collect::<Vec<_>>();
    let page = ActivityPage { limit: 2, ..ActivityPage::default() };
    let newest = store.activity(&page).await.unwrap();
    let before = Some(newest[1].number);
    assert_eq!(tools(newest), ["5", "4"]);
    assert_eq!(tools(store.activity(&ActivityPage { before, ..page }).await.unwrap()), ["3", "2"]);
    assert_eq!(tools(store.activity(&ActivityPage { after: before, ..page }).await.unwrap()), ["5"]);
    assert_eq!(*store.written().borrow(), 5);
}

#[tokio::test]
async fn a_change_reaches_the_log_even_if_the_process_ended_in_between_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path()).await;
    first.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    first.flush().await;
    // As after a crash between the log's commit and the outbox's: the row is still there.
    let once: Vec<u8> = sqlx::query_scalar("SELECT once FROM activity")
        .fetch_one(&first.database.activity.reader)
        .await
        .unwrap();
    sqlx::query("INSERT INTO outbox (once, at, kind, outcome) VALUES (?, 1, 'service_connected', 'ok')")
        .bind(once)
        .execute(first.writer())
        .await
        .unwrap();
    // And one that an earlier process never came to hand on.
    edit(
        &first,
        "INSERT INTO outbox (once, at, kind, outcome) VALUES (randomblob(16), 2, 'connection_revoked', 'ok')",
    )
    .await;
    first.database.close().await;

    let store = store(folder.path()).await;
    store.flush().await;
    let kinds: Vec<_> =
        store.activity(&ActivityPage::default()).await.unwrap().into_iter().map(|r| r.kind).collect();
    assert_eq!(kinds, ["connection_revoked", "service_connected"]);
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(store.reader()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn what_changes_tells_the_log_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    store.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    store.needs_sign_in(&"c1".into(), 1, "signin.refused").await.unwrap();
    store.needs_sign_in(&"c1".into(), 1, "signin.refused").await.unwrap();
    assert!(store.remove_service(&"one".into(), None).await.unwrap());
    assert!(!store.remove_service(&"one".into(), None).await.unwrap());
    store.flush().await;
    let rows = store.activity(&ActivityPage::default()).await.unwrap();
    let seen: Vec<_> =
        rows.iter().map(|r| (r.kind.as_str(), r.service.as_deref(), r.outcome.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("service_removed", Some("one"), "ok"),
            ("needs_sign_in", Some("one"), "signin.refused"),
            ("service_connected", Some("one"), "ok"),
        ]
    );
    assert!(store.credential(&"one".into()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_full_queue_drops_and_counts_and_never_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    // One thread, and nothing is awaited: the writer does not get its turn meanwhile.
    for n in 0..2_000 {
        store.note(call(&n.to_string()));
    }
    let dropped = store.dropped();
    assert!(dropped > 0);
    store.flush().await;
    let kept = *store.written().borrow();
    assert_eq!(u64::try_from(kept).unwrap() + dropped, 2_000);
}

#[tokio::test]
async fn the_oldest_entries_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    for n in 1..=5 {
        store.note(call(&n.to_string()));
    }
    store.flush().await;
    let mut tx = store.database.activity.writer.begin().await.unwrap();
    assert_eq!(activity::prune(&mut tx, 3).await.unwrap(), 5);
    tx.commit().await.unwrap();
    let numbers: Vec<_> =
        store.activity(&ActivityPage::default()).await.unwrap().iter().map(|r| r.number).collect();
    assert_eq!(numbers, [5, 4, 3]);
}
