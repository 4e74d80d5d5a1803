use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How the tools of all services are shown to an app, as the person chose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Listing {
    /// All of them, unless they are more than the app can hold: then to be searched.
    #[default]
    Auto,
    /// All of them.
    Full,
    /// Two tools, of which one finds the others and one calls them.
    Compact,
}

/// A text that is no [`Listing`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is auto, full or compact")]
pub struct ListingError;

impl Listing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Full, Self::Compact];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Full => "full",
            Self::Compact => "compact",
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Listing {
    type Err = ListingError;

    fn from_str(text: &str) -> Result<Self, ListingError> {
        Self::ALL.into_iter().find(|l| l.as_str() == text).ok_or(ListingError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read_as_it_is_written() {
        for listing in Listing::ALL {
            assert_eq!(listing.to_string().parse(), Ok(listing));
        }
        assert!("all".parse::<Listing>().is_err());
    }
}
