use crate::{NameError, ShortName};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// How far a connection may go with one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Access {
    /// Tools that the service says only read, and the lists, prompts and resources.
    Read,
    /// Everything, changing included.
    Write,
}

/// One part of a [`Scope`]: `mittwald:read`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permit {
    /// The service's short name.
    pub service: ShortName,
    /// How far.
    pub access: Access,
}

/// What a connection may do: a set of permits, written as OAuth writes a scope (RFC 6749 §3.3):
/// `mittwald:read wordpress:write`. `write` includes `read`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(try_from = "String", into = "String")]
#[ts(type = "string")]
pub struct Scope(BTreeSet<Permit>);

/// Why a text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The part before the colon is no short name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The part after the colon is neither read nor write, or there is no colon.
    #[error("“{0}” is no scope: write it as SERVICE:read or SERVICE:write")]
    Form(String),
}

impl Scope {
    /// A scope of these permits.
    pub fn new(permits: impl IntoIterator<Item = Permit>) -> Self {
        Self(permits.into_iter().collect())
    }

    /// Whether it allows `access` to `service`. `write` includes `read`.
    pub fn allows(&self, service: &ShortName, access: Access) -> bool {
        let has = |access| self.0.contains(&Permit { service: service.clone(), access });
        has(Access::Write) || (access == Access::Read && has(Access::Read))
    }

    /// Whether it allows anything at all with `service`.
    pub fn names(&self, service: &ShortName) -> bool {
        self.allows(service, Access::Read)
    }

    /// Whether everything in `other` is allowed here.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|p| self.allows(&p.service, p.access))
    }

    /// The part of this that `limit` allows too.
    #[must_use]
    pub fn within(&self, limit: &Self) -> Self {
        let mut out = BTreeSet::new();
        for p in &self.0 {
            for access in [Access::Read, Access::Write] {
                if access <= p.access && limit.allows(&p.service, access) {
                    out.insert(Permit { service: p.service.clone(), access });
                }
            }
        }
        Self(out)
    }

    /// Everything that either allows.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The part of this that concerns one service.
    #[must_use]
    pub fn only(&self, service: &ShortName) -> Self {
        Self(self.0.iter().filter(|p| &p.service == service).cloned().collect())
    }

    /// This without anything that concerns one service.
    #[must_use]
    pub fn without(&self, service: &ShortName) -> Self {
        Self(self.0.iter().filter(|p| &p.service != service).cloned().collect())
    }

    /// The permits, in order.
    pub fn permits(&self) -> impl Iterator<Item = &Permit> {
        self.0.iter()
    }

    /// Whether it allows nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Permit {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let form = || ScopeError::Form(text.chars().take(60).collect());
        let (service, access) = text.split_once(':').ok_or_else(form)?;
        let access = match access {
            "read" => Access::Read,
            "write" => Access::Write,
            _ => return Err(form()),
        };
        Ok(Self { service: service.parse()?, access })
    }
}

impl fmt::Display for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = match self.access {
            Access::Read => "read",
            Access::Write => "write",
        };
        write!(f, "{}:{access}", self.service)
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        text.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, permit) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{permit}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

/// What a local token is for (RFC 8707): all services at `/mcp`, or one at `/mcp/<service>`.
///
/// Stored as this and never as a URL, so that a token issued under `localhost` or an earlier port works under
/// the others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// `/mcp`.
    All,
    /// `/mcp/<service>`.
    One(ShortName),
}

impl Resource {
    /// The path of the endpoint.
    pub fn path(&self) -> String {
        match self {
            Self::All => "/mcp".to_owned(),
            Self::One(name) => format!("/mcp/{name}"),
        }
    }

    /// The resource whose endpoint stands at `path`.
    pub fn from_path(path: &str) -> Option<Self> {
        match path.strip_prefix("/mcp")? {
            "" => Some(Self::All),
            rest => rest.strip_prefix('/')?.parse().ok().map(Self::One),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    #[test]
    fn write_includes_read_and_read_does_not_include_write() {
        let name = "a".parse().unwrap();
        assert!(scope("a:write").allows(&name, Access::Read));
        assert!(!scope("a:read").allows(&name, Access::Write));
        assert!(scope("a:write").covers(&scope("a:read")));
    }

    #[test]
    fn a_scope_within_a_limit_never_exceeds_it() {
        assert_eq!(scope("a:write b:read").within(&scope("a:read c:write")), scope("a:read"));
        assert_eq!(scope("a:read").within(&scope("a:write")), scope("a:read"));
    }

    #[test]
    fn a_scope_reads_what_it_writes() {
        assert_eq!(scope("b:read  a:write").to_string(), "a:write b:read");
        assert!("a:delete".parse::<Scope>().is_err());
        assert!("a".parse::<Scope>().is_err());
    }

    #[test]
    fn a_resource_is_found_from_its_path_alone() {
        assert_eq!(Resource::from_path("/mcp"), Some(Resource::All));
        assert_eq!(Resource::from_path("/mcp/a"), Some(Resource::One("a".parse().unwrap())));
        for bad in ["/mcp/", "/mcpx", "/mcp/a/b", "/"] {
            assert_eq!(Resource::from_path(bad), None, "{bad}");
        }
    }
}
