use crate::{CredentialRow, ReceiptRow, Store, StoreError, column, grants};
use model::{ServiceId, ShortName, Timestamp};
use sqlx::{Row, sqlite::SqliteRow};

/// A service: a remote MCP server and the one account signed in to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRow {
    /// Its id.
    pub id: ServiceId,
    /// The person's short name for it. No two services have the same.
    pub name: ShortName,
    /// Its title.
    pub title: String,
    /// Its MCP endpoint. The credential's tokens are bound to it.
    pub url: String,
    /// The catalogue entry it came from.
    pub catalogue: Option<String>,
    /// Whose account it is, when the provider said.
    pub account: Option<String>,
    /// How it is signed in to.
    pub method: ServiceMethod,
    /// The permissions that were asked for; `None` when nobody said.
    pub asked: Option<Vec<String>>,
    /// What the provider may do against the rules, in words that the caller knows.
    pub exceptions: Vec<String>,
    /// When it was first connected.
    pub created_on: Timestamp,
}

/// How a service is signed in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceMethod {
    /// By OAuth: it has a credential, or is signed out.
    Oauth,
    /// By the device authorization grant; afterwards as by OAuth.
    Device,
    /// By an API token.
    Token,
    /// By a WordPress application password.
    Password,
    /// It needs no sign-in.
    None,
}

impl ServiceMethod {
    fn word(self) -> &'static str {
        match self {
            Self::Oauth => "oauth",
            Self::Device => "device",
            Self::Token => "token",
            Self::Password => "password",
            Self::None => "none",
        }
    }
}

fn read(row: &SqliteRow) -> Result<ServiceRow, StoreError> {
    Ok(ServiceRow {
        id: column::text(row, "id")?.into(),
        name: column::parsed(row, "name")?,
        title: column::text(row, "title")?,
        url: column::text(row, "url")?,
        catalogue: column::maybe_text(row, "catalogue")?,
        account: column::maybe_text(row, "account")?,
        method: match column::text(row, "method")?.as_str() {
            "oauth" => ServiceMethod::Oauth,
            "device" => ServiceMethod::Device,
            "token" => ServiceMethod::Token,
            "password" => ServiceMethod::Password,
            "none" => ServiceMethod::None,
            _ => return Err(StoreError::Column("method")),
        },
        asked: column::maybe_text(row, "asked")?.as_deref().map(column::words),
        exceptions: column::words(&column::text(row, "exceptions")?),
        created_on: column::time(row, "created_on")?,
    })
}

impl Store {
    /// All services, by short name.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn services(&self) -> Result<Vec<ServiceRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM services ORDER BY name").fetch_all(self.reader()).await?;
        rows.iter().map(read).collect()
    }

    /// A sign-in succeeded: keep the service and its credential, in one transaction. A service of that id is
    /// replaced, and only now its old credential goes, with a receipt; its inventory stays while its address does.
    /// The log learns `service_connected`.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] when another service has the short name; otherwise when nothing could be
    /// written. What was there is untouched then.
    pub async fn connect_service(
        &self,
        service: &ServiceRow,
        credential: Option<&CredentialRow>,
        receipt: Option<&ReceiptRow>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO services (id, name, title, url, catalogue, account, method, created_on, asked, exceptions)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, title = excluded.title,
                 inventory = CASE WHEN url = excluded.url THEN inventory END, url = excluded.url,
                 catalogue = excluded.catalogue, account = excluded.account, method = excluded.method,
                 asked = excluded.asked, exceptions = excluded.exceptions",
        )
        .bind(service.id.as_str())
        .bind(service.name.as_str())
        .bind(&service.title)
        .bind(&service.url)
        .bind(&service.catalogue)
        .bind(&service.account)
        .bind(service.method.word())
        .bind(service.created_on.millis())
        .bind(service.asked.as_ref().map(|a| a.join(" ")))
        .bind(service.exceptions.join(" "))
        .execute(&mut *tx)
        .await
        .map_err(|e| match e.as_database_error() {
            Some(d) if d.is_unique_violation() => StoreError::NameTaken,
            _ => e.into(),
        })?;
        sqlx::query("DELETE FROM credentials WHERE service = ?")
            .bind(service.id.as_str())
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM fixed_credentials WHERE service = ?")
            .bind(service.id.as_str())
            .execute(&mut *tx)
            .await?;
        if let Some(credential) = credential {
            self.insert_credential(&mut tx, service, credential).await?;
        }
        if let Some(receipt) = receipt {
            self.put_receipt(&mut tx, receipt).await?;
        }
        self.tell(&mut tx, "service_connected", None, Some(service.name.as_str()), "ok").await?;
        self.commit(tx).await
    }

    /// The person removed a service: it and its credential are gone, and no connection may do anything with a
    /// later one of its name. The log learns `service_removed`. `false` when there was none. `receipt`
    /// says what is still to be done about its sign-in, so that a crash loses none of that.
    ///
    /// # Errors
    /// When it could not be removed; it is still there then.
    pub async fn remove_service(
        &self,
        id: &ServiceId,
        receipt: Option<&ReceiptRow>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM services WHERE id = ? RETURNING name")
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(gone) = gone else { return Ok(false) };
        let name: String = gone.try_get("name")?;
        grants::take_service(&mut tx, &column::parsed(&gone, "name")?).await?;
        if let Some(receipt) = receipt {
            self.put_receipt(&mut tx, receipt).await?;
        }
        self.tell(&mut tx, "service_removed", None, Some(&name), "ok").await?;
        self.commit(tx).await?;
        Ok(true)
    }

    /// A service's inventory, as it was kept.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn inventory(&self, id: &ServiceId) -> Result<Option<String>, StoreError> {
        let found = sqlx::query_scalar::<_, Option<String>>("SELECT inventory FROM services WHERE id = ?");
        Ok(found.bind(id.as_str()).fetch_optional(self.reader()).await?.flatten())
    }

    /// Keep a service's inventory. Nothing happens when the service is gone.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn save_inventory(&self, id: &ServiceId, inventory: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE services SET inventory = ? WHERE id = ?")
            .bind(inventory)
            .bind(id.as_str())
            .execute(self.writer())
            .await?;
        Ok(())
    }
}
