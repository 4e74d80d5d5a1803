use super::*;
use crate::{database::BELLHOP, open};
use sqlx::{migrate::Migrator, sqlite::SqliteSynchronous};
use std::{borrow::Cow, fs};

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let store = store(&home).await;
    store.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    assert_eq!(fs::metadata(&home).unwrap().permissions().mode() & 0o777, 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&home).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        files += 1;
    }
    assert!(files >= 5, "both databases, their logs and the key");
}

#[tokio::test]
async fn a_file_from_a_newer_bellhop_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path()).await;
    edit(
        &first,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (999, 'later', 1, x'00', 0)",
    )
    .await;
    first.close().await;
    let before = fs::read(folder.path().join("bellhop.db")).unwrap();
    let refused = Database::open(folder.path()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 999, .. }), "{refused}");
    assert_eq!(model::Explain::problem(&refused).code, "store.newer");
    assert_eq!(fs::read(folder.path().join("bellhop.db")).unwrap(), before);
}

#[tokio::test]
async fn a_copy_is_kept_from_before_a_migration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bellhop.db");
    let older = store(folder.path()).await;
    older.set_setting("port", Some("1")).await.unwrap();
    older.close().await;

    let mut steps = BELLHOP.migrations.to_vec();
    let newest = steps.iter().map(|m| m.version).max().unwrap();
    let mut next = steps[0].clone();
    next.version = 1_000;
    next.sql = sqlx::SqlSafeStr::into_sql_str("DELETE FROM settings");
    next.checksum = Cow::Borrowed(b"next");
    steps.push(next);
    let newer = Migrator { migrations: Cow::Owned(steps), ..Migrator::DEFAULT };
    let pools = open::file(&path, SqliteSynchronous::Full, &newer).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM settings").fetch_one(&pools.reader).await.unwrap();
    assert_eq!(left, 0);
    pools.close().await;

    fs::rename(open::backup_path(&path, newest), &path).unwrap();
    assert_eq!(store(folder.path()).await.setting("port").await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn a_damaged_file_is_said_and_left_but_a_damaged_log_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path()).await.close().await;
    fs::write(folder.path().join("activity.db"), "no database at all, but long enough to look at").unwrap();
    store(folder.path()).await.close().await;
    assert!(folder.path().join("activity.db.damaged").exists());

    let garbage = "no database at all".repeat(100);
    fs::write(folder.path().join("bellhop.db"), &garbage).unwrap();
    let refused = Database::open(folder.path()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
    assert_eq!(fs::read_to_string(folder.path().join("bellhop.db")).unwrap(), garbage);
}

#[tokio::test]
async fn the_record_of_a_vault_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(folder.path()).await.unwrap();
    let (_, one) = Vault::create(&KeySource::Session, &SystemRandom).await.unwrap();
    let (_, two) = Vault::create(&KeySource::Session, &SystemRandom).await.unwrap();
    database.save_vault_record(&one).await.unwrap();
    database.save_vault_record(&one).await.unwrap();
    assert!(matches!(database.save_vault_record(&two).await, Err(StoreError::Superseded)));
    assert_eq!(database.vault_record().await.unwrap(), Some(one));
}

#[tokio::test]
async fn sign_ins_from_before_there_were_more_methods_survive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bellhop.db");
    let older = Migrator {
        migrations: Cow::Owned(BELLHOP.migrations.iter().filter(|m| m.version < 3).cloned().collect()),
        ..Migrator::DEFAULT
    };
    let pools = open::file(&path, SqliteSynchronous::Full, &older).await.unwrap();
    for sql in [
        "INSERT INTO services (id, name, title, url, method, created_on, inventory)
         VALUES ('one', 'one', 'One', 'https://one.example/mcp', 'oauth', 1, '{}')",
        "INSERT INTO credentials (id, service, generation, issuer, token_endpoint, client_id, client_auth, access)
         VALUES ('c1', 'one', 7, 'https://id.example', 'https://id.example/token', 'bellhop', 'none', x'01')",
    ] {
        sqlx::query(sql).execute(&pools.writer).await.unwrap();
    }
    pools.close().await;
    let store = store(folder.path()).await;
    let found = store.services().await.unwrap();
    assert_eq!((found.len(), found[0].method, &*found[0].exceptions), (1, ServiceMethod::Oauth, &[][..]));
    assert_eq!(store.inventory(&"one".into()).await.unwrap().as_deref(), Some("{}"));
    let kept: (i64, Vec<u8>, String) =
        sqlx::query_as("SELECT generation, access, client_source FROM credentials WHERE service = 'one'")
            .fetch_one(store.reader())
            .await
            .unwrap();
    assert_eq!(kept, (7, vec![1], "registered".to_owned()));
    // The credential still goes with its service.
    assert!(store.remove_service(&"one".into(), None).await.unwrap());
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM credentials").fetch_one(store.reader()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn connections_from_before_there_were_more_ways_in_survive_with_their_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bellhop.db");
    let older = Migrator {
        migrations: Cow::Owned(BELLHOP.migrations.iter().filter(|m| m.version < 5).cloned().collect()),
        ..Migrator::DEFAULT
    };
    let pools = open::file(&path, SqliteSynchronous::Full, &older).await.unwrap();
    for sql in [
        "INSERT INTO clients (id, name, redirect_uris, registered_on, used) VALUES ('c', 'Codex', '[]', 1, 1)",
        "INSERT INTO connections (id, client, app, computer, method, scope, resource, connected_on, listing)
         VALUES ('n', 'c', 'Codex', 'laptop', 'oauth', 'one:read', '/mcp', 1, 'compact')",
        "INSERT INTO connections (id, app, computer, method, scope, resource, connected_on, revoked_on)
         VALUES ('b', 'Claude', 'laptop', 'bridge', 'one:read', '/mcp', 2, 3)",
        "INSERT INTO families (connection, id, number, issued_on, access_until, scope)
         VALUES ('n', zeroblob(16), 4, 5, 6, 'one:read')",
    ] {
        sqlx::query(sql).execute(&pools.writer).await.unwrap();
    }
    pools.close().await;
    let kept = store(folder.path()).await.connections().await.unwrap();
    let seen: Vec<_> = kept
        .iter()
        .map(|(c, bearer)| {
            let number = match bearer {
                Some(BearerRow::Family(family)) => Some(family.number),
                _ => None,
            };
            (c.id.as_str(), c.listing.as_str(), c.revoked_on.is_some(), c.refused, number)
        })
        .collect();
    assert_eq!(seen, [("b", "auto", true, false, None), ("n", "compact", false, false, Some(4))]);
}
