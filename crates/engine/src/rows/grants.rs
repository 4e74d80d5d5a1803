use authority::{AccessKey, Bearer, Client, Family, Grant, Method, RowsError};
use model::{AppId, ClientId, ConnectionId, Explain, Listing, Permit, Timestamp};
use std::sync::Arc;
use store::{
    AccessKeyRow, BearerRow, ClientRow, ConnectionMethod, ConnectionRow, FamilyRow, Store, StoreError,
};

/// The durable part of the authority's port: what is kept of clients and connections. Letting in and cutting off
/// the live ones is the engine's.
pub(crate) struct Grants(pub(crate) Arc<Store>);

/// A connection as it was kept.
pub(crate) struct Kept {
    pub(crate) grant: Grant,
    pub(crate) computer: String,
    pub(crate) listing: Listing,
    pub(crate) name: Option<String>,
    pub(crate) last_active: Option<Timestamp>,
    pub(crate) standing: Standing,
}

/// Whether a kept connection may still do anything.
pub(crate) enum Standing {
    /// It may, unless it is paused; with that by which its app is known, if there is anything.
    Allowed { bearer: Option<Bearer>, paused_on: Option<Timestamp> },
    /// It may not, since then; and whether its app is turned away.
    Revoked { on: Timestamp, refused: bool },
}

/// Why a connection is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The person did it: its app is turned away until they ask it back.
    Person,
    /// The same app was let in again.
    Replaced,
    /// Its access key has ended.
    Ended,
    /// What the authority saw.
    Seen(authority::RevokedBy),
}

impl Cut {
    /// As the log has it.
    fn outcome(self) -> &'static str {
        match self {
            Self::Person => "ok",
            Self::Replaced => "replaced",
            Self::Ended => "ended",
            Self::Seen(authority::RevokedBy::App) => "by_app",
            Self::Seen(authority::RevokedBy::Replay) => "replay",
        }
    }
}

fn refused(error: StoreError) -> RowsError {
    tracing::warn!(error = %error, "a grant could not be read or stored");
    RowsError(error.problem().sentence)
}

impl Grants {
    pub(crate) async fn register(&self, client: &Client) -> Result<(), RowsError> {
        let row = ClientRow {
            id: client.id.clone(),
            name: client.name.clone(),
            redirect_uris: client.redirect_uris.clone(),
            registered_on: client.registered_on,
        };
        self.0.register_client(&row).await.map_err(refused)
    }

    pub(crate) async fn client(&self, id: &ClientId) -> Result<Option<Client>, RowsError> {
        let found = self.0.client(id).await.map_err(refused)?;
        Ok(found.map(|c| Client {
            id: c.id,
            name: c.name,
            redirect_uris: c.redirect_uris,
            registered_on: c.registered_on,
        }))
    }

    pub(crate) async fn unused_clients(&self) -> Result<u32, RowsError> {
        self.0.unused_clients().await.map_err(refused)
    }

    pub(crate) async fn purge_clients(&self, before: Timestamp) -> Result<u32, RowsError> {
        self.0.purge_clients(before).await.map_err(refused)
    }

    /// Keep a new connection. `app_id` and `computer` are what the engine knows beyond the grant.
    pub(crate) async fn allow(
        &self,
        grant: &Grant,
        bearer: Option<&Bearer>,
        app_id: Option<&AppId>,
        computer: &str,
    ) -> Result<(), RowsError> {
        let row = ConnectionRow {
            id: grant.connection.clone(),
            client: grant.client.clone(),
            app: grant.app.clone(),
            app_id: app_id.cloned(),
            computer: computer.to_owned(),
            method: match grant.method {
                Method::Oauth => ConnectionMethod::Oauth,
                Method::Bridge => ConnectionMethod::Bridge,
                Method::Device => ConnectionMethod::Device,
                Method::AccessKey => ConnectionMethod::AccessKey,
            },
            scope: grant.scope.clone(),
            resource: grant.resource.clone(),
            program: grant.program.clone(),
            listing: Listing::Auto,
            name: None,
            paused_on: None,
            refused: false,
            connected_on: grant.allowed_on,
            last_active: None,
            revoked_on: None,
        };
        self.0.allow(&row, bearer.map(bearer_row).as_ref()).await.map_err(refused)
    }

    pub(crate) async fn rotate(&self, connection: &ConnectionId, family: &Family) -> Result<(), RowsError> {
        self.0.rotate(connection, &family_row(family)).await.map_err(refused)
    }

    /// The durable part of letting a connection do more. `false` when it was revoked or unknown.
    pub(crate) async fn widen(&self, connection: &ConnectionId, permit: &Permit) -> Result<bool, RowsError> {
        self.0.widen(connection, permit).await.map_err(refused)
    }

    /// Keep how tools are shown to a connection's app. `false` when it was revoked or unknown.
    pub(crate) async fn show_tools(
        &self,
        connection: &ConnectionId,
        listing: Listing,
    ) -> Result<bool, RowsError> {
        self.0.set_listing(connection, listing).await.map_err(refused)
    }

    /// The durable part of cutting off, and whether its app is turned away from now on. `false` when it was revoked or
    /// unknown already.
    pub(crate) async fn revoke(
        &self,
        connection: &ConnectionId,
        on: Timestamp,
        why: Cut,
        turned_away: bool,
    ) -> Result<bool, RowsError> {
        self.0.revoke(connection, on, why.outcome(), turned_away).await.map_err(refused)
    }

    /// Keep what the person calls a connection. `false` when it is unknown.
    pub(crate) async fn rename(&self, id: &ConnectionId, name: Option<&str>) -> Result<bool, RowsError> {
        self.0.rename(id, name).await.map_err(refused)
    }

    /// Keep that a connection is paused since then, or isn't any more. `false` when it was so, is revoked or unknown.
    pub(crate) async fn pause(&self, id: &ConnectionId, on: Option<Timestamp>) -> Result<bool, RowsError> {
        self.0.pause(id, on).await.map_err(refused)
    }

    /// Keep that the apps of these connections may ask again.
    pub(crate) async fn readmit(&self, ids: &[ConnectionId]) -> Result<(), RowsError> {
        self.0.readmit(ids).await.map_err(refused)
    }

    /// Everything that was kept, newest first, to be let in at the start or shown as revoked.
    pub(crate) async fn load_all(&self) -> Result<Vec<Kept>, RowsError> {
        Ok(self.0.connections().await.map_err(refused)?.into_iter().map(kept).collect())
    }
}

fn family_row(family: &Family) -> FamilyRow {
    FamilyRow {
        id: family.id,
        number: family.number,
        issued_on: family.issued_on,
        access_until: family.access_until,
        scope: family.scope.clone(),
    }
}

fn bearer_row(bearer: &Bearer) -> BearerRow {
    match bearer {
        Bearer::Family(family) => BearerRow::Family(family_row(family)),
        Bearer::Key(key) => BearerRow::Key(AccessKeyRow { hash: key.hash, ends: key.ends }),
    }
}

fn bearer(row: BearerRow) -> Bearer {
    match row {
        BearerRow::Family(f) => Bearer::Family(Family {
            id: f.id,
            number: f.number,
            issued_on: f.issued_on,
            access_until: f.access_until,
            scope: f.scope,
        }),
        BearerRow::Key(k) => Bearer::Key(AccessKey { hash: k.hash, ends: k.ends }),
    }
}

fn kept((row, known_by): (ConnectionRow, Option<BearerRow>)) -> Kept {
    Kept {
        grant: Grant {
            connection: row.id,
            client: row.client,
            app: row.app,
            method: match row.method {
                ConnectionMethod::Oauth => Method::Oauth,
                ConnectionMethod::Bridge => Method::Bridge,
                ConnectionMethod::Device => Method::Device,
                ConnectionMethod::AccessKey => Method::AccessKey,
            },
            scope: row.scope,
            resource: row.resource,
            program: row.program,
            allowed_on: row.connected_on,
        },
        computer: row.computer,
        listing: row.listing,
        name: row.name,
        last_active: row.last_active,
        standing: match row.revoked_on {
            Some(on) => Standing::Revoked { on, refused: row.refused },
            None => Standing::Allowed { bearer: known_by.map(bearer), paused_on: row.paused_on },
        },
    }
}
