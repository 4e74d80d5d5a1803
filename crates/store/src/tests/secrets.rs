use super::*;
use vault::VaultError;

fn unsealable(outcome: Result<Option<CredentialRow>, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Vault(VaultError::Unsealable { .. })))
}

#[tokio::test]
async fn a_credential_is_read_back_as_it_was_kept_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path()).await;
    first.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    first.close().await;
    let row = oauth(&store(folder.path()).await, "one").await;
    assert_eq!(row.tokens.access.expose(), "access-token-c1");
    assert_eq!(row.tokens.refresh.unwrap().expose(), "refresh-token-c1");
    assert_eq!(row.client_secret.unwrap().expose(), "client-secret-c1");
    assert_eq!(row.management.unwrap().1.expose(), "management-c1");
    assert_eq!((row.generation, row.client_auth, row.tokens.lifetime), (1, ClientAuth::Basic, Some(3600)));
}

#[tokio::test]
async fn no_file_holds_a_readable_token_before_or_after_closing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    store.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    store.commit_refresh(&"c1".into(), 1, &tokens("access-token-2", "refresh-token-2")).await.unwrap();
    let mut seen = 0;
    let mut look = || {
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for secret in ["access-token", "refresh-token", "client-secret-c", "management-c"] {
                assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret}");
            }
            // That the search would find something: the client id stands there for anybody to read.
            seen += usize::from(bytes.windows(7).any(|w| w == b"bellhop"));
        }
    };
    look();
    store.close().await;
    look();
    assert!(seen > 0);
}

#[tokio::test]
async fn a_secret_moved_to_another_row_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    store.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    store.connect_service(&service("two"), Some(&credential("c2")), None).await.unwrap();
    edit(
        &store,
        "UPDATE credentials SET access = (SELECT access FROM credentials WHERE id = 'c2') WHERE id = 'c1'",
    )
    .await;
    assert!(unsealable(store.credential(&"one".into()).await));
    assert!(store.credential(&"two".into()).await.unwrap().is_some());
}

#[tokio::test]
async fn an_edited_address_leaves_nothing_that_could_be_sent_there() {
    for sql in [
        "UPDATE services SET url = 'https://evil.example/mcp'",
        "UPDATE credentials SET token_endpoint = 'https://evil.example/token'",
        "UPDATE credentials SET revocation_endpoint = 'https://evil.example/revoke'",
        "UPDATE credentials SET management_uri = 'https://evil.example/reg'",
        "UPDATE credentials SET issuer = 'https://evil.example'",
        "UPDATE credentials SET generation = 2",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        store.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
        edit(&store, sql).await;
        assert!(unsealable(store.credential(&"one".into()).await), "{sql}");
    }
}

#[tokio::test]
async fn signing_in_again_replaces_the_credential_and_keeps_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    store.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    store.save_inventory(&"one".into(), "{}").await.unwrap();
    store.connect_service(&service("one"), Some(&credential("c2")), None).await.unwrap();
    assert_eq!(refresh_token(&store, "one").await, "refresh-token-c2");
    assert_eq!(store.services().await.unwrap().len(), 1);
    assert_eq!(store.inventory(&"one".into()).await.unwrap().as_deref(), Some("{}"));
    // What is still in flight for the old one changes nothing.
    let late = store.commit_refresh(&"c1".into(), 1, &tokens("x", "y")).await;
    assert!(matches!(late, Err(StoreError::Superseded)));
}

#[tokio::test]
async fn a_sign_in_that_can_not_be_kept_leaves_the_old_credential() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    store.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    store.connect_service(&service("two"), Some(&credential("c2")), None).await.unwrap();
    let renamed = ServiceRow { name: "two".parse().unwrap(), ..service("one") };
    let taken = store.connect_service(&renamed, Some(&credential("c3")), None).await;
    assert!(matches!(taken, Err(StoreError::NameTaken)));
    assert_eq!(refresh_token(&store, "one").await, "refresh-token-c1");
}

#[tokio::test]
async fn a_writer_of_an_older_generation_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let id = "c1".into();
    store.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    assert_eq!(store.commit_refresh(&id, 1, &tokens("a2", "r2")).await.unwrap(), 2);
    assert!(matches!(store.commit_refresh(&id, 1, &tokens("x", "y")).await, Err(StoreError::Superseded)));
    assert!(matches!(store.needs_sign_in(&id, 1, "why").await, Err(StoreError::Superseded)));
    assert!(matches!(store.begin_refresh(&id, 1, NOW).await, Err(StoreError::Superseded)));
    let row = oauth(&store, "one").await;
    assert_eq!((row.tokens.refresh.unwrap().expose(), row.needs_sign_in), ("r2", None));
}

#[tokio::test]
async fn with_keys_of_a_session_everything_works_in_memory() {
    let (vault, _) = Vault::create(&KeySource::Session, &SystemRandom).await.unwrap();
    let database = Database::in_memory().await.unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let store = Store::new(database, Arc::new(vault), clock, Arc::new(SystemRandom));
    store.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    store.flush().await;
    assert_eq!(refresh_token(&store, "one").await, "refresh-token-c1");
    assert_eq!(store.activity(&ActivityPage::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_secret_that_nothing_renews_comes_back_as_it_was_and_opens_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let row = |kind: FixedKind| {
        CredentialRow::Fixed(FixedRow {
            id: "f1".into(),
            generation: 1,
            kind,
            secret: Secret::new("the-secret"),
            page: Some("https://one.example/profile".to_owned()),
            needs_sign_in: None,
        })
    };
    let kinds = [
        FixedKind::Token { header: Some("x-api-key".to_owned()), ends: Some(NOW) },
        FixedKind::Token { header: None, ends: None },
        FixedKind::Password {
            user: "anna".to_owned(),
            removal: Some("https://one.example/wp-json/password/1".to_owned()),
        },
    ];
    for kind in kinds {
        let method = match kind {
            FixedKind::Token { .. } => ServiceMethod::Token,
            FixedKind::Password { .. } => ServiceMethod::Password,
        };
        let service = ServiceRow { method, ..service("one") };
        store.connect_service(&service, Some(&row(kind.clone())), None).await.unwrap();
        match store.credential(&"one".into()).await.unwrap().unwrap() {
            CredentialRow::Fixed(found) => {
                assert_eq!((found.kind, found.secret.expose()), (kind, "the-secret"));
                assert_eq!(found.page.as_deref(), Some("https://one.example/profile"));
            }
            CredentialRow::Oauth(_) => panic!("it has no tokens"),
        }
        assert_eq!(store.services().await.unwrap(), [service]);
    }
    store.fixed_needs_sign_in(&"f1".into(), 1, "signin.not_accepted").await.unwrap();
    assert!(
        store.fixed_needs_sign_in(&"f1".into(), 2, "signin.not_accepted").await.is_err(),
        "another generation"
    );
    edit(&store, "UPDATE fixed_credentials SET removal = 'https://evil.example/'").await;
    assert!(unsealable(store.credential(&"one".into()).await));
    // An OAuth sign-in takes its place, and the other way round.
    store.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    assert_eq!(oauth(&store, "one").await.tokens.access.expose(), "access-token-c1");
}

#[tokio::test]
async fn what_is_still_to_be_given_back_is_kept_with_the_removal_sealed_and_bound_to_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    store.connect_service(&service("one"), Some(&credential("c1")), None).await.unwrap();
    let receipt = |id: &str, pending: Option<&str>| ReceiptRow {
        id: id.to_owned(),
        removed_on: NOW,
        body: "{}".to_owned(),
        pending: pending.map(Secret::new),
    };
    let pending = receipt("one", Some("refresh-token-left"));
    assert!(store.remove_service(&"one".into(), Some(&pending)).await.unwrap());
    store.save_receipt(&receipt("two", Some("other"))).await.unwrap();
    let of = |all: &[ReceiptRow], id: &str| {
        let row = all.iter().find(|r| r.id == id).unwrap();
        row.pending.as_ref().map(|p| p.expose().to_owned())
    };
    let all = store.receipts().await.unwrap();
    assert_eq!(of(&all, "one").as_deref(), Some("refresh-token-left"));
    let raw: Vec<u8> = sqlx::query_scalar("SELECT pending FROM receipts WHERE id = 'one'")
        .fetch_one(store.reader())
        .await
        .unwrap();
    assert!(!raw.windows(13).any(|w| w == b"refresh-token"));
    edit(
        &store,
        "UPDATE receipts SET pending = (SELECT pending FROM receipts WHERE id = 'one') WHERE id = 'two'",
    )
    .await;
    assert_eq!(of(&store.receipts().await.unwrap(), "two"), None, "of another row");
    store.save_receipt(&receipt("one", None)).await.unwrap();
    assert_eq!(of(&store.receipts().await.unwrap(), "one"), None, "it is done");
}
