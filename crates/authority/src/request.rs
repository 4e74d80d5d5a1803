use crate::{Method, Offered};
use model::{Access, ClientId, Permit, Program, Random, RequestId, Resource, Scope, Timestamp};
use sha2::{Digest, Sha256};

/// An app that waits for the person's answer: everything the person is shown, as it was when the app asked.
///
/// It never changes while it waits. [`Request::snapshot`] is a hash over all of it, and an approval names that
/// hash, so that nothing can be swapped between the question and the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// SHA-256 over all the rest, in hexadecimal.
    pub snapshot: String,
    /// The match code that the browser shows too, such as `TIN OAK 7`, or the user code that the program shows, such
    /// as `WDJB-MJHT`; unique among those that wait. Empty for the bridge, which shows nothing.
    pub code: String,
    /// The registered client; `None` for the bridge.
    pub client: Option<ClientId>,
    /// The app's name as it said it, made harmless to show. Not verified.
    pub app: String,
    /// How it would be let in.
    pub method: Method,
    /// Where the browser goes afterwards: a host such as `127.0.0.1`, or a scheme such as `cursor:`. Empty for
    /// the bridge.
    pub redirect: String,
    /// The program that was seen behind it; `None` when none could be seen.
    pub program: Option<Program>,
    /// What it asked for.
    pub asked: Scope,
    /// What it may be allowed: every service that was there, or the one its resource names.
    pub offered: Vec<Offered>,
    /// What to tick at first: reading what it asked for, never changing.
    pub preselected: Scope,
    /// The endpoint its tokens would be for.
    pub resource: Resource,
    /// Since when it waits.
    pub asked_on: Timestamp,
    /// When it ends unanswered.
    pub until: Timestamp,
}

/// What the bridge says of the app that started it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeAsk {
    /// The app's name as it said it.
    pub app: String,
    /// The program that started the bridge, as the system shows it.
    pub program: Option<Program>,
    /// What it asks for; `None` is reading everything that is offered.
    pub asked: Option<Scope>,
    /// The endpoint it will use.
    pub resource: Resource,
}

impl Request {
    /// The same request with its snapshot filled in.
    pub(crate) fn sealed(mut self) -> Self {
        self.snapshot = self.hash();
        self
    }

    /// Hash every field but the snapshot itself, each with its length before it.
    fn hash(&self) -> String {
        // Taken apart by name, so that a new field can't be left out by accident.
        let Self {
            id,
            snapshot: _,
            code,
            client,
            app,
            method,
            redirect,
            program,
            asked,
            offered,
            preselected,
            resource,
            asked_on,
            until,
        } = self;
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        part("bellhop request 1");
        part(id.as_str());
        part(code);
        part(client.as_ref().map_or("", |c| c.as_str()));
        part(app);
        part(match method {
            Method::Oauth => "oauth",
            Method::Bridge => "bridge",
            Method::Device => "device",
            Method::AccessKey => "access_key",
        });
        part(redirect);
        part(if program.is_some() { "seen" } else { "unseen" });
        if let Some(program) = program {
            part(&program.pid.to_string());
            part(&program.identity);
            part(&program.name);
        }
        part(&asked.to_string());
        part(&offered.len().to_string());
        for service in offered {
            part(service.name.as_str());
            part(&service.title);
        }
        part(&preselected.to_string());
        part(&resource.path());
        part(&asked_on.millis().to_string());
        part(&until.millis().to_string());
        hex::encode(hash.finalize())
    }
}

/// One kind of access to every one of these services.
pub(crate) fn all(offered: &[Offered], access: Access) -> Scope {
    Scope::new(offered.iter().map(|o| Permit { service: o.name.clone(), access }))
}

/// Short words that look and sound unlike each other. 64 of them, so that a byte picks one evenly.
const WORDS: [&str; 64] = [
    "ANT", "ARM", "ASH", "BAG", "BED", "BEE", "BOX", "BUS", "CAP", "CAT", "COW", "CUP", "DOG", "DOT", "EAR",
    "EGG", "ELF", "ELM", "EYE", "FAN", "FIG", "FIR", "FOG", "FOX", "GEM", "GUM", "HAT", "HEN", "ICE", "INK",
    "IVY", "JAM", "JAR", "JET", "KEY", "KIT", "LEG", "LOG", "MAP", "MUD", "MUG", "NET", "NUT", "OAK", "OAR",
    "OWL", "PAN", "PEA", "PEN", "PIE", "POT", "RUG", "SAW", "SEA", "SKY", "SUN", "TEA", "TIN", "TOY", "URN",
    "VAN", "WAX", "YAK", "ZIP",
];

/// A match code: two words and a digit from 2 to 9. It is compared by eye and proves nothing else, so it need
/// not be long; 32,768 of them make it unlikely that an attacker's page shows the same one.
pub(crate) fn match_code(random: &dyn Random) -> String {
    let mut bytes = [0u8; 3];
    random.fill(&mut bytes);
    let word = |b: u8| WORDS[usize::from(b & 63)];
    format!("{} {} {}", word(bytes[0]), word(bytes[1]), 2 + (bytes[2] & 7))
}

/// The letters of a user code: no vowels, so that no word comes of them, and none that is taken for another
/// (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A user code, such as `WDJB-MJHT`: eight letters of twenty, 34 bits. Nobody types it where it could be guessed: the
/// person compares it.
pub(crate) fn user_code(random: &dyn Random) -> String {
    let mut code = String::with_capacity(9);
    while code.len() < 9 {
        let mut byte = [0u8];
        random.fill(&mut byte);
        // 240 is twelve times twenty: above it some letters would come more often than others.
        if byte[0] < 240 {
            code.push(char::from(LETTERS[usize::from(byte[0] % 20)]));
        }
        if code.len() == 4 {
            code.push('-');
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::FixedRandom;
    use std::collections::HashSet;

    fn request() -> Request {
        Request {
            id: RequestId::from("r"),
            snapshot: String::new(),
            code: "TIN OAK 7".into(),
            client: Some(ClientId::from("c")),
            app: "Codex".into(),
            method: Method::Oauth,
            redirect: "127.0.0.1".into(),
            program: None,
            asked: "a:read".parse().unwrap(),
            offered: vec![Offered { name: "a".parse().unwrap(), title: "A".into() }],
            preselected: "a:read".parse().unwrap(),
            resource: Resource::All,
            asked_on: Timestamp::from_millis(1),
            until: Timestamp::from_millis(2),
        }
        .sealed()
    }

    #[test]
    fn a_snapshot_changes_with_anything_the_person_is_shown() {
        let program = |identity: &str| Program { pid: 1, identity: identity.into(), name: "p".into() };
        let mut seen = HashSet::from([request().snapshot]);
        let changes: Vec<fn(&mut Request)> = vec![
            |r| r.id = RequestId::from("s"),
            |r| r.code = "TIN OAK 8".into(),
            |r| r.client = None,
            |r| r.app = "Cursor".into(),
            |r| r.method = Method::Bridge,
            |r| r.redirect = "cursor:".into(),
            |r| r.asked = "a:write".parse().unwrap(),
            |r| r.offered[0].title = "B".into(),
            |r| r.offered.clear(),
            |r| r.preselected = Scope::default(),
            |r| r.resource = Resource::One("a".parse().unwrap()),
            |r| r.asked_on = Timestamp::from_millis(3),
            |r| r.until = Timestamp::from_millis(3),
        ];
        for change in changes {
            let mut changed = request();
            change(&mut changed);
            assert!(seen.insert(changed.sealed().snapshot));
        }
        for identity in ["/usr/bin/a", "/usr/bin/b"] {
            let mut changed = request();
            changed.program = Some(program(identity));
            assert!(seen.insert(changed.sealed().snapshot));
        }
    }

    #[test]
    fn a_match_code_is_two_different_looking_words_and_a_digit() {
        assert_eq!(WORDS.iter().collect::<HashSet<_>>().len(), 64);
        let code = match_code(&FixedRandom::default());
        let parts: Vec<_> = code.split(' ').collect();
        assert!(parts.len() == 3 && WORDS.contains(&parts[0]) && WORDS.contains(&parts[1]), "{code}");
        assert!((2..=9).contains(&parts[2].parse::<u8>().unwrap()));
    }
}
