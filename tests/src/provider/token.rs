//! The token endpoint, with its faults.

use super::{
    At, Fault, Shared,
    grants::Grants,
    lock,
    oracle::Kind,
    wire::{Reply, hang_up, json, no, whole},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

pub(super) const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

type Form = HashMap<String, String>;

impl Shared {
    /// Exchange something for tokens, for a client that has proved itself.
    pub(super) async fn token(&self, client: Option<String>, form: &Form) -> Reply {
        if let Some(verifier) = form.get("code_verifier") {
            self.oracle.know(Kind::Verifier, &self.origin, verifier);
        }
        match form.get("grant_type").map(String::as_str) {
            Some("refresh_token") => self.renew(client, form).await,
            Some("authorization_code") => {
                self.seen.send_modify(|s| s.exchanges += 1);
                self.exchange(client, form)
            }
            Some(DEVICE) => self.device_token(client, form),
            _ => no(400, "unsupported_grant_type"),
        }
    }

    fn exchange(&self, client: Option<String>, form: &Form) -> Reply {
        let Some(client) = client else { return no(401, "invalid_client") };
        let mut grants = lock(&self.grants);
        let code = form.get("code").and_then(|code| grants.codes.remove(code));
        let good = code.filter(|code| {
            let verifier = form.get("code_verifier").map(String::as_str).unwrap_or_default();
            code.client == client
                && code.challenge == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
                && form.get("redirect_uri") == Some(&code.redirect)
                && form.get("resource") == code.resource.as_ref()
        });
        match good {
            Some(code) => {
                let grant = grants.give(&client, &code.scope);
                self.issue(&mut grants, grant)
            }
            None => no(400, "invalid_grant"),
        }
    }

    fn device_token(&self, client: Option<String>, form: &Form) -> Reply {
        let Some(client) = client else { return no(401, "invalid_client") };
        let mut grants = lock(&self.grants);
        match form.get("device_code").and_then(|code| grants.devices.remove(code)) {
            Some((asked, scope)) if asked == client => {
                let grant = grants.give(&client, &scope);
                self.issue(&mut grants, grant)
            }
            _ => no(400, "invalid_grant"),
        }
    }

    fn issue(&self, grants: &mut Grants, grant: u64) -> Reply {
        let expires_in = lock(&self.ways).expires_in.clone();
        json(200, &grants.issue(grant, &self.origin, &self.oracle, &expires_in))
    }

    async fn renew(&self, client: Option<String>, form: &Form) -> Reply {
        let token = form.get("refresh_token").map(String::as_str).unwrap_or_default();
        let known = lock(&self.grants).of_refresh(token);
        let _under_way = known.map(|(grant, number)| self.oracle.presented(&self.origin, grant, number));
        self.seen.send_modify(|s| s.renewals += 1);
        self.reach(At::Arrived).await;
        let fault = lock(&self.ways).faults.pop_front();
        match &fault {
            Some(Fault::Status(status, wait)) => {
                let wait = wait.map(|wait| ("retry-after", wait.to_owned()));
                return whole(*status, &wait.into_iter().collect::<Vec<_>>(), "<h1>Soon</h1>");
            }
            Some(Fault::Reset) => return hang_up(),
            Some(Fault::HalfJson) => {
                let kind = [("content-type", "application/json".to_owned())];
                return whole(200, &kind, r#"{"access_token":"half-"#);
            }
            Some(Fault::Portal) => {
                let kind = [("content-type", "text/html".to_owned())];
                return whole(200, &kind, "<html><title>Welcome to our network</title></html>");
            }
            Some(Fault::Elsewhere(to)) => return whole(302, &[("location", to.clone())], ""),
            Some(Fault::Says(code)) => return no(400, code),
            Some(Fault::Lost | Fault::StillBorn) | None => {}
        }
        let answer = self.act(client, known);
        if matches!(fault, Some(Fault::StillBorn)) {
            lock(&self.grants).end_access_tokens();
        }
        self.reach(At::Acted).await;
        if matches!(fault, Some(Fault::Lost)) {
            return hang_up();
        }
        self.reach(At::Answered).await;
        answer
    }

    /// Rotate; a superseded token ends the grant, unless there is grace.
    fn act(&self, client: Option<String>, known: Option<(u64, u64)>) -> Reply {
        let Some(client) = client else { return no(401, "invalid_client") };
        let Some((id, number)) = known else { return no(400, "invalid_grant") };
        let grace = lock(&self.ways).grace;
        let mut grants = lock(&self.grants);
        self.oracle.acts(&self.origin, id, number);
        match grants.all.get(&id) {
            Some(grant) if !grant.alive || grant.client != client => no(400, "invalid_grant"),
            Some(grant) if number == grant.number => {
                self.oracle.used(&self.origin, id, number);
                self.issue(&mut grants, id)
            }
            Some(grant) if grace && number + 1 == grant.number && !grant.confirmed => json(200, &grant.last),
            _ => {
                grants.end(id);
                no(400, "invalid_grant")
            }
        }
    }

    /// Stop here, if a test wants that.
    async fn reach(&self, at: At) {
        let stop = {
            let mut stop = lock(&self.stop);
            if stop.as_ref().is_some_and(|(wanted, _)| *wanted == at) { stop.take() } else { None }
        };
        if let Some((_, says)) = stop {
            let _ = says.send(());
            if at != At::Answered {
                self.go_on.notified().await;
            }
        }
    }
}
