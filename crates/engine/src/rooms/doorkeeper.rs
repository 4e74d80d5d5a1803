use super::Rooms;
use crate::rows::Cut;
use async_trait::async_trait;
use authority::{Bearer, Grant, RevokedBy};
use model::ConnectionId;
use std::sync::{Arc, Weak};

/// What the authority keeps, kept; and whom it lets in or cuts off, live.
pub(super) struct Doorkeeper(pub(super) Weak<Rooms>);

impl Doorkeeper {
    fn rooms(&self) -> Result<Arc<Rooms>, authority::RowsError> {
        self.0.upgrade().ok_or_else(|| authority::RowsError("Bellhop is closing".to_owned()))
    }
}

/// Whether two of the generic client are one app: the programs tell, where they were seen. Any other client is what its
/// id says.
fn same_program(one: &Grant, other: &Grant) -> bool {
    let seen = |g: &Grant| g.program.as_ref().map(|p| p.identity.clone());
    let generic = one.client.as_ref().is_some_and(|c| c.as_str() == authority::GENERIC);
    !generic || (seen(one).is_some() && seen(one) == seen(other))
}

#[async_trait]
impl authority::GrantRows for Doorkeeper {
    async fn register(&self, client: &authority::Client) -> Result<(), authority::RowsError> {
        self.rooms()?.grants.register(client).await
    }

    async fn client(&self, id: &model::ClientId) -> Result<Option<authority::Client>, authority::RowsError> {
        self.rooms()?.grants.client(id).await
    }

    async fn unused_clients(&self) -> Result<u32, authority::RowsError> {
        self.rooms()?.grants.unused_clients().await
    }

    async fn purge_clients(&self, before: model::Timestamp) -> Result<u32, authority::RowsError> {
        self.rooms()?.grants.purge_clients(before).await
    }

    async fn allow(&self, grant: &Grant, bearer: &Bearer) -> Result<(), authority::RowsError> {
        let rooms = self.rooms()?;
        // The same client at the same endpoint again: its earlier connection has been replaced.
        let earlier = rooms.connections.find(|k| {
            let same = k.grant.client.is_some() && k.grant.client == grant.client;
            same && k.grant.resource == grant.resource && same_program(&k.grant, grant)
        });
        rooms.allow(grant, Some(bearer)).await?;
        if let Some(earlier) = earlier {
            // The new one stands. The old one's tokens stay good if this fails, as they were a moment before.
            if let Err(e) = rooms.cut(&earlier.id, Cut::Replaced).await {
                tracing::warn!("a connection that was replaced could not be ended: {e}");
            }
        }
        Ok(())
    }

    fn turned_away(&self, request: &authority::Request) -> bool {
        // Without the rooms nobody is let in anyway.
        self.rooms().is_ok_and(|rooms| {
            rooms.turned_away(request.client.as_ref(), &request.app, request.program.as_ref())
        })
    }

    async fn rotate(
        &self,
        id: &ConnectionId,
        family: &authority::Family,
    ) -> Result<(), authority::RowsError> {
        self.rooms()?.grants.rotate(id, family).await
    }

    async fn widen(&self, id: &ConnectionId, permit: &model::Permit) -> Result<(), authority::RowsError> {
        self.rooms()?.widen(id, permit).await
    }

    async fn revoke(&self, id: &ConnectionId, why: RevokedBy) -> Result<(), authority::RowsError> {
        self.rooms()?.cut(id, Cut::Seen(why)).await
    }
}
