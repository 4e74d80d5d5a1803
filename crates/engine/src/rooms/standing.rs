//! What the person does with connections that are there: pause, rename, cut off together, ask back; and access keys.

use super::{Rooms, unknown_connection};
use crate::{
    connections::{Known, Standing},
    rows::Cut,
};
use authority::{KeyError, NewKey};
use model::{AppId, ClientId, ConnectionId, Explain, Problem, Program, Scope, Timestamp};

impl Rooms {
    /// Let none of a connection's calls pass from now on, or let them pass again. What is so already stays so.
    pub(crate) async fn pause_connection(&self, id: &ConnectionId, paused: bool) -> Result<(), Problem> {
        let live = self.connections.live(id).ok_or_else(unknown_connection)?;
        let on = paused.then(|| self.clock.now());
        // A pause holds although it can't be stored; that calls pass again must not be forgotten by a restart.
        if paused && live.paused_on().is_none() {
            live.pause(on);
        }
        let stored = self.grants.pause(id, on).await;
        if !paused && stored.is_ok() {
            live.pause(None);
        }
        self.connections.moved();
        if let Some(inner) = self.house() {
            inner.pause.moved();
        }
        stored.map(drop).map_err(|e| e.problem())
    }

    /// Call a connection so from now on; `None` for its app and computer again.
    pub(crate) async fn rename(&self, id: &ConnectionId, name: Option<&str>) -> Result<(), Problem> {
        let name = match name {
            None => None,
            Some(name) => Some(authority::plain_name(name).ok_or_else(|| {
                Problem::new(
                    "engine.no_name",
                    "Nothing of that name can be seen.",
                    "Type a name with letters or digits in it.",
                )
            })?),
        };
        if !self.grants.rename(id, name.as_deref()).await.map_err(|e| e.problem())? {
            return Err(unknown_connection());
        }
        let shown = self.connections.rename(id, name).ok_or_else(unknown_connection)?;
        self.log.name(id, shown);
        Ok(())
    }

    /// Cut several connections off side by side. When one can't be, the others are all the same, and that one's problem
    /// is said.
    pub(crate) async fn revoke_several(&self, ids: Vec<ConnectionId>) -> Result<(), Problem> {
        let all = ids.iter().map(|id| self.revoke(id));
        futures_util::future::join_all(all).await.into_iter().collect()
    }

    /// Cut every connection off.
    pub(crate) async fn revoke_all(&self) -> Result<(), Problem> {
        self.authority.take_back(None);
        self.revoke_several(self.connections.ids(|k| k.live_id().is_some())).await
    }

    /// Whether the person cut this app off and has not asked it back: then it is not asked about.
    pub(crate) fn turned_away(
        &self,
        client: Option<&ClientId>,
        claimed: &str,
        program: Option<&Program>,
    ) -> bool {
        let app = self.app_name(claimed);
        !self.connections.ids(|k| k.turns_away(client, &app, program)).is_empty()
    }

    /// Let the app of a connection that was cut off ask again, under every connection that it had.
    pub(crate) async fn readmit(&self, id: &ConnectionId) -> Result<(), Problem> {
        let known = self.connections.get(id).ok_or_else(unknown_connection)?;
        let (client, program) = (known.grant.client.as_ref(), known.grant.program.as_ref());
        self.ask_back(|k| k.turns_away(client, &known.app, program)).await.map_err(|e| e.problem())
    }

    /// Let a known app ask again.
    pub(crate) async fn readmit_app(&self, app: &AppId) {
        let its = |k: &Known| {
            k.app_id.as_ref() == Some(app) && matches!(k.standing, Standing::Revoked { refused: true, .. })
        };
        if let Err(e) = self.ask_back(its).await {
            tracing::warn!("that an app may ask again could not be stored: {e}");
        }
    }

    async fn ask_back(&self, which: impl Fn(&Known) -> bool) -> Result<(), authority::RowsError> {
        let ids = self.connections.ids(which);
        if !ids.is_empty() {
            self.grants.readmit(&ids).await?;
            self.connections.readmit(&ids);
        }
        Ok(())
    }

    /// Make an access key. Two that are in use have two names, so that the person revokes the right one.
    pub(crate) async fn add_key(
        &self,
        name: &str,
        scope: Scope,
        ends: Option<Timestamp>,
    ) -> Result<NewKey, Problem> {
        let plain = authority::plain_name(name).ok_or_else(|| KeyError::Nameless.problem())?;
        let same = |k: &Known| {
            k.grant.method == authority::Method::AccessKey && k.app == plain && k.live_id().is_some()
        };
        if !self.connections.ids(same).is_empty() {
            return Err(Problem::new(
                "engine.key_name_taken",
                format!("There is an access key named “{plain}” already."),
                "Choose another name, or revoke that one first.",
            )
            .with("name", &plain));
        }
        self.authority.add_key(&plain, scope, ends).await.map_err(|e| e.problem())
    }

    /// Cut off what has an access key that has ended. The key itself was refused from that moment on.
    pub(crate) async fn end_keys(&self) {
        for id in self.authority.ended_keys() {
            if let Err(e) = self.cut(&id, Cut::Ended).await {
                tracing::warn!(connection = %id, "an access key has ended, but that could not be stored: {e}");
            }
        }
    }
}
