//! How Bellhop comes to be known to a sign-in server, in the order that the specification wants.

use crate::{
    ClientSource, RedirectChoice, Registration, SignInError,
    discovery::Metadata,
    flow::Flow,
    http::Guarded,
    redirect::Listener,
    registration::{Unregistered, document_registration, given_registration, register, register_device},
    visit::Way,
};

impl Flow {
    /// Choose where the browser comes back to, and introduce Bellhop to the server for that. If the server does
    /// not like the one way, the other is tried.
    pub(crate) async fn introduce(
        &mut self,
        web: &Guarded,
        server: &Metadata,
        scopes: &[String],
    ) -> Result<(Way, Registration), SignInError> {
        let scheme = self.target.scheme_available;
        let first = match self.target.redirect {
            RedirectChoice::Scheme if scheme => Way::Scheme,
            _ => match Listener::bind(&self.room.loopback, &self.room.desk).await {
                Ok(listener) => Way::Loopback(listener),
                Err(e) if scheme => {
                    tracing::info!("no loopback port, so the custom scheme is used: {e}");
                    Way::Scheme
                }
                Err(e) => return Err(SignInError::NoPort(e.to_string())),
            },
        };
        if let Some(registration) = self.registration_at_hand(server) {
            return Ok((first, registration));
        }
        let name = &self.room.client_name;
        let refused = match register(web, server, name, &first.redirect_uri(), scopes).await {
            Ok(registration) => return Ok((first, self.registered(registration))),
            Err(Unregistered::Other(e)) => return Err(e),
            Err(Unregistered::Redirect(e)) => e,
        };
        let second = match first {
            Way::Loopback(_) if scheme => Way::Scheme,
            Way::Loopback(_) => return Err(refused),
            Way::Scheme => match Listener::bind(&self.room.loopback, &self.room.desk).await {
                Ok(listener) => Way::Loopback(listener),
                Err(_) => return Err(refused),
            },
        };
        match register(web, server, name, &second.redirect_uri(), scopes).await {
            Ok(registration) => Ok((second, self.registered(registration))),
            Err(Unregistered::Other(e) | Unregistered::Redirect(e)) => Err(e),
        }
    }

    /// The same for the device grant, which comes back nowhere.
    pub(crate) async fn introduce_device(
        &mut self,
        web: &Guarded,
        server: &Metadata,
        scopes: &[String],
    ) -> Result<Registration, SignInError> {
        if let Some(registration) = self.registration_at_hand(server) {
            return Ok(registration);
        }
        match register_device(web, server, &self.room.client_name, scopes).await {
            Ok(registration) => Ok(self.registered(registration)),
            Err(Unregistered::Other(e) | Unregistered::Redirect(e)) => Err(e),
        }
    }

    /// The registration that needs no asking: the one that the person was given, else our metadata document.
    fn registration_at_hand(&self, server: &Metadata) -> Option<Registration> {
        if let Some(given) = &self.target.client {
            return Some(given_registration(given.clone(), server));
        }
        if let Some((issuer, known)) = &self.target.known
            && *issuer == server.issuer
            && known.source == ClientSource::Given
        {
            return Some(known.clone());
        }
        let document = self.room.client_document.as_deref().filter(|_| server.takes_documents())?;
        Some(document_registration(document))
    }

    fn registered(&mut self, registration: Registration) -> Registration {
        self.registration.insert(registration).clone()
    }
}

/// Whether an address can be that of a Client ID Metadata Document: https, with a path, and nothing that a server would
/// have to leave out to compare it (draft-ietf-oauth-client-id-metadata-document, section 3).
pub(crate) fn may_be_document(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| {
        url.scheme() == "https"
            && url.path() != "/"
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.as_str() == address
    })
}

#[cfg(test)]
mod tests {
    use super::may_be_document;

    #[test]
    fn an_address_of_a_metadata_document_is_one_that_every_server_reads_alike() {
        assert!(may_be_document("https://bellhop.example/client.json"));
        for bad in [
            "http://bellhop.example/client.json",
            "https://bellhop.example",
            "https://bellhop.example/",
            "https://bellhop.example/client.json#x",
            "https://anna@bellhop.example/client.json",
            "https://bellhop.example/a/../client.json",
            "client.json",
            "",
        ] {
            assert!(!may_be_document(bad), "{bad}");
        }
    }
}
