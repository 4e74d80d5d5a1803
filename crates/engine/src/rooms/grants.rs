//! Connections: let in, known again, cut off.

use super::{CUT, Rooms};
use crate::{
    connections::{Known, Standing},
    rows,
};
use authority::{Grant, RevokedBy};
use model::{AppId, ConnectionId, Explain, Listing, Problem, Program, Resource, Scope, Timestamp};
use relay::Connection;
use std::sync::Arc;

impl Rooms {
    pub(super) async fn load_connections(&self) -> Result<(), Problem> {
        let mut families = Vec::new();
        for kept in self.grants.load_all().await.map_err(|e| e.problem())? {
            let (revoked_on, family) = match kept.standing {
                rows::Standing::Allowed(family) => (None, family),
                rows::Standing::Revoked(on) => (Some(on), None),
            };
            let known = self.known(kept.grant.clone(), kept.computer, revoked_on, kept.last_active);
            known.show(kept.listing);
            self.connections.put(known);
            families.extend(family.map(|f| (kept.grant, f)));
        }
        self.authority.load(families);
        Ok(())
    }

    /// The name under which an app is shown: that of a known app, else what it said.
    pub(crate) fn app_name(&self, claimed: &str) -> String {
        let known = self.apps.get(&AppId::from(claimed)).ok();
        let known = known.or_else(|| self.apps.get(&self.apps.recognise(claimed)?).ok());
        match known {
            Some(app) => app.name,
            None => plain(claimed),
        }
    }

    /// The known app that calls itself this.
    pub(crate) fn recognise(&self, name: &str) -> Option<AppId> {
        self.apps.recognise(name)
    }

    fn known(
        &self,
        grant: Grant,
        computer: String,
        revoked_on: Option<Timestamp>,
        last_active: Option<Timestamp>,
    ) -> Known {
        let app = self.app_name(&grant.app);
        let name = format!("{app} on {computer}");
        self.log.name(&grant.connection, name.clone());
        let standing = match revoked_on {
            Some(on) => Standing::Revoked { on, last_active },
            None => Standing::Allowed(Connection::new(
                grant.connection.clone(),
                relay::Grant { name, scope: grant.scope.clone() },
                last_active,
                0,
            )),
        };
        Known { app_id: self.recognise(&grant.app), computer, app, standing, grant }
    }

    /// Let a bridge in.
    pub(crate) async fn allow_bridge(
        &self,
        app: &str,
        scope: Scope,
        program: Option<Program>,
    ) -> Result<Arc<Connection>, Problem> {
        let grant = Grant {
            connection: ConnectionId::new(&*self.random),
            client: None,
            app: app.to_owned(),
            method: authority::Method::Bridge,
            scope,
            resource: Resource::All,
            program,
            allowed_on: self.clock.now(),
        };
        self.allow(&grant, None).await.map_err(|e| {
            Problem::new(
                "engine.not_let_in",
                format!("{app} could not be let in: {}.", e.0.trim_end_matches('.')),
                "Try again from the app.",
            )
            .with("app", app)
        })?;
        self.connections.live(&grant.connection).ok_or_else(unknown_connection)
    }

    pub(super) async fn allow(
        &self,
        grant: &Grant,
        family: Option<&authority::Family>,
    ) -> Result<(), authority::RowsError> {
        let _turn = self.changing.lock().await;
        // A service may have gone since the person was asked. Its permits must not wait for a later one of its name.
        let there = self.registry.all();
        let gone = |p: &&model::Permit| !there.iter().any(|e| e.row.name == p.service);
        let scope =
            grant.scope.permits().filter(gone).fold(grant.scope.clone(), |s, p| s.without(&p.service));
        if scope.is_empty() {
            return Err(authority::RowsError("what it was allowed isn't there any more".to_owned()));
        }
        // Kept under the name that it is shown by, so that the log has one name for it.
        let grant = &Grant { scope, app: self.app_name(&grant.app), ..grant.clone() };
        self.grants.allow(grant, family, self.recognise(&grant.app).as_ref(), &self.computer).await?;
        let known = self.known(grant.clone(), self.computer.clone(), None, None);
        known.show(Listing::Auto);
        self.connections.put(known);
        Ok(())
    }

    /// Let a connection do what it asks for. Nothing else is ever added to what a connection may do.
    pub(super) async fn widen(
        &self,
        id: &ConnectionId,
        permit: &model::Permit,
    ) -> Result<(), authority::RowsError> {
        let _turn = self.changing.lock().await;
        // The service may have gone since the person was shown it, and another one may have its name.
        let there = self.registry.all().into_iter().find(|e| e.row.name == permit.service);
        let Some(service) = there.filter(|_| self.permits.wants(id, permit)) else {
            return Err(authority::RowsError("what was asked isn't there any more".to_owned()));
        };
        if !self.grants.widen(id, permit).await? {
            return Err(authority::RowsError("the connection isn't there any more".to_owned()));
        }
        self.connections.widen(id, permit);
        self.relay.widened(id, &service.row.id);
        Ok(())
    }

    /// Show tools to a connection's app so from now on, and tell it to look again.
    pub(crate) async fn show_tools(&self, id: &ConnectionId, listing: Listing) -> Result<(), Problem> {
        if !self.grants.show_tools(id, listing).await.map_err(|e| e.problem())? {
            return Err(unknown_connection());
        }
        if let Some(known) = self.connections.get(id) {
            known.show(listing);
        }
        if let Some(live) = self.connections.live(id) {
            self.relay.shown_anew(&live);
        }
        self.connections.moved();
        Ok(())
    }

    /// Cut a connection off, in-flight calls included. When this returns, nothing of it but the notice of its
    /// cancellation reaches a service.
    pub(crate) async fn revoke(&self, id: &ConnectionId) -> Result<(), Problem> {
        self.connections.get(id).ok_or_else(unknown_connection)?;
        self.cut(id, None).await.map_err(|e| e.problem())
    }

    pub(super) async fn cut(
        &self,
        id: &ConnectionId,
        why: Option<RevokedBy>,
    ) -> Result<(), authority::RowsError> {
        let on = self.clock.now();
        self.grants.revoke(id, on, why).await?;
        let live = self.connections.end(id, on);
        self.authority.forget(id);
        self.permits.forget(id);
        if let Some(live) = live {
            live.gate.close();
            live.stop.cancel();
            if tokio::time::timeout(CUT, live.gate.drained()).await.is_err() {
                tracing::info!(connection = %id, "an app does not read the end of its call: its wire is cut");
                self.wires.hang_up(id);
            }
        }
        self.wires.forget(id);
        let (relay, id) = (Arc::clone(&self.relay), id.clone());
        tokio::spawn(async move { relay.forget(&id).await });
        Ok(())
    }
}

/// What somebody calls itself, with nothing in it that could look like something else.
fn plain(claimed: &str) -> String {
    let name: String =
        claimed.chars().filter(|c| c.is_alphanumeric() || " -_.".contains(*c)).take(64).collect();
    let name = name.trim();
    if name.is_empty() { "An app".to_owned() } else { name.to_owned() }
}

pub(crate) fn unknown_connection() -> Problem {
    Problem::new("engine.unknown_connection", "That connection isn't there.", "Look at the list again.")
}
