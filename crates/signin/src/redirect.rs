mod desk;
mod listener;
mod page;

pub(crate) use desk::{Desk, Expected, Heard, Intake, Reply, Seat, Via, Word};
pub(crate) use listener::Listener;

/// The redirect to the desktop app's own scheme: reverse-domain form, one slash (RFC 8252 §7.1).
pub const SCHEME_REDIRECT: &str = "app.bellhop.desktop:/oauth/callback";

/// The path of the loopback redirect.
const CALLBACK: &str = "/oauth/callback";
