use crate::{Request, deadline::Deadline, queue::Ticket};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{Clock, ConnectionId, Random, Scope, Secret};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a code is good.
const LIFE: Duration = Duration::from_secs(60);
/// How long a code that was used is remembered, to notice when it is used again.
const MEMORY: Duration = Duration::from_secs(10 * 60);

/// The authorization codes that were given out: random, in memory alone, and kept as hashes so that looking one
/// up says nothing about the others.
#[derive(Default)]
pub(crate) struct Codes {
    known: Mutex<HashMap<[u8; 32], Code>>,
    /// Held while one is redeemed, so that its second use finds what the first made.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

enum Code {
    Fresh(Box<Approved>, Deadline),
    /// Presented once, rightly or not; with the connection that came of it.
    Spent(Option<ConnectionId>, Deadline),
}

/// What a code stands for.
pub(crate) struct Approved {
    /// What the person was shown.
    pub(crate) request: Arc<Request>,
    /// What they allowed.
    pub(crate) scope: Scope,
    /// What the app asked.
    pub(crate) ticket: Ticket,
}

/// What came of presenting a code.
pub(crate) enum Presented {
    /// It was good, and is spent now.
    Good(Box<Approved>),
    /// It had been presented before.
    Again(Option<ConnectionId>),
    /// It never was one, or its minute is over.
    Unknown,
}

impl Codes {
    /// A new code for what the person allowed.
    pub(crate) fn issue(&self, approved: Approved, clock: &dyn Clock, random: &dyn Random) -> Secret {
        let mut bytes = [0u8; 32];
        random.fill(&mut bytes);
        let text = format!("bhc_{}", URL_SAFE_NO_PAD.encode(bytes));
        let mut known = self.lock();
        known.retain(|_, code| match code {
            Code::Fresh(_, until) | Code::Spent(_, until) => !until.passed(clock),
        });
        known.insert(hash(&text), Code::Fresh(Box::new(approved), Deadline::after(clock, LIFE)));
        Secret::new(text)
    }

    /// Somebody presents a code. Whatever else is wrong with their request, it is spent by that.
    pub(crate) fn present(&self, text: &str, clock: &dyn Clock) -> Presented {
        let mut known = self.lock();
        let Some(code) = known.get_mut(&hash(text)) else { return Presented::Unknown };
        match std::mem::replace(code, Code::Spent(None, Deadline::after(clock, MEMORY))) {
            Code::Fresh(approved, until) if !until.passed(clock) => Presented::Good(approved),
            Code::Fresh(..) => Presented::Unknown,
            Code::Spent(made, until) => {
                *code = Code::Spent(made.clone(), until);
                Presented::Again(made)
            }
        }
    }

    /// Codes that nobody has presented yet are good for nothing any more.
    pub(crate) fn take_back(&self, of: impl Fn(&Request) -> bool, clock: &dyn Clock) {
        for code in self.lock().values_mut() {
            if matches!(code, Code::Fresh(approved, _) if of(&approved.request)) {
                *code = Code::Spent(None, Deadline::after(clock, MEMORY));
            }
        }
    }

    /// The code made this connection.
    pub(crate) fn made(&self, text: &str, connection: &ConnectionId) {
        if let Some(Code::Spent(made, _)) = self.lock().get_mut(&hash(text)) {
            *made = Some(connection.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Code>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
