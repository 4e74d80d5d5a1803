use crate::Random;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// 128 random bits in lower-case hexadecimal, so that an id never has to be escaped anywhere.
fn fresh(random: &dyn Random) -> Arc<str> {
    let mut bytes = [0u8; 16];
    random.fill(&mut bytes);
    hex::encode(bytes).into()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ts_rs::TS)]
        #[serde(transparent)]
        #[ts(type = "string")]
        pub struct $name(Arc<str>);

        impl $name {
            /// A new id of 128 random bits.
            pub fn new(random: &dyn Random) -> Self {
                Self(fresh(random))
            }

            /// The id as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

ids! {
    /// A service: a remote MCP server and the one account signed in to it.
    ServiceId
    /// What proves us to a service.
    CredentialId
    /// An app's leave to use services through Bellhop.
    ConnectionId
    /// A client registered with the local authorization server (RFC 7591 `client_id`).
    ClientId
    /// A request of an app to be let in, waiting for a person.
    RequestId
    /// A sign-in to a service that is under way.
    AttemptId
    /// An MCP session of the legacy era (`Mcp-Session-Id`).
    SessionId
    /// A vault: names its item in the keychain, so that two homes never overwrite each other.
    VaultId
    /// An AI app's entry in the list of known apps, such as `claude-desktop`; not random.
    AppId
}
