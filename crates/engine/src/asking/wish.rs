//! What a connection wants, as the person is shown it.

use model::{Access, ConnectionId, Permit, Problem, Program, RequestId, Scope, Timestamp};
use sha2::{Digest, Sha256};

/// The most characters of a tool's name that are shown.
pub(super) const LONGEST: usize = 64;

/// What a connection wants: everything the person is shown, as it was when the call came.
///
/// It never changes while it waits. [`Wish::snapshot`] is a hash over all of it, and an approval names that hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) id: RequestId,
    pub(crate) snapshot: String,
    pub(crate) connection: ConnectionId,
    /// The app's name as it is shown.
    pub(crate) app: String,
    pub(crate) computer: String,
    pub(crate) method: control::Method,
    /// The program that was seen when it was let in.
    pub(crate) program: Option<Program>,
    pub(crate) permit: Permit,
    /// The service's title.
    pub(crate) title: String,
    /// The tool it wants to use, made harmless to show.
    pub(crate) tool: Option<String>,
    pub(crate) asked_on: Timestamp,
    pub(crate) until: Timestamp,
}

impl Wish {
    /// What it would be allowed beyond what it is.
    pub(crate) fn asked(&self) -> Scope {
        Scope::new([self.permit.clone()])
    }

    /// What it wants, for the head of a window.
    pub(crate) fn headline(&self) -> String {
        let (app, title) = (&self.app, &self.title);
        match self.permit.access {
            Access::Read => format!("{app} wants to read {title}"),
            Access::Write => format!("{app} wants to change things in {title}"),
        }
    }

    pub(super) fn sealed(mut self) -> Self {
        // Taken apart by name, so that a new field can't be left out by accident.
        let Self {
            id,
            snapshot: _,
            connection,
            app,
            computer,
            method,
            program,
            permit,
            title,
            tool,
            asked_on,
            until,
        } = &self;
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        part("bellhop wish 1");
        part(id.as_str());
        part(connection.as_str());
        part(app);
        part(computer);
        part(match method {
            control::Method::Oauth => "oauth",
            control::Method::Bridge => "bridge",
            control::Method::Device => "device",
            control::Method::AccessKey => "access_key",
        });
        part(if program.is_some() { "seen" } else { "unseen" });
        if let Some(program) = program {
            part(&program.pid.to_string());
            part(&program.identity);
            part(&program.name);
        }
        part(&permit.to_string());
        part(title);
        part(if tool.is_some() { "tool" } else { "no tool" });
        part(tool.as_deref().unwrap_or_default());
        part(&asked_on.millis().to_string());
        part(&until.millis().to_string());
        self.snapshot = hex::encode(hash.finalize());
        self
    }
}

fn what(wish: &Wish) -> (&str, &str) {
    (if wish.permit.access == Access::Read { "read" } else { "change things in" }, &wish.title)
}

/// The person said no.
pub(super) fn denied(wish: &Wish) -> Problem {
    let (access, title) = what(wish);
    Problem::new(
        "engine.more_denied",
        format!("You did not let {} {access} {title}.", wish.app),
        "If that was a mistake, ask again in ten minutes.",
    )
    .with("app", &wish.app)
    .with("service", title)
}

/// Nobody said anything.
pub(super) fn unanswered(wish: &Wish) -> Problem {
    let (access, title) = what(wish);
    Problem::new(
        "engine.more_unanswered",
        format!("Nobody answered whether {} may {access} {title}.", wish.app),
        "Ask again, and answer in Bellhop.",
    )
    .with("app", &wish.app)
    .with("service", title)
}

/// A tool's name as an app says it, with nothing in it that could look like something else.
pub(super) fn plain(tool: &str) -> String {
    tool.chars().filter(|c| c.is_alphanumeric() || "_-./: ".contains(*c)).take(LONGEST).collect()
}
