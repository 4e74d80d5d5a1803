use model::ShortName;
use serde::Deserialize;

/// A tile: how a known provider is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tile {
    /// Its id, which services made from it keep.
    pub(crate) id: String,
    /// Its name in the registry's form, `namespace/name`.
    pub(crate) full_name: String,
    /// The title.
    pub(crate) title: String,
    /// One sentence about it.
    pub(crate) about: String,
    /// Where one reads more.
    pub(crate) website: Option<String>,
    /// The short name proposed for a service made from it.
    pub(crate) name: ShortName,
    /// Where it is.
    pub(crate) at: At,
    /// Whether the person added it themselves: its address is one that they typed.
    pub(crate) own: bool,
    /// What is Bellhop's own of it.
    pub(crate) extra: Extra,
}

/// Where a provider is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    /// At a fixed address.
    Url {
        /// The MCP endpoint.
        url: String,
    },
    /// In a program that Bellhop starts.
    Playground,
    /// At a site of the person's, whose address they type; where its MCP endpoint is, is found out.
    Site {
        /// What such an address looks like.
        example: String,
    },
}

/// What Bellhop knows beyond the registry's form, in an entry's `_meta` under [`super::read::EXTENSION`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Extra {
    /// The tile's id; the second half of its name where there is none.
    pub(crate) id: Option<String>,
    /// The short name proposed; made from the id where there is none.
    pub(crate) short_name: Option<ShortName>,
    /// What it is, where it is no server at a fixed address.
    pub(crate) kind: Option<Kind>,
    /// The letters on its tile; the title's first where there are none.
    pub(crate) mark: Option<String>,
    /// The tile's colour, `#rrggbb`.
    pub(crate) colour: Option<String>,
    /// Words by which it is found too.
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    /// How its sign-in comes back.
    #[serde(default)]
    pub(crate) redirect: Redirect,
    /// The permissions that are asked for at first; what the provider proposes when there are none.
    #[serde(default)]
    pub(crate) permissions: Vec<String>,
    /// Tools that only read, where the service doesn't say so itself.
    #[serde(default)]
    pub(crate) read_tools: Vec<String>,
    /// The tool that says whose account it is, when it is called without arguments. It only reads.
    pub(crate) account_tool: Option<String>,
    /// After how many days without use a refresh token is lost.
    pub(crate) refresh_idle_days: Option<u16>,
    /// What a person should know before they sign in.
    pub(crate) note: Option<String>,
    /// Where a person makes an API token.
    pub(crate) token_page: Option<String>,
    /// Where a person takes a sign-in back by hand.
    pub(crate) revoke_page: Option<String>,
}

/// What a tile is, where it is no server at a fixed address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Bellhop's own playground.
    Playground,
    /// A WordPress site.
    Wordpress,
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

impl Tile {
    /// The letters on it.
    pub(crate) fn mark(&self) -> String {
        let first = || self.title.chars().next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
        self.extra.mark.clone().unwrap_or_else(first)
    }
}
