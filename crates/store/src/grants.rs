use crate::{AccessKeyRow, Store, StoreError, access_keys, column};
use model::{AppId, ClientId, ConnectionId, Listing, Permit, Program, Resource, Scope, ShortName, Timestamp};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

/// A client that registered with the local authorization server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRow {
    /// Its id.
    pub id: ClientId,
    /// The name it gave itself.
    pub name: String,
    /// Where it may be answered.
    pub redirect_uris: Vec<String>,
    /// When it registered.
    pub registered_on: Timestamp,
}

/// An app's leave to use services, allowed or revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    /// Its id.
    pub id: ConnectionId,
    /// The client it was given to; `None` for the bridge.
    pub client: Option<ClientId>,
    /// The app's name.
    pub app: String,
    /// The app's entry in the list of known apps, when it is one.
    pub app_id: Option<AppId>,
    /// The computer's name.
    pub computer: String,
    /// How it was let in.
    pub method: ConnectionMethod,
    /// What it may do.
    pub scope: Scope,
    /// Which endpoint its tokens are for.
    pub resource: Resource,
    /// The program that was seen behind it.
    pub program: Option<Program>,
    /// How tools are shown to it.
    pub listing: Listing,
    /// What the person calls it, where they gave it a name.
    pub name: Option<String>,
    /// Since when the person lets none of its calls pass.
    pub paused_on: Option<Timestamp>,
    /// Whether the person cut the app off and has not asked it back since.
    pub refused: bool,
    /// Since when.
    pub connected_on: Timestamp,
    /// Its last call.
    pub last_active: Option<Timestamp>,
    /// Since when it may do nothing any more; `None` while it may.
    pub revoked_on: Option<Timestamp>,
}

/// How an app was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionMethod {
    /// By OAuth.
    Oauth,
    /// By the bridge.
    Bridge,
    /// By a device code.
    Device,
    /// By an access key.
    AccessKey,
}

impl ConnectionMethod {
    fn as_str(self) -> &'static str {
        match self {
            Self::Oauth => "oauth",
            Self::Bridge => "bridge",
            Self::Device => "device",
            Self::AccessKey => "access_key",
        }
    }
}

impl std::str::FromStr for ConnectionMethod {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let all = [Self::Oauth, Self::Bridge, Self::Device, Self::AccessKey];
        all.into_iter().find(|m| m.as_str() == text).ok_or(StoreError::Column("method"))
    }
}

/// By what a connection's app is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BearerRow {
    /// By its tokens.
    Family(FamilyRow),
    /// By an access key.
    Key(AccessKeyRow),
}

/// The tokens of a connection: they follow from these and a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyRow {
    /// 16 random bytes.
    pub id: [u8; 16],
    /// The number of the newest pair.
    pub number: u32,
    /// When the newest pair was issued.
    pub issued_on: Timestamp,
    /// When its access token ends.
    pub access_until: Timestamp,
    /// What the newest pair may do.
    pub scope: Scope,
}

fn json<T: serde::Serialize + ?Sized>(value: &T, column: &'static str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Column(column))
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str, column: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Column(column))
}

fn client(row: &SqliteRow) -> Result<ClientRow, StoreError> {
    Ok(ClientRow {
        id: column::text(row, "id")?.into(),
        name: column::text(row, "name")?,
        redirect_uris: from_json(&column::text(row, "redirect_uris")?, "redirect_uris")?,
        registered_on: column::time(row, "registered_on")?,
    })
}

fn connection(row: &SqliteRow) -> Result<ConnectionRow, StoreError> {
    let program = column::maybe_text(row, "program")?;
    Ok(ConnectionRow {
        id: column::text(row, "id")?.into(),
        client: column::maybe_text(row, "client")?.map(Into::into),
        app: column::text(row, "app")?,
        app_id: column::maybe_text(row, "app_id")?.map(Into::into),
        computer: column::text(row, "computer")?,
        method: column::text(row, "method")?.parse()?,
        scope: column::parsed(row, "scope")?,
        resource: Resource::from_path(&column::text(row, "resource")?)
            .ok_or(StoreError::Column("resource"))?,
        program: program.map(|p| from_json(&p, "program")).transpose()?,
        listing: column::parsed(row, "listing")?,
        name: column::maybe_text(row, "name")?,
        paused_on: column::maybe_time(row, "paused_on")?,
        refused: column::unsigned::<i64>(row, "refused")? == 1,
        connected_on: column::time(row, "connected_on")?,
        last_active: column::maybe_time(row, "last_active")?,
        revoked_on: column::maybe_time(row, "revoked_on")?,
    })
}

fn bearer(row: &SqliteRow) -> Result<Option<BearerRow>, StoreError> {
    if let Some(key) = access_keys::read(row)? {
        return Ok(Some(BearerRow::Key(key)));
    }
    let Some(id) = row.try_get::<Option<Vec<u8>>, _>("family_id")? else { return Ok(None) };
    Ok(Some(BearerRow::Family(FamilyRow {
        id: id.try_into().map_err(|_| StoreError::Column("id"))?,
        number: column::unsigned(row, "number")?,
        issued_on: column::time(row, "issued_on")?,
        access_until: column::time(row, "access_until")?,
        scope: column::parsed(row, "family_scope")?,
    })))
}

impl Store {
    /// Keep a new client.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn register_client(&self, client: &ClientRow) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO clients (id, name, redirect_uris, registered_on) VALUES (?, ?, ?, ?)")
            .bind(client.id.as_str())
            .bind(&client.name)
            .bind(json(&client.redirect_uris, "redirect_uris")?)
            .bind(client.registered_on.millis())
            .execute(self.writer())
            .await?;
        Ok(())
    }

    /// The client of that id.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn client(&self, id: &ClientId) -> Result<Option<ClientRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM clients WHERE id = ?").bind(id.as_str());
        row.fetch_optional(self.reader()).await?.map(|r| client(&r)).transpose()
    }

    /// How many clients were never let in.
    ///
    /// # Errors
    /// When they can't be counted.
    pub async fn unused_clients(&self) -> Result<u32, StoreError> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM clients WHERE used = 0").fetch_one(self.reader()).await?)
    }

    /// Forget the clients that registered before `before` and were never let in. Returns how many.
    ///
    /// # Errors
    /// When they can't be removed.
    pub async fn purge_clients(&self, before: Timestamp) -> Result<u32, StoreError> {
        let done = sqlx::query("DELETE FROM clients WHERE used = 0 AND registered_on < ?")
            .bind(before.millis())
            .execute(self.writer())
            .await?;
        Ok(u32::try_from(done.rows_affected()).unwrap_or(u32::MAX))
    }

    /// Keep a new connection, with that by which its app is known, if there is anything; its client counts as used from
    /// now on. The log learns `connection_allowed`.
    ///
    /// # Errors
    /// When it can't be written, or the client is not there (any more).
    pub async fn allow(&self, c: &ConnectionRow, bearer: Option<&BearerRow>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        if let Some(client) = &c.client {
            let done = sqlx::query("UPDATE clients SET used = 1 WHERE id = ?")
                .bind(client.as_str())
                .execute(&mut *tx)
                .await?;
            if done.rows_affected() == 0 {
                return Err(StoreError::Superseded);
            }
        }
        sqlx::query(
            "INSERT INTO connections (id, client, app, app_id, computer, method, scope, resource, program,
                 listing, name, paused_on, refused, connected_on, last_active, revoked_on)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(c.id.as_str())
        .bind(c.client.as_ref().map(ClientId::as_str))
        .bind(&c.app)
        .bind(c.app_id.as_ref().map(AppId::as_str))
        .bind(&c.computer)
        .bind(c.method.as_str())
        .bind(c.scope.to_string())
        .bind(c.resource.path())
        .bind(c.program.as_ref().map(|p| json(p, "program")).transpose()?)
        .bind(c.listing.as_str())
        .bind(&c.name)
        .bind(c.paused_on.map(Timestamp::millis))
        .bind(c.refused)
        .bind(c.connected_on.millis())
        .bind(c.last_active.map(Timestamp::millis))
        .bind(c.revoked_on.map(Timestamp::millis))
        .execute(&mut *tx)
        .await?;
        match bearer {
            Some(BearerRow::Family(family)) => insert_family(&mut tx, &c.id, family).await?,
            Some(BearerRow::Key(key)) => access_keys::insert(&mut tx, &c.id, key).await?,
            None => {}
        }
        let name = c.name.clone().unwrap_or_else(|| format!("{} on {}", c.app, c.computer));
        self.tell(&mut tx, "connection_allowed", Some(&name), None, "ok").await?;
        self.commit(tx).await
    }

    /// Keep the family's new number, if the one that is kept is the number before it and the family the same.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when it is not, or the connection is revoked; otherwise when it can't be
    /// written.
    pub async fn rotate(&self, connection: &ConnectionId, family: &FamilyRow) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE families SET number = ?, issued_on = ?, access_until = ?, scope = ?
             WHERE connection = ? AND id = ? AND number = ?",
        )
        .bind(family.number)
        .bind(family.issued_on.millis())
        .bind(family.access_until.millis())
        .bind(family.scope.to_string())
        .bind(connection.as_str())
        .bind(family.id.as_slice())
        .bind(i64::from(family.number) - 1)
        .execute(self.writer())
        .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Superseded) }
    }

    /// Let a connection do this too, and its newest tokens with it, unless they may do less than the connection
    /// could. The log learns `connection_widened`. `false` when the connection is not there or revoked.
    ///
    /// # Errors
    /// When it can't be written: the connection may do what it could before.
    pub async fn widen(&self, id: &ConnectionId, permit: &Permit) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "SELECT coalesce(c.name, c.app || ' on ' || c.computer) AS shown, c.scope, f.scope AS family_scope
             FROM connections c
             LEFT JOIN families f ON f.connection = c.id WHERE c.id = ? AND c.revoked_on IS NULL",
        )
        .bind(id.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(false) };
        let more = Scope::new([permit.clone()]);
        let scope: Scope = column::parsed(&row, "scope")?;
        sqlx::query("UPDATE connections SET scope = ? WHERE id = ?")
            .bind(scope.union(&more).to_string())
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        if let Some(family) = column::maybe_text(&row, "family_scope")? {
            let family: Scope = family.parse().map_err(|_| StoreError::Column("family_scope"))?;
            if family.covers(&scope) {
                sqlx::query("UPDATE families SET scope = ? WHERE connection = ?")
                    .bind(family.union(&more).to_string())
                    .bind(id.as_str())
                    .execute(&mut *tx)
                    .await?;
            }
        }
        let name = column::text(&row, "shown")?;
        let service = permit.service.as_str();
        self.tell(&mut tx, "connection_widened", Some(&name), Some(service), "ok").await?;
        self.commit(tx).await?;
        Ok(true)
    }

    /// Keep how tools are shown to a connection's app. `false` when it is not there or revoked.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn set_listing(&self, id: &ConnectionId, listing: Listing) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE connections SET listing = ? WHERE id = ? AND revoked_on IS NULL")
            .bind(listing.as_str())
            .bind(id.as_str())
            .execute(self.writer())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Cut a connection off: its row stays, revoked, and its tokens or its key are gone. With `refused` its app is
    /// remembered as turned away. The log learns `connection_revoked` with `outcome`. `false` when it was not there or
    /// revoked already.
    ///
    /// # Errors
    /// When it can't be written: the connection is still allowed then.
    pub async fn revoke(
        &self,
        id: &ConnectionId,
        on: Timestamp,
        outcome: &str,
        refused: bool,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let name: Option<String> = sqlx::query_scalar(
            "UPDATE connections SET revoked_on = ?, refused = ?, paused_on = NULL
             WHERE id = ? AND revoked_on IS NULL RETURNING coalesce(name, app || ' on ' || computer)",
        )
        .bind(on.millis())
        .bind(refused)
        .bind(id.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(name) = name else { return Ok(false) };
        sqlx::query("DELETE FROM families WHERE connection = ?").bind(id.as_str()).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM access_keys WHERE connection = ?")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        self.tell(&mut tx, "connection_revoked", Some(&name), None, outcome).await?;
        self.commit(tx).await?;
        Ok(true)
    }

    /// All connections, revoked ones too, newest first, each with that by which its app is known.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn connections(&self) -> Result<Vec<(ConnectionRow, Option<BearerRow>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.*, f.id AS family_id, f.number, f.issued_on, f.access_until, f.scope AS family_scope,
                 k.hash AS key_hash, k.ends AS key_ends
             FROM connections c LEFT JOIN families f ON f.connection = c.id
             LEFT JOIN access_keys k ON k.connection = c.id ORDER BY c.connected_on DESC, c.id",
        )
        .fetch_all(self.reader())
        .await?;
        rows.iter().map(|r| Ok((connection(r)?, bearer(r)?))).collect()
    }

    /// Keep when these connections were last active: for many at once, now and then. Never goes back.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn save_last_active(&self, seen: &[(ConnectionId, Timestamp)]) -> Result<(), StoreError> {
        if seen.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for (id, at) in seen {
            sqlx::query("UPDATE connections SET last_active = max(coalesce(last_active, 0), ?) WHERE id = ?")
                .bind(at.millis())
                .bind(id.as_str())
                .execute(&mut *tx)
                .await?;
        }
        self.commit(tx).await
    }
}

/// Take a service out of everything that connections may do.
pub(crate) async fn take_service(tx: &mut SqliteConnection, service: &ShortName) -> Result<(), StoreError> {
    for (read, write) in [
        ("SELECT id, scope FROM connections", "UPDATE connections SET scope = ? WHERE id = ?"),
        (
            "SELECT connection AS id, scope FROM families",
            "UPDATE families SET scope = ? WHERE connection = ?",
        ),
    ] {
        for row in sqlx::query(read).fetch_all(&mut *tx).await? {
            let scope: Scope = column::parsed(&row, "scope")?;
            if scope.names(service) {
                sqlx::query(write)
                    .bind(scope.without(service).to_string())
                    .bind(column::text(&row, "id")?)
                    .execute(&mut *tx)
                    .await?;
            }
        }
    }
    Ok(())
}

async fn insert_family(
    tx: &mut SqliteConnection,
    connection: &ConnectionId,
    family: &FamilyRow,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO families (connection, id, number, issued_on, access_until, scope) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(connection.as_str())
    .bind(family.id.as_slice())
    .bind(family.number)
    .bind(family.issued_on.millis())
    .bind(family.access_until.millis())
    .bind(family.scope.to_string())
    .execute(tx)
    .await?;
    Ok(())
}
