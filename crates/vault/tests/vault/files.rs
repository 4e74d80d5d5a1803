use bellhop_vault::{Kept, KeySource, Vault, VaultError};
use model::{Explain, SystemRandom};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    (folder, path)
}

#[tokio::test]
async fn a_key_file_is_made_for_its_owner_alone_and_opens_the_vault_again() {
    let (_folder, path) = place();
    let source = KeySource::File(path.clone());
    let (made, record) = Vault::create(&source, &SystemRandom).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(record.kept, Kept::File { path });
    let opened = Vault::open(&source, &record).await.unwrap();
    assert_eq!(made.subkey("x").mac(&[b"a"]), opened.subkey("x").mac(&[b"a"]));
}

#[tokio::test]
async fn a_key_file_that_others_can_read_is_refused_and_the_sentence_says_what_to_do() {
    let (_folder, path) = place();
    let source = KeySource::File(path.clone());
    let (_, record) = Vault::create(&source, &SystemRandom).await.unwrap();
    for mode in [0o640, 0o604, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Vault::open(&source, &record).await.unwrap_err();
        assert!(matches!(error, VaultError::FileMode { mode: m, .. } if m == mode), "{error}");
        assert!(error.problem().next.contains("chmod 600"));
    }
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_said_and_nothing_is_overwritten() {
    let (_folder, path) = place();
    let source = KeySource::File(path.clone());
    let (_, record) = Vault::create(&source, &SystemRandom).await.unwrap();
    let aside = path.with_extension("aside");
    fs::rename(&path, &aside).unwrap();
    let missing = Vault::open(&source, &record).await.unwrap_err();
    assert!(matches!(missing, VaultError::KeyMissing { kept: "file" }), "{missing}");
    assert!(!path.exists());

    Vault::create(&source, &SystemRandom).await.unwrap();
    let other = fs::read(&path).unwrap();
    let wrong = Vault::open(&source, &record).await.unwrap_err();
    assert!(matches!(wrong, VaultError::KeyMismatch { kept: "file" }), "{wrong}");
    assert_eq!(fs::read(&path).unwrap(), other);

    fs::rename(&aside, &path).unwrap();
    Vault::open(&source, &record).await.unwrap();
}

#[tokio::test]
async fn a_file_that_holds_something_else_is_left_as_it_is() {
    let (_folder, path) = place();
    fs::write(&path, "dear diary").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let error = Vault::create(&KeySource::File(path.clone()), &SystemRandom).await.unwrap_err();
    assert!(matches!(error, VaultError::FileForm { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary");
}
