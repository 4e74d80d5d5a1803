use crate::{
    SignInError,
    address::{as_resource, check_address, host, origin},
    http::{Ask, Guarded},
    probe::Challenge,
};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

/// How to sign in to a service.
#[derive(Debug)]
pub(crate) struct Found {
    /// The resource identifier to ask for (RFC 8707), as the string the service writes; `None` when it is
    /// not to be told.
    pub(crate) resource: Option<String>,
    /// The scopes that the service itself lists.
    pub(crate) scopes: Vec<String>,
    /// Whose sign-in it uses.
    pub(crate) server: Metadata,
}

/// What a service says of itself (RFC 9728 §2).
#[derive(Debug, Deserialize)]
struct ResourceMetadata {
    resource: String,
    #[serde(default)]
    authorization_servers: Option<Vec<String>>,
    #[serde(default)]
    scopes_supported: Option<Vec<String>>,
}

/// What an authorization server says of itself (RFC 8414 §2, OpenID Connect Discovery §3): what we use of it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    #[serde(default)]
    pub(crate) registration_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) revocation_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) device_authorization_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) pushed_authorization_request_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) require_pushed_authorization_requests: Option<bool>,
    #[serde(default)]
    client_id_metadata_document_supported: Option<bool>,
    #[serde(default)]
    pub(crate) userinfo_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) scopes_supported: Option<Vec<String>>,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: Option<bool>,
}

impl Metadata {
    /// Whether the server lists a scope.
    pub(crate) fn lists(&self, scope: &str) -> bool {
        self.scopes_supported.iter().flatten().any(|s| s == scope)
    }

    /// The host of the server, for sentences.
    pub(crate) fn host(&self) -> String {
        check_address(&self.issuer).map_or_else(|_| self.issuer.clone(), |url| host(&url))
    }

    /// Whether a client may be known by the address of its metadata document.
    pub(crate) fn takes_documents(&self) -> bool {
        self.client_id_metadata_document_supported == Some(true)
    }

    fn declares_s256(&self) -> bool {
        self.code_challenge_methods_supported.iter().flatten().any(|m| m == "S256")
    }
}

/// Find out how to sign in to the service at `url`, which answered a stranger with `challenge`.
///
/// A document that is missing, broken or about something else is passed over: real services publish wrong ones
/// beside the right one.
pub(crate) async fn find(
    web: &Guarded,
    url: &Url,
    challenge: &Challenge,
    pkce_undeclared: bool,
) -> Result<Found, SignInError> {
    let mut notes = Vec::new();
    let service = service_metadata(web, url, challenge, &mut notes).await;
    let (resource, scopes, issuers) = match service {
        Some(m) => (m.resource, m.scopes_supported.unwrap_or_default(), m.authorization_servers),
        None => (as_resource(url), Vec::new(), None),
    };
    let server = match issuers.filter(|i| !i.is_empty()) {
        Some(issuers) => {
            let mut first = None;
            let mut found = None;
            for issuer in issuers.iter().take(4) {
                match server_metadata(web, issuer, &[issuer], &mut notes).await {
                    Ok(server) => {
                        found = Some(server);
                        break;
                    }
                    Err(e) => first = first.or(Some(e)),
                }
            }
            match (found, first) {
                (Some(server), _) => server,
                (None, Some(e)) => return Err(e),
                (None, None) => return Err(no_way_in(url, &notes)),
            }
        }
        // Services older than RFC 9728 have their sign-in at their own origin. We made up this issuer ourselves,
        // so that it is not known whether the server writes a slash behind it.
        None => {
            let own = origin(url);
            let slash = format!("{own}/");
            server_metadata(web, &own, &[&own, &slash], &mut notes).await?
        }
    };
    if !server.declares_s256() && !pkce_undeclared {
        return Err(SignInError::NoPkce { host: server.host() });
    }
    Ok(Found { resource: Some(resource), scopes, server })
}

fn no_way_in(url: &Url, notes: &[String]) -> SignInError {
    SignInError::NoWayIn { host: host(url), why: notes.join("; ") }
}

async fn service_metadata(
    web: &Guarded,
    url: &Url,
    challenge: &Challenge,
    notes: &mut Vec<String>,
) -> Option<ResourceMetadata> {
    let mut places: Vec<String> = challenge.resource_metadata.iter().cloned().collect();
    for place in
        [well_known(url, "oauth-protected-resource"), well_known_root(url, "oauth-protected-resource")]
    {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    for place in places {
        let Some(metadata) = document::<ResourceMetadata>(web, &place, notes).await else { continue };
        if covers(&metadata.resource, url) {
            return Some(metadata);
        }
        notes.push(format!("{place} is about another resource"));
    }
    None
}

/// Fetch the metadata of an authorization server. Only a document that names one of `accepted` as its issuer,
/// compared as strings, is believed.
async fn server_metadata(
    web: &Guarded,
    issuer: &str,
    accepted: &[&str],
    notes: &mut Vec<String>,
) -> Result<Metadata, SignInError> {
    let url = check_address(issuer)?;
    web.check(&url)?;
    let oauth = well_known(&url, "oauth-authorization-server");
    let openid = well_known(&url, "openid-configuration");
    let mut places = vec![oauth, openid];
    if url.path() != "/" {
        places.push(format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')));
    }
    let mut differs = None;
    for place in places {
        let Some(metadata) = document::<Metadata>(web, &place, notes).await else { continue };
        if !accepted.contains(&metadata.issuer.as_str()) {
            notes.push(format!("{place} names another issuer"));
            differs = Some(SignInError::IssuerDiffers { asked: issuer.to_owned(), named: metadata.issuer });
            continue;
        }
        // The browser is sent to the first of these, our requests to the others.
        let addresses = [Some(&metadata.authorization_endpoint), Some(&metadata.token_endpoint)];
        let others = [
            &metadata.registration_endpoint,
            &metadata.revocation_endpoint,
            &metadata.userinfo_endpoint,
            &metadata.device_authorization_endpoint,
            &metadata.pushed_authorization_request_endpoint,
        ];
        for address in addresses.into_iter().chain(others.map(Option::as_ref)).flatten() {
            web.check(&check_address(address)?)?;
        }
        return Ok(metadata);
    }
    Err(differs.unwrap_or_else(|| no_way_in(&url, notes)))
}

async fn document<T: DeserializeOwned>(web: &Guarded, place: &str, notes: &mut Vec<String>) -> Option<T> {
    let fetched = match check_address(place) {
        Ok(url) => web.follow(Ask::get(url).accept("application/json")).await.map_err(|e| e.to_string()),
        Err(e) => Err(e.to_string()),
    };
    let found = fetched.and_then(|answer| match answer.status.is_success() {
        true => serde_json::from_slice(&answer.body).map_err(|_| "not the document".to_owned()),
        false => Err(answer.status.to_string()),
    });
    found.map_err(|why| notes.push(format!("{place}: {why}"))).ok()
}

/// The well-known address of a resource or an issuer: inserted between its host and its path (RFC 8414 §3.1).
fn well_known(url: &Url, name: &str) -> String {
    let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
    format!("{}{}{query}", well_known_root(url, name), url.path().trim_end_matches('/'))
}

fn well_known_root(url: &Url, name: &str) -> String {
    format!("{}/.well-known/{name}", origin(url))
}

/// Whether a resource identifier covers an endpoint: it is that address, or a folder above it on the same origin.
pub(crate) fn covers(resource: &str, endpoint: &Url) -> bool {
    if resource == endpoint.as_str() {
        return true;
    }
    let Ok(resource) = check_address(resource) else { return false };
    if origin(&resource) != origin(endpoint) || resource.query().is_some_and(|q| Some(q) != endpoint.query())
    {
        return false;
    }
    let folder = resource.path().trim_end_matches('/');
    endpoint.path().strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        check_address(text).unwrap()
    }

    #[test]
    fn well_known_addresses_keep_the_path_behind_them() {
        let name = "oauth-protected-resource";
        for (given, expected) in [
            ("https://a.example/mcp", "https://a.example/.well-known/oauth-protected-resource/mcp"),
            ("https://a.example/", "https://a.example/.well-known/oauth-protected-resource"),
            (
                "https://a.example:8443/x/?k=1",
                "https://a.example:8443/.well-known/oauth-protected-resource/x?k=1",
            ),
        ] {
            assert_eq!(well_known(&url(given), name), expected);
        }
    }

    #[test]
    fn a_resource_covers_its_own_address_and_what_is_below_and_nothing_else() {
        let endpoint = url("https://a.example/v1/mcp");
        for good in [
            "https://a.example/v1/mcp",
            "https://a.example",
            "https://a.example/v1/",
            "https://a.example/v1/mcp/",
        ] {
            assert!(covers(good, &endpoint), "{good}");
        }
        for bad in [
            "https://b.example/v1/mcp",
            "https://a.example/v1/m",
            "https://a.example:1/",
            "http://a.example/",
            "x",
        ] {
            assert!(!covers(bad, &endpoint), "{bad}");
        }
    }
}
