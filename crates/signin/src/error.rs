use crate::{AddressError, HttpError, WordPressError};
use model::{Explain, Problem};

/// Why a sign-in did not succeed. What stood before it is untouched.
///
/// Texts that come from a server are limited to the codes of its answers; its prose is never repeated.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SignInError {
    /// The address is none that may be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A server could not be reached or did not answer properly.
    #[error("{host}: {cause}")]
    Http {
        /// Whom we asked.
        host: String,
        /// What happened.
        cause: HttpError,
    },
    /// A WordPress site or its application password has one of the troubles that they have.
    #[error(transparent)]
    WordPress(#[from] WordPressError),
    /// The address answers, but not as an MCP server.
    #[error("{host} is no MCP server: {why}")]
    NotMcp {
        /// The host of the address.
        host: String,
        /// What it answered instead, for the log.
        why: String,
    },
    /// The service wants a sign-in and publishes no usable way to do it.
    #[error("{host} asks for a sign-in but does not say how: {why}")]
    NoWayIn {
        /// The host of the service.
        host: String,
        /// The documents that were looked at, for the log.
        why: String,
    },
    /// The metadata of a sign-in server names another server as itself (RFC 8414 §3.3).
    #[error("the metadata of {asked} names {named} as its issuer")]
    IssuerDiffers {
        /// The issuer that was asked.
        asked: String,
        /// The issuer in the answer.
        named: String,
    },
    /// The sign-in server does not declare PKCE with S256.
    #[error("{host} does not declare PKCE with S256")]
    NoPkce {
        /// The host of the sign-in server.
        host: String,
    },
    /// The sign-in server registers no clients.
    #[error("{host} has no registration endpoint")]
    NoRegistration {
        /// The host of the sign-in server.
        host: String,
    },
    /// The sign-in server refused to register Bellhop.
    #[error("{host} refused the registration: {code}")]
    RegistrationRefused {
        /// The host of the sign-in server.
        host: String,
        /// Its error code.
        code: String,
    },
    /// No port could be bound for the browser to come back to, and the custom scheme is not available.
    #[error("no loopback port could be bound: {0}")]
    NoPort(String),
    /// The person, or the provider for them, said no.
    #[error("access was denied at {host}")]
    Denied {
        /// The host of the sign-in server.
        host: String,
    },
    /// The sign-in server ended the sign-in with an error.
    #[error("{host} ended the sign-in: {code}")]
    Refused {
        /// The host of the sign-in server.
        host: String,
        /// Its error code.
        code: String,
    },
    /// The only replies that came did not come from the server that was asked (RFC 9207).
    #[error("a reply named an issuer other than {issuer}, or none")]
    WrongIssuer {
        /// The issuer that was asked.
        issuer: String,
    },
    /// The sign-in server's answer to the code was no token.
    #[error("{host} gave no token: {why}")]
    NoToken {
        /// The host of the sign-in server.
        host: String,
        /// What its answer was, for the log.
        why: String,
    },
    /// The service refuses the sign-in that was just made for it.
    #[error("{host} refuses the token that was just issued for it")]
    NewTokenRefused {
        /// The host of the service.
        host: String,
    },
    /// What the person named is no header that a token could travel in.
    #[error("{name:?} is no header for a token")]
    TokenHeader {
        /// The name, cleaned.
        name: String,
    },
    /// The service refuses the token or password that the person gave.
    #[error("{host} refuses the secret that was given")]
    SecretRefused {
        /// The host of the service.
        host: String,
    },
    /// The service has no such way to sign in.
    #[error("{host} has no such way to sign in")]
    NotOffered {
        /// The host of the service.
        host: String,
    },
    /// The code of the device authorization grant ended before anybody typed it.
    #[error("the code of {host} ended")]
    CodeEnded {
        /// The host of the sign-in server.
        host: String,
    },
    /// Nobody came back from the browser in time.
    #[error("nobody came back from the browser in time")]
    TimedOut,
    /// The person cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Explain for SignInError {
    fn problem(&self) -> Problem {
        const AGAIN: &str = "Try again.";
        match self {
            Self::Address(e) => e.problem(),
            Self::WordPress(e) => e.problem(),
            Self::Http { host, cause } => cause.explain(host),
            Self::NotMcp { host, .. } => Problem::new(
                "signin.not_mcp",
                format!("{host} answers, but there is no MCP server at this address."),
                "Check the address; it often ends in /mcp.",
            )
            .with("host", host),
            Self::NoWayIn { host, .. } => Problem::new(
                "signin.no_way_in",
                format!("{host} asks for a sign-in but doesn't say how to sign in."),
                "Check the address, or ask the provider how its MCP server signs people in.",
            )
            .with("host", host),
            Self::IssuerDiffers { asked, .. } => Problem::new(
                "signin.issuer_differs",
                format!("The sign-in of {asked} says that it belongs to somebody else, so Bellhop did not use it."),
                "Tell the provider that its sign-in metadata names another server.",
            )
            .with("issuer", asked),
            Self::NoPkce { host } => Problem::new(
                "signin.no_pkce",
                format!("{host} doesn't say that its sign-in is protected against interception, so Bellhop did not use it."),
                "Ask the provider to declare PKCE (S256) in its sign-in metadata.",
            )
            .with("host", host),
            Self::NoRegistration { host } => Problem::new(
                "signin.no_registration",
                format!("{host} doesn't let new apps introduce themselves."),
                "Ask the provider whether Bellhop can be registered there.",
            )
            .with("host", host),
            Self::RegistrationRefused { host, code } => Problem::new(
                "signin.registration_refused",
                format!("{host} did not accept Bellhop as a new app."),
                "Try again later, or ask the provider.",
            )
            .with("host", host)
            .with("answer", code),
            Self::NoPort(_) => Problem::new(
                "signin.no_port",
                "This computer gave Bellhop no port for the browser to come back to.",
                "Check whether a firewall or a security program stops Bellhop from listening on 127.0.0.1.",
            ),
            Self::Denied { host } => {
                Problem::new("signin.denied", format!("The sign-in at {host} was denied."), AGAIN).with("host", host)
            }
            Self::Refused { host, code } if code == "invalid_scope" => Problem::new(
                "signin.permission_refused",
                format!("{host} does not give all the permissions that were asked for."),
                "Ask for fewer: leave out what you added, then try again.",
            )
            .with("host", host),
            Self::Refused { host, code } => Problem::new(
                "signin.refused",
                format!("{host} ended the sign-in with an error."),
                "Try again; if it happens again, ask the provider.",
            )
            .with("host", host)
            .with("answer", code),
            Self::WrongIssuer { issuer } => Problem::new(
                "signin.wrong_issuer",
                format!("The browser came back with a reply that is not from {issuer}, so Bellhop did not use it."),
                "Close the page in the browser and try again; if it happens again, don't sign in there and ask the provider.",
            )
            .with("issuer", issuer),
            Self::NoToken { host, .. } => Problem::new(
                "signin.no_token",
                format!("{host} did not complete the sign-in."),
                "Try again; if it happens again, ask the provider.",
            )
            .with("host", host),
            Self::NewTokenRefused { host } => Problem::new(
                "signin.new_token_refused",
                format!("The sign-in worked, but {host} does not accept it."),
                "Check that the account may use this service, then try again.",
            )
            .with("host", host),
            Self::TokenHeader { name } => Problem::new(
                "signin.token_header",
                "A token can't be sent in a header of that name.",
                "Use the name that the provider's documentation gives, such as X-Api-Key.",
            )
            .with("name", name),
            Self::SecretRefused { host } => Problem::new(
                "signin.secret_refused",
                format!("{host} does not accept that."),
                "Check that you copied all of it and that it is still valid, then give it again.",
            )
            .with("host", host),
            Self::NotOffered { host } => Problem::new(
                "signin.not_offered",
                format!("{host} has no such way to sign in."),
                "Choose another method, or leave the choice to Bellhop.",
            )
            .with("host", host),
            Self::CodeEnded { host } => Problem::new(
                "signin.code_ended",
                format!("Nobody typed the code at {host} in time."),
                AGAIN,
            )
            .with("host", host),
            Self::TimedOut => {
                Problem::new("signin.timed_out", "Nobody signed in within 10 minutes, so Bellhop stopped waiting.", AGAIN)
            }
            Self::Cancelled => Problem::new("signin.cancelled", "The sign-in was cancelled.", AGAIN),
        }
    }
}
