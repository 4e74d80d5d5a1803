use model::{Explain, Problem};

/// What can be wrong with a WordPress site or an application password, each told apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordPressError {
    /// No REST API was found at the address.
    #[error("{host} is no WordPress site, or hides its REST API")]
    NotWordPress {
        /// The host that was asked.
        host: String,
    },
    /// The site has no MCP server.
    #[error("{host} has no MCP server among its REST routes")]
    NoMcp {
        /// The site's host.
        host: String,
    },
    /// The site says that it is at home at another address.
    #[error("{host} says that it is at {named}")]
    AddressDiffers {
        /// The host that was asked.
        host: String,
        /// The address that it names.
        named: String,
    },
    /// The site makes no application passwords: a security plugin or its administrator forbids them.
    #[error("{host} has application passwords switched off")]
    Forbidden {
        /// The site's host.
        host: String,
    },
    /// WordPress makes application passwords over https only, or as environment type `local`.
    #[error("{host} makes no application passwords over http")]
    NeedsHttps {
        /// The site's host.
        host: String,
    },
    /// The `Authorization` header did not get through to WordPress.
    #[error("{host} drops the Authorization header")]
    HeaderLost {
        /// The site's host.
        host: String,
    },
    /// WordPress has no user of this name: often the name of the password was typed.
    #[error("{host} has no user of that name")]
    NoSuchUser {
        /// The site's host.
        host: String,
        /// What was given as the user name.
        user: String,
    },
    /// WordPress saw no password, or has no user of this name; which, it doesn't say.
    #[error("{host} has no user of that name, or drops the Authorization header")]
    Unseen {
        /// The site's host.
        host: String,
        /// What was given as the user name.
        user: String,
    },
    /// There is no such user with such a password; which is wrong, WordPress doesn't say.
    #[error("{host} knows no such user with this password")]
    Unknown {
        /// The site's host.
        host: String,
        /// What was given as the user name.
        user: String,
    },
    /// The password is not one of this user's application passwords.
    #[error("{host} does not know this password")]
    WrongPassword {
        /// The site's host.
        host: String,
    },
    /// A refusal for another reason.
    #[error("{host} refuses this password")]
    Refused {
        /// The site's host.
        host: String,
    },
    /// The answer named another site than the one that was asked.
    #[error("an answer for {host} named another site")]
    OtherSite {
        /// The site's host.
        host: String,
    },
    /// What was typed can be no user name and password.
    #[error("no user name and password")]
    Unreadable,
}

impl Explain for WordPressError {
    fn problem(&self) -> Problem {
        let (code, sentence, next) = match self {
            Self::NotWordPress { host } => (
                "signin.wordpress_none",
                format!("No WordPress site was found at {host}."),
                "Check the address. If it is right, a plugin may hide the site's REST API: allow it there.",
            ),
            Self::NoMcp { host } => (
                "signin.wordpress_no_mcp",
                format!("{host} is a WordPress site, but it has no MCP server."),
                "Install a plugin there that brings one, such as MCP Adapter or AI Connector, then try again.",
            ),
            Self::AddressDiffers { host, named } => {
                return Problem::new(
                    "signin.wordpress_elsewhere",
                    format!("The site at {host} says that its address is {named}."),
                    "Add it under that address, or correct the site address in the site's general settings.",
                )
                .with("host", host)
                .with("named", named);
            }
            Self::Forbidden { host } => (
                "signin.wordpress_forbidden",
                format!("{host} doesn't allow application passwords."),
                "Allow them in the site's security plugin, or ask who runs the site.",
            ),
            Self::NeedsHttps { host } => (
                "signin.wordpress_https",
                format!("{host} makes no application passwords, because it is reached by http."),
                "Use https there. For a site on this computer, set its environment type to local.",
            ),
            Self::HeaderLost { host } => (
                "signin.wordpress_header",
                format!("The web server of {host} drops the password before WordPress sees it."),
                "Ask the hoster to pass the Authorization header on to PHP.",
            ),
            Self::NoSuchUser { host, user } => {
                return Problem::new(
                    "signin.wordpress_user",
                    format!("{host} has no user named “{user}”."),
                    "Give the name you log in to WordPress with, not the name of the application password.",
                )
                .with("host", host)
                .with("user", user);
            }
            Self::Unknown { host, user } => {
                return Problem::new(
                    "signin.wordpress_unknown",
                    format!("{host} knows no user “{user}” with this application password."),
                    "Give the name you log in to WordPress with, not the name of the password, and paste an application password from your profile there; the password you log in with does not work.",
                )
                .with("host", host)
                .with("user", user);
            }
            Self::Unseen { host, user } => {
                return Problem::new(
                    "signin.wordpress_unseen",
                    format!("{host} knows no user “{user}” with this application password, or its web server drops the password."),
                    "Give the name you log in with. If it is right, ask the hoster to pass the Authorization header on to PHP.",
                )
                .with("host", host)
                .with("user", user);
            }
            Self::WrongPassword { host } => (
                "signin.wordpress_password",
                format!("{host} doesn't know this password."),
                "Paste an application password from your profile there; the password you log in with does not work.",
            ),
            Self::Refused { host } => (
                "signin.wordpress_refused",
                format!("{host} refuses this password."),
                "Check that this user may use the REST API there, or ask who runs the site.",
            ),
            Self::OtherSite { host } => (
                "signin.wordpress_other_site",
                format!("An answer came from a site other than {host}, so Bellhop did not use it."),
                "Close the page in the browser and try again.",
            ),
            Self::Unreadable => {
                return Problem::new(
                    "signin.wordpress_unreadable",
                    "This is no user name and password that WordPress could know.",
                    "Type the user name, and paste the application password as WordPress shows it.",
                );
            }
        };
        let Some(host) = self.host() else { return Problem::new(code, sentence, next) };
        Problem::new(code, sentence, next).with("host", host)
    }
}

impl WordPressError {
    fn host(&self) -> Option<&str> {
        match self {
            Self::NotWordPress { host }
            | Self::NoMcp { host }
            | Self::AddressDiffers { host, .. }
            | Self::Forbidden { host }
            | Self::NeedsHttps { host }
            | Self::HeaderLost { host }
            | Self::NoSuchUser { host, .. }
            | Self::Unseen { host, .. }
            | Self::Unknown { host, .. }
            | Self::WrongPassword { host }
            | Self::OtherSite { host }
            | Self::Refused { host } => Some(host),
            Self::Unreadable => None,
        }
    }
}
