use model::ShortName;
use serde::Deserialize;
use std::sync::OnceLock;

/// A tile: how a known provider is connected.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tile {
    /// Its id, which services made from it keep.
    pub(crate) id: String,
    /// The title.
    pub(crate) title: String,
    /// One sentence about it.
    pub(crate) about: String,
    /// The short name proposed for a service made from it.
    pub(crate) name: ShortName,
    /// Where it is.
    pub(crate) at: At,
    /// How its sign-in comes back.
    #[serde(default)]
    pub(crate) redirect: Redirect,
    /// The permissions that are asked for at first; all the provider offers when there are none.
    #[serde(default)]
    pub(crate) permissions: Vec<String>,
}

/// Where a provider is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum At {
    /// At a fixed address.
    Url {
        /// The MCP endpoint.
        url: String,
    },
    /// In a program that Bellhop starts.
    Playground,
}

/// How a sign-in comes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Redirect {
    /// To a port of this computer.
    #[default]
    Loopback,
    /// To Bellhop's own scheme: the provider compares redirects exactly, port included.
    Scheme,
}

/// All tiles, in the order in which they are shown.
#[allow(clippy::expect_used, reason = "the data is part of the program and a test reads it")]
pub(crate) fn tiles() -> &'static [Tile] {
    static TILES: OnceLock<Vec<Tile>> = OnceLock::new();
    TILES.get_or_init(|| {
        serde_json::from_str(include_str!("../data/catalogue.json")).expect("the catalogue is well formed")
    })
}

/// The tile of that id.
pub(crate) fn tile(id: &str) -> Option<&'static Tile> {
    tiles().iter().find(|t| t.id == id)
}

/// A short name for a service at `url`: the telling part of its host's name, else its own title.
pub(crate) fn name_for(url: &str, title: Option<&str>) -> ShortName {
    const COMMON: [&str; 6] = ["www", "mcp", "api", "app", "apis", "server"];
    let host = url::Url::parse(url).ok().and_then(|u| match u.host() {
        Some(url::Host::Domain(d)) if d != "localhost" => Some(d.to_owned()),
        _ => None,
    });
    let from_host = host.and_then(|h| {
        let labels: Vec<&str> = h.split('.').collect();
        // The last label is the country or the kind; before it stands whose it is.
        let own = if labels.len() > 1 { &labels[..labels.len() - 1] } else { &labels[..] };
        let telling = own.iter().rev().find(|l| l.len() > 2 && !COMMON.contains(l));
        ShortName::nearest(telling.or(own.last())?)
    });
    from_host
        .or_else(|| ShortName::nearest(title?))
        .or_else(|| ShortName::nearest("service"))
        .unwrap_or_else(|| tiles()[0].name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_well_formed_and_the_playground_comes_first() {
        assert_eq!(tiles()[0].id, "playground");
        for t in tiles() {
            assert_eq!(tile(&t.id), Some(t), "ids are unique");
        }
    }

    #[test]
    fn a_service_is_named_for_whose_it_is() {
        let cases = [
            ("https://mcp.mittwald.de/mcp", None, "mittwald"),
            ("https://api.githubcopilot.com/mcp/", None, "githubcopilo"),
            ("https://blog.anna.example.co.uk/wp-json/mcp", None, "example"),
            ("http://127.0.0.1:9000/mcp", Some("Notes of Anna"), "notes_of_ann"),
            ("http://[::1]:9000/mcp", None, "service"),
            ("https://x.io", None, "x"),
        ];
        for (url, title, name) in cases {
            assert_eq!(name_for(url, title).as_str(), name, "{url}");
        }
    }
}
