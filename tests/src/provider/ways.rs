use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};

/// How the provider is; what a test changes of it counts from the next request on.
#[derive(Debug, Clone)]
pub struct Ways {
    /// What it says of an access token's life; it really lives as many seconds, or an hour.
    pub expires_in: Value,
    /// Whether a superseded refresh token gets the same successor again, as long as that was not used. Otherwise it
    /// ends the whole grant.
    pub grace: bool,
    /// Whether the person says no.
    pub denies: bool,
    /// Put over the sign-in server's metadata; `null` takes a field away.
    pub metadata: Value,
    /// Put over the resource's metadata.
    pub resource: Value,
    /// Whether clients get a secret.
    pub secrets: bool,
    /// Whether it has the device grant, with a person who types the code at once.
    pub device: bool,
    /// What it says of the end of a client's secret, in seconds since 1970.
    pub secret_ends: u64,
    /// Whether a client that reads or changes its registration gets a new secret.
    pub new_secrets: bool,
    /// Whether MCP refuses every token.
    pub refuses: bool,
    /// Whether revocation acts; otherwise it answers 200 and does nothing, as some do.
    pub revokes: bool,
    /// API tokens that MCP takes.
    pub api_tokens: Vec<String>,
    /// What the token endpoint does with the next renewals, one after the other.
    pub faults: VecDeque<Fault>,
    /// What is answered at a path instead of what belongs there.
    pub pages: HashMap<String, Page>,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            expires_in: json!(3600),
            grace: false,
            denies: false,
            metadata: json!({}),
            resource: json!({}),
            secrets: false,
            device: false,
            secret_ends: 0,
            new_secrets: false,
            refuses: false,
            revokes: true,
            api_tokens: Vec::new(),
            faults: VecDeque::new(),
            pages: HashMap::new(),
        }
    }
}

/// What a token endpoint may do with a renewal.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It answers with this status, and this `Retry-After`, without having done anything.
    Status(u16, Option<&'static str>),
    /// It hangs up without having done anything.
    Reset,
    /// It does what it was asked for, and hangs up.
    Lost,
    /// It answers with half of a JSON text.
    HalfJson,
    /// Somebody else answers with a page of HTML and 200, as a hotel's network does.
    Portal,
    /// Somebody else sends the request elsewhere.
    Elsewhere(String),
    /// It says no with this error code, though the grant lives.
    Says(&'static str),
    /// It gives a new token that the service refuses.
    StillBorn,
}

/// Any answer.
#[derive(Debug, Clone)]
pub enum Page {
    /// A status, headers and a body.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// A body that has so many bytes, with these headers.
    Long(u64, Vec<(&'static str, String)>),
    /// A head, and then a byte now and then, for ever.
    Slow,
    /// Nothing at all: the connection stays open.
    Silent,
}

impl Page {
    /// JSON.
    pub fn json(value: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Answer(200, headers, value.to_string().into_bytes())
    }

    /// A redirect.
    pub fn redirect(to: &str) -> Self {
        Self::Answer(302, vec![("location", to.to_owned())], Vec::new())
    }
}
