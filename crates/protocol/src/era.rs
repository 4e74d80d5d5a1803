use std::{fmt, str::FromStr};

/// The two ways of MCP: with `initialize` and sessions, and without either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// `initialize`, `Mcp-Session-Id`, requests from the server to the client: until 2025-11-25.
    Legacy,
    /// Stateless, `server/discover`: since 2026-07-28.
    Modern,
}

/// A published revision of MCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Revision {
    /// 2024-11-05: the first.
    V20241105,
    /// 2025-03-26: streamable HTTP, batches.
    V20250326,
    /// 2025-06-18: no batches, the version header, elicitation.
    V20250618,
    /// 2025-11-25: the last of the legacy era.
    V20251125,
    /// 2026-07-28: the first of the modern era.
    V20260728,
}

/// A text that names no revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no revision of MCP has this name")]
pub struct UnknownRevision;

impl Revision {
    /// All of them, oldest first.
    pub const ALL: [Self; 5] =
        [Self::V20241105, Self::V20250326, Self::V20250618, Self::V20251125, Self::V20260728];

    /// The newest one that still has `initialize`.
    pub const NEWEST_LEGACY: Self = Self::V20251125;

    /// The newest of all.
    pub const NEWEST: Self = Self::V20260728;

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V20241105 => "2024-11-05",
            Self::V20250326 => "2025-03-26",
            Self::V20250618 => "2025-06-18",
            Self::V20251125 => "2025-11-25",
            Self::V20260728 => "2026-07-28",
        }
    }

    /// Its era.
    pub const fn era(self) -> Era {
        match self {
            Self::V20260728 => Era::Modern,
            _ => Era::Legacy,
        }
    }

    /// Whether a POST may hold a list of messages.
    pub const fn has_batches(self) -> bool {
        matches!(self, Self::V20250326)
    }

    /// Whether requests after `initialize` carry the version header.
    pub const fn has_version_header(self) -> bool {
        !matches!(self, Self::V20241105 | Self::V20250326)
    }

    /// What `initialize` is answered with: what was asked for when it is of the legacy era, else the newest
    /// of that era. (An `initialize` that names a modern revision gets 2025-11-25 back.)
    pub fn negotiate(asked: &str) -> Self {
        match asked.parse::<Self>() {
            Ok(revision) if revision.era() == Era::Legacy => revision,
            _ => Self::NEWEST_LEGACY,
        }
    }
}

impl FromStr for Revision {
    type Err = UnknownRevision;

    fn from_str(text: &str) -> Result<Self, UnknownRevision> {
        Self::ALL.into_iter().find(|r| r.as_str() == text).ok_or(UnknownRevision)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initialize_is_answered_with_what_was_asked_for_or_the_newest_of_its_era() {
        assert_eq!(Revision::negotiate("2025-06-18"), Revision::V20250618);
        assert_eq!(Revision::negotiate("2024-11-05"), Revision::V20241105);
        for newest in ["2026-07-28", "2099-01-01", "", "x"] {
            assert_eq!(Revision::negotiate(newest), Revision::V20251125);
        }
    }

    #[test]
    fn every_revision_reads_what_it_writes() {
        for revision in Revision::ALL {
            assert_eq!(revision.to_string().parse(), Ok(revision));
        }
    }
}
