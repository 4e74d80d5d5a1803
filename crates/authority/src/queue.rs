use crate::{
    AskError, DecideError, Method, Offered, Origin, Request,
    backoff::Backoff,
    deadline::Deadline,
    generic,
    redirect::Redirect,
    request::{all, match_code, user_code},
};
use model::{Access, ClientId, Clock, Program, Random, RequestId, Scope};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{oneshot, watch};

/// How long a request waits for an answer.
pub(crate) const WAIT: Duration = Duration::from_secs(10 * 60);
/// How long an answer waits for the browser to fetch it: a page in the background refreshes itself seldom.
const PICK_UP: Duration = Duration::from_secs(5 * 60);
/// How many requests wait at most.
const MOST: usize = 20;
/// How many answers wait for a browser at most.
const MOST_ANSWERED: usize = 100;

/// What became of a request of the bridge, or of a device code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The person allowed it. Whoever waits for this makes the [`crate::Grant`].
    Allowed {
        /// What it may do.
        scope: Scope,
        /// The program that the person was shown.
        program: Option<Program>,
    },
    /// The person denied it.
    Denied,
    /// Nobody answered in time.
    Expired,
}

/// What an app asked by its browser, beyond what the person is shown: all that its code will be bound to.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    /// The client.
    pub(crate) client: ClientId,
    /// Where the answer goes.
    pub(crate) redirect: Redirect,
    /// The app's own `state`, returned as it came.
    pub(crate) state: Option<String>,
    /// The PKCE challenge, by S256.
    pub(crate) challenge: String,
    /// Under which name Bellhop was called: the answer's `iss`.
    pub(crate) issuer: Origin,
}

/// The 128 random bits in the address of the page that waits, in hexadecimal.
pub(crate) type Handle = String;

/// Who is told the answer.
enum Asker {
    Browser {
        handle: Handle,
        ticket: Ticket,
    },
    /// The bridge, or whoever fetches tokens for a device code.
    Waiter(oneshot::Sender<Verdict>),
}

struct Waiting {
    request: Arc<Request>,
    ends: Deadline,
    asker: Asker,
}

/// An answer that a browser has yet to fetch.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// The person allowed it; no code was made yet.
    Allowed { request: Arc<Request>, scope: Scope, ticket: Ticket },
    /// The browser goes here. Kept for a browser that asks twice.
    Go(String),
    /// The person denied it.
    Denied(Ticket),
    /// Nobody answered in time.
    Expired(Ticket),
    /// The same app asked again, and that request took this one's place.
    Replaced,
    /// Another program answers at the redirect now than when the person was asked.
    OtherProgram,
}

/// What a page that waits is told.
pub(crate) enum Poll {
    /// Go on waiting.
    Waiting(Arc<Request>, Ticket),
    /// It is decided.
    Answered(Answer),
    /// There is no such request, or no longer.
    Gone,
}

/// The requests that wait for the person, and the answers that wait for a browser.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    shown: watch::Sender<Arc<Vec<Request>>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

#[derive(Default)]
struct Inner {
    /// Oldest first.
    waiting: Vec<Waiting>,
    answered: HashMap<Handle, (Answer, Deadline)>,
    backoff: Backoff,
}

impl Queue {
    pub(crate) fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { inner: Mutex::default(), shown: watch::Sender::new(Arc::default()), clock, random }
    }

    /// What waits, oldest first.
    pub(crate) fn shown(&self) -> watch::Receiver<Arc<Vec<Request>>> {
        self.shown.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Let a browser's request wait. A client has one request at a time: an earlier one of its own makes room.
    pub(crate) fn ask_browser(
        &self,
        draft: Request,
        ticket: Ticket,
    ) -> Result<(Handle, Arc<Request>), AskError> {
        let mut bits = [0u8; 16];
        self.random.fill(&mut bits);
        let handle = hex::encode(bits);
        let mut inner = self.lock();
        self.expire(&mut inner);
        let keys = Backoff::keys(&draft, Some(&ticket.redirect));
        inner.backoff.check(&keys, &*self.clock)?;
        let earlier = inner.waiting.iter().position(|w| generic::same(&w.request, &draft));
        if earlier.is_none() && inner.waiting.len() >= MOST {
            return Err(AskError::Full);
        }
        if let Some(at) = earlier {
            let old = inner.waiting.remove(at);
            if let Asker::Browser { handle, .. } = old.asker {
                self.answer(&mut inner, handle, Answer::Replaced);
            }
        }
        let asker = Asker::Browser { handle: handle.clone(), ticket };
        let request = self.wait(&mut inner, draft, asker);
        self.show(&inner);
        Ok((handle, request))
    }

    /// Let the bridge's request wait. The same program under the same name has one request at a time.
    pub(crate) fn ask_bridge(
        &self,
        draft: Request,
    ) -> Result<(RequestId, oneshot::Receiver<Verdict>), AskError> {
        let mut inner = self.lock();
        self.expire(&mut inner);
        inner.backoff.check(&Backoff::keys(&draft, None), &*self.clock)?;
        let same = |w: &&Waiting| {
            let seen = |r: &Request| r.program.as_ref().map(|p| p.identity.clone());
            w.request.method == Method::Bridge
                && w.request.app == draft.app
                && seen(&w.request) == seen(&draft)
                && w.request.resource == draft.resource
        };
        if let Some(waiting) = inner.waiting.iter().find(same) {
            return Err(AskError::Waiting(waiting.request.id.clone()));
        }
        if inner.waiting.len() >= MOST {
            return Err(AskError::Full);
        }
        let (tell, told) = oneshot::channel();
        let request = self.wait(&mut inner, draft, Asker::Waiter(tell));
        self.show(&inner);
        Ok((request.id.clone(), told))
    }

    /// Let the request of a device code wait.
    pub(crate) fn ask_device(
        &self,
        draft: Request,
    ) -> Result<(Arc<Request>, oneshot::Receiver<Verdict>), AskError> {
        let mut inner = self.lock();
        self.expire(&mut inner);
        inner.backoff.check(&Backoff::keys(&draft, None), &*self.clock)?;
        if inner.waiting.len() >= MOST {
            return Err(AskError::Full);
        }
        let (tell, told) = oneshot::channel();
        let request = self.wait(&mut inner, draft, Asker::Waiter(tell));
        self.show(&inner);
        Ok((request, told))
    }

    fn wait(&self, inner: &mut Inner, mut request: Request, asker: Asker) -> Arc<Request> {
        let ends = Deadline::after(&*self.clock, WAIT);
        request.id = RequestId::new(&*self.random);
        request.asked_on = self.clock.now();
        request.until = ends.wall();
        let make: fn(&dyn Random) -> String = match request.method {
            Method::Oauth => match_code,
            Method::Device => user_code,
            Method::Bridge | Method::AccessKey => |_| String::new(),
        };
        request.code = loop {
            let code = make(&*self.random);
            if code.is_empty() || inner.waiting.iter().all(|w| w.request.code != code) {
                break code;
            }
        };
        let request = Arc::new(request.sealed());
        inner.waiting.push(Waiting { request: request.clone(), ends, asker });
        request
    }

    /// The person allows what they were shown. `offered` is what is there now.
    pub(crate) fn approve(
        &self,
        id: &RequestId,
        snapshot: &str,
        scope: Scope,
        offered: &[Offered],
    ) -> Result<(), DecideError> {
        let mut inner = self.lock();
        let at = self.find(&mut inner, id)?;
        let request = inner.waiting[at].request.clone();
        if request.snapshot != snapshot {
            return Err(DecideError::Changed);
        }
        if scope.is_empty() {
            return Err(DecideError::Nothing);
        }
        // Both as it was shown and as it is now: a service that was removed since must not leave a permit behind
        // that a later one of the same name would inherit.
        if !all(&request.offered, Access::Write).covers(&scope) || !all(offered, Access::Write).covers(&scope)
        {
            return Err(DecideError::NotOffered);
        }
        let Waiting { asker, .. } = inner.waiting.remove(at);
        match asker {
            Asker::Browser { handle, ticket } => {
                inner.backoff.forgive(&Backoff::keys(&request, Some(&ticket.redirect)));
                self.answer(&mut inner, handle, Answer::Allowed { request, scope, ticket });
            }
            Asker::Waiter(tell) => {
                inner.backoff.forgive(&Backoff::keys(&request, None));
                let verdict = Verdict::Allowed { scope, program: request.program.clone() };
                if tell.send(verdict).is_err() {
                    self.show(&inner);
                    return Err(DecideError::Gone);
                }
            }
        }
        self.show(&inner);
        Ok(())
    }

    /// The person denies it. The same app has to wait before it may ask again.
    pub(crate) fn deny(&self, id: &RequestId) -> Result<(), DecideError> {
        let mut inner = self.lock();
        let at = self.find(&mut inner, id)?;
        let Waiting { request, asker, .. } = inner.waiting.remove(at);
        match asker {
            Asker::Browser { handle, ticket } => {
                inner.backoff.denied(Backoff::keys(&request, Some(&ticket.redirect)), &*self.clock);
                self.answer(&mut inner, handle, Answer::Denied(ticket));
            }
            Asker::Waiter(tell) => {
                inner.backoff.denied(Backoff::keys(&request, None), &*self.clock);
                // A bridge that left before it was denied needs no answer.
                let _ = tell.send(Verdict::Denied);
            }
        }
        self.show(&inner);
        Ok(())
    }

    fn find(&self, inner: &mut Inner, id: &RequestId) -> Result<usize, DecideError> {
        let waited = inner.waiting.iter().any(|w| &w.request.id == id);
        if self.expire(inner) {
            self.show(inner);
        }
        match inner.waiting.iter().position(|w| &w.request.id == id) {
            Some(at) => Ok(at),
            None if waited => Err(DecideError::Expired),
            None => Err(DecideError::Gone),
        }
    }

    /// What the page with this handle is told now.
    pub(crate) fn poll(&self, handle: &str) -> Poll {
        let mut inner = self.lock();
        if self.expire(&mut inner) {
            self.show(&inner);
        }
        if let Some((answer, _)) = inner.answered.get(handle) {
            return Poll::Answered(answer.clone());
        }
        for waiting in &inner.waiting {
            if let Asker::Browser { handle: own, ticket } = &waiting.asker
                && own == handle
            {
                return Poll::Waiting(waiting.request.clone(), ticket.clone());
            }
        }
        Poll::Gone
    }

    /// Put the final answer in the place of [`Answer::Allowed`], once. `final_answer` is called only if nobody
    /// else was quicker, so that one approval makes one code. Returns what stands there then.
    pub(crate) fn settle(&self, handle: &str, final_answer: impl FnOnce() -> Answer) -> Option<Answer> {
        let mut inner = self.lock();
        let (answer, _) = inner.answered.get_mut(handle)?;
        if matches!(answer, Answer::Allowed { .. }) {
            *answer = final_answer();
        }
        Some(answer.clone())
    }

    /// What was allowed and no browser has fetched yet is denied after all.
    pub(crate) fn take_back(&self, of: impl Fn(&Request) -> bool) {
        for (answer, _) in self.lock().answered.values_mut() {
            if let Answer::Allowed { ticket, request, .. } = answer
                && of(request)
            {
                *answer = Answer::Denied(ticket.clone());
            }
        }
    }

    /// End what waited too long, and what a bridge no longer waits for.
    pub(crate) fn sweep(&self) {
        let mut inner = self.lock();
        if self.expire(&mut inner) {
            self.show(&inner);
        }
    }

    /// Returns whether a request ended.
    fn expire(&self, inner: &mut Inner) -> bool {
        let over = |w: &Waiting| match &w.asker {
            _ if w.ends.passed(&*self.clock) => true,
            Asker::Waiter(tell) => tell.is_closed(),
            Asker::Browser { .. } => false,
        };
        let (ended, waiting) = std::mem::take(&mut inner.waiting).into_iter().partition::<Vec<_>, _>(over);
        inner.waiting = waiting;
        inner.answered.retain(|_, (_, until)| !until.passed(&*self.clock));
        let any = !ended.is_empty();
        for Waiting { asker, .. } in ended {
            match asker {
                Asker::Browser { handle, ticket } => self.answer(inner, handle, Answer::Expired(ticket)),
                // One that left is told nothing.
                Asker::Waiter(tell) => drop(tell.send(Verdict::Expired)),
            }
        }
        any
    }

    fn answer(&self, inner: &mut Inner, handle: Handle, answer: Answer) {
        // Replaced requests can be made by the hundred; what a person allowed is not pushed out by them.
        if inner.answered.len() >= MOST_ANSWERED && !matches!(answer, Answer::Allowed { .. }) {
            return;
        }
        inner.answered.insert(handle, (answer, Deadline::after(&*self.clock, PICK_UP)));
    }

    fn show(&self, inner: &Inner) {
        let list = inner.waiting.iter().map(|w| Request::clone(&w.request)).collect();
        self.shown.send_replace(Arc::new(list));
    }
}
