use super::SCHEME_REDIRECT;
use crate::wordpress::{Login, scheme_reply};
use model::{AttemptId, Secret};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc;
use url::form_urlencoded;

/// The longest redirect that is read, in bytes.
const LONGEST: usize = 8 * 1024;

/// What the browser came back with (RFC 6749 §4.1.2).
#[derive(Debug)]
pub(crate) struct Reply {
    state: Secret,
    issuer: Option<String>,
    word: Word,
}

/// Yes or no.
#[derive(Debug)]
pub(crate) enum Word {
    /// The code to exchange.
    Code(Secret),
    /// An error code, not cleaned yet. Its description is not even read: it is prose by whoever wrote the link.
    Error(String),
    /// A user name and an application password of WordPress.
    Password(Login),
}

impl Reply {
    pub(crate) fn new(state: Secret, issuer: Option<String>, word: Word) -> Self {
        Self { state, issuer, word }
    }

    /// Read a query. `None` when it is no reply, or holds anything twice.
    pub(crate) fn from_query(query: &str) -> Option<Self> {
        if query.len() > LONGEST {
            return None;
        }
        let (mut seen, mut state, mut issuer, mut code, mut error) = (HashSet::new(), None, None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "state" => state = Some(Secret::new(value)),
                "iss" => issuer = Some(value.into_owned()),
                "code" => code = Some(Secret::new(value)),
                "error" => error = Some(value.into_owned()),
                _ => {}
            }
            if !seen.insert(name) {
                return None;
            }
        }
        let word = match (code, error) {
            (Some(code), None) => Word::Code(code),
            (None, Some(error)) => Word::Error(error),
            _ => return None,
        };
        Some(Self { state: state?, issuer, word })
    }

    /// What it says.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn word(&self) -> &Word {
        &self.word
    }

    /// Read a redirect to the custom scheme.
    pub(crate) fn from_scheme(url: &str) -> Option<Self> {
        if let Some(reply) = scheme_reply(url) {
            return Some(reply);
        }
        let (place, query) = url.split_once('?')?;
        // Some desktops write the scheme with an empty host; some browsers leave a fragment behind.
        let known = place == SCHEME_REDIRECT || place == SCHEME_REDIRECT.replacen(":/", ":///", 1);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        if known && !url.chars().any(char::is_control) { Self::from_query(query) } else { None }
    }
}

/// The way a reply came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// The loopback listener on this port.
    Port(u16),
    /// The desktop.
    Scheme,
}

/// What a sign-in expects of its reply.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) via: Via,
    /// The issuer the browser was sent to.
    pub(crate) issuer: String,
    /// Whether it promised to name itself in its reply (RFC 9207).
    pub(crate) names_itself: bool,
}

/// What reaches a waiting sign-in.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Its reply.
    Word(Word),
    /// A reply with its state, but not from the server that was asked. It goes on waiting.
    WrongIssuer,
}

/// What became of a reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Intake {
    Taken(AttemptId),
    WrongIssuer(AttemptId),
    Unknown,
}

struct Waiting {
    attempt: AttemptId,
    expected: Expected,
    heard: mpsc::UnboundedSender<Heard>,
}

/// Where replies find the sign-in that waits for them, by the hash of their `state`: comparing hashes gives
/// nothing away by the time it takes.
#[derive(Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<HashMap<[u8; 32], Waiting>>>);

/// A sign-in's place at the desk, given up when dropped.
pub(crate) struct Seat {
    desk: Desk,
    key: [u8; 32],
    pub(crate) heard: mpsc::UnboundedReceiver<Heard>,
}

impl Desk {
    /// Wait for the reply with this state.
    pub(crate) fn sit(&self, attempt: AttemptId, state: &Secret, expected: Expected) -> Seat {
        let (sender, heard) = mpsc::unbounded_channel();
        let key = key(state);
        self.table().insert(key, Waiting { attempt, expected, heard: sender });
        Seat { desk: self.clone(), key, heard }
    }

    /// Take in a reply. One that is forged leaves its sign-in as it was; a good one is taken once.
    pub(crate) fn take_in(&self, reply: Reply, via: Via) -> Intake {
        let key = key(&reply.state);
        let mut table = self.table();
        let Some(waiting) = table.get(&key).filter(|w| w.expected.via == via) else {
            return Intake::Unknown;
        };
        let right = match &reply.issuer {
            Some(issuer) => *issuer == waiting.expected.issuer,
            None => !waiting.expected.names_itself,
        };
        let attempt = waiting.attempt.clone();
        if !right {
            let _ = waiting.heard.send(Heard::WrongIssuer);
            return Intake::WrongIssuer(attempt);
        }
        match table.remove(&key) {
            Some(waiting) if waiting.heard.send(Heard::Word(reply.word)).is_ok() => Intake::Taken(attempt),
            _ => Intake::Unknown,
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<[u8; 32], Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.desk.table().remove(&self.key);
    }
}

fn key(state: &Secret) -> [u8; 32] {
    Sha256::digest(state.expose().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_that_holds_anything_twice_or_nothing_is_none() {
        for good in
            ["code=c&state=s", "error=access_denied&state=s&error_description=x", "state=s&code=c&iss=i"]
        {
            assert!(Reply::from_query(good).is_some(), "{good}");
        }
        let long = format!("code={}&state=s", "c".repeat(LONGEST));
        for bad in [
            "",
            "state=s",
            "code=c",
            "code=c&code=d&state=s",
            "code=c&error=e&state=s",
            "x=1&x=2&code=c&state=s",
            &long,
        ] {
            assert!(Reply::from_query(bad).is_none(), "{bad:.40}");
        }
    }

    #[test]
    fn only_our_own_scheme_and_path_are_a_redirect() {
        assert!(Reply::from_scheme("app.bellhop.desktop:/oauth/callback?code=c&state=s").is_some());
        assert!(Reply::from_scheme("app.bellhop.desktop:/oauth/callback?code=c&state=s#x").is_some());
        for bad in [
            "app.bellhop.desktop://oauth/callback?code=c&state=s",
            "app.bellhop.desktop:/oauth/callback/../x?code=c&state=s",
            "https://x/oauth/callback?code=c&state=s",
            "app.bellhop.desktop:/oauth/callback",
            "app.bellhop.desktop:/oauth/callback?code=c&state=s\n--flag",
        ] {
            assert!(Reply::from_scheme(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_forged_reply_leaves_the_sign_in_waiting_and_the_good_one_counts_once() {
        let desk = Desk::default();
        let expected = Expected { via: Via::Scheme, issuer: "https://a".into(), names_itself: true };
        let mut seat = desk.sit("one".into(), &Secret::new("s"), expected);
        let reply = |query: &str| Reply::from_query(query).unwrap();
        assert_eq!(desk.take_in(reply("code=c&state=other&iss=https://a"), Via::Scheme), Intake::Unknown);
        assert_eq!(desk.take_in(reply("code=c&state=s&iss=https://a"), Via::Port(1)), Intake::Unknown);
        for wrong in ["code=c&state=s&iss=https://b", "code=c&state=s", "code=c&state=s&iss=https://a/"] {
            assert_eq!(desk.take_in(reply(wrong), Via::Scheme), Intake::WrongIssuer("one".into()));
            assert!(matches!(seat.heard.try_recv(), Ok(Heard::WrongIssuer)));
        }
        let good = "code=c&state=s&iss=https%3A%2F%2Fa";
        assert_eq!(desk.take_in(reply(good), Via::Scheme), Intake::Taken("one".into()));
        assert!(matches!(seat.heard.try_recv(), Ok(Heard::Word(Word::Code(_)))));
        assert_eq!(desk.take_in(reply(good), Via::Scheme), Intake::Unknown);
    }
}
