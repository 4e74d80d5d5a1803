use authority::{Client, Family, Grant, Method, RowsError};
use model::{ClientId, ConnectionId, Explain, Problem, Resource, Timestamp};
use store::{ClientRow, ConnectionRow, FamilyRow, Store, StoreError};

/// A connection as it was kept.
pub(crate) struct Kept {
    pub(crate) grant: Grant,
    pub(crate) family: Option<Family>,
    pub(crate) last_active: Option<Timestamp>,
    pub(crate) revoked_on: Option<Timestamp>,
}

fn failed(e: StoreError) -> RowsError {
    RowsError(e.to_string())
}

/// Keep a new client.
pub(crate) async fn register(store: &Store, client: &Client) -> Result<(), RowsError> {
    let row = ClientRow {
        id: client.id.clone(),
        name: client.name.clone(),
        redirect_uris: client.redirect_uris.clone(),
        registered_on: client.registered_on,
    };
    store.add_client(&row).await.map_err(failed)
}

/// The client of that id.
pub(crate) async fn client(store: &Store, id: &ClientId) -> Result<Option<Client>, RowsError> {
    let row = store.client(id).await.map_err(failed)?;
    Ok(row.map(|r| Client {
        id: r.id,
        name: r.name,
        redirect_uris: r.redirect_uris,
        registered_on: r.registered_on,
    }))
}

/// How many clients were never let in.
pub(crate) async fn unused_clients(store: &Store) -> Result<u32, RowsError> {
    store.unused_clients().await.map_err(failed)
}

/// Forget the old ones of those.
pub(crate) async fn purge_clients(store: &Store, before: Timestamp) -> Result<u32, RowsError> {
    store.purge_clients(before).await.map_err(failed)
}

/// Keep a new connection. `app` is the name it is shown under, which the log keeps too.
pub(crate) async fn allow(
    store: &Store,
    grant: &Grant,
    family: Option<&Family>,
    app: &str,
    computer: &str,
) -> Result<(), RowsError> {
    let row = ConnectionRow {
        id: grant.connection.clone(),
        client: grant.client.clone(),
        app: app.to_owned(),
        computer: computer.to_owned(),
        method: match grant.method {
            Method::Oauth => "oauth".to_owned(),
            Method::Bridge => "bridge".to_owned(),
        },
        scope: grant.scope.clone(),
        resource: grant.resource.path(),
        program: grant.program.clone(),
        connected_on: grant.allowed_on,
        last_active: None,
        revoked_on: None,
    };
    store.add_connection(&row, family.map(family_row).as_ref()).await.map_err(failed)
}

/// Keep the family's next number.
pub(crate) async fn rotate(store: &Store, id: &ConnectionId, family: &Family) -> Result<(), RowsError> {
    store.rotate_family(id, &family_row(family)).await.map_err(failed)
}

/// Revoke, durably.
pub(crate) async fn revoke(store: &Store, id: &ConnectionId, at: Timestamp) -> Result<(), RowsError> {
    store.revoke_connection(id, at).await.map_err(failed)
}

/// All connections that are kept.
pub(crate) async fn load_all(store: &Store) -> Result<Vec<Kept>, Problem> {
    let rows = store.connections().await.map_err(|e| e.problem())?;
    rows.into_iter().map(|(row, family)| kept(row, family)).collect()
}

fn kept(row: ConnectionRow, family: Option<FamilyRow>) -> Result<Kept, Problem> {
    let resource = Resource::from_path(&row.resource);
    let resource = resource.ok_or_else(|| StoreError::Value("resource").problem())?;
    Ok(Kept {
        last_active: row.last_active,
        revoked_on: row.revoked_on,
        family: family.map(|f| Family {
            id: f.id,
            number: f.number,
            issued_on: f.issued_on,
            access_until: f.access_until,
            scope: f.scope,
        }),
        grant: Grant {
            connection: row.id,
            client: row.client,
            app: row.app,
            method: if row.method == "bridge" { Method::Bridge } else { Method::Oauth },
            scope: row.scope,
            resource,
            program: row.program,
            allowed_on: row.connected_on,
        },
    })
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
