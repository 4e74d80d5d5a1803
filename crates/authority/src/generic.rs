//! The generic client: for programs that can sign in and can't register, and whose person types a client id.
//!
//! Every such program uses the same id, so that says nothing of who it is. What the person is shown, and what is known
//! again, is the program that was seen; and the answer goes to this computer alone.

use crate::{Request, label, redirect::Redirect};
use model::{ClientId, Program};

/// The client id that such a program is given. A registered one never looks like it.
pub const GENERIC: &str = "generic";

/// What it is called where no program can be seen.
const NAME: &str = "Generic client";

/// Whether this is the generic client.
pub(crate) fn is(client: &ClientId) -> bool {
    client.as_str() == GENERIC
}

/// Where it may be answered: anywhere on this computer.
pub(crate) fn may_go(redirect: &Redirect) -> bool {
    redirect.loopback_port().is_some()
}

/// What the person is shown as its name.
pub(crate) fn name(program: Option<&Program>) -> String {
    label::app(program.map_or(NAME, |p| &p.name))
}

/// Whether two requests are of one client, so that the later one takes the earlier one's place.
pub(crate) fn same(one: &Request, other: &Request) -> bool {
    let seen = |r: &Request| r.program.as_ref().map(|p| p.identity.clone());
    one.client == other.client && (!one.client.as_ref().is_some_and(is) || seen(one) == seen(other))
}
