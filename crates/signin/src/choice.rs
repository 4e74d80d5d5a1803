use crate::{
    Choice, ClientSource, Method, Offer, Permission, Phase, Said, SignInError,
    discovery::Found,
    flow::{Flow, TICK, WAIT},
    moment::Moment,
    wordpress::Site,
};
use model::{Explain, Problem};
use url::Url;

/// What can be chosen from.
pub(crate) struct Options {
    offers: Vec<Offer>,
    permissions: Vec<Permission>,
}

impl Flow {
    /// The methods of the service at `url`, best first, and what can be asked for.
    pub(crate) fn options(
        &self,
        url: &Url,
        challenge: Option<&str>,
        found: &Result<Found, SignInError>,
        site: Option<&Site>,
    ) -> Options {
        let mut offers = Vec::new();
        let mut permissions = Vec::new();
        if let Ok(found) = found {
            let host = Some(found.server.host());
            let needs = (!self.can_introduce(found))
                .then(|| SignInError::NoRegistration { host: found.server.host() }.problem());
            offers.push(Offer { method: Method::Oauth, host: host.clone(), needs: needs.clone() });
            if found.server.device_authorization_endpoint.is_some() {
                offers.push(Offer { method: Method::Device, host, needs });
            }
            // Without a browser here, the one on another device is of more use.
            if !self.target.open_browser {
                offers.reverse();
            }
            permissions = self.permissions(challenge, found);
        }
        if let Some(site) = site {
            let needs = site.hindrance().map(|trouble| trouble.problem());
            offers.push(Offer { method: Method::Password, host: Some(site.host()), needs });
        }
        offers.push(Offer { method: Method::Token, host: Some(crate::address::host(url)), needs: None });
        Options { offers, permissions }
    }

    /// Whether there is a way to be known to the sign-in server.
    fn can_introduce(&self, found: &Found) -> bool {
        let server = &found.server;
        let known = self.target.known.as_ref();
        self.target.client.is_some()
            || known.is_some_and(|(i, r)| *i == server.issuer && r.source == ClientSource::Given)
            || (self.room.client_document.is_some() && server.takes_documents())
            || server.registration_endpoint.is_some()
    }

    fn permissions(&self, challenge: Option<&str>, found: &Found) -> Vec<Permission> {
        let preset = self.scopes(None, challenge, found);
        let listed = found.scopes.iter().chain(found.server.scopes_supported.iter().flatten());
        let mut all: Vec<Permission> = Vec::new();
        for (names, preset) in [(preset.iter().collect::<Vec<_>>(), true), (listed.collect(), false)] {
            for name in names {
                if all.len() < 500 && !all.iter().any(|p| p.name == *name) {
                    let granted = self.target.granted.contains(name);
                    all.push(Permission { name: name.clone(), preset, granted });
                }
            }
        }
        all
    }

    /// What the target wants, where that is clear and nobody is to be asked; else what the person chooses.
    pub(crate) async fn choose(
        &mut self,
        options: &Options,
        why: Option<Problem>,
    ) -> Result<Choice, SignInError> {
        if !self.target.ask {
            let best = options.offers.first().map(|o| o.method);
            let method = self.target.method.or(best);
            return Ok(Choice { method, permissions: None, client: None });
        }
        let (methods, permissions) = (options.offers.clone(), options.permissions.clone());
        self.phase.send_replace(Phase::Asking { methods, permissions, why });
        let end = Moment::after(&*self.room.clock, WAIT);
        match self.hear(end).await? {
            Said::Choice(mut choice) => {
                let best = options.offers.first().map(|o| o.method);
                choice.method = choice.method.or(self.target.method).or(best);
                Ok(choice)
            }
            // Nothing else is taken in this phase.
            Said::Token(_) | Said::Password { .. } => Err(SignInError::Cancelled),
        }
    }

    /// Wait for a word of the person.
    pub(crate) async fn hear(&mut self, end: Moment) -> Result<Said, SignInError> {
        loop {
            tokio::select! {
                biased;
                said = self.said.recv() => return said.ok_or(SignInError::Cancelled),
                () = tokio::time::sleep(TICK) => {}
            }
            if end.passed(&*self.room.clock) {
                return Err(SignInError::TimedOut);
            }
        }
    }
}
