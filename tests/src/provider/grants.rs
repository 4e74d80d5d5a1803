//! What the provider keeps: its clients, their grants and tokens.

use super::oracle::{Kind, Oracle};
use crate::random;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// A client that registered.
pub(super) struct Client {
    pub(super) secret: Option<String>,
    pub(super) token: String,
    pub(super) about: Value,
}

/// A person's consent.
pub(super) struct Grant {
    pub(super) client: String,
    pub(super) scope: String,
    /// The number of the newest tokens.
    pub(super) number: u64,
    pub(super) alive: bool,
    /// The newest tokens were used.
    pub(super) confirmed: bool,
    /// What was answered last, to be said again.
    pub(super) last: Value,
}

/// What a code stands for.
pub(super) struct Code {
    pub(super) client: String,
    pub(super) challenge: String,
    pub(super) redirect: String,
    pub(super) resource: Option<String>,
    pub(super) scope: String,
}

/// An access token.
struct Access {
    grant: u64,
    number: u64,
    ends: Instant,
}

#[derive(Default)]
pub(super) struct Grants {
    pub(super) clients: HashMap<String, Client>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) devices: HashMap<String, (String, String)>,
    pub(super) all: HashMap<u64, Grant>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, (u64, u64)>,
}

impl Grants {
    /// A person said yes.
    pub(super) fn give(&mut self, client: &str, scope: &str) -> u64 {
        let id = self.all.len() as u64 + 1;
        let grant = Grant {
            client: client.to_owned(),
            scope: scope.to_owned(),
            number: 0,
            alive: true,
            confirmed: false,
            last: Value::Null,
        };
        self.all.insert(id, grant);
        id
    }

    /// New tokens, which supersede the ones before. `expires_in` is said as it is.
    pub(super) fn issue(&mut self, id: u64, origin: &str, oracle: &Oracle, expires_in: &Value) -> Value {
        let life = expires_in.as_u64().filter(|s| *s > 0).unwrap_or(3600);
        let (access, refresh) = (format!("access-{}", random()), format!("refresh-{}", random()));
        oracle.know(Kind::Access, origin, &access);
        oracle.know(Kind::Refresh, origin, &refresh);
        let Some(grant) = self.all.get_mut(&id) else { return Value::Null };
        grant.number += 1;
        grant.confirmed = false;
        let number = grant.number;
        oracle.made(origin, id, number);
        let ends = Instant::now() + Duration::from_secs(life.min(1_000_000));
        self.access.insert(access.clone(), Access { grant: id, number, ends });
        self.refresh.insert(refresh.clone(), (id, number));
        let mut answer = json!({
            "access_token": access,
            "token_type": "Bearer",
            "refresh_token": refresh,
            "scope": grant.scope,
        });
        if !expires_in.is_null() {
            answer["expires_in"] = expires_in.clone();
        }
        grant.last = answer.clone();
        answer
    }

    /// The grant of a refresh token, and the token's number.
    pub(super) fn of_refresh(&self, token: &str) -> Option<(u64, u64)> {
        self.refresh.get(token).copied()
    }

    /// The grant of an access token that is good, and the token's number.
    pub(super) fn of_access(&mut self, token: &str) -> Option<(u64, u64)> {
        let access = self.access.get(token).filter(|a| a.ends > Instant::now())?;
        let grant = self.all.get_mut(&access.grant).filter(|g| g.alive)?;
        if access.number == grant.number {
            grant.confirmed = true;
        }
        Some((access.grant, access.number))
    }

    /// End one token's grant, or the access token alone.
    pub(super) fn revoke(&mut self, token: &str) {
        if let Some((grant, _)) = self.of_refresh(token) {
            self.end(grant);
        }
        self.access.remove(token);
    }

    pub(super) fn end(&mut self, grant: u64) {
        if let Some(grant) = self.all.get_mut(&grant) {
            grant.alive = false;
        }
    }

    /// Forget a client, and all that was granted to it.
    pub(super) fn forget(&mut self, client: &str) {
        self.clients.remove(client);
        for grant in self.all.values_mut().filter(|g| g.client == client) {
            grant.alive = false;
        }
    }

    /// Forget all clients and keep the grants.
    pub(super) fn forget_clients(&mut self) {
        self.clients.clear();
    }

    pub(super) fn end_access_tokens(&mut self) {
        self.access.clear();
    }

    pub(super) fn end_all(&mut self) {
        self.all.values_mut().for_each(|g| g.alive = false);
    }

    pub(super) fn any_alive(&self) -> bool {
        self.all.values().any(|g| g.alive)
    }
}
