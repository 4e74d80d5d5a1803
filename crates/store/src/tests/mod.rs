//! Against real files, with faults.

mod crash;
mod grants;
mod log;
mod opening;
mod secrets;

use crate::*;
use model::{ManualClock, Secret, SystemRandom, Timestamp};
use std::{path::Path, sync::Arc};
use vault::{KeySource, Vault};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Open the store of a folder, with a key file beside it.
async fn store(folder: &Path) -> Store {
    let database = Database::open(folder).await.unwrap();
    let source = KeySource::File(folder.join("key"));
    let vault = match database.vault_record().await.unwrap() {
        Some(record) => Vault::open(&source, &record).await.unwrap(),
        None => {
            let (vault, record) = Vault::create(&source, &SystemRandom).await.unwrap();
            database.save_vault_record(&record).await.unwrap();
            vault
        }
    };
    Store::new(database, Arc::new(vault), Arc::new(ManualClock::at(NOW)), Arc::new(SystemRandom))
}

fn service(name: &str) -> ServiceRow {
    ServiceRow {
        id: name.into(),
        name: name.parse().unwrap(),
        title: name.to_uppercase(),
        url: format!("https://{name}.example/mcp"),
        catalogue: None,
        account: Some("anna".to_owned()),
        method: ServiceMethod::Oauth,
        asked: Some(vec!["a".to_owned(), "b".to_owned()]),
        exceptions: Vec::new(),
        created_on: NOW,
    }
}

fn tokens(access: &str, refresh: &str) -> TokensRow {
    TokensRow {
        access: Secret::new(access),
        refresh: Some(Secret::new(refresh)),
        expires_at: Some(NOW),
        lifetime: Some(3600),
        scope: Some("a b".to_owned()),
        issued_at: Some(NOW),
        refresh_lifetime: Some(7 * 24 * 3600),
    }
}

fn credential(id: &str) -> CredentialRow {
    CredentialRow::Oauth(OauthRow {
        id: id.into(),
        generation: 1,
        issuer: "https://id.example".to_owned(),
        token_endpoint: "https://id.example/token".to_owned(),
        revocation_endpoint: Some("https://id.example/revoke".to_owned()),
        client_id: "bellhop".to_owned(),
        client_auth: ClientAuth::Basic,
        client_secret: Some(Secret::new(format!("client-secret-{id}"))),
        management: Some(("https://id.example/reg".to_owned(), Secret::new(format!("management-{id}")))),
        resource: None,
        tokens: tokens(&format!("access-token-{id}"), &format!("refresh-token-{id}")),
        client_source: ClientSource::Registered,
        client_secret_ends: None,
        sent_at: None,
        needs_sign_in: None,
    })
}

async fn oauth(store: &Store, service: &str) -> OauthRow {
    match store.credential(&service.into()).await.unwrap().unwrap() {
        CredentialRow::Oauth(row) => row,
        CredentialRow::Fixed(_) => panic!("it has tokens"),
    }
}

async fn refresh_token(store: &Store, service: &str) -> String {
    oauth(store, service).await.tokens.refresh.unwrap().expose().to_owned()
}

/// As somebody with an editor for SQLite would.
async fn edit(store: &Store, sql: &'static str) {
    sqlx::query(sql).execute(store.writer()).await.unwrap();
}
