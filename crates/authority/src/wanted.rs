//! What an app asks for: which endpoint, and what it wants to do there.

use crate::{Offered, origin::is_loopback, request::all};
use model::{Access, Permit, Resource, Scope};
use url::Url;

/// An app asked for an endpoint that there isn't (RFC 8707: `invalid_target`).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownResource;

/// The endpoint that all `resource` parameters name; `None` when there is none of them.
///
/// Any of the three loopback names and any port will do, since a token is good under each of them.
pub(crate) fn resource<'a>(
    values: impl Iterator<Item = &'a str>,
) -> Result<Option<Resource>, UnknownResource> {
    let mut found = None;
    for value in values {
        let resource = one(value).ok_or(UnknownResource)?;
        if found.as_ref().is_some_and(|f| f != &resource) {
            return Err(UnknownResource);
        }
        found = Some(resource);
    }
    Ok(found)
}

fn one(text: &str) -> Option<Resource> {
    let url = Url::parse(text).ok()?;
    let plain = url.scheme() == "http"
        && url.host_str().is_some_and(is_loopback)
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !plain {
        return None;
    }
    match url.path() {
        // Some apps name the origin alone; its metadata is that of `/mcp`.
        "/" => Some(Resource::All),
        path => Resource::from_path(path.strip_suffix('/').unwrap_or(path)),
    }
}

/// What an app asks for, of what is offered.
///
/// Words that are no scope of ours (`openid`, `offline_access`) are passed over. An app that asks for nothing
/// else asks to read everything. `None` when all it asks for is about services that are not offered.
pub(crate) fn asked(scope: Option<&str>, offered: &[Offered]) -> Option<Scope> {
    let permits = permits(scope.unwrap_or_default());
    if permits.is_empty() {
        return Some(all(offered, Access::Read));
    }
    let asked = permits.within(&all(offered, Access::Write));
    (!asked.is_empty()).then_some(asked)
}

/// The permits in a scope parameter; other words are passed over.
pub(crate) fn permits(scope: &str) -> Scope {
    Scope::new(scope.split_ascii_whitespace().filter_map(|word| word.parse::<Permit>().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_known_under_every_loopback_name_and_port() {
        let read = |text: &str| resource([text].into_iter());
        for all in [
            "http://127.0.0.1:27440/mcp",
            "http://localhost/mcp/",
            "http://[::1]:9/mcp",
            "http://127.0.0.1:1",
        ] {
            assert_eq!(read(all), Ok(Some(Resource::All)), "{all}");
        }
        assert_eq!(read("http://localhost:1/mcp/a"), Ok(Some(Resource::One("a".parse().unwrap()))));
        for bad in [
            "",
            "mcp",
            "https://127.0.0.1/mcp",
            "http://evil.example/mcp",
            "http://127.0.0.1/other",
            "http://127.0.0.1/mcp?x",
            "http://127.0.0.1/mcp#x",
            "http://127.0.0.1/mcp/a/b",
        ] {
            assert_eq!(read(bad), Err(UnknownResource), "{bad}");
        }
    }

    #[test]
    fn two_resources_must_be_the_same() {
        let same = ["http://127.0.0.1:1/mcp", "http://localhost:2/mcp"];
        assert_eq!(resource(same.into_iter()), Ok(Some(Resource::All)));
        let differ = ["http://127.0.0.1:1/mcp", "http://127.0.0.1:1/mcp/a"];
        assert_eq!(resource(differ.into_iter()), Err(UnknownResource));
        assert_eq!(resource([].into_iter()), Ok(None));
    }

    #[test]
    fn asking_for_nothing_known_is_asking_to_read_everything() {
        let offered: Vec<_> = ["a", "b"]
            .iter()
            .map(|n| Offered { name: n.parse().unwrap(), title: n.to_uppercase() })
            .collect();
        let asked = |scope| asked(scope, &offered).map(|s| s.to_string());
        assert_eq!(asked(None).unwrap(), "a:read b:read");
        assert_eq!(asked(Some("openid offline_access")).unwrap(), "a:read b:read");
        assert_eq!(asked(Some("a:write openid ghost:read")).unwrap(), "a:read a:write");
        assert_eq!(asked(Some("ghost:read")), None);
    }
}
