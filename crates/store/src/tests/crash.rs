use super::*;
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

const FOLDER: &str = "BELLHOP_STORE_CRASH";

/// The child: writes down the intent, leaves the commit of the new pair half done, and waits to be killed.
#[tokio::test]
#[ignore = "is started and killed by the test below"]
async fn half_a_refresh() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = store(Path::new(&folder)).await;
    store.begin_refresh(&"c1".into(), 1, NOW).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    sqlx::query("UPDATE credentials SET generation = 2, access = x'00', refresh = NULL, sent_at = NULL")
        .execute(&mut *tx)
        .await
        .unwrap();
    println!("\nhalf done");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_kill_between_the_request_and_the_commit_leaves_the_old_token_and_the_intent() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path()).await;
    first.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    first.close().await;

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::crash::half_a_refresh", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let half_done = lines.map_while(Result::ok).any(|line| line == "half done");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(half_done);

    let row = oauth(&store(folder.path()).await, "one").await;
    assert_eq!((row.generation, row.sent_at), (1, Some(NOW)));
    assert_eq!(row.tokens.refresh.unwrap().expose(), "refresh-token-c1");
}

#[tokio::test]
async fn a_full_disk_is_said_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    store.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    // No larger than it is: SQLite answers as it does on a full disk.
    edit(&store, "PRAGMA max_page_count = 1").await;
    let long = "x".repeat(100_000);
    let full = store.commit_refresh(&"c1".into(), 1, &tokens(&long, "refresh-2")).await;
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    assert_eq!(refresh_token(&store, "one").await, "refresh-token-c1");
    // The disk has room again; the limit went with the connection.
    assert_eq!(store.commit_refresh(&"c1".into(), 1, &tokens(&long, "refresh-2")).await.unwrap(), 2);
    assert_eq!(refresh_token(&store, "one").await, "refresh-2");
}
