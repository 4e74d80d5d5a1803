//! Connections: let in, known again, cut off.

use super::{PATIENCE, Rooms};
use crate::{
    connections::{Known, Standing},
    rows::{self, Cut},
};
use authority::{Bearer, Grant};
use model::{AppId, ConnectionId, Explain, Listing, Problem, Program, Resource, Scope, Timestamp};
use relay::Connection;
use std::sync::Arc;

impl Rooms {
    pub(super) async fn load_connections(&self) -> Result<(), Problem> {
        let mut bearers = Vec::new();
        for kept in self.grants.load_all().await.map_err(|e| e.problem())? {
            let mut known = self.known(kept.grant.clone(), kept.computer, kept.name, kept.last_active);
            known.show(kept.listing);
            match (kept.standing, &known.standing) {
                (rows::Standing::Allowed { bearer, paused_on }, Standing::Allowed(live)) => {
                    live.pause(paused_on);
                    known.key_ends = bearer.as_ref().and_then(key_ends);
                    bearers.extend(bearer.map(|b| (kept.grant, b)));
                }
                (rows::Standing::Revoked { on, refused }, _) => {
                    known.standing = Standing::Revoked { on, last_active: kept.last_active, refused };
                }
                (rows::Standing::Allowed { .. }, Standing::Revoked { .. }) => {}
            }
            self.connections.put(known);
        }
        self.authority.load(bearers);
        self.end_keys().await;
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

    /// The name under which a connection's app is shown. An access key's is the person's own text.
    fn shown(&self, grant: &Grant) -> String {
        match grant.method {
            authority::Method::AccessKey => grant.app.clone(),
            _ => self.app_name(&grant.app),
        }
    }

    /// A connection that is allowed.
    fn known(
        &self,
        grant: Grant,
        computer: String,
        own_name: Option<String>,
        last_active: Option<Timestamp>,
    ) -> Known {
        let app = self.shown(&grant);
        let name = own_name.clone().unwrap_or_else(|| format!("{app} on {computer}"));
        self.log.name(&grant.connection, name.clone());
        let live = Connection::new(
            grant.connection.clone(),
            relay::Grant { name, scope: grant.scope.clone() },
            last_active,
            0,
        );
        Known {
            app_id: self.recognise(&grant.app),
            computer,
            app,
            own_name,
            key_ends: None,
            standing: Standing::Allowed(live),
            grant,
        }
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
        bearer: Option<&Bearer>,
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
        let grant = &Grant { scope, app: self.shown(grant), ..grant.clone() };
        self.grants.allow(grant, bearer, self.recognise(&grant.app).as_ref(), &self.computer).await?;
        let mut known = self.known(grant.clone(), self.computer.clone(), None, None);
        known.key_ends = bearer.and_then(key_ends);
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
        let known = self.connections.get(id).ok_or_else(unknown_connection)?;
        if let Some(client) = &known.grant.client {
            self.authority.take_back(Some(client));
        }
        self.cut(id, Cut::Person).await.map_err(|e| e.problem())
    }

    pub(super) async fn cut(&self, id: &ConnectionId, why: Cut) -> Result<(), authority::RowsError> {
        let on = self.clock.now();
        // Nobody asks to be let in by an access key: there is nobody to turn away.
        let key = self.connections.get(id).is_some_and(|k| k.grant.method == authority::Method::AccessKey);
        let turned_away = why == Cut::Person && !key;
        self.grants.revoke(id, on, why, turned_away).await?;
        let live = self.connections.end(id, on, turned_away);
        self.authority.forget(id);
        self.permits.forget(id);
        if let Some(live) = live {
            live.gate.close();
            live.stop.cancel();
            if tokio::time::timeout(PATIENCE, live.gate.drained()).await.is_err() {
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

fn key_ends(bearer: &Bearer) -> Option<Timestamp> {
    match bearer {
        Bearer::Key(key) => key.ends,
        Bearer::Family(_) => None,
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
