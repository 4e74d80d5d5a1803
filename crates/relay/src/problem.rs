use crate::app::Ability;
use bytes::Bytes;
use model::{Explain, Permit, Problem};
use protocol::{Era, Id, Object, code};

/// Why a request of an app got no answer from a service.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum RelayError {
    /// `/mcp/x`, and there is no service x that this connection may know of.
    #[error("no such service")]
    NoService { name: String },
    /// The connection's scope lacks this.
    #[error("needs {permit}")]
    NotAllowed { title: String, permit: Permit, tool: Option<String> },
    /// The connection's scope has this, and the token that came does not: the app asked for less.
    #[error("the token lacks {permit}")]
    NarrowToken { title: String, permit: Permit },
    /// No tool, prompt or resource of that name.
    #[error("nothing is called {name}")]
    Nothing { what: &'static str, name: String },
    /// A method nobody knows at the endpoint of all services.
    #[error("no method {method}")]
    NoMethod { method: String },
    /// A parameter is missing or makes no sense.
    #[error("{what}")]
    BadParams { what: &'static str },
    /// No proof for the service is to be had, or Bellhop is paused.
    #[error("{0}")]
    Other(Problem),
    /// The service refuses even a fresh proof.
    #[error("{title} answered 401")]
    SignedOut { title: String },
    /// The sign-in is good, and the provider has not allowed it this.
    #[error("{title} wants {wanted:?}")]
    Lacks { title: String, wanted: Vec<String> },
    /// No connection to the service.
    #[error("{title} could not be reached: {why}")]
    Unreachable { title: String, why: String },
    /// No connection to the service through the proxy at this place.
    #[error("{title} could not be reached through the proxy {place}")]
    Proxy { title: String, place: String },
    /// It took too long.
    #[error("{title} took too long")]
    TimedOut { title: String },
    /// Plain http to another machine.
    #[error("{title} has an address without encryption")]
    Insecure { title: String },
    /// It answered with an HTTP status that is no answer.
    #[error("{title} answered {status}")]
    Status { title: String, status: u16 },
    /// 429.
    #[error("{title} answered 429")]
    Busy { title: String, wait: Option<String> },
    /// A page, or anything that is no MCP.
    #[error("{title} answered with no MCP message")]
    NoMcp { title: String },
    /// The service answered our own request with an error.
    #[error("{title} answered our request with an error")]
    Declined { title: String },
    /// It forgot the session. Handled by opening a new one; seen only when that is forgotten too.
    #[error("{title} forgot the session")]
    SessionGone { title: String },
    /// The connection broke before the answer was there.
    #[error("{title} stopped in the middle of its answer")]
    Died { title: String },
    /// The answer is larger than Bellhop holds.
    #[error("{title} sent too much")]
    TooLarge { title: String },
    /// The connection was revoked.
    #[error("the connection was revoked")]
    Revoked,
    /// The app itself gave the request up.
    #[error("the app gave the request up")]
    GivenUp,
    /// It does not speak as it did when it was last seen.
    #[error("{title} does not understand how it was spoken to")]
    OtherEra { title: String },
    /// The service wants to ask what the app did not say it can be asked.
    #[error("{title} needs {}", .ability.name())]
    MissingCapability { title: String, ability: Ability },
    /// The app did not answer what the service asked.
    #[error("the app did not answer {title}")]
    Unanswered { title: String },
    /// The state that came back is not the one that was given.
    #[error("the state of the request is not the one that was given")]
    BadState,
    /// Too many calls of this app wait for its answers.
    #[error("too many calls wait for answers")]
    TooMany,
    /// The call waited for the person, who did not come in time.
    #[error("nobody answered in Bellhop")]
    NotInTime { title: String },
}

impl RelayError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoService { .. } => "relay.no_service",
            Self::NotAllowed { .. } => "relay.not_allowed",
            Self::NarrowToken { .. } => "relay.narrow_token",
            Self::Nothing { .. } => "relay.nothing_of_that_name",
            Self::NoMethod { .. } => "relay.no_method",
            Self::BadParams { .. } => "relay.bad_params",
            Self::Other(_) => "relay.not_ready",
            Self::SignedOut { .. } => "relay.signed_out",
            Self::Lacks { .. } => "relay.lacks_permission",
            Self::Unreachable { .. } => "relay.unreachable",
            Self::Proxy { .. } => "relay.proxy",
            Self::TimedOut { .. } => "relay.timed_out",
            Self::Insecure { .. } => "relay.insecure",
            Self::Status { .. } => "relay.status",
            Self::Busy { .. } => "relay.busy",
            Self::NoMcp { .. } => "relay.no_mcp",
            Self::Declined { .. } => "relay.declined",
            Self::SessionGone { .. } => "relay.session_gone",
            Self::Died { .. } => "relay.died",
            Self::TooLarge { .. } => "relay.too_large",
            Self::Revoked => "relay.revoked",
            Self::GivenUp => "relay.given_up",
            Self::OtherEra { .. } => "relay.no_mcp",
            Self::MissingCapability { .. } => "relay.missing_capability",
            Self::Unanswered { .. } => "relay.unanswered",
            Self::BadState => "relay.bad_state",
            Self::TooMany => "relay.too_many",
            Self::NotInTime { .. } => "relay.not_in_time",
        }
    }

    /// What the activity log says came of the call.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::GivenUp => "cancelled",
            _ => self.code(),
        }
    }

    /// Whether it may pass by itself: the service or the way to it has trouble, and nobody has to do anything.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Proxy { .. }
                | Self::TimedOut { .. }
                | Self::Status { .. }
                | Self::Busy { .. }
                | Self::NoMcp { .. }
                | Self::Declined { .. }
                | Self::Died { .. }
                | Self::SessionGone { .. }
                | Self::OtherEra { .. }
        )
    }

    fn json_rpc_code(&self, era: Era) -> i64 {
        match (self, era) {
            (Self::MissingCapability { .. }, Era::Modern) => return code::MISSING_CAPABILITY,
            (Self::Nothing { what: "resource", .. }, Era::Modern) => return code::INVALID_PARAMS,
            _ => {}
        }
        match self {
            Self::NoService { .. } | Self::NotAllowed { .. } | Self::NarrowToken { .. } => code::NOT_ALLOWED,
            Self::Nothing { what: "resource", .. } => code::RESOURCE_NOT_FOUND,
            Self::Nothing { .. } | Self::BadParams { .. } | Self::BadState => code::INVALID_PARAMS,
            Self::MissingCapability { .. } | Self::Unanswered { .. } | Self::TooMany => code::INVALID_REQUEST,
            Self::NoMethod { .. } => code::METHOD_NOT_FOUND,
            Self::Other(_) | Self::Revoked | Self::GivenUp | Self::NotInTime { .. } => code::STOPPED,
            _ => code::UPSTREAM,
        }
    }

    /// The answer to the request with this id, for an app of this era.
    pub(crate) fn reply(&self, era: Era, id: &Id) -> Bytes {
        let problem = self.problem();
        let mut data = Object::new().with("code", &problem.code);
        if let Self::NotAllowed { permit, .. } | Self::NarrowToken { permit, .. } = self {
            data = data.with("scope", permit.to_string());
        }
        if let Self::MissingCapability { ability, .. } = self {
            data = data.with("requiredCapabilities", ability.declared());
        }
        protocol::error_with(Some(id), self.json_rpc_code(era), &problem.to_string(), Some(&data.to_raw()))
    }
}

impl Explain for RelayError {
    fn problem(&self) -> Problem {
        let code = self.code();
        match self {
            Self::Other(problem) => problem.clone(),
            Self::NoService { name } => Problem::new(
                code,
                format!("This app may not use a service called “{name}”, or there is none."),
                "Look at the services and at this app's connection in Bellhop.",
            )
            .with("name", name),
            Self::NotAllowed { title, permit, tool } => {
                let access = match permit.access {
                    model::Access::Read => "read from",
                    model::Access::Write => "change things in",
                };
                let what = tool.as_ref().map_or_else(String::new, |t| format!(" “{t}” needs that."));
                Problem::new(
                    code,
                    format!("This app may not {access} {title}.{what}"),
                    format!("To let it, open Bellhop, choose this app's connection and allow “{permit}”."),
                )
                .with("service", title)
                .with("permit", permit)
            }
            Self::NarrowToken { title, permit } => Problem::new(
                code,
                format!("This app's connection may do that in {title}, but the app asked for a token that may do less."),
                "Let the app sign in to Bellhop again.",
            )
            .with("service", title)
            .with("permit", permit),
            Self::Nothing { what, name } => {
                Problem::new(code, format!("There is no {what} called “{name}”."), "Ask for the list again.")
                    .with("name", name)
            }
            Self::NoMethod { method } => {
                Problem::new(code, format!("Bellhop does not know the method “{method}”."), "")
                    .with("method", method)
            }
            Self::BadParams { what } => Problem::new(code, format!("The request is incomplete: {what}."), ""),
            Self::SignedOut { title } => Problem::new(
                code,
                format!("{title} no longer accepts the sign-in."),
                format!("Open Bellhop and sign in to {title} again."),
            )
            .with("service", title),
            Self::Lacks { title, wanted } if wanted.is_empty() => Problem::new(
                code,
                format!("{title} needs a permission for that which the sign-in doesn't have."),
                format!("Open Bellhop, and choose “Allow more” at {title}."),
            )
            .with("service", title),
            Self::Lacks { title, wanted } => {
                let wanted = wanted.join(" ");
                Problem::new(
                    code,
                    format!("{title} needs a permission for that which the sign-in doesn't have: {wanted}."),
                    format!("Open Bellhop, and choose “Allow more” at {title}."),
                )
                .with("service", title)
                .with("wanted", wanted)
            }
            Self::Unreachable { title, .. } => Problem::new(
                code,
                format!("{title} could not be reached."),
                "Check the internet connection, then try again.",
            )
            .with("service", title),
            Self::Proxy { title, place } => Problem::new(
                code,
                format!("{title} could not be reached through the proxy {place}."),
                "Check the internet connection and this computer's proxy settings, then try again.",
            )
            .with("service", title)
            .with("proxy", place),
            Self::TimedOut { title } => {
                Problem::new(code, format!("{title} took too long to answer."), "Try again in a moment.")
                    .with("service", title)
            }
            Self::Insecure { title } => Problem::new(
                code,
                format!("The address of {title} is not encrypted, so nothing was sent."),
                "Add the service again with an address that begins with https://.",
            )
            .with("service", title),
            Self::Status { title, status } => Problem::new(
                code,
                format!("{title} answered with an error ({status})."),
                "Try again in a moment; if it stays, ask the provider.",
            )
            .with("service", title)
            .with("status", status),
            Self::Busy { title, wait } => Problem::new(
                code,
                format!("{title} asks for fewer requests."),
                wait.as_ref().map_or_else(
                    || "Wait a while, then try again.".to_owned(),
                    |w| match w.parse::<u64>() {
                        Ok(seconds) => format!("Try again in {seconds} seconds."),
                        Err(_) => format!("Try again after {w}."),
                    },
                ),
            )
            .with("service", title),
            Self::NoMcp { title } => Problem::new(
                code,
                format!("{title} answered with something that apps can't use."),
                "Check the service's address in Bellhop.",
            )
            .with("service", title),
            Self::Declined { title } => Problem::new(
                code,
                format!("{title} refused to start."),
                "Try again; if it stays, ask the provider.",
            )
            .with("service", title),
            Self::SessionGone { title } | Self::Died { title } => Problem::new(
                code,
                format!("{title} stopped in the middle of its answer."),
                "It may or may not have done what was asked: look before trying again.",
            )
            .with("service", title),
            Self::TooLarge { title } => Problem::new(
                code,
                format!("{title} sent more than Bellhop can carry."),
                "Ask for less at once.",
            )
            .with("service", title),
            Self::OtherEra { title } => Self::NoMcp { title: title.clone() }.problem(),
            Self::GivenUp => Problem::new(code, "The app gave the request up.", ""),
            Self::MissingCapability { title, ability } => Problem::new(
                code,
                format!("{title} wants to ask something ({}) that this app can't be asked.", ability.name()),
                "Use it from an app that can, or give it all it needs in the request.",
            )
            .with("service", title)
            .with("ability", ability.name()),
            Self::Unanswered { title } => Problem::new(
                code,
                format!("The app did not answer what {title} asked."),
                "Try again, and answer the question.",
            )
            .with("service", title),
            Self::BadState => Problem::new(
                code,
                "What was asked is no longer waited for.",
                "Make the request again, without its state.",
            ),
            Self::TooMany => {
                Problem::new(code, "Too many calls of this app wait for answers.", "Answer those first.")
            }
            Self::NotInTime { title } => Problem::new(
                code,
                format!("{title} waits for you in Bellhop."),
                "Answer in Bellhop, then ask again.",
            )
            .with("service", title),
            Self::Revoked => Problem::new(
                code,
                "This app's connection was revoked.",
                "To use it again, connect the app in Bellhop.",
            ),
        }
    }
}
