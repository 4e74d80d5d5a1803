use bellhop_vault::{Binding, Kept, KeySource, Vault, VaultError, VaultRecord};
use model::{Explain, Secret, SystemRandom};

const PLACE: Binding<'static> = Binding { field: "f", row: "r", generation: 1, issuer: "i", origin: "o" };

fn phrase(text: &str) -> KeySource {
    KeySource::Passphrase(Secret::new(text))
}

#[tokio::test]
async fn the_passphrase_opens_the_vault_and_no_other_one_does() {
    let (vault, record) = Vault::create(&phrase("correct horse"), &SystemRandom).await.unwrap();
    let sealed = vault.seal(&SystemRandom, &PLACE, b"token");
    drop(vault);

    let json = serde_json::to_string(&record).unwrap();
    let record: VaultRecord = serde_json::from_str(&json).unwrap();
    let opened = Vault::open(&phrase("correct horse"), &record).await.unwrap();
    assert_eq!(&**opened.unseal(&PLACE, &sealed).unwrap(), b"token");
    let wrong = Vault::open(&phrase("correct house"), &record).await.unwrap_err();
    assert!(matches!(wrong, VaultError::WrongPassphrase), "{wrong}");
    assert_eq!(wrong.problem().code, "vault.wrong_passphrase");
}

#[tokio::test]
async fn an_empty_passphrase_is_none() {
    let error = Vault::create(&phrase(""), &SystemRandom).await.unwrap_err();
    assert!(matches!(error, VaultError::EmptyPassphrase), "{error}");
}

#[tokio::test]
async fn a_record_edited_to_eat_the_memory_is_refused_before_it_does() {
    let (_, mut record) = Vault::create(&phrase("p"), &SystemRandom).await.unwrap();
    let Kept::Passphrase(wrapped) = &mut record.kept else { panic!("{record:?}") };
    wrapped.memory = u32::MAX;
    let error = Vault::open(&phrase("p"), &record).await.unwrap_err();
    assert!(matches!(error, VaultError::Record(_)), "{error}");
}

#[tokio::test]
async fn a_vault_is_looked_for_where_it_was_kept_and_nowhere_else() {
    let (_, record) = Vault::create(&phrase("p"), &SystemRandom).await.unwrap();
    let error = Vault::open(&KeySource::Session, &record).await.unwrap_err();
    assert!(matches!(error, VaultError::KeptElsewhere { kept: "passphrase", asked: "session" }), "{error}");
}
