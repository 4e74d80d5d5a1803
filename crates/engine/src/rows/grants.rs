use authority::{Client, Family, Grant, Method, RevokedBy, RowsError};
use model::{AppId, ClientId, ConnectionId, Explain, Listing, Permit, Timestamp};
use std::sync::Arc;
use store::{ClientRow, ConnectionMethod, ConnectionRow, FamilyRow, Store, StoreError};

/// The durable part of the authority's port: what is kept of clients and connections. Letting in and cutting off
/// the live ones is the engine's.
pub(crate) struct Grants(pub(crate) Arc<Store>);

/// A connection as it was kept.
pub(crate) struct Kept {
    pub(crate) grant: Grant,
    pub(crate) computer: String,
    pub(crate) listing: Listing,
    pub(crate) last_active: Option<Timestamp>,
    pub(crate) standing: Standing,
}

/// Whether a kept connection may still do anything.
pub(crate) enum Standing {
    /// It may; with its tokens, if it has any.
    Allowed(Option<Family>),
    /// It may not, since then.
    Revoked(Timestamp),
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
        family: Option<&Family>,
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
            },
            scope: grant.scope.clone(),
            resource: grant.resource.clone(),
            program: grant.program.clone(),
            listing: Listing::Auto,
            connected_on: grant.allowed_on,
            last_active: None,
            revoked_on: None,
        };
        self.0.allow(&row, family.map(family_row).as_ref()).await.map_err(refused)
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

    /// The durable part of cutting off; `why` is `None` when the person did it. `false` when it was revoked or
    /// unknown already.
    pub(crate) async fn revoke(
        &self,
        connection: &ConnectionId,
        on: Timestamp,
        why: Option<RevokedBy>,
    ) -> Result<bool, RowsError> {
        let outcome = match why {
            None => "ok",
            Some(RevokedBy::App) => "by_app",
            Some(RevokedBy::Replay) => "replay",
        };
        self.0.revoke(connection, on, outcome).await.map_err(refused)
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

fn kept((row, family): (ConnectionRow, Option<FamilyRow>)) -> Kept {
    let family = family.map(|f| Family {
        id: f.id,
        number: f.number,
        issued_on: f.issued_on,
        access_until: f.access_until,
        scope: f.scope,
    });
    Kept {
        grant: Grant {
            connection: row.id,
            client: row.client,
            app: row.app,
            method: match row.method {
                ConnectionMethod::Oauth => Method::Oauth,
                ConnectionMethod::Bridge => Method::Bridge,
            },
            scope: row.scope,
            resource: row.resource,
            program: row.program,
            allowed_on: row.connected_on,
        },
        computer: row.computer,
        listing: row.listing,
        last_active: row.last_active,
        standing: row.revoked_on.map_or(Standing::Allowed(family), Standing::Revoked),
    }
}
